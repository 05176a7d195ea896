//! From the path of a request to the tenant and the callback that it is for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::tenants::Tenant;

/// A callback that some tenant's platform may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// Twilio Frontline's customers.
    Crm,
    /// Twilio Frontline's message templates.
    Templates,
    /// From which number a Frontline conversation is begun.
    Outgoing,
    /// Who gets a Frontline conversation.
    Routing,
    /// Webhooks of Twilio Conversations.
    Conversations,
}

impl Callback {
    /// Every callback.
    pub const ALL: [Self; 5] = [Self::Crm, Self::Templates, Self::Outgoing, Self::Routing, Self::Conversations];

    /// As in the path, the log and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Templates => "templates",
            Self::Outgoing => "outgoing-conversation",
            Self::Routing => "routing",
            Self::Conversations => "conversations",
        }
    }

    /// Where a tenant's platform calls it.
    pub fn path(self, tenant: &Tenant) -> String {
        format!("{}/callbacks/{}", tenant.prefix, self.name())
    }

    /// How long it may take in all.
    pub fn timeout_ms(self, tenant: &Tenant) -> u64 {
        match self {
            Self::Conversations => tenant.webhook_timeout_ms,
            _ => tenant.callback_timeout_ms,
        }
    }

    /// Another name that is in the wild.
    fn alias(self) -> Option<&'static str> {
        (self == Self::Conversations).then_some("twilio-conversations")
    }
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
    /// The routes of these tenants.
    pub fn new(tenants: Vec<Arc<Tenant>>) -> Self {
        let mut paths = HashMap::new();
        for tenant in &tenants {
            for callback in Callback::ALL {
                for name in [callback.name()].into_iter().chain(callback.alias()) {
                    let route = Route { tenant: Arc::clone(tenant), callback };
                    paths.insert(format!("{}/callbacks/{name}", tenant.prefix), route);
                }
            }
        }
        Self { paths, tenants }
    }

    /// What a path stands for. A slash at the end is often written, and means nothing.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.paths.get(path.strip_suffix('/').unwrap_or(path))
    }

    /// Every tenant.
    pub fn tenants(&self) -> &[Arc<Tenant>] {
        &self.tenants
    }
}
