//! What the operator wrote: a struct for each section of `config.toml`, checked whole before a
//! port is bound. Secrets are named here, never written.

mod change;
mod check;
mod document;
mod fault;
mod front;
mod limits;
pub(crate) mod outbound;
mod plugins;
pub mod receipt;
mod secret;
mod server;
mod single;
mod state;
mod store;
mod tenant;
mod warn;
mod webhooks;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::change::Fixed;
pub use self::fault::{Fault, Faults};
pub use self::front::FrontApp;
pub use self::limits::Limits;
pub use self::plugins::{Breaker, Instances, Named, Plugins, Probation, Warm};
pub use self::secret::Secret;
pub use self::server::{Admin, Log, LogFormat, Process, PublicUrl, Server};
pub use self::state::{StateGrant, StateLimits};
pub use self::store::{Delivery, Store, authorities};
pub use self::tenant::{Algorithm, Role, Roles, SharedKey, Tenant, Twilio, WebhooksFail, is_e164};
pub use self::webhooks::WebhookKey;
use crate::ownership;

/// The whole of `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The public listener, which Twilio and Front call.
    pub server: Server,
    /// The operators' listener.
    pub admin: Admin,
    /// What goes to the log, and how.
    pub log: Log,
    /// What other processes of the machine may see of this one.
    pub process: Process,
    /// Where events and deliveries are kept.
    pub store: Store,
    /// How deliveries reach the platforms.
    pub delivery: Delivery,
    /// Where plugins come from, and what they may use.
    pub plugins: Plugins,
    /// Whose callbacks are answered, by name.
    pub tenants: BTreeMap<String, Tenant>,
    #[serde(skip)]
    written: change::Written,
}

/// A configuration that passed every check, and what is worth saying about it.
#[derive(Debug)]
pub struct Checked {
    /// Ready to use: paths are resolved, secrets are read.
    pub config: Config,
    /// What works, and probably not as it was meant.
    pub warnings: Vec<Fault>,
}

impl Config {
    /// Reads and checks a file. Relative paths in it start at the file's own folder.
    ///
    /// Neither the file nor a secret that it names may be within reach of other users.
    pub fn load(path: &Path) -> Result<Checked, Faults> {
        let text = read(path, ownership::open)?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let document = document::Document::parse(path, &text)?;
        let (mut config, mut faults) = document.read();
        // What was left out for its shape would only be missed again.
        if faults.is_empty() {
            config.resolve(&folder, ownership::open);
            check::check(&mut config, &document, &mut faults);
        }
        if faults.is_empty() {
            let mut written = change::Written::new(&text);
            for (key, secret) in config.secrets_mut() {
                written.note(key, secret.expose());
            }
            config.written = written;
            let mut warnings = Vec::new();
            warn::warn(&config, &document, &mut warnings);
            return Ok(Checked { config, warnings });
        }
        Err(Faults(faults))
    }

    /// Reads a file without checking it: enough to find the running gateway and its database. A
    /// secret that is not there is missed only where it is needed. Owners are not checked: root may look after a
    /// gateway of another user.
    pub fn skim(path: &Path) -> Result<Self, Faults> {
        let text = read(path, open_as_is)?;
        let (mut config, faults) = document::Document::parse(path, &text)?.read();
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        config.resolve(&path.parent().map(Path::to_path_buf).unwrap_or_default(), open_as_is);
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path, open: Open) {
        let absolute = |path: &mut PathBuf| *path = folder.join(&*path);
        absolute(&mut self.plugins.directory);
        absolute(&mut self.plugins.cache);
        absolute(&mut self.plugins.records);
        absolute(&mut self.plugins.lock);
        absolute(&mut self.admin.socket);
        self.store.resolve(folder);
        self.delivery.ca_files.iter_mut().for_each(absolute);
        self.plugins.ca_files.iter_mut().for_each(absolute);
        for named in self.plugins.named.values_mut() {
            named.files.as_mut().map(absolute);
        }
        for (_, secret) in self.secrets_mut() {
            secret.resolve(folder, open);
        }
    }

    /// Every secret with the key that names it.
    pub(crate) fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = plugin_secrets(&mut self.plugins);
        for (name, tenant) in &mut self.tenants {
            let twilio = &mut tenant.twilio;
            for (index, token) in twilio.auth_tokens.iter_mut().enumerate() {
                secrets.push((format!("tenants.{name}.twilio.auth_tokens[{index}]"), token));
            }
            let rest = [
                ("account_sid", &mut twilio.account_sid),
                ("api_key", &mut twilio.api_key),
                ("api_secret", &mut twilio.api_secret),
            ];
            for (key, secret) in rest {
                if let Some(secret) = secret {
                    secrets.push((format!("tenants.{name}.twilio.{key}"), secret));
                }
            }
            for (index, key) in twilio.shared_keys.iter_mut().enumerate() {
                let place = format!("tenants.{name}.twilio.shared_keys[{index}].secret");
                secrets.push((place, &mut key.secret));
            }
            for (app, settings) in &mut tenant.front {
                if let Some(uid) = &mut settings.app_uid {
                    secrets.push((format!("tenants.{name}.front.{app}.app_uid"), uid));
                }
                for (index, secret) in settings.app_secrets.iter_mut().enumerate() {
                    secrets.push((format!("tenants.{name}.front.{app}.app_secrets[{index}]"), secret));
                }
            }
        }
        secrets
    }

    /// Those of plugins.
    pub(crate) fn plugin_secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        plugin_secrets(&mut self.plugins)
    }
}

fn plugin_secrets(plugins: &mut Plugins) -> Vec<(String, &mut Secret)> {
    let mut secrets = Vec::new();
    for (name, plugin) in &mut plugins.named {
        for (key, secret) in &mut plugin.secrets {
            secrets.push((format!("plugins.named.{name}.secrets.{key}"), secret));
        }
        for (index, bound) in plugin.bound_secrets.iter_mut().enumerate() {
            for (key, secret) in &mut bound.secrets {
                secrets.push((format!("plugins.named.{name}.bound_secrets[{index}].secrets.{key}"), secret));
            }
        }
        for (key, webhook) in &mut plugin.webhook_keys {
            secrets.extend(webhook.secrets_mut(&format!("plugins.named.{name}.webhook_keys.{key}")));
        }
    }
    secrets
}

/// How files of the configuration are opened: with a check of who else may write to them, or without.
type Open = fn(&Path) -> io::Result<File>;

fn open_as_is(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn read(path: &Path, open: Open) -> Result<String, Faults> {
    open(path).and_then(io::read_to_string).map_err(|error| {
        let fix = if ownership::is_refusal(&error) {
            "whoever can replace the configuration decides what the gateway runs"
        } else {
            "name an existing file with --config"
        };
        Faults::one(Fault {
            place: path.display().to_string(),
            problem: format!("the configuration cannot be read: {error}"),
            fix: fix.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests;
