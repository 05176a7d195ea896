//! The configuration file `config.toml`, composed from the sections of all crates.
//!
//! [`Config::load`] reads and checks the whole file before a socket is bound, and reports every problem at once as a
//! [`Diagnostic`] with its position and a fix. Each crate owns its section as a struct with defaults, ranges and
//! descriptions. From these, this crate derives [`schema()`], the range checks, [`Fixed`] and the reference page, and
//! adds the checks across keys. Texts that this crate returns never contain the value of a secret.
//!
//! A reload (see "Flow of a reload" in ARCHITECTURE.md) compares two configurations with [`Config::changes`] and
//! [`Fixed::changed`].

mod change;
mod check;
mod document;
pub mod receipt;
mod schema;
mod show;
mod single;
mod warn;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_gateway::settings::{Admin, Listen, Server};
use frontgate_runtime::TenantShare;
use frontgate_runtime::settings::{PluginConfig, PluginSource, Plugins};
pub use frontgate_settings::{Diagnostic, Diagnostics};
use frontgate_settings::{Open, Secret, open_as_is};
use frontgate_system::ownership;
use frontgate_system::process;
use frontgate_tenants::Tenant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::change::Fixed;
pub use self::schema::schema;

/// The whole of `config.toml`. Relative paths start at the file's folder.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The public listener for Twilio and Front.
    pub server: Server,
    /// The listener for operators: health, status, metrics and commands. Keep it off the internet.
    pub admin: Admin,
    /// The operators' console, pages for a browser. Keep it off the internet.
    pub console: frontgate_console_access::Settings,
    /// The log, which is written to standard error.
    pub log: frontgate_telemetry::Settings,
    /// Records of recent requests for the operators' console, in memory, and their facts in a file.
    pub recording: frontgate_recorder::Settings,
    /// Protection of the gateway's memory from other processes of the machine.
    pub process: process::Settings,
    /// The database: acknowledged events, deliveries, and state of plugins.
    pub store: frontgate_store::Settings,
    /// Gateways that share a database on Postgres: how they recognize and replace each other.
    pub replica: frontgate_replicas::Settings,
    /// Deliveries to the platforms: concurrency, timeouts and retries.
    pub delivery: frontgate_delivery::Settings,
    /// Plugins: their files, compilation, concurrency, memory and versions.
    pub plugins: Plugins,
    /// Tenants by name.
    pub tenants: BTreeMap<String, frontgate_tenants::Settings>,
    /// This configuration as it was read, with defaults and without resolved paths.
    #[serde(skip)]
    values: serde_json::Value,
    #[serde(skip)]
    fingerprint: change::Fingerprint,
}

/// A configuration that passed every check, and its warnings.
#[derive(Debug)]
pub struct Checked {
    /// The configuration, with resolved paths and secrets.
    pub config: Config,
    /// Settings that work, but probably not as intended.
    pub warnings: Vec<Diagnostic>,
}

impl Config {
    /// Reads and checks a file. Relative paths in the file start at the file's folder.
    ///
    /// Fails if another user can write to the file or to the file of a secret.
    pub fn load(path: &Path) -> Result<Checked, Diagnostics> {
        let text = read(path, ownership::open)?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let document = document::Document::parse(path, &text)?;
        let (mut config, mut diagnostics) = document.read();
        // A key that was removed because of a mismatch would be reported again as missing.
        if diagnostics.is_empty() {
            config.resolve(&folder, ownership::open);
            check::check(&mut config, &document, &mut diagnostics);
        }
        if diagnostics.is_empty() {
            let mut fingerprint = change::Fingerprint::new(&text);
            for (key, secret) in config.secrets_mut() {
                fingerprint.add(key, secret.expose());
            }
            config.fingerprint = fingerprint;
            let mut warnings = Vec::new();
            warn::warn(&config, &document, &mut warnings);
            return Ok(Checked { config, warnings });
        }
        Err(Diagnostics(diagnostics))
    }

    /// Reads a file without checking it. This is sufficient to find the running gateway and its database.
    ///
    /// A missing secret is an error only where it is used. Owners are not checked, so that root can operate the gateway
    /// of another user.
    pub fn load_unchecked(path: &Path) -> Result<Self, Diagnostics> {
        let text = read(path, open_as_is)?;
        let (mut config, diagnostics) = document::Document::parse(path, &text)?.read();
        if !diagnostics.is_empty() {
            return Err(Diagnostics(diagnostics));
        }
        config.resolve(&path.parent().map(Path::to_path_buf).unwrap_or_default(), open_as_is);
        Ok(config)
    }

