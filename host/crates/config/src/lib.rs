//! What the operator wrote: a struct for each section of `config.toml`, checked whole before a
//! port is bound. Secrets are named here, never written.

mod change;
mod check;
mod document;
pub mod receipt;
mod single;
mod warn;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_gateway::settings::{Admin, Server};
use frontgate_runtime::TenantShare;
use frontgate_runtime::settings::{PluginConfig, Plugins};
use frontgate_settings::{Fault, Faults, Open, Secret, open_as_is};
use frontgate_system::ownership;
use frontgate_system::process;
use frontgate_tenants::Tenant;
use serde::Deserialize;

pub use self::change::Fixed;

/// The whole of `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The public listener, which Twilio and Front call.
    pub server: Server,
    /// The operators' listener.
    pub admin: Admin,
    /// What goes to the log, and how.
    pub log: frontgate_telemetry::Settings,
    /// What other processes of the machine may see of this one.
    pub process: process::Settings,
    /// Where events and deliveries are kept.
    pub store: frontgate_store::Settings,
    /// How deliveries reach the platforms.
    pub delivery: frontgate_delivery::Settings,
    /// Where plugins come from, and what they may use.
    pub plugins: Plugins,
    /// Whose callbacks are answered, by name.
    pub tenants: BTreeMap<String, frontgate_tenants::Settings>,
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
        let mut secrets = self.plugins.secrets_mut();
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
    pub fn plugin_secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        self.plugins.secrets_mut()
    }
}

impl PluginConfig for Config {
    fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    fn roles_of(&self, plugin: &str) -> Vec<Role> {
        let all = self.tenants.values().flat_map(|tenant| tenant.named());
        all.filter(|(_, names, _)| names.iter().any(|name| name == plugin)).map(|(role, ..)| role).collect()
    }
}

/// What the platforms were given, and what hangs on it.
impl Config {
    /// The public address.
    pub fn public_url(&self) -> String {
        self.server.public_url.as_deref().map_or_else(|| format!("http://{}", self.server.listen), str::to_owned)
    }

    /// All tenants of a checked configuration.
    pub fn all_tenants(&self) -> Vec<Arc<Tenant>> {
        let tenant = |name: &String| self.tenant(name).expect("a checked public_url and a name of the configuration");
        self.tenants.keys().map(tenant).map(Arc::new).collect()
    }

    /// One tenant whose keys are there; none if there is no such tenant, or no address to be called at.
    pub fn tenant(&self, name: &str) -> Option<Tenant> {
        let share = TenantShare::new(
            self.plugins.calls_per_tenant_max,
            self.plugins.directory_calls_per_tenant_max,
            self.plugins.memory_bytes_per_tenant_max,
        );
        Tenant::new(name, self.tenants.get(name)?, &self.public_url(), share)
    }

    /// What the addresses of a Front app begin with, as Front and providers call them.
    pub fn front_url(&self, tenant: &frontgate_tenants::Settings, app: &str) -> String {
        frontgate_tenants::front_url(&self.public_url(), tenant, app)
    }
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
