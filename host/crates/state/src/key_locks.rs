//! Key locks: a call that swaps or increments a key locks it until the call ends.
//!
//! Correctness comes from the optimistic checks at commit; the locks only reduce conflicts. Waiting calls are served
//! in order.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::Bucket;

/// The keys that a call has locked or waits for.
#[derive(Default)]
pub(super) struct KeyLocks {
    entries: Mutex<HashMap<(Bucket, String), Entry>>,
}

struct Entry {
    slot: Arc<Slot>,
    /// Number of calls that hold the lock or wait for it.
    users: usize,
}

struct Slot {
    permit: Arc<Semaphore>,
    /// The request of the call that holds the lock.
    holder: Mutex<Option<Arc<str>>>,
}

/// A locked key; unlocks it when dropped.
pub(super) struct KeyLock {
    // Dropped first, so the permit is free before the entry may be removed.
    _permit: OwnedSemaphorePermit,
    user: User,
}

/// A call that holds a lock or waits for it.
struct User {
    locks: Arc<KeyLocks>,
    key: (Bucket, String),
    slot: Arc<Slot>,
}

impl KeyLocks {
    /// Locks a key, waiting until a deadline.
    ///
    /// Returns `None` at the deadline. Also returns `None` if a call of the same request holds the lock, since that
    /// call waits for this one.
    pub(super) async fn lock(
        self: &Arc<Self>,
        bucket: &Bucket,
        key: &str,
        request: &Arc<str>,
        until: Instant,
    ) -> Option<KeyLock> {
        let user = self.user((bucket.clone(), key.to_owned()));
        let is_own = user.slot.holder.lock().as_ref().is_some_and(|holder| Arc::ptr_eq(holder, request));
        if is_own {
            return None;
        }
        let permit = timeout_at(until, Arc::clone(&user.slot.permit).acquire_owned()).await.ok()?.ok()?;
        *user.slot.holder.lock() = Some(Arc::clone(request));
        Some(KeyLock { _permit: permit, user })
    }

    fn user(self: &Arc<Self>, key: (Bucket, String)) -> User {
        let mut entries = self.entries.lock();
        let entry = entries.entry(key.clone()).or_insert_with(Entry::new);
        entry.users += 1;
        User { locks: Arc::clone(self), key, slot: Arc::clone(&entry.slot) }
    }
}

impl Entry {
    fn new() -> Self {
        let slot = Slot { permit: Arc::new(Semaphore::new(1)), holder: Mutex::default() };
        Self { slot: Arc::new(slot), users: 0 }
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        *self.user.slot.holder.lock() = None;
    }
}

/// Removes the entry if this was its last user.
impl Drop for User {
    fn drop(&mut self) {
        let mut entries = self.locks.entries.lock();
        let Some(entry) = entries.get_mut(&self.key) else { return };
        entry.users -= 1;
        if entry.users == 0 {
            entries.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Bucket {
        Bucket { plugin: "plugin".into(), tenant: "demo".into() }
    }

    #[tokio::test]
    async fn a_released_key_goes_to_the_next_waiting_call_and_its_entry_is_removed() {
        let locks = Arc::new(KeyLocks::default());
        let (now, later) = (Instant::now(), Instant::now() + std::time::Duration::from_secs(3_600));
        let [one, two]: [Arc<str>; 2] = ["one".into(), "two".into()];
        let first = locks.lock(&bucket(), "key", &one, now).await.expect("the key is free");
        assert!(locks.lock(&bucket(), "key", &two, now).await.is_none(), "the key is locked");
        assert!(locks.lock(&bucket(), "key", &one, later).await.is_none(), "it would wait for itself");
        assert!(locks.lock(&bucket(), "other", &two, now).await.is_some(), "another key");
        let (waiting, bucket) = (Arc::clone(&locks), bucket());
        let second = tokio::spawn(async move { waiting.lock(&bucket, "key", &two, later).await });
        tokio::task::yield_now().await;
        drop(first);
        assert!(second.await.expect("no panic").is_some());
        assert!(locks.entries.lock().is_empty());
    }
}
