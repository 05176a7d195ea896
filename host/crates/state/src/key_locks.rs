//! Who holds which key: a call that swaps or increments a key keeps others from doing so until it ends.
//! Those who want it next wait in line.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::Bucket;

/// Keys that are held or waited for.
#[derive(Default)]
pub(super) struct Holds {
    lines: Mutex<HashMap<(Bucket, String), Line>>,
}

struct Line {
    slot: Arc<Slot>,
    /// Of those who wait, and of who holds it.
    places: usize,
}

struct Slot {
    turn: Arc<Semaphore>,
    /// The request that holds it.
    holder: Mutex<Option<Arc<str>>>,
}

/// A key that is held until this is dropped.
pub(super) struct Hold {
    // Let go of before its place is given up.
    _turn: OwnedSemaphorePermit,
    place: Place,
}

/// A place in a key's line.
struct Place {
    holds: Arc<Holds>,
    key: (Bucket, String),
    slot: Arc<Slot>,
}

impl Holds {
    /// Holds a key once whoever had it before has ended. None if that takes too long, or if it is held
    /// for the same request: who made this call would wait for itself.
    pub(super) async fn hold(
        self: &Arc<Self>,
        bucket: &Bucket,
        key: &str,
        request: &Arc<str>,
        until: Instant,
    ) -> Option<Hold> {
        let place = self.place((bucket.clone(), key.to_owned()));
        let own = lock(&place.slot.holder).as_ref().is_some_and(|holder| Arc::ptr_eq(holder, request));
        if own {
            return None;
        }
        let turn = timeout_at(until, Arc::clone(&place.slot.turn).acquire_owned()).await.ok()?.ok()?;
        *lock(&place.slot.holder) = Some(Arc::clone(request));
        Some(Hold { _turn: turn, place })
    }

    fn place(self: &Arc<Self>, key: (Bucket, String)) -> Place {
        let mut lines = lock(&self.lines);
        let line = lines.entry(key.clone()).or_insert_with(Line::new);
        line.places += 1;
        Place { holds: Arc::clone(self), key, slot: Arc::clone(&line.slot) }
    }
}

impl Line {
    fn new() -> Self {
        let slot = Slot { turn: Arc::new(Semaphore::new(1)), holder: Mutex::default() };
        Self { slot: Arc::new(slot), places: 0 }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        *lock(&self.place.slot.holder) = None;
    }
}

/// The last one in line leaves nothing behind.
impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = lock(&self.holds.lines);
        let Some(line) = lines.get_mut(&self.key) else { return };
        line.places -= 1;
        if line.places == 0 {
            lines.remove(&self.key);
        }
    }
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Bucket {
        Bucket { plugin: "plugin".into(), tenant: "demo".into() }
    }

    #[tokio::test]
    async fn the_next_in_line_gets_a_key_when_it_is_let_go_and_nothing_is_left_behind() {
        let holds = Arc::new(Holds::default());
        let (now, later) = (Instant::now(), Instant::now() + std::time::Duration::from_secs(3_600));
        let [one, two]: [Arc<str>; 2] = ["one".into(), "two".into()];
        let first = holds.hold(&bucket(), "key", &one, now).await.expect("it is free");
        assert!(holds.hold(&bucket(), "key", &two, now).await.is_none(), "it is held");
        assert!(holds.hold(&bucket(), "key", &one, later).await.is_none(), "it would wait for itself");
        assert!(holds.hold(&bucket(), "other", &two, now).await.is_some(), "another key");
        let (waiting, bucket) = (Arc::clone(&holds), bucket());
        let second = tokio::spawn(async move { waiting.hold(&bucket, "key", &two, later).await });
        tokio::task::yield_now().await;
        drop(first);
        assert!(second.await.expect("no panic").is_some());
        assert!(lock(&holds.lines).is_empty());
    }
}
