//! Records of requests, of webhooks, and of the changes that requests made.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::twilio::fault::{Action, Call};
use crate::twilio::model::ConversationState;

/// The credentials of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// The request has no credentials.
    Missing,
    /// The credentials are unknown.
    Wrong,
    /// Account SID and auth token.
    AuthToken,
    /// API key SID and secret.
    ApiKey,
}

/// A REST request and its outcome.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Time since the start of the simulator.
    pub at: Duration,
    /// The number of the connection.
    pub connection: u64,
    /// `GET`, `POST`, `DELETE`, ...
    pub method: String,
    /// The path as sent, percent-encoded, without the query.
    pub path: String,
    /// The decoded query.
    pub query: Vec<(String, String)>,
    /// The decoded form. Empty if the connection was closed before the body was read.
    pub form: Vec<(String, String)>,
    /// The size of the body in bytes.
    pub size: usize,
    /// The requested operation.
    pub call: Call,
    /// The conversation in the path.
    pub conversation: Option<String>,
    /// The credentials.
    pub authorization: Authorization,
    /// Whether `X-Twilio-Webhook-Enabled` was `true`.
    pub webhook_enabled: bool,
    /// `I-Twilio-Idempotency-Token` or `Idempotency-Key`.
    pub idempotency: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The fault that hit the request.
    pub fault: Option<Action>,
    /// The status of the response. `None` if the connection was closed or the caller disconnected.
    pub status: Option<u16>,
    /// Whether the request took effect, regardless of the response.
    pub acted: bool,
}

impl Recorded {
    /// Returns a field of the form.
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

/// One webhook attempt.
#[derive(Debug, Clone)]
pub struct Fired {
    /// The `EventType`, or `routing` for the custom routing callback.
    pub event: String,
    /// The URL that was signed.
    pub url: String,
    /// The fields in the order sent. Names may repeat.
    pub fields: Vec<(String, String)>,
    /// `I-Twilio-Idempotency-Token`.
    pub token: String,
    /// The status of the response. `None` if no answer arrived in time.
    pub status: Option<u16>,
    /// The body of the response.
    pub body: String,
    /// The time until the response or the timeout.
    pub elapsed: Duration,
    /// Whether the connection failed or ended without a response.
    pub unreachable: bool,
    /// Whether the deadline passed before the response arrived.
    pub late: bool,
    /// Whether a 2xx status arrived in time.
    pub acknowledged: bool,
    /// The error that Twilio's debugger would show, such as a response that is not JSON.
    pub error: Option<String>,
}

impl Fired {
    /// Returns the first field with this name.
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

/// A change that a REST request made. Changes that scenarios make are not recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A conversation was created.
    ConversationCreated {
        /// `CH...`
        conversation: String,
    },
    /// A conversation got a name.
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
        /// The new attributes.
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
        /// The worker.
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
        /// The new attributes.
        attributes: Value,
    },
    /// Another property of a participant was set.
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
    /// A message was changed.
    MessageUpdated {
        /// `CH...`
        conversation: String,
        /// `IM...`
        message: String,
    },
    /// A message was removed.
    MessageRemoved {
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
    /// A user of Frontline was changed.
    UserUpdated {
        /// The identity of the user.
        identity: String,
    },
    /// The status callback of a number was set.
    NumberUpdated {
        /// The number.
        number: String,
    },
    /// The configuration of the webhooks was set.
    WebhooksSet,
    /// A webhook was added to a conversation.
    ScopedWebhookAdded {
        /// `CH...`
        conversation: String,
        /// The URL of the webhook.
        url: String,
    },
    /// A webhook of a conversation was changed.
    ScopedWebhookUpdated {
        /// `CH...`
        conversation: String,
        /// The URL of the webhook.
        url: String,
    },
    /// A webhook of a conversation was removed.
    ScopedWebhookRemoved {
        /// `CH...`
        conversation: String,
        /// The URL of the webhook.
        url: String,
    },
    /// The configuration of a number was set.
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

/// The reason for which a conversation or a message was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The event whose webhook rejected the change, or at which Twilio rejected it.
    pub event: String,
    /// The conversation, if one exists.
    pub conversation: Option<String>,
    /// The status of the webhook or of Twilio's error.
    pub status: u16,
    /// Twilio's error code, if Twilio rejected it.
    pub code: Option<u32>,
    /// The response body of the webhook, or Twilio's message.
    pub body: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} was rejected with {}: {}", self.event, self.status, self.body)
    }
}
