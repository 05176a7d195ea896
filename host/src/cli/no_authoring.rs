//! Replaces the author commands if the cargo feature `authoring` is off. Each command fails with a clear error.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

/// `frontgate plugin`, for authors.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(hide = true)]
    Inspect(Ignored),
    #[command(hide = true)]
    Call(Ignored),
    #[command(hide = true)]
    Test(Ignored),
    #[command(hide = true)]
    New(Ignored),
    #[command(hide = true)]
    Wit(Ignored),
    #[command(hide = true)]
    Bindings(Ignored),
    #[command(hide = true)]
    Componentize(Ignored),
}

/// Accepts and ignores all arguments.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct Ignored {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<OsString>,
}

pub(super) type DevArguments = Ignored;

pub(super) fn plugin(_: &Path, _: &Command) -> anyhow::Result<ExitCode> {
    missing()
}

pub(super) fn dev(_: DevArguments) -> anyhow::Result<ExitCode> {
    missing()
}

fn missing() -> anyhow::Result<ExitCode> {
    bail!("command not available: this program was built without authoring tools (cargo feature `authoring`)")
}
