//! `frontgate simulate`: runs a simulation until a signal or the end of its time.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

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

pub(super) fn simulate(file: &Path, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (checked, _log) = super::run::prepare(file)?;
    super::run::tune();
    let options = Options { tenant: arguments.tenant, is_child: arguments.until_input_ends };
    let runtime = super::runtime()?;
    let ended = runtime.block_on(simulate::simulate(file, checked.config, options));
    runtime.shutdown_background();
    ended.map(|_| ExitCode::SUCCESS)
}
