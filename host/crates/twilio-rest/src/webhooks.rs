//! Compares the webhooks at Twilio with those that a tenant needs, and computes the changes between them. Pure.
//!
//! A service without a URL of its own inherits the account's webhooks. Events of users exist on the account only.

use std::fmt;

use serde::Deserialize;

/// The events of webhooks. `Add`, `Update` and `Remove` are sent before the change, the others after it.
pub const EVENTS: [&str; 23] = [
    "onConversationAdd",
    "onConversationAdded",
    "onConversationRemove",
    "onConversationRemoved",
    "onConversationStateUpdated",
    "onConversationUpdate",
    "onConversationUpdated",
    "onDeliveryUpdated",
    "onMessageAdd",
    "onMessageAdded",
    "onMessageRemove",
    "onMessageRemoved",
    "onMessageUpdate",
    "onMessageUpdated",
    "onParticipantAdd",
    "onParticipantAdded",
    "onParticipantRemove",
    "onParticipantRemoved",
    "onParticipantUpdate",
    "onParticipantUpdated",
    "onUserAdded",
    "onUserUpdate",
    "onUserUpdated",
];

/// A `Configuration/Webhooks`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Webhooks {
    /// URL that Twilio calls before events happen.
    pub pre_webhook_url: Option<String>,
    /// URL that Twilio calls after events have happened.
    pub post_webhook_url: Option<String>,
    /// The selected events.
    pub filters: Option<Vec<String>>,
    /// HTTP method of the webhooks: `GET` or `POST`.
    pub method: Option<String>,
    /// Receiver of the account's webhooks: `webhook` or `flex`. Services have none.
    pub target: Option<String>,
}

/// The webhooks of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceWebhooks {
    /// `IS...`
    pub sid: String,
    /// Its own webhooks.
    pub webhooks: Webhooks,
}

/// The webhooks that apply to a tenant's conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfiguration {
    /// The account's webhooks.
    pub account: Webhooks,
    /// The service of the tenant's conversations. `None` if the account has no default service.
    pub service: Option<ServiceWebhooks>,
    /// Whether `conversations_url` names the service.
    pub is_service_named: bool,
}

/// The place of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// The account: all services without a URL of their own.
    Account,
    /// One service, `IS...`.
    Service(String),
}

impl Level {
    fn is_service(&self) -> bool {
        matches!(self, Self::Service(_))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => formatter.write_str("account"),
            Self::Service(sid) => write!(formatter, "service {sid}"),
        }
    }
}

/// Whether a webhook is sent before or after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookKind {
    /// Twilio waits for the answer, which can reject the change.
    PreEvent,
    /// A notification.
    PostEvent,
}

impl WebhookKind {
    const ALL: [Self; 2] = [Self::PreEvent, Self::PostEvent];

    /// Returns whether an event is sent before or after its change.
    pub fn of(event: &str) -> Self {
        let is_pre = ["Add", "Update", "Remove"].iter().any(|end| event.ends_with(end));
        if is_pre { Self::PreEvent } else { Self::PostEvent }
    }

    /// Returns the name for operators.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreEvent => "pre-event",
            Self::PostEvent => "post-event",
        }
    }

    fn field(self) -> &'static str {
        match self {
            Self::PreEvent => "PreWebhookUrl",
            Self::PostEvent => "PostWebhookUrl",
        }
    }
}

/// The webhooks that a tenant needs.
#[derive(Debug)]
pub struct Needed {
    /// The URL of the gateway.
    pub url: String,
    /// Another URL of the gateway that is as good.
    pub alias: Option<String>,
    /// The events. Without events, nothing is needed.
    pub events: Vec<String>,
}

/// One comparison between the configuration and the need.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// The event is sent to the gateway.
    Sent {
        /// The event.
        event: String,
        /// The level that sends it.
        level: Level,
        /// The URL.
        url: String,
    },
    /// Events are sent to another URL, or not at all.
    Url {
        /// The webhook.
        kind: WebhookKind,
        /// Its level.
        level: Level,
        /// The current URL.
        found: Option<String>,
    },
    /// The event is not selected.
    Disabled {
        /// The event.
        event: String,
        /// The level that would send it.
        level: Level,
    },
    /// Webhooks are sent by GET.
    Method(Level),
    /// Webhooks are sent by GET, also to another system. The method applies to both URLs, so it is kept: the gateway
    /// verifies both methods.
    SharedMethod {
        /// The level.
        level: Level,
        /// The URL of the other system.
        url: String,
    },
    /// The account's webhooks are sent to Flex.
    Target,
}

