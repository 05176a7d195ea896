//! Notifies requests that wait for the outcome of a message.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::store::Store;

/// The signal of each message that requests wait for.
pub(crate) type Watchers = Mutex<HashMap<i64, Weak<Notify>>>;

impl Store {
    /// Returns the signal of a message, notified each time its delivery is settled.
    pub fn watch_message(&self, message: i64) -> Arc<Notify> {
        let mut all = self.watchers.lock();
        all.retain(|_, watch| watch.strong_count() > 0);
        if let Some(watch) = all.get(&message).and_then(Weak::upgrade) {
            return watch;
        }
        let watch = Arc::new(Notify::new());
        all.insert(message, Arc::downgrade(&watch));
        watch
    }

    /// Notifies the requests that wait for a message.
    pub(crate) fn notify_watchers(&self, message: i64) {
        let watch = self.watchers.lock().get(&message).and_then(Weak::upgrade);
        if let Some(watch) = watch {
            watch.notify_waiters();
        }
    }
}
