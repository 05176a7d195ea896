//! A state that the server changes, and that tests and scenarios wait for.

use std::fmt;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::watch;

/// Far more than anything takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Watched<S> {
    state: Mutex<S>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl<S: fmt::Display> Watched<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new(), version: watch::Sender::new(0) }
    }

    /// A test that fails while it looks leaves the state as it was.
    fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock()
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        result
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, condition: impl Fn(&S) -> bool) {
        let mut state = self.lock();
        let timeout = self.changed.wait_while_for(&mut state, |state| !condition(state), PATIENCE);
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