impl Finding {
    /// Returns whether the need is not satisfied.
    pub fn is_problem(&self) -> bool {
        !matches!(self, Self::Sent { .. } | Self::SharedMethod { .. })
    }
}

/// A change of the webhooks of one level.
#[derive(Debug, PartialEq, Eq)]
pub struct WebhookChange {
    /// The level.
    pub level: Level,
    /// The fields to set.
    pub form: Vec<(&'static str, String)>,
    /// The values of other systems that the change replaces: URLs, or `flex`.
    pub replaced: Vec<String>,
}

impl Webhooks {
    /// Returns the URL of one kind, unless it is empty.
    pub fn url(&self, kind: WebhookKind) -> Option<&str> {
        let url = match kind {
            WebhookKind::PreEvent => &self.pre_webhook_url,
            WebhookKind::PostEvent => &self.post_webhook_url,
        };
        url.as_deref().filter(|url| !url.is_empty())
    }

    /// Returns whether it has a URL: only then, it replaces the account's webhooks.
    pub fn has_url(&self) -> bool {
        WebhookKind::ALL.into_iter().any(|kind| self.url(kind).is_some())
    }

    fn selects(&self, event: &str) -> bool {
        self.filters.iter().flatten().any(|filter| filter == event)
    }

    /// Returns the URLs of other systems, each once.
    fn foreign(&self, needed: &Needed) -> Vec<String> {
        let urls = WebhookKind::ALL.into_iter().filter_map(|kind| self.url(kind));
        let mut foreign: Vec<_> = urls.filter(|url| !needed.is_ours(url)).map(ToOwned::to_owned).collect();
        foreign.dedup();
        foreign
    }

    /// Returns the URL of another system that stays after a change for these events.
    fn shared(&self, events: &[&str], needed: &Needed) -> Option<&str> {
        let kept =
            WebhookKind::ALL.into_iter().filter(|kind| events.iter().all(|event| WebhookKind::of(event) != *kind));
        kept.filter_map(|kind| self.url(kind)).find(|url| !needed.is_ours(url))
    }
}

impl Needed {
    fn is_ours(&self, url: &str) -> bool {
        url == self.url || self.alias.as_deref() == Some(url)
    }
}

impl WebhookConfiguration {
    /// Returns the level whose webhooks apply to the tenant's conversations.
    pub fn effective(&self) -> (Level, &Webhooks) {
        match &self.service {
            Some(service) if service.webhooks.has_url() => (Level::Service(service.sid.clone()), &service.webhooks),
            _ => (Level::Account, &self.account),
        }
    }

    /// Compares the webhooks with the need.
    pub fn findings(&self, needed: &Needed) -> Vec<Finding> {
        let groups = self.groups(needed);
        groups.into_iter().flat_map(|(level, webhooks, events)| findings(&level, webhooks, &events, needed)).collect()
    }

    /// Returns the changes that satisfy the need, none if it is satisfied.
    pub fn changes(&self, needed: &Needed) -> Vec<WebhookChange> {
        let mut changes = Vec::new();
        for (level, webhooks, events) in self.groups(needed) {
            let Some(service) = self.own_service(&level, webhooks, needed) else {
                changes.extend(change_if_needed(level, webhooks, &events, needed));
                continue;
            };
            let (of_users, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| is_of_users(event));
            changes.extend(change_if_needed(Level::Account, webhooks, &of_users, needed));
            let own = change_if_needed(Level::Service(service.sid.clone()), &service.webhooks, &others, needed);
            // The first URL of the service ends the inheritance, so the account's URLs lose its events.
            changes.extend(own.map(|own| WebhookChange { replaced: webhooks.foreign(needed), ..own }));
        }
        changes
    }

