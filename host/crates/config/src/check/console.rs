//! Checks `[console.proxy]` and `[console.roles]`.

use frontgate_console_access::proxy::Proxy;

use super::Report;
use crate::Config;

/// Least length of the proxy's secret, in characters.
const SECRET_CHARS_MIN: usize = 16;

pub(super) fn check(config: &Config, report: &mut Report<'_, '_>) {
    let roles = &config.console.roles;
    for (member, tenants) in &roles.tenants {
        for name in tenants.iter().filter(|name| !config.tenants.contains_key(*name)) {
            let key = format!("console.roles.tenants.{member}");
            report.add(&key, &format!("tenant `{name}` is not in the configuration"), "name a tenant of [tenants]");
        }
    }
    let Some(proxy) = &config.console.proxy else { return };
    headers(proxy, report);
    if proxy.secret.error().is_none() && proxy.secret.expose().chars().count() < SECRET_CHARS_MIN {
        let problem = format!("has fewer than {SECRET_CHARS_MIN} characters");
        report.add("console.proxy.secret", &problem, "create one with `openssl rand -hex 32`");
    }
    if let Some(place) = &proxy.sign_out
        && !(place.starts_with("https://") || place.starts_with('/') && !place.starts_with("//"))
    {
        report.add("console.proxy.sign_out", "is neither a path nor an https URL", "write \"/oauth2/sign_out\"");
    }
    if roles.is_empty() {
        let fix = "write viewer = [\"*\"] below [console.roles], and name operators";
        report.add("console.proxy", "no person has a role, so the proxy lets in no one", fix);
    }
}

fn headers(proxy: &Proxy, report: &mut Report<'_, '_>) {
    let named =
        [("user", Some(&proxy.user)), ("groups", proxy.groups.as_ref()), ("secret_header", Some(&proxy.secret_header))];
    let mut seen = Vec::new();
    for (key, name) in named.into_iter().filter_map(|(key, name)| Some((key, name?))) {
        let key = format!("console.proxy.{key}");
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            report.add(&key, "is not the name of a header", "write the name alone, such as \"x-forwarded-email\"");
        } else if seen.contains(&lower) || ["cookie", "host", "origin", "authorization"].contains(&&*lower) {
            report.add(&key, "is a header with another purpose", "choose another header");
        }
        seen.push(lower);
    }
}
