//! `frontgate simulate`: runs a simulation until a signal or the end of its time.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use frontgate_system::process;
use tracing::warn;

use crate::simulate::{self, Options};

/// Arguments of `frontgate simulate`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Tenant to simulate, if there are several
    #[arg(long)]
    tenant: Option<String>,
    /// End with standard input, and print the path of the control socket as JSON
    #[arg(long)]
    until_input_ends: bool,
}

#[expect(unsafe_code, reason = "no other thread runs before this function")]
pub(super) fn simulate(file: &Path, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let protected = process::protect();
    // SAFETY: the program has only parsed its arguments so far, and started no thread.
    unsafe { process::take_environment() };
    let checked = super::load(file)?;
    let protected = protected.and(process::core_dumps(checked.config.process.core_dumps));
    let _log = frontgate_telemetry::log(&checked.config.log)?;
    if let Err(error) = protected {
        warn!(event = "process.unprotected", "failed to disable core dumps and debuggers: {error}");
    }
    super::run::tune();
    let options = Options { tenant: arguments.tenant, is_child: arguments.until_input_ends };
    let runtime = super::runtime()?;
    let ended = runtime.block_on(simulate::simulate(file, checked.config, options));
    runtime.shutdown_background();
    ended.map(|_| ExitCode::SUCCESS)
}
