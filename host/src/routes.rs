//! From the path of a request to the tenant and the callback that it is for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{Algorithm, Config, Roles};
use crate::twilio::candidates::Base;
use crate::twilio::signature::{Key, Keys};

/// A callback that some tenant's platform may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// Twilio Frontline's customers.
    Crm,
}

impl Callback {
    const ALL: [Self; 1] = [Self::Crm];

    /// As in the path, the log and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
        }
    }
}

/// One tenant, as a request needs it.
#[derive(Debug)]
pub struct Tenant {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// What its requests are signed with.
    pub keys: Keys,
    /// How long a Frontline callback may take.
    pub callback_timeout_ms: u64,
    /// The largest page that a plugin is asked for.
    pub page_size_max: u32,
    /// Which plugins answer.
    pub roles: Roles,
}

/// What a path stands for.
#[derive(Debug, Clone)]
pub struct Route {
    /// Whose callback.
    pub tenant: Arc<Tenant>,
    /// Which one.
    pub callback: Callback,
}

/// Every path that is answered.
#[derive(Debug, Default)]
pub struct Routes {
    paths: HashMap<String, Route>,
    tenants: Vec<Arc<Tenant>>,
}

impl Routes {
    /// The routes of a checked configuration.
    pub fn new(config: &Config) -> Self {
        let mut routes = Self::default();
        let base = Base::new(&public_url(config)).expect("a checked public_url has a scheme and a host");
        for (name, settings) in &config.tenants {
            let twilio = &settings.twilio;
            let tokens =
                twilio.auth_tokens.iter().enumerate().map(|(index, token)| {
                    Key::new(format!("auth_tokens[{index}]"), token.expose(), Algorithm::HmacSha1)
                });
            let shared = twilio.shared_keys.iter().map(|key| Key::new(&key.id, key.secret.expose(), key.algorithm));
            let tenant = Arc::new(Tenant {
                name: name.as_str().into(),
                keys: Keys::new(base.clone(), tokens.collect(), shared.collect()),
                callback_timeout_ms: twilio.callback_timeout_ms,
                page_size_max: twilio.page_size_max,
                roles: settings.roles.clone(),
            });
            let prefix = settings.path.trim_end_matches('/');
            for callback in Callback::ALL {
                let route = Route { tenant: Arc::clone(&tenant), callback };
                routes.paths.insert(format!("{prefix}/callbacks/{}", callback.name()), route);
            }
            routes.tenants.push(tenant);
        }
        routes
    }

    /// What a path stands for.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.paths.get(path)
    }

    /// Every tenant.
    pub fn tenants(&self) -> &[Arc<Tenant>] {
        &self.tenants
    }
}

/// What the platforms were given.
pub fn public_url(config: &Config) -> String {
    config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", config.server.listen))
}
