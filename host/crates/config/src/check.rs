//! Checks values beyond the shape of the file: ranges, usable addresses, existing names, files and secrets.

mod bounds;
mod console;
mod front;
mod guards;
mod oauth;
mod outbound;
mod server;
mod tenants;
mod twilio;
mod webhooks;

use std::path::PathBuf;

use frontgate_net::read_authorities;
use frontgate_runtime::settings::PluginSource;
use frontgate_settings::Diagnostic;
use url::Url;

use super::Config;
use super::document::Document;

/// Adds a diagnostic for every setting that cannot work.
pub(super) fn check(config: &mut Config, document: &Document<'_>, diagnostics: &mut Vec<Diagnostic>) {
    check_plugins(config, document, diagnostics);
    let config = &*config;
    let mut report = Report { document, diagnostics };
    server::check(config, &mut report);
    console::check(config, &mut report);
    ca_files("delivery.ca_files", &config.delivery.ca_files, &mut report);
    ca_files("store.ca_files", &config.store.ca_files, &mut report);
    if config.store.location().is_err() {
        let fix = "write \"sqlite:data/frontgate.db\", or \"postgres://USER@HOST/DATABASE\"";
        report.add("store.url", "is not the URL of a supported database", fix);
    } else if config.store.password.as_ref().is_none_or(|password| password.error().is_none())
        && let Err(fault) = config.store.check_server()
    {
        report.add("store.url", &format!("{fault:#}"), "see docs/operate/configuration.md");
    }
    if config.plugins.source == Some(PluginSource::Store) && !config.store.is_shared() {
        report.add("plugins.source", "\"store\" needs a database on Postgres", "write \"folder\", or change store.url");
    }
    folders(config, &mut report);
    guards::owners(config, &mut report);
    guards::replay(config, &mut report);
    tenants::check(&config.tenants, &mut report);
}

/// Adds a diagnostic for every fault in secrets, ranges, and grants of plugins.
pub(super) fn check_plugins(config: &mut Config, document: &Document<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let mut report = Report { document, diagnostics };
    for (key, secret) in config.secrets_mut() {
        if let Some(problem) = secret.error() {
            report.add(&key, problem, "set it (or create the file), or name another source");
        }
    }
    let config = &*config;
    bounds::ranges(config, &mut report);
    bounds::dependent(config, &mut report);
    ca_files("plugins.ca_files", &config.plugins.ca_files, &mut report);
    outbound::check(config, &mut report);
    webhooks::check(config, &mut report);
}

/// Collects diagnostics with their positions in the file.
struct Report<'r, 'd> {
    document: &'r Document<'d>,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Report<'_, '_> {
    /// Adds a problem of a key, and how to fix it.
    fn add(&mut self, key: &str, problem: &str, fix: &str) {
        self.diagnostics.push(Diagnostic {
            place: self.document.place(key),
            problem: format!("{key}: {problem}"),
            fix: fix.to_owned(),
        });
    }
}

/// Reports every file that contains no certificates.
fn ca_files(key: &str, files: &[PathBuf], report: &mut Report<'_, '_>) {
    for (index, file) in files.iter().enumerate() {
        if let Err(problem) = read_authorities(file) {
            report.add(&format!("{key}[{index}]"), &format!("{problem:#}"), "name a PEM file with certificates");
        }
    }
}

/// Reports a plugin folder or granted folder that does not exist.
fn folders(config: &Config, report: &mut Report<'_, '_>) {
    let directory = &config.plugins.directory;
    if !directory.is_dir() {
        let problem = format!("folder {} does not exist", directory.display());
        report.add("plugins.directory", &problem, "create it, or name the folder with the .wasm files");
    }
    for (name, plugin) in &config.plugins.named {
        if let Some(files) = plugin.files.as_ref().filter(|files| !files.is_dir()) {
            let problem = format!("folder {} does not exist", files.display());
            report.add(&format!("plugins.named.{name}.files"), &problem, "create it, or name another");
        }
    }
}

/// Reports a plugin name that cannot be a file name.
fn plugin_name(key: &str, plugin: &str, report: &mut Report<'_, '_>) {
    if plugin.is_empty() || !plugin.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        report.add(key, "is not a plugin's name", "write the name of its file without `.wasm`");
    }
}

/// Reports an invalid API URL, or one without TLS, since credentials are sent to it. Loopback URLs need no TLS.
fn api_url(key: &str, url: &str, example: &str, report: &mut Report<'_, '_>) {
    match Url::parse(url) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() || has_user_info(&url) => {
            report.add(key, "has more than host and path", &format!("write {example}"));
        }
        Ok(url) if url.scheme() == "https" && url.has_host() => {}
        Ok(url) if url.scheme() == "http" && is_loopback(&url) => {}
        Ok(_) => report.add(
            key,
            "is not an https URL, so credentials would be sent in clear text",
            "write https://..., or for tests an http URL of this machine",
        ),
        Err(error) => report.add(key, &error.to_string(), &format!("write {example}")),
    }
}

/// Returns whether a URL contains a user name or a password.
fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