    /// Returns the service if it should get webhooks of its own: the webhooks that it inherits are missing, or belong to
    /// another system, which keeps them for other services.
    fn own_service(&self, level: &Level, inherited: &Webhooks, needed: &Needed) -> Option<&ServiceWebhooks> {
        let is_free = !inherited.has_url() || !inherited.foreign(needed).is_empty();
        let is_own = *level == Level::Account && !self.effective().0.is_service() && self.is_service_named && is_free;
        self.service.as_ref().filter(|_| is_own)
    }

    /// Returns each level that has to send events, with these events.
    fn groups<'c>(&'c self, needed: &'c Needed) -> Vec<(Level, &'c Webhooks, Vec<&'c str>)> {
        let (level, webhooks) = self.effective();
        let (of_users, others): (Vec<_>, Vec<_>) =
            needed.events.iter().map(String::as_str).partition(|event| is_of_users(event));
        let groups = match level.is_service() {
            true => vec![(level, webhooks, others), (Level::Account, &self.account, of_users)],
            false => vec![(level, webhooks, [others, of_users].concat())],
        };
        groups.into_iter().filter(|(_, _, events)| !events.is_empty()).collect()
    }
}

/// Returns whether an event exists on the account only.
fn is_of_users(event: &str) -> bool {
    event.starts_with("onUser")
}

fn findings(level: &Level, webhooks: &Webhooks, events: &[&str], needed: &Needed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_sent = |kind| webhooks.url(kind).is_some_and(|url| needed.is_ours(url));
    for kind in WebhookKind::ALL {
        if !is_sent(kind) && events.iter().any(|event| WebhookKind::of(event) == kind) {
            let found = webhooks.url(kind).map(ToOwned::to_owned);
            findings.push(Finding::Url { kind, level: level.clone(), found });
        }
    }
    for event in events {
        let url = webhooks.url(WebhookKind::of(event)).filter(|url| needed.is_ours(url));
        let (event, level) = ((*event).to_owned(), level.clone());
        match url.map(ToOwned::to_owned) {
            Some(url) if webhooks.selects(&event) => findings.push(Finding::Sent { event, level, url }),
            Some(_) => findings.push(Finding::Disabled { event, level }),
            None => {}
        }
    }
    if webhooks.method.as_deref().is_some_and(|method| !method.eq_ignore_ascii_case("POST")) {
        findings.push(match webhooks.shared(events, needed) {
            Some(url) => Finding::SharedMethod { level: level.clone(), url: url.to_owned() },
            None => Finding::Method(level.clone()),
        });
    }
    if webhooks.target.as_deref() == Some("flex") {
        findings.push(Finding::Target);
    }
    findings
}

fn change_if_needed(level: Level, webhooks: &Webhooks, events: &[&str], needed: &Needed) -> Option<WebhookChange> {
    let findings = findings(&level, webhooks, events, needed);
    let is_needed = !events.is_empty() && findings.iter().any(Finding::is_problem);
    is_needed.then(|| change(level, webhooks, events, needed))
}

/// Returns the change after which a level sends the events.
fn change(level: Level, webhooks: &Webhooks, events: &[&str], needed: &Needed) -> WebhookChange {
    let (mut form, mut replaced) = (Vec::new(), Vec::new());
    for kind in WebhookKind::ALL {
        let before = webhooks.url(kind);
        let is_needed = events.iter().any(|event| WebhookKind::of(event) == kind);
        if is_needed && !before.is_some_and(|url| needed.is_ours(url)) {
            form.push((kind.field(), needed.url.clone()));
            replaced.extend(before.map(ToOwned::to_owned));
        }
    }
    replaced.dedup();
    if events.iter().any(|event| !webhooks.selects(event)) {
        // Both URLs share one list, which Twilio replaces: keep the events that other URLs need.
        let kept = webhooks.filters.iter().flatten().map(String::as_str);
        let added = events.iter().copied().filter(|event| !webhooks.selects(event));
        form.extend(kept.chain(added).map(|event| ("Filters", event.to_owned())));
    }
    let is_post = webhooks.method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("POST"));
    if !is_post && webhooks.shared(events, needed).is_none() {
        form.push(("Method", "POST".to_owned()));
    }
    if webhooks.target.as_deref() == Some("flex") {
        form.push(("Target", "webhook".to_owned()));
        replaced.push("flex".to_owned());
    }
    WebhookChange { level, form, replaced }
}

#[cfg(test)]
mod tests;
