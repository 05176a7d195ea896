//! Who waits to hear what becomes of a message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

use crate::store::Store;

/// Wakes whoever waits for one message's answer.
pub(crate) type Waiting = Mutex<HashMap<i64, Weak<Notify>>>;

impl Store {
    /// What is told whenever something has become of a message.
    pub fn watch_message(&self, message: i64) -> Arc<Notify> {
        let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, watch| watch.strong_count() > 0);
        if let Some(watch) = all.get(&message).and_then(Weak::upgrade) {
            return watch;
        }
        let watch = Arc::new(Notify::new());
        all.insert(message, Arc::downgrade(&watch));
        watch
    }

    /// Something has become of it.
    pub(crate) fn tell_watchers(&self, message: i64) {
        let watch = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&message).and_then(Weak::upgrade);
        if let Some(watch) = watch {
            watch.notify_waiters();
        }
    }
}
