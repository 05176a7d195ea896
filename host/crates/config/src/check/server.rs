//! Checks `[server]`, `[admin]` and `[log]`.

use std::net::IpAddr;

use frontgate_gateway::settings::TrustedProxy;
use frontgate_system::ownership;
use frontgate_tls::Certificate;

use super::Report;
use crate::Config;

pub(super) fn check(config: &Config, report: &mut Report<'_, '_>) {
    public_url(config, report);
    tls(config, report);
    proxies(config, report);
    if config.server.listen.address() == Some(config.admin.listen) && config.admin.listen.port() != 0 {
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
    let (key, example) =
        ("server.public_url", "write scheme and host, and a path if a proxy adds one: https://gateway.example.com");
    match &config.server.public_url {
        Some(url) => {
            if let Some(problem) = url.problem() {
                report.add(key, &problem, example);
            }
        }
        None if config.server.listen.address().is_none_or(|address| address.ip().is_unspecified()) => {
            let problem = "is not a reachable address, and server.public_url is missing";
            report.add("server.listen", problem, "set server.public_url to the external URL");
        }
        None => {}
    }
}

/// Reports a certificate that cannot be used.
fn tls(config: &Config, report: &mut Report<'_, '_>) {
    let Some(tls) = &config.server.tls else { return };
    if let Some(acme) = &tls.acme {
        if tls.certificate.is_some() || tls.key.is_some() {
            let fix = "remove certificate and key, or [server.tls.acme]";
            report.add("server.tls", "has files and ACME", fix);
        }
        if let Some(problem) = acme.problem(config.server.public_url.as_deref()) {
            report.add("server.tls.acme", problem, "see docs/operate/tls-and-proxies.md");
        }
        return super::ca_files("server.tls.acme.ca_files", &acme.ca_files, report);
    }
    let Some((certificate, key)) = tls.files() else {
        return report.add("server.tls", "certificate or key is missing", "name the PEM files of both");
    };
    if let Err(problem) = Certificate::read(certificate, key, ownership::open) {
        report.add("server.tls.certificate", &format!("{problem:#}"), "name PEM files of a certificate and its key");
    }
}

/// Reports settings of proxies that have no effect.
fn proxies(config: &Config, report: &mut Report<'_, '_>) {
    let server = &config.server;
    if server.proxy_protocol && server.trusted_proxies.is_empty() {
        let fix = "list the addresses of the proxies in server.trusted_proxies";
        report.add("server.proxy_protocol", "has no effect without server.trusted_proxies", fix);
    }
    let is_unix = server.listen.address().is_none();
    if !is_unix && server.trusted_proxies.contains(&TrustedProxy::Unix) {
        let fix = "write the address of the proxy, or listen on \"unix:PATH\"";
        report.add("server.trusted_proxies", "\"unix\" has no effect for a listener with an address", fix);
    }
}

/// Returns whether a text is a host name without scheme, port or path. IP addresses need not be listed.
fn is_host_name(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    plain && name.chars().any(|c| c.is_ascii_alphanumeric()) && name.parse::<IpAddr>().is_err()
}
