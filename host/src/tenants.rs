//! The companies whose callbacks are answered, as requests and deliveries need them.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::{Counter, counter};

use crate::config::{Algorithm, Config, Roles};
use crate::plugin::run::call::Share;
use crate::twilio::candidates::Base;
use crate::twilio::signature::{Key, Keys};

/// One tenant.
pub struct Tenant {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// What its addresses begin with; empty for `/`.
    pub prefix: String,
    /// What its requests are signed with.
    pub keys: Keys,
    /// How long a Frontline callback may take.
    pub callback_timeout_ms: u64,
    /// How long a Conversations webhook may take.
    pub webhook_timeout_ms: u64,
    /// The largest page that a plugin is asked for.
    pub page_size_max: u32,
    /// Which plugins answer.
    pub roles: Roles,
    /// Who gets what no plugin gives to anybody.
    pub default_worker: Option<String>,
    /// Numbers of its own.
    pub numbers: Vec<String>,
    /// Its share of the places for plugin calls.
    pub(crate) share: Arc<Share>,
    /// Requests that each of its keys signed.
    pub(crate) verified: BTreeMap<String, Counter>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tenant({})", self.name)
    }
}

/// All tenants of a checked configuration.
pub fn all(config: &Config) -> Vec<Arc<Tenant>> {
    let tenant = |name: &String| one(config, name).expect("a checked public_url and a name of the configuration");
    config.tenants.keys().map(tenant).map(Arc::new).collect()
}

/// One tenant whose keys are there; none if there is no such tenant, or no address to be called at.
pub fn one(config: &Config, name: &str) -> Option<Tenant> {
    let settings = config.tenants.get(name)?;
    let base = Base::new(&public_url(config))?;
    let twilio = &settings.twilio;
    let tokens = twilio.auth_tokens.iter().enumerate();
    let tokens =
        tokens.map(|(index, token)| Key::new(format!("auth_tokens[{index}]"), token.expose(), Algorithm::HmacSha1));
    let shared = twilio.shared_keys.iter().map(|key| Key::new(&key.id, key.secret.expose(), key.algorithm));
    let (tokens, shared): (Vec<Key>, Vec<Key>) = (tokens.collect(), shared.collect());
    let labels = tokens.iter().chain(&shared).map(|key| key.label.clone());
    let counter =
        |key: &String| counter!("frontgate_verified_total", "tenant" => name.to_owned(), "key" => key.clone());
    Some(Tenant {
        verified: labels.map(|key| (key.clone(), counter(&key))).collect(),
        name: name.into(),
        prefix: settings.path.trim_end_matches('/').to_owned(),
        keys: Keys::new(base, tokens, shared),
        callback_timeout_ms: twilio.callback_timeout_ms,
        webhook_timeout_ms: twilio.webhook_timeout_ms,
        page_size_max: twilio.page_size_max,
        roles: settings.roles.clone(),
        default_worker: twilio.default_worker.clone(),
        numbers: twilio.numbers.clone(),
        share: Arc::new(Share::new(config.plugins.calls_per_tenant_max, config.plugins.directory_calls_per_tenant_max)),
    })
}

/// What the platforms were given.
pub fn public_url(config: &Config) -> String {
    config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", config.server.listen))
}
