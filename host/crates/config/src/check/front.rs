//! Checks `[tenants.NAME.front.APP]`.

use frontgate_front::Settings;
use frontgate_front::settings::oauth::Oauth;
use url::Url;

use super::outbound::networks;
use super::{Report, api_url, has_user_info, is_loopback, plugin_name};

/// Shortest client secret, in characters: Front can be asked to use a random one.
const CLIENT_SECRET_LENGTH_MIN: usize = 32;

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
    if let Some(settings) = &app.oauth {
        oauth(&format!("{key}.oauth"), settings, report);
    }
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

/// Checks the authorization server of an app.
fn oauth(key: &str, oauth: &Oauth, report: &mut Report<'_, '_>) {
    let is_plain = oauth.client_id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if oauth.client_id.is_empty() || !is_plain {
        let problem = "is not an id of letters, digits and signs without a colon";
        report.add(&format!("{key}.client_id"), problem, "write the client id of the app's settings in Front");
    }
    if oauth.client_secrets.is_empty() {
        let fix = "add `client_secrets = [{ env = \"FRONT_OAUTH_SECRET\" }]`";
        report.add(&format!("{key}.client_secrets"), "is empty, so Front cannot get tokens", fix);
    }
    for (index, secret) in oauth.client_secrets.iter().enumerate() {
        if secret.error().is_none() && secret.expose().len() < CLIENT_SECRET_LENGTH_MIN {
            let problem = format!("has less than {CLIENT_SECRET_LENGTH_MIN} characters, so it can be guessed");
            let fix = "generate one with `openssl rand -hex 32`, and enter it in Front";
            report.add(&format!("{key}.client_secrets[{index}]"), &problem, fix);
        }
    }
    if oauth.redirect_uris.is_empty() {
        let fix = "add the redirect address that Front shows in the app's settings";
        report.add(&format!("{key}.redirect_uris"), "is empty, so no sign-in can return to Front", fix);
    }
    for (index, uri) in oauth.redirect_uris.iter().enumerate() {
        if !is_redirect(uri) {
            let problem = "is not an https URL without a fragment and in its normal form";
            let fix = "copy the redirect address that Front shows";
            report.add(&format!("{key}.redirect_uris[{index}]"), problem, fix);
        }
    }
    if oauth.display_name.trim().is_empty() || oauth.display_name.chars().any(char::is_control) {
        report.add(&format!("{key}.display_name"), "is not a name", "write a name such as \"Front\"");
    }
    if oauth.access_token_lifetime_ms > oauth.refresh_token_lifetime_ms {
        let problem = "is longer than `refresh_token_lifetime_ms`";
        report.add(&format!("{key}.access_token_lifetime_ms"), problem, "choose a shorter lifetime");
    }
}

/// Returns whether a browser may be sent to an address: https, or this machine for tests.
fn is_redirect(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        // A text that the parser changes would differ from the one that Front sends, or be read otherwise by a browser.
        let is_normal = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
        is_safe && is_normal && url.has_host() && url.fragment().is_none() && !has_user_info(&url)
    })
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
