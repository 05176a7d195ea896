//! Whether a Front app can be served as it is written.

use url::Url;

use super::{Report, api_url, has_user_info, names_plugin};

/// Front gives up after this many milliseconds.
const TIMEOUT_MS: u64 = 7_000;

/// Times, sizes and counts, with the range in which they can work.
pub(super) fn ranges(key: &str, app: &frontgate_front::Settings) -> [(String, u64, u64, u64); 14] {
    let (day, gib) = (86_400_000, 1 << 30);
    let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    [
        ("timeout_ms", app.timeout_ms, 1, TIMEOUT_MS - 1),
        ("provider_timeout_ms", app.provider_timeout_ms, 1, day),
        ("signature_window_ms", app.signature_window_ms, 1_000, day),
        ("body_bytes_max", size(app.body_bytes_max), 1_024, gib),
        ("channels_max", size(app.channels_max), 1, 1_000_000),
        ("waiting_max", app.waiting_max, 1, 1_000_000_000),
        ("waiting_bytes_max", app.waiting_bytes_max, 1, 1 << 50),
        ("provider_calls_per_channel_max", size(app.provider_calls_per_channel_max), 1, 4_096),
        ("events_max", size(app.events_max), 1, 10_000),
        ("calls_per_second_max", app.calls_per_second_max.into(), 1, 1_000),
        ("at_once_per_channel_max", size(app.at_once_per_channel_max), 1, 1_000),
        ("import_patience_ms", app.import_patience_ms, 1, day),
        ("files_timeout_ms", app.files_timeout_ms, 1, day),
        ("file_patience_ms", app.file_patience_ms, 0, day),
    ]
    .map(|(name, value, least, most)| (format!("{key}.{name}"), value, least, most))
}

pub(super) fn check(key: &str, name: &str, app: &frontgate_front::Settings, report: &mut Report<'_, '_>) {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        report.fault(key, "is no name that can stand in an address", "use letters, digits, `-` and `_`");
    }
    if app.app_uid.is_none() {
        let fix = "add `app_uid = { env = \"FRONT_APP_UID\" }`";
        report.fault(&format!("{key}.app_uid"), "is missing, so no call to Front could be signed", fix);
    }
    if app.app_secrets.is_empty() {
        report.fault(
            &format!("{key}.app_secrets"),
            "there is no secret, so no request could be verified",
            "add `app_secrets = [{ env = \"FRONT_APP_SECRET\" }]`",
        );
    }
    names_plugin(&format!("{key}.plugin"), &app.plugin, report);
    api_url(&format!("{key}.api_url"), &app.api_url, "https://api2.frontapp.com", report);
    super::outbound::networks(&format!("{key}.files_networks"), &app.files_networks, report);
    for (list, urls) in [("files_urls", &app.files_urls), ("storage_urls", &app.storage_urls)] {
        for (index, url) in urls.iter().enumerate() {
            if !is_origin(url) {
                let problem = "is neither a host nor all hosts below one";
                let fix = "write https://files.example.com or https://*.example.com";
                report.fault(&format!("{key}.{list}[{index}]"), problem, fix);
            }
        }
    }
}

/// Scheme, host and perhaps port; `*.` before the host of https stands for all below it.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://*.").map(|below| format!("https://{below}"));
    let url = Url::parse(host.as_deref().unwrap_or(text));
    url.is_ok_and(|url| {
        let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && !has_user_info(&url);
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && !text.ends_with('/')
    })
}
