//! Checks `[tenants.NAME.front.APP]`.

use frontgate_front::Settings;
use url::Url;

use super::outbound::networks;
use super::{Report, api_url, has_user_info, plugin_name};

pub(super) fn check(key: &str, name: &str, app: &Settings, report: &mut Report<'_, '_>) {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        report.add(key, "is not a name that can be part of a URL", "use letters, digits, `-` and `_`");
    }
    if app.app_uid.is_none() {
        let fix = "add `app_uid = { env = \"FRONT_APP_UID\" }`";
        report.add(&format!("{key}.app_uid"), "is missing, so no call to Front can be signed", fix);
    }
    if app.app_secrets.is_empty() {
        let fix = "add `app_secrets = [{ env = \"FRONT_APP_SECRET\" }]`";
        report.add(&format!("{key}.app_secrets"), "is empty, so no request can be verified", fix);
    }
    plugin_name(&format!("{key}.plugin"), &app.plugin, report);
    api_url(&format!("{key}.api_url"), &app.api_url, "https://api2.frontapp.com", report);
    networks(&format!("{key}.files_networks"), &app.files_networks, report);
    for (list, urls) in [("files_urls", &app.files_urls), ("storage_urls", &app.storage_urls)] {
        for (index, url) in urls.iter().enumerate() {
            if !is_origin(url) {
                let problem = "is neither an origin nor a wildcard origin";
                let fix = "write https://files.example.com or https://*.example.com";
                report.add(&format!("{key}.{list}[{index}]"), problem, fix);
            }
        }
    }
}

/// Returns whether a text is a scheme, a host and optionally a port. `https://*.` matches all hosts below a name.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://*.").map(|below| format!("https://{below}"));
    let url = Url::parse(host.as_deref().unwrap_or(text));
    url.is_ok_and(|url| {
        let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && !has_user_info(&url);
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && !text.ends_with('/')
    })
}
