//! Maps the path of a request to a tenant's callback or channel.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_tenants::{FrontApp, Tenant};

/// Kind of a Twilio callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// Frontline: customers.
    Crm,
    /// Frontline: message templates.
    Templates,
    /// Frontline: the number from which a conversation starts.
    Outgoing,
    /// Frontline: the worker of a conversation.
    Routing,
    /// Twilio Conversations: webhooks.
    Conversations,
    /// Voice: a call that has to be connected.
    Voice,
    /// Voice: the status of a call.
    VoiceStatus,
    /// Voice: the recording of a call.
    VoiceRecording,
    /// Voice: the end of a call, when the caller is to hear something or the call is to be ended.
    VoiceEnded,
}

impl Callback {
    /// All kinds of callbacks.
    pub const ALL: [Self; 9] = [
        Self::Crm,
        Self::Templates,
        Self::Outgoing,
        Self::Routing,
        Self::Conversations,
        Self::Voice,
        Self::VoiceStatus,
        Self::VoiceRecording,
        Self::VoiceEnded,
    ];

    /// Returns the callback's name in paths, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Templates => "templates",
            Self::Outgoing => "outgoing-conversation",
            Self::Routing => "routing",
            Self::Conversations => "conversations",
            Self::Voice => "voice",
            Self::VoiceStatus => "voice/status",
            Self::VoiceRecording => "voice/recording",
            Self::VoiceEnded => "voice/ended",
        }
    }

    /// Returns whether the callback is about a call. Twilio expects XML in response.
    pub fn is_voice(self) -> bool {
        matches!(self, Self::Voice | Self::VoiceStatus | Self::VoiceRecording | Self::VoiceEnded)
    }

    /// Returns the callback's path for a tenant.
    pub fn path(self, tenant: &Tenant) -> String {
        format!("{}/callbacks/{}", tenant.prefix, self.name())
    }

    /// Returns the time limit of the whole request, in milliseconds.
    pub fn timeout_ms(self, tenant: &Tenant) -> u64 {
        match self {
            Self::Conversations => tenant.webhook_timeout_ms,
            _ => tenant.callback_timeout_ms,
        }
    }

    /// Returns another path name of the callback, which some installations use.
    fn alias(self) -> Option<&'static str> {
        (self == Self::Conversations).then_some("twilio-conversations")
    }
}

/// Returns the path to which a tenant's CRM sends notifications about customers.
pub fn source_path(tenant: &Tenant) -> String {
    format!("{}/customers/notifications", tenant.prefix)
}

/// A callback of one tenant.
#[derive(Debug, Clone)]
pub struct Route {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The callback.
    pub callback: Callback,
}

/// An endpoint below a Front app's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The app itself, where channels are connected.
    App,
    /// One channel, identified by the key in its address.
    Channel(String),
    /// The provider of one channel, identified by the channel's key.
    Provider(String),
    /// The authorization server of an app with OAuth.
    Oauth(OauthEndpoint),
}

/// An endpoint of the authorization server of a Front app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OauthEndpoint {
    /// Browsers begin a sign-in.
    Authorize,
    /// Browsers show the current page of a sign-in, and submit it.
    SignIn,
    /// Browsers return from the provider's own sign-in page.
    Return,
    /// Front exchanges a code or a refresh token.
    Token,
    /// Front asks what a token is.
    Introspect,
    /// Front ends a token.
    Revoke,
}

impl OauthEndpoint {
    /// Returns the endpoint with this name in paths.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "authorize" => Self::Authorize,
            "sign-in" => Self::SignIn,
            "return" => Self::Return,
            "token" => Self::Token,
            "introspect" => Self::Introspect,
            "revoke" => Self::Revoke,
            _ => return None,
        })
    }

    /// Returns whether browsers use the endpoint, rather than Front.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::Authorize | Self::SignIn | Self::Return)
    }
}

impl Endpoint {
    /// Returns whether requests come from a channel's provider instead of Front.
    pub(crate) fn is_provider(&self) -> bool {
        matches!(self, Self::Provider(_))
    }
}

/// An endpoint of a tenant's Front app.
#[derive(Debug, Clone)]
pub struct FrontRoute {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The app.
    pub app: Arc<FrontApp>,
    /// The endpoint.
    pub endpoint: Endpoint,
}

