//! Places where tests end the process, to see that nothing is lost there. Without the feature
//! `crash-points` there is nothing here.

/// Ends the process if `FRONTGATE_CRASH_AT` names this place, as `PLACE` or, for its nth passing,
/// `PLACE:N`.
#[cfg(feature = "crash-points")]
pub(crate) fn point(place: &str) {
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
        // As a power cut would: no destructor runs, and nothing is flushed.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        std::thread::park();
    }
}

/// Nothing.
#[cfg(not(feature = "crash-points"))]
pub fn point(_: &str) {}
