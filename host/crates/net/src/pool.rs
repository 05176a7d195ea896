//! A pool of idle connections.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::connection::Connection;

/// Maximum time that a connection may be idle. Servers close idle connections; if a request is sent at the same moment,
/// the client cannot know whether the server read it.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// A pool of idle connections with keys, oldest first. Beyond `max` connections, the oldest is closed.
pub struct Pool<K, B> {
    max: usize,
    idle: Mutex<VecDeque<(Instant, K, Connection<B>)>>,
}

impl<K: PartialEq, B> Pool<K, B> {
    /// Creates a pool of at most `max` connections. With 0, no connection is kept.
    pub fn new(max: usize) -> Self {
        Self { max, idle: Mutex::default() }
    }

    /// Takes the most recently used connection with this key.
    pub fn take(&self, key: &K) -> Option<Connection<B>> {
        let mut idle = self.usable();
        let at = idle.iter().rposition(|(_, to, _)| to == key)?;
        idle.remove(at).map(|(_, _, connection)| connection)
    }

    /// Adds a connection to the pool. The last response on the connection must have been read completely.
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

    /// Drops closed and expired connections, and returns the others.
    fn usable(&self) -> MutexGuard<'_, VecDeque<(Instant, K, Connection<B>)>> {
        let mut idle = self.idle.lock();
        idle.retain(|(since, _, connection)| since.elapsed() < IDLE_MAX && connection.is_open());
        idle
    }
}
