//! Notifies requests that wait for the outcome of a message.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use frontgate_store::{NO_TENANT, values};
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

    /// Notifies the requests whose message has an answer. Another gateway may have settled it, and its hint may be lost.
    pub(crate) async fn poll_watchers(&self) {
        let waiting: Vec<i64> = {
            let mut all = self.watchers.lock();
            all.retain(|_, watch| watch.strong_count() > 0);
            all.keys().copied().collect()
        };
        if waiting.is_empty() {
            return;
        }
        let ids = waiting.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let answered = self.database.read(NO_TENANT, move |read| {
            let select = "SELECT id FROM front_messages
                          WHERE id = ANY (string_to_array(?1, ',')::bigint[]) AND answer IS NOT NULL";
            read.rows(select, values![ids], |row| row.get::<i64>(0))
        });
        // After an error, the request gets a promise at its deadline, or the next poll finds the answer.
        answered.await.unwrap_or_default().into_iter().for_each(|message| self.notify_watchers(message));
    }

    /// Notifies the requests that wait for a message.
    pub(crate) fn notify_watchers(&self, message: i64) {
        let watch = self.watchers.lock().get(&message).and_then(Weak::upgrade);
        if let Some(watch) = watch {
            watch.notify_waiters();
        }
    }
}
