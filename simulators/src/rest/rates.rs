//! The vendors' rate limits: Airtable allows 5 requests per second, and after more none for 30 seconds; Zendesk allows 10
//! exports per minute. The other limits depend on the account.

use std::time::{Duration, Instant};

use crate::rest::{Call, Dialect};

/// Counts requests within a window.
#[derive(Debug)]
pub(super) struct Rates {
    most: usize,
    window: Duration,
    /// The time for which all requests are rejected after too many.
    penalty: Duration,
    /// The only operation that is counted. `None`: all.
    only: Option<Call>,
    times: Vec<Instant>,
    until: Option<Instant>,
}

impl Rates {
    pub(super) fn of(dialect: Dialect) -> Self {
        let (most, window, penalty, only) = match dialect {
            Dialect::Airtable => (5, 1, 30, None),
            Dialect::Zendesk => (10, 60, 0, Some(Call::Changes)),
            // [?] 20 requests in 2 seconds, and 10 concurrent ones, depending on the plan.
            Dialect::Pipedrive => (20, 2, 0, None),
            Dialect::Zoho | Dialect::Plain => (10, 1, 0, None),
        };
        let (window, penalty) = (Duration::from_secs(window), Duration::from_secs(penalty));
        Self { most, window, penalty, only, times: Vec::new(), until: None }
    }

    /// Counts a request. Returns the seconds to wait if it is one too many.
    pub(super) fn exceeded(&mut self, call: Call) -> Option<Option<u64>> {
        if self.only.is_some_and(|only| only != call) {
            return None;
        }
        let now = Instant::now();
        if self.until.is_some_and(|until| now < until) {
            return Some(Some(self.penalty.as_secs()));
        }
        self.times.retain(|time| now.duration_since(*time) < self.window);
        if self.times.len() < self.most {
            self.times.push(now);
            return None;
        }
        self.until = Some(now + self.penalty);
        Some(Some(self.window.as_secs()))
    }
}
