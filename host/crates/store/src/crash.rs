//! What only tests do to the process: named points at which it ends, to check that nothing is lost, and a wrong clock.
//!
//! The production program sets neither, so each costs one load. `frontgate-crash-points` sets both.

use std::sync::OnceLock;

static HOOK: OnceLock<fn(&'static str)> = OnceLock::new();

/// Sets the function that every point calls with its name, once per process.
pub fn set_hook(hook: fn(&'static str)) {
    // A second call would mean two programs in one process.
    let _ = HOOK.set(hook);
}

static CLOCK_AHEAD_MS: OnceLock<i64> = OnceLock::new();

/// Sets the clock of the process ahead, once.
pub fn set_clock_ahead(ms: i64) {
    // A second call would mean two programs in one process.
    let _ = CLOCK_AHEAD_MS.set(ms);
}

/// Returns the milliseconds by which the clock of the process is set ahead.
pub(super) fn clock_ahead_ms() -> i64 {
    CLOCK_AHEAD_MS.get().copied().unwrap_or_default()
}

/// Marks a point by its name.
pub fn point(name: &'static str) {
    if let Some(hook) = HOOK.get() {
        hook(name);
    }
}
