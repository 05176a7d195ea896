//! Returns free memory of the allocator to the system.
//!
//! The allocator keeps free pages for the next allocations of each thread, also after a flood of connections and bodies
//! that nothing will use again. [`freed`] counts what floods may have taken, [`return_periodically`] returns it.

use std::cell::Cell;
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

// Links the library that has the functions below.
use mimalloc as _;

/// `mi_option_purge_delay` of mimalloc.h, the same in its versions 2 and 3.
const PURGE_DELAY: c_int = 15;

/// Milliseconds after which an empty page is returned: long enough that callbacks reuse pages, and short compared with a
/// flood. The allocator's default is 1,000.
const PURGE_DELAY_MS: c_long = 100;

/// Interval between checks.
const INTERVAL: Duration = Duration::from_secs(5);

/// Bytes that must have become free since the last check.
const FREED_BYTES_MIN: usize = 8 * 1024 * 1024;

/// Bytes that connections and bodies freed since the last check.
static FREED: AtomicUsize = AtomicUsize::new(0);
/// Number of requested collections.
static REQUESTED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The last collection of this thread.
    static COLLECTED: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "the allocator's crate does not offer these two functions")]
// SAFETY: the declarations are those of mimalloc.h. Both functions take plain values, may be called from any thread at any
// time, and do nothing where another allocator is in use.
unsafe extern "C" {
    safe fn mi_option_set(option: c_int, value: c_long);
    safe fn mi_collect(force: bool);
}

/// Shortens the time until empty pages are returned. Called once, at the start.
pub fn shorten_purge_delay() {
    mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
}

/// Counts freed bytes that a flood may have taken.
pub fn freed(bytes: usize) {
    FREED.fetch_add(bytes, Ordering::Relaxed);
}

/// Makes the threads of the runtime return memory each time that enough became free. Never ends.
pub async fn return_periodically() {
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    loop {
        tokio::time::sleep(INTERVAL).await;
        if FREED.swap(0, Ordering::Relaxed) < FREED_BYTES_MIN {
            continue;
        }
        REQUESTED.fetch_add(1, Ordering::Relaxed);
        // A thread checks before it sleeps; a task for each wakes the sleeping ones.
        for _ in 0..2 * threads {
            tokio::spawn(tokio::task::yield_now());
        }
    }
}

/// Returns the memory of this thread if requested. Each thread of the runtime calls it before it sleeps.
pub fn before_sleep() {
    let requested = REQUESTED.load(Ordering::Relaxed);
    if COLLECTED.replace(requested) != requested {
        mi_collect(true);
    }
}
