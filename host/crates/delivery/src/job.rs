//! One delivery: an event that was accepted, and what has become of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use frontgate_twilio::form::Form;
use serde::Serialize;

use super::provider_event::Happened;

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for its turn.
    Ready,
    /// Is being worked on.
    Leased,
    /// Was sent, and nobody knows whether it arrived: the platform is asked.
    Unknown,
    /// Has had its effect, or needed none.
    Sent,
    /// Was refused for good.
    Failed,
    /// Was given up; waits for the operator.
    Dead,
    /// The operator took it out.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Ready, Self::Leased, Self::Unknown, Self::Sent, Self::Failed, Self::Dead, Self::Cancelled];

    /// As in the database, the commands and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A callback whose work is done after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody must get a conversation.
    Routing,
    /// Something has happened in one.
    Conversations,
    /// A teammate's message goes to a channel's provider.
    Message,
    /// Front is told of a message.
    Import,
    /// Front is told that a message did not arrive.
    Status,
    /// A channel was removed: its plugin is told.
    Disconnect,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Routing, Self::Conversations, Self::Message, Self::Import, Self::Status, Self::Disconnect];

    /// Whether it is about a channel of Front's.
    pub fn is_front(self) -> bool {
        !matches!(self, Self::Routing | Self::Conversations)
    }

    /// As in the database, the commands and the log: the callback's name, or what is done for Front.
    pub fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Conversations => "conversations",
            Self::Message => "front-message",
            Self::Import => "front-import",
            Self::Status => "front-status",
            Self::Disconnect => "front-disconnect",
        }
    }

    /// The kind of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is written down of an event.
#[derive(Debug)]
pub struct Event {
    /// Whose.
    pub tenant: Arc<str>,
    /// Which callback brought it.
    pub kind: Kind,
    /// `routing`, or the event's own name.
    pub name: String,
    /// Deliveries of one conversation are made in order.
    pub conversation: String,
    /// JSON: what was received, or what is to be told.
    pub payload: String,
    /// Of Front's channels, which one it is about, and which message.
    pub channel: Option<i64>,
    /// The same.
    pub message: Option<i64>,
    /// Id of the request that brought it.
    pub request: Arc<str>,
}

/// A delivery that a worker holds.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) conversation: String,
    pub(crate) payload: String,
    pub(crate) channel: Option<i64>,
    pub(crate) message: Option<i64>,
    pub(crate) request: Arc<str>,
    /// What was decided before: it is not decided anew.
    pub(crate) plan: Option<String>,
    /// Whether it has to be found out first what became of it.
    pub(crate) unknown: bool,
    /// How often it was begun, this time included.
    pub(crate) attempts: u32,
    /// How often the platform was asked what became of it.
    pub(crate) questions: u32,
    /// Since when it waits.
    pub(crate) since: SystemTime,
    /// Since when it is worked on.
    pub(crate) begun: SystemTime,
    /// Proves that it is this worker's.
    pub(crate) lease: String,
}

impl Delivery {
    pub(crate) fn form(&self) -> Form<'static> {
        let fields: Vec<(String, String)> = serde_json::from_str(&self.payload).unwrap_or_default();
        Form::from_pairs(fields)
    }

    /// How long it has waited; nothing, if the clock was turned back.
    pub(crate) fn age(&self) -> Duration {
        SystemTime::now().duration_since(self.since).unwrap_or_default()
    }

    /// How long it has been tried.
    pub(crate) fn tried(&self) -> Duration {
        SystemTime::now().duration_since(self.begun).unwrap_or_default()
    }
}

/// What a plugin said of a message that it has sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// What it calls the message.
    pub(crate) name: Option<String>,
    /// And the conversation.
    pub(crate) conversation: Option<String>,
    /// What the provider told at once.
    pub(crate) events: Vec<Happened>,
}

/// What has become of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Done.
    Sent {
        /// What the platform calls the result.
        result: Option<String>,
    },
    /// Not done; it has had no effect.
    Again {
        /// Not before, if somebody said so.
        after: Option<Duration>,
        reason: String,
        /// Whether a plugin has to answer first, so that nothing was decided yet.
        waits_for_plugin: bool,
    },
    /// It may have had its effect.
    Unknown {
        reason: String,
        /// Whether the platform was asked and did not say. Where it could not even be asked, nothing
        /// is learnt about the delivery.
        asked: bool,
        /// Not before, if somebody said so.
        after: Option<Duration>,
    },
    /// Refused for good.
    Failed { reason: String },
    /// The same, in words for whoever wrote the message.
    Refused { reason: String, told: String },
    /// A plugin has sent a message.
    Delivered { receipt: Receipt },
    /// A plugin crashed over it, and nothing was sent.
    Crashed { reason: String },
    /// Nobody can find out what became of it.
    Lost { reason: String },
}
