//! Warns about settings that work, but probably not as intended. `frontgate check` and the startup log show the
//! warnings.

use std::fmt;

use frontgate_contract::Role;
use frontgate_net::address::special;
use frontgate_runtime::settings::Named;
use frontgate_runtime::settings::outbound::RECOGNISED_MIN;
use frontgate_settings::{Diagnostic, Secret};
use frontgate_system::ownership;
use frontgate_system::ownership::TRUSTED_FOLDERS;
use frontgate_tls::Certificate;
use url::Url;

use super::Config;
use super::document::Document;

/// Adds a diagnostic for every questionable setting.
pub(super) fn warn(config: &Config, document: &Document<'_>, warnings: &mut Vec<Diagnostic>) {
    for folder in ownership::trusted_folders() {
        warnings.push(Diagnostic {
            place: TRUSTED_FOLDERS.to_owned(),
            problem: format!("owners and modes below {} are not checked", folder.display()),
            fix: "make sure that no other user can write there".to_owned(),
        });
    }
    let mut warnings = Warnings { document, warnings };
    listeners(config, &mut warnings);
    tenants(config, &mut warnings);
    for (name, plugin) in &config.plugins.named {
        bound_secrets(name, plugin, &mut warnings);
    }
    signing_keys(config, &mut warnings);
    unused(config, &mut warnings);
}

/// Collects warnings with their positions in the file.
struct Warnings<'w, 'd> {
    document: &'w Document<'d>,
    warnings: &'w mut Vec<Diagnostic>,
}

impl Warnings<'_, '_> {
    fn add(&mut self, key: impl fmt::Display, problem: &str, fix: &str) {
        let key = key.to_string();
        let place = self.document.place(&key);
        self.warnings.push(Diagnostic { place, problem: format!("{key}: {problem}"), fix: fix.to_owned() });
    }
}

fn listeners(config: &Config, warnings: &mut Warnings<'_, '_>) {
    if config.console.proxy.is_none() && !config.console.roles.is_empty() {
        warnings.add(
            "console.roles",
            "has no effect without console.proxy",
            "add [console.proxy], or remove the roles",
        );
    }
    let admin = config.admin.listen.ip();
    if admin.is_unspecified() {
        warnings.add(
            "admin.listen",
            "the admin listener is open on every address of this machine",
            "write 127.0.0.1, or a private address, and protect it with a firewall",
        );
    } else if special(admin).is_none() {
        warnings.add(
            "admin.listen",
            "the admin listener is open on a public address",
            "write 127.0.0.1, or a private address",
        );
    }
    let public_url = config.server.public_url.as_deref().and_then(|url| Url::parse(url).ok());
    if public_url.is_some_and(|url| url.password().is_some()) {
        warnings.add(
            "server.public_url",
            "contains a password in clear text",
            "let only the gateway's user read the file, or remove the password: signatures are valid without it too",
        );
    }
    certificate(config, warnings);
    let apps = config.tenants.values().flat_map(|tenant| tenant.front.values());
    let largest = apps.map(|app| app.body_bytes_max).fold(config.server.body_bytes_max, usize::max);
    if config.server.unverified_body_bytes_max < largest {
        warnings.add(
            "server.unverified_body_bytes_max",
            &format!("is less than the largest body_bytes_max ({largest}): bodies between the two are always rejected"),
            "raise it to a multiple of the largest body_bytes_max",
        );
    }
}

fn certificate(config: &Config, warnings: &mut Warnings<'_, '_>) {
    let Some((file, key)) = config.server.tls.as_ref().and_then(|tls| tls.files()) else { return };
    let Ok(certificate) = Certificate::read(file, key, ownership::open) else { return };
    let place = "server.tls.certificate";
    if certificate.expires_in_seconds() <= 0 {
        warnings.add(place, "the certificate has expired, so platforms refuse to connect", "renew it");
    }
    let public_url = config.server.public_url.as_deref().and_then(|url| Url::parse(url).ok());
    if let Some(host) = public_url.as_ref().and_then(Url::host_str).filter(|host| !certificate.covers(host)) {
        let problem = format!("the certificate does not name {host}, the host of server.public_url");
        warnings.add(place, &problem, "obtain a certificate for this host, unless a proxy terminates TLS for it");
    }
}

