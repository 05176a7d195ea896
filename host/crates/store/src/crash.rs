//! Crash points: named places where tests kill the process to check that nothing is lost.
//!
//! Without the feature `crash-points` they compile to nothing.

/// Kills the process if `FRONTGATE_CRASH_AT` is `PLACE`, or `PLACE:N` for the nth time.
#[cfg(feature = "crash-points")]
pub fn point(place: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("FRONTGATE_CRASH_AT").ok()?;
        let (place, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((place.to_owned(), count.parse().ok()?))
    });
    static PASSED: AtomicU32 = AtomicU32::new(0);

    if let Some((wanted, count)) = &*WANTED
        && wanted == place
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        // Like a power cut: no destructor runs, and nothing is flushed.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        std::thread::park();
    }
}

/// Does nothing without the feature.
#[cfg(not(feature = "crash-points"))]
pub fn point(_: &str) {}