    /// Returns a digest of the settings that must be equal in all gateways on a database. Listeners, paths and secrets may
    /// differ.
    pub fn shared_digest(&self) -> String {
        let is_shared =
            |key: &str| ["tenants.", "delivery.", "plugins."].iter().any(|section| key.starts_with(section));
        let is_path = |key: &str| {
            ["directory", "cache", "files", "ca_files"].contains(&key.rsplit('.').next().unwrap_or_default())
        };
        let settings = schema::settings(&self.values).into_iter();
        let shared = settings.filter(|setting| is_shared(&setting.key) && !is_path(&setting.key));
        let text: Vec<String> = shared.map(|setting| format!("{}={}", setting.key, setting.value)).collect();
        let digest = Sha256::digest(text.join("\n"));
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns where the plugins come from.
    pub fn plugin_source(&self) -> PluginSource {
        let usual = if self.store.is_shared() { PluginSource::Store } else { PluginSource::Folder };
        self.plugins.source.unwrap_or(usual)
    }

    /// Returns the names of all tenants.
    pub fn tenant_names(&self) -> BTreeSet<Arc<str>> {
        self.tenants.keys().map(|name| Arc::from(name.as_str())).collect()
    }

    fn resolve(&mut self, folder: &Path, open: Open) {
        let absolute = |path: &mut PathBuf| *path = folder.join(&*path);
        absolute(&mut self.plugins.directory);
        absolute(&mut self.plugins.cache);
        absolute(&mut self.plugins.records);
        absolute(&mut self.plugins.lock);
        absolute(&mut self.admin.socket);
        if let Listen::Unix(path) = &mut self.server.listen {
            absolute(path);
        }
        self.server.tls.iter_mut().for_each(|tls| tls.resolve(folder));
        self.store.resolve(folder);
        self.recording.resolve(folder);
        self.delivery.ca_files.iter_mut().for_each(absolute);
        self.plugins.ca_files.iter_mut().for_each(absolute);
        for named in self.plugins.named.values_mut() {
            named.files.as_mut().map(absolute);
        }
        for (_, secret) in self.secrets_mut() {
            secret.resolve(folder, open);
        }
    }

    /// Returns every secret with its key.
    pub(crate) fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = self.plugins.secrets_mut();
        if let Some(password) = &mut self.store.password {
            secrets.push(("store.password".to_owned(), password));
        }
        if let Some(proxy) = &mut self.console.proxy {
            secrets.push(("console.proxy.secret".to_owned(), &mut proxy.secret));
        }
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
                let oauth = settings.oauth.iter_mut().flat_map(|oauth| &mut oauth.client_secrets);
                for (index, secret) in oauth.enumerate() {
                    secrets.push((format!("tenants.{name}.front.{app}.oauth.client_secrets[{index}]"), secret));
                }
            }
        }
        secrets
    }

    /// Returns every secret of plugins with its key.
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

/// Access to tenants and their public URLs.
impl Config {
    /// Returns the URL at which the platforms call the public listener.
    pub fn public_url(&self) -> String {
        let own = || format!("{}://{}", self.server.scheme(), self.server.listen);
        self.server.public_url.as_deref().map_or_else(own, str::to_owned)
    }

    /// Returns all tenants. Panics if the configuration was not checked.
    pub fn all_tenants(&self) -> Vec<Arc<Tenant>> {
        let tenant = |name: &String| self.tenant(name).expect("a checked public_url and a name of the configuration");
        self.tenants.keys().map(tenant).map(Arc::new).collect()
    }

    /// Returns a tenant, or `None` if its name is unknown or `public_url` is not a URL.
    pub fn tenant(&self, name: &str) -> Option<Tenant> {
        let share = TenantShare::new(
            self.plugins.calls_per_tenant_max,
            self.plugins.directory_calls_per_tenant_max,
            self.plugins.memory_bytes_per_tenant_max,
        );
        Tenant::new(name, self.tenants.get(name)?, &self.public_url(), share)
    }

    /// Returns the base URL of a Front app's channels, which Front and providers call.
    pub fn front_url(&self, tenant: &frontgate_tenants::Settings, app: &str) -> String {
        frontgate_tenants::front_url(&self.public_url(), tenant, app)
    }
}

/// Reads the text of the file.
fn read(path: &Path, open: Open) -> Result<String, Diagnostics> {
    open(path).and_then(io::read_to_string).map_err(|error| {
        let fix = if ownership::is_refusal(&error) {
            "let only root and the gateway's user write to the path"
        } else {
            "name an existing file with --config"
        };
        Diagnostics::one(Diagnostic {
            place: path.display().to_string(),
            problem: format!("failed to read the configuration: {error}"),
            fix: fix.to_owned(),
        })
    })
}
