//! Returns free memory from the allocator to the operating system.
//!
//! The allocator keeps free pages for later allocations of each thread, even the pages of a flood of connections and
//! bodies that will not be reused. [`freed`] counts freed bytes of connections and bodies, [`return_periodically`]
//! makes the allocator return the pages.

use std::cell::Cell;
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

// Links the library that contains the functions below.
use mimalloc as _;

/// `mi_option_purge_delay` of mimalloc.h, with the same value in mimalloc 2 and 3.
const PURGE_DELAY: c_int = 15;

/// Delay in milliseconds until an empty page is returned. The delay is long enough for callbacks to reuse pages, and
/// short compared with a flood. The allocator's default is 1,000.
const PURGE_DELAY_MS: c_long = 100;

/// Interval between checks of the freed bytes.
const INTERVAL: Duration = Duration::from_secs(5);

/// Minimum number of bytes freed since the last check that triggers a collection.
const FREED_BYTES_MIN: usize = 8 * 1024 * 1024;

/// Bytes freed by connections and bodies since the last check.
static FREED: AtomicUsize = AtomicUsize::new(0);
/// Number of requested collections.
static REQUESTED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Value of [`REQUESTED`] at the last collection of this thread.
    static COLLECTED: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "the allocator's crate does not offer these two functions")]
// SAFETY: the declarations match mimalloc.h. Both functions take plain values, may be called from any thread at any
// time, and do nothing if another allocator is in use.
unsafe extern "C" {
    safe fn mi_option_set(option: c_int, value: c_long);
    safe fn mi_collect(force: bool);
}

/// Shortens the delay until empty pages are returned. Called once, at the start.
pub fn shorten_purge_delay() {
    mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
}

/// Counts bytes that a connection or body freed.
pub fn freed(bytes: usize) {
    FREED.fetch_add(bytes, Ordering::Relaxed);
}

/// Makes the threads of the runtime return memory whenever enough bytes were freed. Never returns.
pub async fn return_periodically() {
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    loop {
        tokio::time::sleep(INTERVAL).await;
        if FREED.swap(0, Ordering::Relaxed) < FREED_BYTES_MIN {
            continue;
        }
        REQUESTED.fetch_add(1, Ordering::Relaxed);
        // Each thread checks for a request before it sleeps. The spawned tasks wake sleeping threads.
        for _ in 0..2 * threads {
            tokio::spawn(tokio::task::yield_now());
        }
    }
}

/// Returns this thread's free memory if requested. Each thread of the runtime calls this function before it sleeps.
pub fn before_sleep() {
    let requested = REQUESTED.load(Ordering::Relaxed);
    if COLLECTED.replace(requested) != requested {
        mi_collect(true);
    }
}
