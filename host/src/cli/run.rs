//! `frontgate run`: serves until a signal, then drains.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use frontgate_config::Checked;
use frontgate_gateway::settings::PublicUrl;
use frontgate_system::process;
use frontgate_system::scheduling;
use frontgate_telemetry::Guard;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;
use tracing::{debug, info, warn};

use crate::service::{self, Adapt, Overrides, Shutdown};

/// Exit status if requests were aborted at the end of the grace period.
const CUT_OFF: u8 = 3;

/// Protects a process that serves, reads its configuration, and starts its log. Called before anything starts a thread.
#[expect(unsafe_code, reason = "no other thread runs before this function")]
pub(super) fn prepare(file: &Path) -> anyhow::Result<(Checked, Guard)> {
    let protected = process::protect();
    // SAFETY: the program has only parsed its arguments so far, and started no thread.
    unsafe { process::take_environment() };
    let checked = super::load(file)?;
    let protected = protected.and(process::core_dumps(checked.config.process.core_dumps));
    let log = frontgate_telemetry::log(&checked.config.log)?;
    if let Err(error) = protected {
        warn!(event = "process.unprotected", "failed to disable core dumps and debuggers: {error}");
    }
    Ok((checked, log))
}

pub(super) fn run(file: &Path, public_url: Option<PublicUrl>) -> anyhow::Result<ExitCode> {
    let (checked, _log) = prepare(file)?;
    for warning in &checked.warnings {
        warn!(event = "config.warning", "{}: {}; {}", warning.place, warning.problem, warning.fix);
    }
    let open_files_max = tune();
    let runtime = super::runtime()?;
    let adapt = public_url.map(|url| -> Adapt {
        // Also applies to each reload of the file.
        Arc::new(move |config| config.server.public_url = Some(url.clone()))
    });
    let overrides = Overrides { open_files_max, adapt, ..Overrides::default() };
    let ended = runtime.block_on(service::serve(file, checked.config, overrides));
    // The process must not wait for a file system that hangs.
    runtime.shutdown_background();
    match ended? {
        Shutdown::Clean => {
            info!(event = "gateway.stopped", "stopped: every request finished");
            Ok(ExitCode::SUCCESS)
        }
        Shutdown::Forced => {
            warn!(
                event = "gateway.stopped_early",
                "stopped: unfinished requests aborted (grace period over, or second signal)"
            );
            Ok(ExitCode::from(CUT_OFF))
        }
    }
}

/// Sets memory, scheduling and limits of a process that serves. Returns the limit on open files; `None` means no limit.
pub(super) fn tune() -> Option<u64> {
    let open_files_max = raise_open_files();
    disable_huge_pages();
    frontgate_memory::shorten_purge_delay();
    shorten_time_slice();
    open_files_max
}

/// Disables transparent huge pages. With them, a plugin with 0.3 MiB of heap occupies 1.5 MiB, and runs no faster. The
/// allocator does not request them, but some systems use them by default.
fn disable_huge_pages() {
    if let Err(error) = disable_transparent_huge_pages(true) {
        debug!("failed to disable huge pages: {error}");
    }
}

/// Shortens the time slice, so that a new callback can preempt a compiler on the same processor. Later threads inherit
/// the setting.
fn shorten_time_slice() {
    if let Err(error) = scheduling::set_latency_slice() {
        debug!("failed to set a short time slice: {error}");
    }
}

/// Raises the limit on open files: each connection is one, and the usual default of 1,024 is below `connections_max`.
/// Returns the new limit; `None` means no limit.
fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(event = "process.open_files_not_raised", "failed to raise the limit on open files: {error}");
    }
    getrlimit(Resource::Nofile).current
}
