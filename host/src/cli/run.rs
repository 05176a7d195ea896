//! `frontgate run`: serves until a signal, then drains.

use std::path::Path;
use std::process::ExitCode;

use frontgate_system::process;
use frontgate_system::scheduling;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;
use tracing::{debug, info, warn};

use crate::service::{self, Overrides, Shutdown};

/// Requests that are unfinished at the end of the grace period were cut off.
const CUT_OFF: u8 = 3;

#[expect(unsafe_code, reason = "only here is it known that no other thread runs yet")]
pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let protected = process::protect();
    // SAFETY: this is the first thing that the program does after it has read its arguments.
    unsafe { process::take_environment() };
    let checked = super::load(file)?;
    let protected = protected.and(process::core_dumps(checked.config.process.core_dumps));
    let _log = frontgate_telemetry::log(&checked.config.log)?;
    if let Err(error) = protected {
        warn!(event = "process.unprotected", "failed to protect the process's memory: {error}");
    }
    for warning in &checked.warnings {
        warn!("{}: {}", warning.place, warning.problem);
    }
    let open_files_max = allow_open_files();
    keep_pages_small();
    frontgate_memory::return_soon();
    keep_slices_short();
    let runtime = super::runtime()?;
    let overrides = Overrides { open_files_max, ..Overrides::default() };
    let ended = runtime.block_on(service::serve(file, checked.config, overrides));
    // A file system that hangs must not keep the process alive.
    runtime.shutdown_background();
    match ended? {
        Shutdown::Clean => {
            info!("every request was finished");
            Ok(ExitCode::SUCCESS)
        }
        Shutdown::Forced => {
            warn!("ended with requests unfinished");
            Ok(ExitCode::from(CUT_OFF))
        }
    }
}

/// In huge pages a plugin that needs 0.3 MiB of the heap holds 1.5, and nothing is faster for it. The allocator is built
/// not to ask for them; some systems give them unasked.
fn keep_pages_small() {
    if let Err(error) = disable_transparent_huge_pages(true) {
        debug!("huge pages stay as they are: {error}");
    }
}

/// A compiler, or another program, on the same processor would otherwise have its whole slice before a callback that
/// has just come. Threads are as the one that starts them.
fn keep_slices_short() {
    if let Err(error) = scheduling::set_latency_slice() {
        debug!("the system decides how long callbacks wait for a processor: {error}");
    }
}

/// Each connection is an open file, and the usual default of 1,024 is below `connections_max`. Gives the limit; none if
/// there is none.
fn allow_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(event = "process.open_files_not_raised", "failed to raise the limit on open files: {error}");
    }
    getrlimit(Resource::Nofile).current
}
