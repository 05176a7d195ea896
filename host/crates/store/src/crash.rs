//! Named points at which a test can end the process, to check that nothing is lost.
//!
//! The production program sets no hook, so a point costs one load. `frontgate-crash-points` sets a hook.

use std::sync::OnceLock;

static HOOK: OnceLock<fn(&'static str)> = OnceLock::new();

/// Sets the function that every point calls with its name, once per process.
pub fn set_hook(hook: fn(&'static str)) {
    // A second call would mean two programs in one process.
    let _ = HOOK.set(hook);
}

/// Marks a point by its name.
pub fn point(name: &'static str) {
    if let Some(hook) = HOOK.get() {
        hook(name);
    }
}
