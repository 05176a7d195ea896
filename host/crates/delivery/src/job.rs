//! Types of a delivery: its stored data, its states, and the outcome of an attempt.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use frontgate_replicas::Part;
use frontgate_runtime::CallRecords;
use frontgate_twilio::form::Form;
use serde::Serialize;

use super::provider_event::ProviderEvent;

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for its first attempt or its next one.
    Ready,
    /// A worker holds its lease.
    Leased,
    /// A request was sent and its outcome is unknown: the platform or the plugin is queried before a retry.
    Unknown,
    /// Done, or nothing had to be done.
    Sent,
    /// Rejected permanently.
    Failed,
    /// Given up; an operator has to decide.
    Dead,
    /// Cancelled by an operator.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Ready, Self::Leased, Self::Unknown, Self::Sent, Self::Failed, Self::Dead, Self::Cancelled];

    /// States in which a delivery has not ended.
    pub const OPEN: [Self; 3] = [Self::Ready, Self::Leased, Self::Unknown];

    /// Returns the name used in the database, the commands and the metrics.
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

    /// Returns the state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Selects the handler of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Assigns a worker to a conversation.
    Routing,
    /// Handles an event of a conversation.
    Conversations,
    /// Changes a conversation.
    Action,
    /// Handles an event of a call.
    Call,
    /// Hands a call that has ended to the plugin that logs calls.
    CallLog,
    /// Sends a teammate's message to a channel's provider.
    Message,
    /// Imports a message, or an event of a call, of the provider into Front.
    Import,
    /// Reports to Front that a message was not delivered.
    Status,
    /// Notifies the plugin of a removed channel.
    Disconnect,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Routing,
        Self::Conversations,
        Self::Action,
        Self::Call,
        Self::CallLog,
        Self::Message,
        Self::Import,
        Self::Status,
        Self::Disconnect,
    ];

    /// Returns whether the delivery belongs to a Front channel.
    pub fn is_front(self) -> bool {
        !matches!(self, Self::Routing | Self::Conversations | Self::Action | Self::Call | Self::CallLog)
    }

    /// Returns the part of a tenant's deliveries that one replica works on.
    pub fn part(self) -> Part {
        if self.is_front() { Part::Front } else { Part::Twilio }
    }

    /// Returns the name used in the database, the commands and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Conversations => "conversations",
            Self::Action => "action",
            Self::Call => "call",
            Self::CallLog => "call-log",
            Self::Message => "front-message",
            Self::Import => "front-import",
            Self::Status => "front-status",
            Self::Disconnect => "front-disconnect",
        }
    }

    /// Returns the kind with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A delivery to be enqueued.
#[derive(Debug)]
pub struct NewDelivery {
    /// Name of the tenant.
    pub tenant: Arc<str>,
    /// Kind, which selects the handler.
    pub kind: Kind,
    /// `routing`, or the platform's name of the event.
    pub name: String,
    /// Key of the conversation. Deliveries of one conversation are executed in order.
    pub conversation: String,
    /// JSON: the callback as received, or the content to send.
    pub payload: String,
    /// Row id of the Front channel, if any.
    pub channel: Option<i64>,
    /// Row id of the Front message, if any.
    pub message: Option<i64>,
    /// Id of the request that caused the delivery.
    pub request: Arc<str>,
}

/// A delivery leased by a worker.
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
    /// The stored decision of an earlier attempt, which this attempt must follow.
    pub(crate) plan: Option<String>,
    /// Whether an earlier request may have succeeded, so the platform must be asked first.
    pub(crate) unknown: bool,
    /// Number of attempts, including this one.
    pub(crate) attempts: u32,
    /// Number of inconclusive queries about the outcome, or of plugin crashes.
    pub(crate) questions: u32,
    /// Time when the delivery was accepted, or last retried by an operator.
    pub(crate) since: SystemTime,
    /// Time when the first attempt began.
    pub(crate) begun: SystemTime,
    /// Time when it was leased, by the clock of the database and by this machine's.
    pub(crate) leased: (SystemTime, Instant),
    /// The replica that leased it; `None` in a database that is not shared.
    pub(crate) replica: Option<i64>,
    /// Random token of the lease; every later write compares it.
    pub(crate) lease: String,
    /// Collects the calls of plugins of this attempt.
    pub(crate) calls: CallRecords,
}

impl Delivery {
    pub(crate) fn form(&self) -> Form<'static> {
        let fields: Vec<(String, String)> = serde_json::from_str(&self.payload).unwrap_or_default();
        Form::from_pairs(fields)
    }

    /// Returns the current time by the clock of the database.
    fn now(&self) -> SystemTime {
        let (database, machine) = self.leased;
        database + machine.elapsed()
    }

    /// Returns the time since the delivery was accepted; zero if the clock was turned back.
    pub(crate) fn age(&self) -> Duration {
        self.now().duration_since(self.since).unwrap_or_default()
    }

    /// Returns the time since the first attempt.
    pub(crate) fn tried(&self) -> Duration {
        self.now().duration_since(self.begun).unwrap_or_default()
    }
}

/// The receipt of a plugin for a message that it sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProviderReceipt {
    /// The plugin's id of the message.
    pub(crate) name: Option<String>,
    /// The plugin's id of the conversation.
    pub(crate) conversation: Option<String>,
    /// Events that the provider returned with its answer.
    pub(crate) events: Vec<ProviderEvent>,
}

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Executed successfully.
    Sent {
        /// The platform's id of the result.
        result: Option<String>,
    },
    /// The attempt had no effect and must be retried.
    Retry {
        /// Minimum pause before the retry, if the platform named one.
        after: Option<Duration>,
        reason: String,
        /// Whether the delivery waits for a plugin's answer, so no decision was made yet.
        waits_for_plugin: bool,
    },
    /// Something that the delivery waits for has not arrived. Not a failure.
    Wait {
        reason: String,
        /// Time until the wait ends.
        longest: Duration,
    },
    /// The request may have had its effect.
    Unknown {
        reason: String,
        /// Whether the platform was queried and gave no conclusive answer. False for an outage, which must not
        /// increment `questions`.
        asked: bool,
        /// Minimum pause before the next query, if the platform named one.
        after: Option<Duration>,
    },
    /// Rejected permanently.
    Failed { reason: String },
    /// Rejected permanently, with a text for the author of the message.
    Refused { reason: String, notice: String },
    /// A plugin sent a message.
    Delivered { receipt: ProviderReceipt },
    /// A plugin crashed before it sent anything.
    Crashed { reason: String },
    /// The outcome cannot be determined.
    Lost { reason: String },
}

/// The new state of a delivery when its lease is released.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) state: State,
    /// Time until the next attempt; `None` in a final state.
    pub(crate) pause: Option<Duration>,
    pub(crate) waits_for_plugin: bool,
    /// Whether the attempt ended without a failure, since something has not arrived.
    pub(crate) is_waiting: bool,
    /// Whether a request that was sent may have had its effect.
    pub(crate) maybe_sent: bool,
    pub(crate) reason: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) questions: u32,
    /// The plugin's receipt for a message that it sent.
    pub(crate) receipt: Option<ProviderReceipt>,
    /// Text for the author of a message that was not delivered.
    pub(crate) notice: Option<String>,
}

impl Transition {
    /// Creates a transition without pause, reason or result.
    pub(crate) fn new(state: State, questions: u32) -> Self {
        Self {
            state,
            pause: None,
            waits_for_plugin: false,
            is_waiting: false,
            maybe_sent: false,
            reason: None,
            result: None,
            questions,
            receipt: None,
            notice: None,
        }
    }
}
