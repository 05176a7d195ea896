//! Rate limits of an account, in real time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::hubspot::fault::{Call, Policy};

/// Searches of an account per second.
const SEARCHES_MAX: usize = 5;
const SEARCH_PERIOD: Duration = Duration::from_secs(1);
/// Other requests of a private app per ten seconds.
const REQUESTS_MAX: usize = 100;
const REQUEST_PERIOD: Duration = Duration::from_secs(10);

/// The times of recent requests.
#[derive(Debug, Default)]
pub(super) struct Rates {
    searches: VecDeque<Instant>,
    requests: VecDeque<Instant>,
}

impl Rates {
    /// Counts a request, or returns the limit that it exceeds.
    pub(super) fn exceeded(&mut self, call: Call) -> Option<Policy> {
        let is_search = matches!(call, Call::Search | Call::SearchCalls);
        let (times, most, period, policy) = match is_search {
            true => (&mut self.searches, SEARCHES_MAX, SEARCH_PERIOD, Policy::Secondly),
            false => (&mut self.requests, REQUESTS_MAX, REQUEST_PERIOD, Policy::TenSecondlyRolling),
        };
        let now = Instant::now();
        times.retain(|time| now.duration_since(*time) < period);
        if times.len() >= most {
            return Some(policy);
        }
        times.push_back(now);
        None
    }
}
