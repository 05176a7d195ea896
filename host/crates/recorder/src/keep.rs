//! Decides which records are kept for longer than others. The decision is made at the end of a request, when its
//! outcome is known.

use crate::record::{Facts, Outcome};

/// Reason for which a record is kept for longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepReason {
    /// The caller disconnected, or the response has a status of 500 or more.
    Failed,
    /// The request was answered 200 despite an error.
    LetThrough,
    /// The request was refused.
    Refused,
    /// The request took over half of its deadline.
    Slow,
    /// The request stored a delivery.
    Delivery,
    /// The simulator sent the request.
    Simulated,
    /// The call was one of the first of a new version of a plugin.
    NewVersion,
    /// A sample of each callback of each tenant.
    Sample,
}

impl KeepReason {
    /// Returns the reason that follows from the request alone, the most important one first.
    pub(crate) fn of(facts: &Facts) -> Option<Self> {
        match facts.outcome {
            Outcome::LetThrough => Some(Self::LetThrough),
            _ if facts.is_failed() => Some(Self::Failed),
            Outcome::Refused => Some(Self::Refused),
            _ if facts.is_slow() => Some(Self::Slow),
            _ if !facts.deliveries.is_empty() => Some(Self::Delivery),
            _ => facts.is_simulated.then_some(Self::Simulated),
        }
    }
}
