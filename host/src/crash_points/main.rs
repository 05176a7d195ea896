//! The program `frontgate-crash-points`: `frontgate`, except that it kills itself at a point that a test selects, or has a
//! wrong clock. Not for production.
//!
//! `FRONTGATE_CRASH_AT` is a point, as `POINT`, or as `POINT:N` for the nth time that it is reached. Points are counted
//! once the file `count-crash-points` exists in the working directory, since the number of commits at a start varies.
//! `FRONTGATE_CLOCK_AHEAD_MS` sets the clock of everything that is stored.

mod attempts;

use std::path::Path;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use frontgate_loader::compiler_child;
use frontgate_store::crash;
use rustix::process::{Signal, getpid, kill_process};

static WANTED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
    let wanted = std::env::var("FRONTGATE_CRASH_AT").ok()?;
    let (point, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    Some((point.to_owned(), count.parse().ok()?))
});
static PASSED: AtomicU32 = AtomicU32::new(0);

fn main() -> ExitCode {
    crash::set_hook(crash_at);
    if let Some(ms) = std::env::var("FRONTGATE_CLOCK_AHEAD_MS").ok().and_then(|ms| ms.parse().ok()) {
        crash::set_clock_ahead(ms);
    }
    compiler_child::set_probe(attempts::attempt);
    frontgate::cli::main()
}

/// Kills the process at the selected point, like a power failure: no destructor runs, and nothing is flushed.
fn crash_at(point: &'static str) {
    if let Some((wanted, count)) = &*WANTED
        && wanted == point
        && Path::new("count-crash-points").exists()
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        let _ = kill_process(getpid(), Signal::KILL);
        std::thread::park();
    }
}
