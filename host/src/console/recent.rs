//! Things that a person has just made, remembered by number for a short time and in a small number.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Maximum number of things of one kind.
const RECENT_MAX: usize = 50;
/// Time for which a thing is remembered.
const RECENT_FOR: Duration = Duration::from_secs(900);

/// Recent things, newest last.
pub(super) struct Recent<T> {
    all: Mutex<VecDeque<(u64, Instant, Arc<T>)>>,
    last: AtomicU64,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { all: Mutex::default(), last: AtomicU64::default() }
    }
}

impl<T> Recent<T> {
    /// Remembers a thing, and returns its number.
    pub(super) fn add(&self, thing: T) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut all = self.all.lock();
        all.retain(|(_, at, _)| at.elapsed() < RECENT_FOR);
        all.push_back((number, Instant::now(), Arc::new(thing)));
        while all.len() > RECENT_MAX {
            all.pop_front();
        }
        number
    }

    /// Forgets old things.
    pub(super) fn expire(&self) {
        self.all.lock().retain(|(_, at, _)| at.elapsed() < RECENT_FOR);
    }

    /// Returns a thing by the text of its number.
    pub(super) fn get(&self, number: &str) -> Option<(u64, Arc<T>)> {
        let number = number.parse().ok()?;
        let all = self.all.lock();
        let found = all.iter().find(|(other, at, _)| *other == number && at.elapsed() < RECENT_FOR)?;
        Some((number, Arc::clone(&found.2)))
    }
}
