//! A shared state that tests and scenarios can wait for.

use std::fmt;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::watch;

/// Timeout of each wait, far longer than any scenario takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A state behind a lock, which notifies waiters of each change.
pub struct Watched<S> {
    state: Mutex<S>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl<S: fmt::Display> Watched<S> {
    /// Creates the lock with this initial state.
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new(), version: watch::Sender::new(0) }
    }

    /// Locks the state. Ignores poisoning: a panicking reader, such as a failed assertion, leaves the state intact.
    fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock()
    }

    /// Calls `look` with the current state and returns the result.
    pub fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state and wakes all waiters.
    pub fn update<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Blocks until the condition is true.
    ///
    /// # Panics
    ///
    /// Panics after one minute and prints the state.
    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&S) -> bool) {
        let mut state = self.lock();
        let timeout = self.changed.wait_while_for(&mut state, |state| !condition(state), TIMEOUT);
        assert!(!timeout.timed_out(), "timed out waiting for the simulator\n{}", &*state);
    }

    /// Waits like [`Self::wait_for`], without blocking: scenarios run on the server's threads.
    pub(crate) async fn until(&self, condition: impl Fn(&S) -> bool) {
        let mut changes = self.version.subscribe();
        let waiting = async {
            while !self.read(&condition) {
                changes.changed().await.expect("the sender lives as long as `self`");
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, waiting).await;
        assert!(waited.is_ok(), "the scenario timed out\n{}", self.read(S::to_string));
    }
}
