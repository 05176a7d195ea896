//! Connections that wait for the next request to the same place.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;

/// Servers close idle connections, and a request that meets such an end may or may not have been read.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Idle connections by where they lead, the oldest first; past `max` the oldest is closed.
pub struct Idle<K, B> {
    max: usize,
    waiting: Mutex<VecDeque<(Instant, K, Connection<B>)>>,
}

impl<K: PartialEq, B> Idle<K, B> {
    pub fn new(max: usize) -> Self {
        Self { max, waiting: Mutex::default() }
    }

    /// The connection to this place that was used last.
    pub fn take(&self, key: &K) -> Option<Connection<B>> {
        let mut waiting = self.waiting();
        let at = waiting.iter().rposition(|(_, to, _)| to == key)?;
        waiting.remove(at).map(|(_, _, connection)| connection)
    }

    /// Keeps a connection whose last answer was read whole.
    pub fn keep(&self, key: K, connection: Connection<B>) {
        if self.max == 0 || !connection.is_open() {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.len() == self.max {
            waiting.pop_front();
        }
        waiting.push_back((Instant::now(), key, connection));
    }

    /// Those that can still be used.
    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Instant, K, Connection<B>)>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(since, _, connection)| since.elapsed() < IDLE_MAX && connection.is_open());
        waiting
    }
}
