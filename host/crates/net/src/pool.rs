//! Pool of idle connections.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::connection::Connection;

/// Time that a connection may be idle. Servers close idle connections, and whether a request that is sent at that moment
/// was read is unknown.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Idle connections by key, the oldest first; beyond `max` the oldest is closed.
pub struct Pool<K, B> {
    max: usize,
    idle: Mutex<VecDeque<(Instant, K, Connection<B>)>>,
}

impl<K: PartialEq, B> Pool<K, B> {
    /// A pool of at most `max` connections; 0 keeps none.
    pub fn new(max: usize) -> Self {
        Self { max, idle: Mutex::default() }
    }

    /// Takes the connection with this key that was used last.
    pub fn take(&self, key: &K) -> Option<Connection<B>> {
        let mut idle = self.usable();
        let at = idle.iter().rposition(|(_, to, _)| to == key)?;
        idle.remove(at).map(|(_, _, connection)| connection)
    }

    /// Keeps a connection whose last response was read whole.
    pub fn keep(&self, key: K, connection: Connection<B>) {
        if self.max == 0 || !connection.is_open() {
            return;
        }
        let mut idle = self.usable();
        if idle.len() == self.max {
            idle.pop_front();
        }
        idle.push_back((Instant::now(), key, connection));
    }

    /// The idle connections, after closed and expired ones were dropped.
    fn usable(&self) -> MutexGuard<'_, VecDeque<(Instant, K, Connection<B>)>> {
        let mut idle = self.idle.lock();
        idle.retain(|(since, _, connection)| since.elapsed() < IDLE_MAX && connection.is_open());
        idle
    }
}
