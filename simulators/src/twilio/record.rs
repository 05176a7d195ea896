//! What happened: requests that came, webhooks that went, and what really changed.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::twilio::fault::{Action, Call};
use crate::twilio::model::ConversationState;

/// Whose credentials a request had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// None.
    Missing,
    /// Some that are not accepted.
    Wrong,
    /// Account SID and auth token.
    AuthToken,
    /// API key SID and secret.
    ApiKey,
}

/// A REST request, as it came and what became of it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Since the start of the double.
    pub at: Duration,
    /// Which connection it came over; requests of one connection have the same number.
    pub connection: u64,
    /// `GET`, `POST`, `DELETE`, ...
    pub method: String,
    /// As sent, with its percent signs and without its query.
    pub path: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    /// Decoded; empty where the connection was closed before the body was read.
    pub form: Vec<(String, String)>,
    /// How long its body was.
    pub size: usize,
    /// What it asks for.
    pub call: Call,
    /// The conversation in its path.
    pub conversation: Option<String>,
    /// Whose credentials it had.
    pub authorization: Authorization,
    /// Whether `X-Twilio-Webhook-Enabled` was `true`.
    pub webhook_enabled: bool,
    /// `I-Twilio-Idempotency-Token` or `Idempotency-Key`.
    pub idempotency: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The fault that hit it.
    pub fault: Option<Action>,
    /// What was answered; none where the connection was cut, or the caller left before.
    pub status: Option<u16>,
    /// Whether it was carried out with success, whatever was answered.
    pub acted: bool,
}

impl Recorded {
    /// A field of the form.
    pub fn field(&self, name: &str) -> Option<&str> {
        first(&self.form, name)
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_millis();
        let status = self.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
        write!(formatter, "{at:>6} ms  {} {} {:?} -> {status}", self.method, self.path, self.form)?;
        write!(formatter, "{}", if self.acted { ", acted" } else { "" })?;
        self.fault.as_ref().map_or(Ok(()), |fault| write!(formatter, ", {fault:?}"))
    }
}

/// One attempt at a webhook.
#[derive(Debug, Clone)]
pub struct Fired {
    /// The `EventType`, or `routing` for the custom routing callback.
    pub event: String,
    /// What was signed.
    pub url: String,
    /// In the order in which they were sent; names may repeat.
    pub fields: Vec<(String, String)>,
    /// `I-Twilio-Idempotency-Token`.
    pub token: String,
    /// None where no answer came in time.
    pub status: Option<u16>,
    /// The answer's.
    pub body: String,
    /// Until the answer, or until Twilio gave up.
    pub elapsed: Duration,
    /// Whether nobody was there, or the connection ended without an answer.
    pub unreachable: bool,
    /// Whether the deadline passed before the answer was there.
    pub late: bool,
    /// Whether a 2xx came in time.
    pub acknowledged: bool,
    /// What Twilio's debugger would show, such as an answer that is no JSON.
    pub error: Option<String>,
}

impl Fired {
    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        first(&self.fields, name)
    }
}

impl fmt::Display for Fired {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match (self.status, self.late) {
            (Some(status), _) => status.to_string(),
            (None, true) => "late".to_owned(),
            (None, false) => "unreachable".to_owned(),
        };
        let elapsed = self.elapsed.as_millis();
        write!(formatter, "{} {:?} -> {outcome} {:?} after {elapsed} ms", self.event, self.fields, self.body)?;
        self.error.as_ref().map_or(Ok(()), |error| write!(formatter, ", {error}"))
    }
}

fn first<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Something that a REST request really changed, in the order in which it did. What scenarios do
/// themselves is not among them.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A conversation was created.
    ConversationCreated {
        /// `CH...`
        conversation: String,
    },
    /// A conversation was named.
    NameSet {
        /// `CH...`
        conversation: String,
        /// The new name.
        friendly_name: String,
    },
    /// A conversation's attributes were replaced.
    ConversationAttributesSet {
        /// `CH...`
        conversation: String,
        /// All of them.
        attributes: Value,
    },
    /// A conversation's state was set.
    StateSet {
        /// `CH...`
        conversation: String,
        /// The new state.
        state: ConversationState,
    },
    /// A conversation was deleted.
    ConversationRemoved {
        /// `CH...`
        conversation: String,
    },
    /// A worker was added.
    WorkerAdded {
        /// `CH...`
        conversation: String,
        /// Who.
        identity: String,
    },
    /// A customer, or the company's number in a group, was added.
    CustomerAdded {
        /// `CH...`
        conversation: String,
        /// The number.
        address: String,
    },
    /// A participant's attributes were replaced.
    AttributesSet {
        /// `CH...`
        conversation: String,
        /// `MB...`
        participant: String,
        /// All of them.
        attributes: Value,
    },
    /// Something else of a participant was set.
    ParticipantUpdated {
        /// `CH...`
        conversation: String,
        /// `MB...`
        participant: String,
    },
    /// A participant was removed.
    ParticipantRemoved {
        /// `CH...`
        conversation: String,
        /// `MB...`
        participant: String,
    },
    /// A message was added.
    MessageAdded {
        /// `CH...`
        conversation: String,
        /// `IM...`
        message: String,
    },
    /// A file was uploaded.
    MediaStored {
        /// `ME...`
        media: String,
    },
    /// The configuration of the webhooks was set.
    WebhooksSet,
    /// A conversation got a webhook of its own.
    ScopedWebhookAdded {
        /// `CH...`
        conversation: String,
        /// Where it goes.
        url: String,
    },
    /// A conversation lost a webhook of its own.
    ScopedWebhookRemoved {
        /// `CH...`
        conversation: String,
        /// Where it went.
        url: String,
    },
    /// What becomes of messages to a number was set.
    AddressSet {
        /// The number.
        address: String,
        /// `webhook`, `studio` or `default`.
        kind: String,
    },
    /// The configuration of a number was deleted.
    AddressRemoved {
        /// The number.
        address: String,
    },
}

/// Why a conversation or a message did not come to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The event whose webhook said no, or at which Twilio itself did.
    pub event: String,
    /// The conversation, where there is one all the same.
    pub conversation: Option<String>,
    /// The webhook's status, or that of Twilio's error.
    pub status: u16,
    /// Twilio's code, where it was Twilio.
    pub code: Option<u32>,
    /// The webhook's answer, or Twilio's message.
    pub body: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} was rejected with {}: {}", self.event, self.status, self.body)
    }
}
