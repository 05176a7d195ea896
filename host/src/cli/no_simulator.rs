//! Replaces `frontgate simulate` if the cargo feature `simulator` is off. The command fails with a clear error.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

/// Accepts and ignores all arguments.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<OsString>,
}

pub(super) fn simulate(_: &Path, _: Arguments) -> anyhow::Result<ExitCode> {
    bail!("command not available: this program was built without simulators (cargo feature `simulator`)")
}
