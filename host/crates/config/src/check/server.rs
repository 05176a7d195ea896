//! Checks `[server]`, `[admin]` and `[log]`.

use std::net::IpAddr;

use url::Url;

use super::Report;
use crate::Config;

pub(super) fn check(config: &Config, report: &mut Report<'_, '_>) {
    public_url(config, report);
    if config.server.listen == config.admin.listen && config.server.listen.port() != 0 {
        report.add("admin.listen", "is also the address of the public listener", "choose another port");
    }
    for (index, name) in config.admin.hosts.iter().enumerate() {
        if !is_host_name(name) {
            let key = format!("admin.hosts[{index}]");
            report.add(&key, "is not a host name", "write the name alone, such as \"gateway.internal\"");
        }
    }
    if let Err(problem) = config.log.filter() {
        report.add("log.level", &problem, "write error, warn, info, debug or trace");
    }
}

fn public_url(config: &Config, report: &mut Report<'_, '_>) {
    let (key, example) = ("server.public_url", "write https://gateway.example.com");
    match config.server.public_url.as_deref().map(Url::parse) {
        Some(Ok(url)) => {
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
                report.add(key, "is neither an https nor an http URL", example);
            }
            if url.query().is_some() || url.fragment().is_some() {
                report.add(key, "has a query or a fragment", "write scheme and host, and a path if a proxy adds one");
            }
        }
        Some(Err(error)) => report.add(key, &error.to_string(), example),
        None if config.server.listen.ip().is_unspecified() => {
            let problem = "is not a reachable address, and server.public_url is missing";
            report.add("server.listen", problem, "set server.public_url to the external URL");
        }
        None => {}
    }
}

/// Returns whether a text is a host name without scheme, port or path. IP addresses need not be listed.
fn is_host_name(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    plain && name.chars().any(|c| c.is_ascii_alphanumeric()) && name.parse::<IpAddr>().is_err()
}
