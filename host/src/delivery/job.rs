//! One delivery: an event that was accepted, and what has become of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::twilio::form::Form;

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
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Routing, Self::Conversations];

    /// As in the database, the commands and the log: the callback's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Conversations => "conversations",
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
    /// The fields, as they were received.
    pub fields: Vec<(String, String)>,
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
    pub(crate) fields: Vec<(String, String)>,
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
        Form::from_pairs(self.fields.clone())
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
}
