//! What works, and probably not as it was meant: said by `check` and at the start, never fatal.

use frontgate_contract::Role;
use frontgate_net::address::special;
use frontgate_runtime::settings::outbound::RECOGNISED_MIN;
use frontgate_settings::{Fault, Secret};
use frontgate_system::ownership;
use frontgate_system::ownership::TRUSTED_FOLDERS;
use url::Url;

use super::Config;
use super::document::Document;

/// Adds what is worth saying.
pub(super) fn warn(config: &Config, document: &Document<'_>, warnings: &mut Vec<Fault>) {
    for folder in ownership::trusted_folders() {
        warnings.push(Fault {
            place: TRUSTED_FOLDERS.to_owned(),
            problem: format!("owners and modes below {} are not checked", folder.display()),
            fix: "make sure that no other user can write there".to_owned(),
        });
    }
    let mut say = |key: String, problem: &str, fix: &str| {
        let place = document.place(&key);
        warnings.push(Fault { place, problem: format!("{key}: {problem}"), fix: fix.to_owned() });
    };
    let admin = config.admin.listen.ip();
    if admin.is_unspecified() {
        say(
            "admin.listen".to_owned(),
            "operators' pages are open on every address of this machine",
            "write 127.0.0.1, or a private address, and keep others away with a firewall",
        );
    } else if special(admin).is_none() {
        say(
            "admin.listen".to_owned(),
            "operators' pages are open on an address of the public internet",
            "write 127.0.0.1, or a private address",
        );
    }
    if config.server.public_url.as_deref().is_some_and(|url| Url::parse(url).is_ok_and(|url| url.password().is_some()))
    {
        say(
            "server.public_url".to_owned(),
            "contains a password, in clear text in this file",
            "make the file readable by the gateway's user only, or remove the password: signatures are valid without it, too",
        );
    }
    let apps = config.tenants.values().flat_map(|tenant| tenant.front.values());
    let largest = apps.map(|app| app.body_bytes_max).fold(config.server.body_bytes_max, usize::max);
    if config.server.unverified_body_bytes_max < largest {
        say(
            "server.unverified_body_bytes_max".to_owned(),
            &format!("bodies of more bytes are always refused, though a body_bytes_max allows {largest}"),
            "raise it to a multiple of the largest body_bytes_max",
        );
    }
    for (name, tenant) in &config.tenants {
        let named = |role| !tenant.roles.plugins(role).is_empty();
        if tenant.named().next().is_none() {
            say(
                format!("tenants.{name}"),
                "no plugin has a role, so callbacks are refused",
                "name plugins in [tenants.NAME.roles], or one in [tenants.NAME.front.APP]",
            );
        }
        if named(Role::Routing) && tenant.twilio.default_worker.is_none() {
            say(
                format!("tenants.{name}.roles.routing"),
                "a conversation that no plugin gives to anybody waits for the operator",
                "name somebody as default_worker in [tenants.NAME.twilio]",
            );
        }
        if (named(Role::Routing) || named(Role::Conversations)) && tenant.twilio.credentials().is_none() {
            say(
                format!("tenants.{name}.twilio"),
                "there are no credentials for calls back to Twilio, so they wait",
                "add api_key and api_secret, or account_sid beside auth_tokens",
            );
        }
    }
    for (name, plugin) in &config.plugins.named {
        let clear = plugin.bound_secrets.iter().enumerate().filter(|(_, bound)| bound.to.starts_with("http://"));
        for (index, _) in clear {
            say(
                format!("plugins.named.{name}.bound_secrets[{index}].to"),
                "the secret goes over http, where everybody on the way can read it",
                "use https where the host has it",
            );
        }
        for (index, bound) in plugin.bound_secrets.iter().enumerate() {
            let hidden = bound.secrets.iter().filter(|(name, _)| !bound.visible.contains(name));
            let letters = |secret: &str| secret.bytes().filter(u8::is_ascii_alphanumeric).count();
            for (secret, _) in hidden.filter(|(_, secret)| letters(secret.expose()) < RECOGNISED_MIN) {
                say(
                    format!("plugins.named.{name}.bound_secrets[{index}].secrets.{secret}"),
                    "the secret is too short to be recognised in an answer",
                    "use a longer one, or list it in `visible` if it is not secret, such as a user name",
                );
            }
        }
    }
    let signing: Vec<&str> = config.tenants.values().flat_map(signing_secrets).map(Secret::expose).collect();
    for (name, plugin) in &config.plugins.named {
        let shown = plugin.secrets.iter().filter(|(_, secret)| signing.contains(&secret.expose()));
        for (key, _) in shown {
            say(
                format!("plugins.named.{name}.secrets.{key}"),
                "the plugin can read a secret that callbacks of a tenant are signed with",
                "if it is for webhooks, bind it in webhook_keys, where the plugin cannot read it",
            );
        }
    }
    let used = |plugin: &String| {
        config.tenants.values().any(|tenant| tenant.named().any(|(_, names, _)| names.contains(plugin)))
    };
    for plugin in config.plugins.named.keys().filter(|plugin| !used(plugin)) {
        say(
            format!("plugins.named.{plugin}"),
            "no tenant has a role for this plugin",
            "name it in [tenants.NAME.roles] or [tenants.NAME.front.APP], or leave its settings out",
        );
    }
}

/// The secrets that prove to the gateway who wrote a callback.
fn signing_secrets(tenant: &frontgate_tenants::Settings) -> impl Iterator<Item = &Secret> {
    let twilio = &tenant.twilio;
    let shared = twilio.shared_keys.iter().map(|key| &key.secret);
    let front = tenant.front.values().flat_map(|app| &app.app_secrets);
    twilio.auth_tokens.iter().chain(shared).chain(front)
}
