//! Gives memory back to the system that is not in use any longer.
//!
//! The allocator keeps the pages of each thread for the thread's next allocations. After a flood of connections and bodies
//! that is memory which nothing will use again.

use std::cell::Cell;
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

// Its library has the functions below.
use mimalloc as _;

/// `mi_option_purge_delay` of mimalloc.h, the same in its versions 2 and 3.
const PURGE_DELAY: c_int = 15;

/// Milliseconds after which a page without anything in it goes back: long enough that callbacks find theirs again, and
/// short against a flood. The allocator's own choice is 1,000.
const PURGE_DELAY_MS: c_long = 100;

/// Interval between checks.
const INTERVAL: Duration = Duration::from_secs(5);

/// Bytes that must have become free since then.
const FREED_BYTES_MIN: usize = 8 * 1024 * 1024;

/// Bytes that connections and bodies have given back.
static FREED: AtomicUsize = AtomicUsize::new(0);
/// Number of collections requested.
static TOLD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The last one that this thread made.
    static DONE: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "the allocator's crate does not offer these two functions")]
// SAFETY: the declarations are those of mimalloc.h. Both functions take plain values, may be called from any thread at any
// time, and do nothing where another allocator is in use.
unsafe extern "C" {
    safe fn mi_option_set(option: c_int, value: c_long);
    safe fn mi_collect(force: bool);
}

/// Lets free pages go back soon.
pub fn return_soon() {
    mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
}

/// So many bytes have become free that a flood may have taken.
pub fn freed(bytes: usize) {
    FREED.fetch_add(bytes, Ordering::Relaxed);
}

/// Tells the threads of the runtime to give memory back, each time that much has become free.
pub async fn give_back() {
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    loop {
        tokio::time::sleep(INTERVAL).await;
        if FREED.swap(0, Ordering::Relaxed) < FREED_BYTES_MIN {
            continue;
        }
        TOLD.fetch_add(1, Ordering::Relaxed);
        // A thread looks when it has nothing left to do, so those that sleep get something.
        for _ in 0..2 * threads {
            tokio::spawn(tokio::task::yield_now());
        }
    }
}

/// Called by a thread of the runtime that has nothing left to do.
pub fn before_sleep() {
    let told = TOLD.load(Ordering::Relaxed);
    if DONE.replace(told) != told {
        mi_collect(true);
    }
}
