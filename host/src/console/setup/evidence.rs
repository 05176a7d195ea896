//! What the recorded requests prove about each address: the last accepted request, and refused requests after it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use frontgate_recorder::{Facts, Filter, Outcome, Record, Recorder, SignatureResult};
use frontgate_twilio_rest::webhooks::WebhookKind;

/// What is known about one address.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) accepted: Option<Accepted>,
    /// The last refused request, if it is newer than the last accepted one.
    pub(super) refused: Option<Refused>,
    /// Refused requests after the last accepted one.
    pub(super) refusals: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) at_ms: u64,
    pub(super) key: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) id: String,
    pub(super) at_ms: u64,
    /// Text for operators, which may contain personal data.
    pub(super) reason: String,
    /// Whether no signature matched.
    pub(super) is_signature: bool,
}

/// An address that requests are compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AddressKey {
    pub(super) tenant: String,
    /// The path as it is recorded: without the key of a channel.
    pub(super) path: String,
    /// Front's id of the channel.
    pub(super) channel: Option<String>,
    /// Name of the webhook, for the two that have one URL.
    pub(super) webhook: Option<&'static str>,
}

/// All that is recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    addresses: BTreeMap<AddressKey, Seen>,
    /// Time of the last request by tenant, Front app and key; the app is empty for Twilio.
    keys: BTreeMap<(String, String, String), u64>,
}

impl Evidence {
    /// Reads all records up to a number once, the newest first.
    pub(super) fn read(recorder: &Recorder, last: u64) -> Self {
        let found = RefCell::new(Self::default());
        recorder.newest_where(
            &Filter::default(),
            |record: &Record| {
                if record.sequence <= last {
                    found.borrow_mut().add(&record.facts);
                }
                false
            },
            1,
        );
        found.into_inner()
    }

    pub(super) fn of(&self, key: &AddressKey) -> Option<&Seen> {
        self.addresses.get(key)
    }

    /// Returns the time of the last request that a key verified.
    pub(super) fn key(&self, tenant: &str, app: &str, key: &str) -> Option<u64> {
        self.keys.get(&(tenant.to_owned(), app.to_owned(), key.to_owned())).copied()
    }

    /// Adds a record that is newer than all others.
    pub(super) fn add_newer(&mut self, facts: &Facts) {
        let mut newer = Self::default();
        newer.add(facts);
        self.keys.extend(newer.keys);
        for (key, newer) in newer.addresses {
            let older = self.addresses.remove(&key).unwrap_or_default();
            self.addresses.insert(key, newer.before(older));
        }
    }

    fn add(&mut self, facts: &Facts) {
        let Some(tenant) = facts.tenant.as_deref().filter(|_| !facts.is_simulated) else { return };
        if let SignatureResult::Matched { key, .. } = &facts.signature {
            let app = facts.path.rsplit_once("/front/").and_then(|(_, rest)| rest.split('/').next());
            let app = app.filter(|_| facts.callback == "front").unwrap_or_default();
            self.keys.entry((tenant.to_owned(), app.to_owned(), key.to_string())).or_insert(facts.at_ms);
        }
        for key in keys(tenant, facts) {
            self.addresses.entry(key).or_default().add(facts);
        }
    }
}

/// Returns the addresses that a request is about. Two webhooks have one URL, and a request without an event is about both.
fn keys(tenant: &str, facts: &Facts) -> Vec<AddressKey> {
    let path = facts.path.trim_end_matches('/');
    let key = |webhook| AddressKey {
        tenant: tenant.to_owned(),
        path: path.replace("/callbacks/twilio-conversations", "/callbacks/conversations"),
        channel: facts.channel.as_deref().map(str::to_owned),
        webhook,
    };
    match (facts.callback, facts.event.as_deref()) {
        ("conversations", Some(event)) => vec![key(Some(WebhookKind::of(event).name()))],
        ("conversations", None) => {
            [WebhookKind::PreEvent, WebhookKind::PostEvent].map(|kind| key(Some(kind.name()))).into()
        }
        _ => vec![key(None)],
    }
}

impl Seen {
    /// Adds what older requests prove.
    fn before(self, older: Self) -> Self {
        if self.accepted.is_some() {
            return self;
        }
        Self {
            accepted: older.accepted,
            refused: self.refused.or(older.refused),
            refusals: self.refusals + older.refusals,
        }
    }

    /// Adds an older request.
    fn add(&mut self, facts: &Facts) {
        if self.accepted.is_some() {
            return;
        }
        // A plugin that verifies requests itself answers with a status of its own.
        let is_error = facts.status.is_none_or(|status| status >= 400);
        if facts.is_accepted || (facts.outcome == Outcome::Answered && !is_error) {
            let key = match &facts.signature {
                SignatureResult::Matched { key, .. } => Some(key.to_string()),
                _ => None,
            };
            self.accepted = Some(Accepted { id: facts.id.to_string(), at_ms: facts.at_ms, key });
            return;
        }
        if matches!(facts.outcome, Outcome::LetThrough | Outcome::CallerGone) {
            return;
        }
        self.refusals += 1;
        let (reason, is_signature) = match (&facts.signature, facts.detail.as_deref()) {
            (SignatureResult::Refused { explanation }, _) => (explanation.to_string(), true),
            (_, Some(detail)) => (detail.to_owned(), false),
            (_, None) => (format!("answered with status {}", facts.status.unwrap_or_default()), false),
        };
        self.refused.get_or_insert(Refused { id: facts.id.to_string(), at_ms: facts.at_ms, reason, is_signature });
    }
}