/// The result of a lookup.
#[derive(Debug)]
pub enum RouteMatch<'r> {
    /// A callback from Twilio.
    Twilio(&'r Route),
    /// A notification of a tenant's CRM.
    CustomerSource(&'r Arc<Tenant>),
    /// A request from Front, or from the provider of a channel.
    Front(FrontRoute),
}

/// All paths that the gateway answers.
#[derive(Debug, Default)]
pub struct Routes {
    paths: HashMap<String, Route>,
    /// Tenants with a customer source, by the path of its notifications.
    sources: HashMap<String, Arc<Tenant>>,
    apps: HashMap<String, (Arc<Tenant>, Arc<FrontApp>)>,
    /// Distinct lengths of the apps' paths, in ascending order.
    app_lengths: Vec<usize>,
    /// Length of the longest callback path.
    path_length_max: usize,
    tenants: Vec<Arc<Tenant>>,
}

impl Routes {
    /// Creates the routes of these tenants.
    pub fn new(tenants: Vec<Arc<Tenant>>) -> Self {
        let (mut paths, mut sources, mut apps) = (HashMap::new(), HashMap::new(), HashMap::new());
        for tenant in &tenants {
            if !tenant.roles.plugins(Role::CrmSource).is_empty() {
                sources.insert(source_path(tenant), Arc::clone(tenant));
            }
            for (name, app) in &tenant.front {
                apps.insert(format!("{}/front/{name}", tenant.prefix), (Arc::clone(tenant), Arc::clone(app)));
            }
            for callback in Callback::ALL.into_iter().filter(|callback| !callback.is_voice() || tenant.voice.is_some())
            {
                for name in [callback.name()].into_iter().chain(callback.alias()) {
                    let route = Route { tenant: Arc::clone(tenant), callback };
                    paths.insert(format!("{}/callbacks/{name}", tenant.prefix), route);
                }
            }
        }
        let app_lengths = apps.keys().map(String::len).collect::<BTreeSet<_>>().into_iter().collect();
        let path_length_max = paths.keys().chain(sources.keys()).map(String::len).max().unwrap_or_default();
        Self { paths, sources, apps, app_lengths, path_length_max, tenants }
    }

    /// Finds the route of a path. Ignores a slash at the end.
    pub fn find(&self, path: &str) -> Option<RouteMatch<'_>> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.len() <= self.path_length_max
            && let Some(found) = self.exact(path)
        {
            return Some(found);
        }
        // A provider may use any path below its endpoint.
        let mut found = self.app_prefixes(path).filter_map(|(app, rest)| Some((self.apps.get(app)?, rest)));
        let ((tenant, app), rest) = found.next()?;
        let mut segments = rest.split('/').skip(1);
        let endpoint = match (segments.next(), segments.next(), segments.next()) {
            (None, ..) => Endpoint::App,
            (Some("oauth"), Some(name), None) if app.oauth.is_some() => Endpoint::Oauth(OauthEndpoint::named(name)?),
            (Some(key), None, _) if !key.is_empty() => Endpoint::Channel(key.to_owned()),
            (Some(key), Some("provider"), _) if !key.is_empty() => Endpoint::Provider(key.to_owned()),
            _ => return None,
        };
        Some(RouteMatch::Front(FrontRoute { tenant: Arc::clone(tenant), app: Arc::clone(app), endpoint }))
    }

    fn exact(&self, path: &str) -> Option<RouteMatch<'_>> {
        let twilio = self.paths.get(path).map(RouteMatch::Twilio);
        twilio.or_else(|| self.sources.get(path).map(RouteMatch::CustomerSource))
    }

    /// Returns prefixes of a path that may be an app's path, each with its rest, the shortest first.
    ///
    /// Tries only the lengths of apps' paths, so that the configuration, not the caller, determines how much is hashed.
    fn app_prefixes<'p>(&'p self, path: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
        let lengths = self.app_lengths.iter().take_while(|length| **length <= path.len());
        let splits = lengths.filter_map(|length| path.split_at_checked(*length));
        splits.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the route of a tenant's callback.
    pub(crate) fn callback(&self, tenant: &str, callback: &str) -> Option<&Route> {
        self.paths.values().find(|route| &*route.tenant.name == tenant && route.callback.name() == callback)
    }

    /// Returns all tenants.
    pub fn tenants(&self) -> &[Arc<Tenant>] {
        &self.tenants
    }
}

#[cfg(test)]
mod tests;