fn tenants(config: &Config, warnings: &mut Warnings<'_, '_>) {
    for (name, tenant) in &config.tenants {
        let named = |role| !tenant.roles.plugins(role).is_empty();
        if tenant.named().next().is_none() {
            warnings.add(
                format_args!("tenants.{name}"),
                "no plugin has a role, so callbacks are rejected",
                "name plugins in [tenants.NAME.roles], or one in [tenants.NAME.front.APP]",
            );
        }
        if named(Role::Routing) && tenant.twilio.default_worker.is_none() {
            warnings.add(
                format_args!("tenants.{name}.roles.routing"),
                "no default_worker: unassigned conversations wait for an operator",
                "set default_worker in [tenants.NAME.twilio]",
            );
        }
        if (named(Role::Routing) || named(Role::Conversations)) && tenant.twilio.credentials().is_none() {
            warnings.add(
                format_args!("tenants.{name}.twilio"),
                "credentials for calls to Twilio are missing, so these calls wait",
                "add api_key and api_secret, or account_sid in addition to auth_tokens",
            );
        }
    }
}

fn bound_secrets(name: &str, plugin: &Named, warnings: &mut Warnings<'_, '_>) {
    let letters = |secret: &str| secret.bytes().filter(u8::is_ascii_alphanumeric).count();
    for (index, bound) in plugin.bound_secrets.iter().enumerate() {
        let key = format!("plugins.named.{name}.bound_secrets[{index}]");
        if bound.to.starts_with("http://") {
            warnings.add(
                format_args!("{key}.to"),
                "the secret is sent over http, in clear text",
                "use https if the host supports it",
            );
        }
        if bound.oauth.as_ref().is_some_and(|oauth| oauth.token_url.starts_with("http://")) {
            warnings.add(
                format_args!("{key}.oauth.token_url"),
                "the client's secrets are sent over http, in clear text",
                "use https",
            );
        }
        let hidden = bound.secrets.iter().filter(|(name, _)| !bound.visible.contains(name));
        for (secret, _) in hidden.filter(|(_, secret)| letters(secret.expose()) < RECOGNISED_MIN) {
            warnings.add(
                format_args!("{key}.secrets.{secret}"),
                "the secret is too short to be detected in a response",
                "use a longer one, or list it in `visible` if it is not secret, such as a user name",
            );
        }
    }
}

fn signing_keys(config: &Config, warnings: &mut Warnings<'_, '_>) {
    let signing: Vec<&str> = config.tenants.values().flat_map(signing_secrets).map(Secret::expose).collect();
    for (name, plugin) in &config.plugins.named {
        for (key, _) in plugin.secrets.iter().filter(|(_, secret)| signing.contains(&secret.expose())) {
            warnings.add(
                format_args!("plugins.named.{name}.secrets.{key}"),
                "the plugin can read a secret that verifies callbacks of a tenant",
                "bind a secret for webhooks in webhook_keys, where the plugin cannot read it",
            );
        }
    }
}

/// Returns the secrets that verify a tenant's callbacks.
fn signing_secrets(tenant: &frontgate_tenants::Settings) -> impl Iterator<Item = &Secret> {
    let twilio = &tenant.twilio;
    let shared = twilio.shared_keys.iter().map(|key| &key.secret);
    let front = tenant.front.values().flat_map(|app| &app.app_secrets);
    twilio.auth_tokens.iter().chain(shared).chain(front)
}

fn unused(config: &Config, warnings: &mut Warnings<'_, '_>) {
    let is_used = |plugin: &String| {
        config.tenants.values().any(|tenant| tenant.named().any(|(_, names, _)| names.contains(plugin)))
    };
    for plugin in config.plugins.named.keys().filter(|plugin| !is_used(plugin)) {
        warnings.add(
            format_args!("plugins.named.{plugin}"),
            "no tenant has a role for this plugin",
            "name it in [tenants.NAME.roles] or [tenants.NAME.front.APP], or remove its settings",
        );
    }
}
