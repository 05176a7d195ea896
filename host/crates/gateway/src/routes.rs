//! From the path of a request to the tenant and the callback, or the channel, that it is for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use frontgate_tenants::{App, Tenant};

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

/// What a path of a Front app stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The app itself: channels are connected here.
    App,
    /// One channel, by the key in its address.
    Channel(String),
    /// That channel's provider.
    Provider(String),
}

/// A path of a Front app.
#[derive(Debug, Clone)]
pub struct FrontRoute {
    /// Whose.
    pub tenant: Arc<Tenant>,
    /// Which app.
    pub app: Arc<App>,
    /// What of it.
    pub address: Address,
}

/// Who calls at a path.
#[derive(Debug)]
pub enum Place<'r> {
    /// Twilio.
    Twilio(&'r Route),
    /// Front, or the provider of a channel.
    Front(FrontRoute),
}

/// Every path that is answered.
#[derive(Debug, Default)]
pub struct Routes {
    paths: HashMap<String, Route>,
    apps: HashMap<String, (Arc<Tenant>, Arc<App>)>,
    /// Lengths of the apps' paths, each once, in ascending order.
    app_lengths: Vec<usize>,
    /// Length of the longest callback path.
    path_length_max: usize,
    tenants: Vec<Arc<Tenant>>,
}

impl Routes {
    /// The routes of these tenants.
    pub fn new(tenants: Vec<Arc<Tenant>>) -> Self {
        let (mut paths, mut apps) = (HashMap::new(), HashMap::new());
        for tenant in &tenants {
            for (name, app) in &tenant.front {
                apps.insert(format!("{}/front/{name}", tenant.prefix), (Arc::clone(tenant), Arc::clone(app)));
            }
            for callback in Callback::ALL {
                for name in [callback.name()].into_iter().chain(callback.alias()) {
                    let route = Route { tenant: Arc::clone(tenant), callback };
                    paths.insert(format!("{}/callbacks/{name}", tenant.prefix), route);
                }
            }
        }
        let app_lengths = apps.keys().map(String::len).collect::<BTreeSet<_>>().into_iter().collect();
        let path_length_max = paths.keys().map(String::len).max().unwrap_or_default();
        Self { paths, apps, app_lengths, path_length_max, tenants }
    }

    /// What a path stands for. A slash at the end is often written, and means nothing.
    pub fn find(&self, path: &str) -> Option<Place<'_>> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.len() <= self.path_length_max
            && let Some(route) = self.paths.get(path)
        {
            return Some(Place::Twilio(route));
        }
        // Below a channel's address its provider may have any path.
        let mut found = self.app_prefixes(path).filter_map(|(app, rest)| Some((self.apps.get(app)?, rest)));
        let ((tenant, app), rest) = found.next()?;
        let mut segments = rest.split('/').skip(1);
        let address = match (segments.next(), segments.next(), segments.next()) {
            (None, ..) => Address::App,
            (Some(key), None, _) if !key.is_empty() => Address::Channel(key.to_owned()),
            (Some(key), Some("provider"), _) if !key.is_empty() => Address::Provider(key.to_owned()),
            _ => return None,
        };
        Some(Place::Front(FrontRoute { tenant: Arc::clone(tenant), app: Arc::clone(app), address }))
    }

    /// Beginnings of a path that may be an app's path, each with the rest, the shortest first.
    ///
    /// Only lengths that an app's path has are tried: what is hashed is limited by the configuration, whatever a
    /// caller sends.
    fn app_prefixes<'p>(&'p self, path: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
        let lengths = self.app_lengths.iter().take_while(|length| **length <= path.len());
        let splits = lengths.filter_map(|length| path.split_at_checked(*length));
        splits.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'))
    }

    /// Every tenant.
    pub fn tenants(&self) -> &[Arc<Tenant>] {
        &self.tenants
    }
}

#[cfg(test)]
mod tests;
