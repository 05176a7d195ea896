//! What must hold beyond the shape of the file: addresses that can be used, names that exist,
//! secrets that are there.

use std::collections::BTreeMap;

use super::document::Document;
use super::fault::Fault;
use super::tenant::Role;
use super::{Config, Tenant};

/// Frontline gives up after this.
const FRONTLINE_TIMEOUT_MS: u64 = 6_000;

/// Adds a fault for everything that cannot work.
pub(super) fn check(config: &mut Config, document: &Document<'_>, faults: &mut Vec<Fault>) {
    let mut report = Report { document, faults };
    for (key, secret) in config.secrets_mut() {
        if let Some(problem) = secret.fault() {
            report.fault(&key, problem, "set it, or name another source");
        }
    }
    server(config, &mut report);
    limits(config, &mut report);
    plugins(config, &mut report);
    tenants(&config.tenants, &mut report);
}

/// The known name that was most likely meant.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

struct Report<'r, 'd> {
    document: &'r Document<'d>,
    faults: &'r mut Vec<Fault>,
}

impl Report<'_, '_> {
    fn fault(&mut self, key: &str, problem: &str, fix: &str) {
        self.faults.push(Fault {
            place: self.document.place(key),
            problem: format!("{key}: {problem}"),
            fix: fix.to_owned(),
        });
    }
}

fn server(config: &Config, report: &mut Report<'_, '_>) {
    let server = &config.server;
    if let Some(url) = &server.public_url {
        let key = "server.public_url";
        if !matches!(url.scheme(), "http" | "https") {
            report.fault(key, "the scheme is neither https nor http", "write https://gateway.example.com");
        }
        if url.query().is_some() || url.fragment().is_some() {
            report.fault(key, "has a query or a fragment", "name scheme and host, and a path if a proxy adds one");
        }
    }
    if server.listen == config.admin.listen && server.listen.port() != 0 {
        report.fault("admin.listen", "is the public listener's address too", "give it a port of its own");
    }
}

fn limits(config: &Config, report: &mut Report<'_, '_>) {
    let server = &config.server;
    let plugins = &config.plugins;
    let positive = [
        ("server.connections_max", server.connections_max as u64),
        ("server.connections_per_address_max", server.connections_per_address_max as u64),
        ("server.connection_age_ms", server.connection_age_ms),
        ("server.header_timeout_ms", server.header_timeout_ms),
        ("server.headers_max", server.headers_max as u64),
        ("server.body_timeout_ms", server.body_timeout_ms),
        ("server.body_bytes_max", server.body_bytes_max as u64),
        ("plugins.calls_max", u64::from(plugins.calls_max)),
        ("plugins.file_bytes_max", plugins.file_bytes_max),
        ("plugins.compile_timeout_ms", plugins.compile_timeout_ms),
        ("plugins.rescan_interval_ms", plugins.rescan_interval_ms),
        ("plugins.limits.cpu_time_ms", plugins.limits.cpu_time_ms),
        ("plugins.limits.call_timeout_ms", plugins.limits.call_timeout_ms),
    ];
    for (key, value) in positive {
        if value == 0 {
            report.fault(key, "is 0, which would let nothing through", "write a positive number, or leave it out");
        }
    }
    // hyper refuses a smaller buffer than this.
    if server.header_bytes_max < 8_192 {
        report.fault("server.header_bytes_max", "is below 8192", "write 8192 or more");
    }
    if plugins.calls_max > 4_096 {
        report.fault(
            "plugins.calls_max",
            "is above 4096: each place reserves gigabytes of address space",
            "write 4096 or less",
        );
    }
}

fn plugins(config: &Config, report: &mut Report<'_, '_>) {
    let directory = &config.plugins.directory;
    if !directory.is_dir() {
        let problem = format!("there is no folder {}", directory.display());
        report.fault("plugins.directory", &problem, "create it, or name the folder that holds the .wasm files");
    }
    for (name, plugin) in &config.plugins.named {
        let Some(files) = plugin.files.as_ref().filter(|files| !files.is_dir()) else {
            continue;
        };
        let problem = format!("there is no folder {}", files.display());
        report.fault(&format!("plugins.named.{name}.files"), &problem, "create it, or name another");
    }
}

fn tenants(tenants: &BTreeMap<String, Tenant>, report: &mut Report<'_, '_>) {
    let mut paths = BTreeMap::new();
    for (name, tenant) in tenants {
        let key = format!("tenants.{name}.path");
        let path = tenant.path.as_str();
        let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
        if !path.starts_with('/') || !plain || (path.len() > 1 && path.ends_with('/')) || path.contains("//") {
            report.fault(
                &key,
                "is not a path such as `/` or `/acme`",
                "begin with `/`, end without one, use plain letters",
            );
        }
        if let Some(other) = paths.insert(path, name) {
            report.fault(&key, &format!("is the path of tenant `{other}` too"), "give each tenant a path of its own");
        }
        twilio(name, tenant, report);
    }
}

fn twilio(name: &str, tenant: &Tenant, report: &mut Report<'_, '_>) {
    let twilio = &tenant.twilio;
    let answers = Role::ALL.iter().any(|role| !tenant.roles.plugins(*role).is_empty());
    if answers && twilio.auth_tokens.is_empty() && twilio.shared_keys.is_empty() {
        report.fault(
            &format!("tenants.{name}.twilio.auth_tokens"),
            "there is no token, so no callback could be verified",
            "add `auth_tokens = [{ env = \"TWILIO_AUTH_TOKEN\" }]`",
        );
    }
    if !(1..FRONTLINE_TIMEOUT_MS).contains(&twilio.callback_timeout_ms) {
        report.fault(
            &format!("tenants.{name}.twilio.callback_timeout_ms"),
            "is not between 1 and 5999: Frontline gives up after 6000",
            "write 5500, or less on a slow network",
        );
    }
    for role in Role::ALL {
        for (index, plugin) in tenant.roles.plugins(role).iter().enumerate() {
            if plugin.is_empty() || !plugin.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                report.fault(
                    &format!("tenants.{name}.roles.{role}[{index}]"),
                    "is not a plugin's name",
                    "write the file's name without `.wasm`",
                );
            }
        }
    }
}
