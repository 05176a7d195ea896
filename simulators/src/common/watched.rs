//! A state that the server changes, and that tests and scenarios wait for.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Far more than anything takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub struct Watched<S> {
    state: Mutex<S>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl<S: fmt::Display> Watched<S> {
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new(), version: watch::Sender::new(0) }
    }

    /// A test that fails while it looks leaves the state as it was.
    fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.lock())
    }

    pub fn update<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        result
    }

    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&S) -> bool) {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| !condition(state));
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "what the test waits for did not happen\n{}", &*state);
    }

    /// The same for scenarios, which run beside the server.
    pub(crate) async fn until(&self, condition: impl Fn(&S) -> bool) {
        let mut changes = self.version.subscribe();
        let waiting = async {
            while !self.read(&condition) {
                changes.changed().await.expect("the sender lives as long as this");
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "what the scenario waits for did not happen\n{}", self.read(S::to_string));
    }
}
