//! `frontgate plugin`: what operators do with plugins, and what authors do.

mod call;
mod inspect;
mod operate;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Operate(operate::Command),
    /// Says what a .wasm file is, what it wants, and what it would take.
    Inspect {
        /// The file.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Asks a plugin one thing, with the sandbox and the budgets of a gateway.
    Call(call::Arguments),
    /// Runs a plugin's own cases, and what the contract expects of every plugin of its roles.
    Test(test::Arguments),
}

pub(super) fn plugin(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Operate(command) => operate::operate(config, command),
        Command::Inspect { file, json } => inspect::inspect(config, file, *json),
        Command::Call(arguments) => call::call(config, arguments),
        Command::Test(arguments) => test::test(config, arguments),
    }
}
