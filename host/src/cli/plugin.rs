//! `frontgate plugin`: what operators do with plugins, and what authors do.

mod bindings;
mod call;
mod componentize;
mod inspect;
mod new;
mod operate;
mod test;
mod wit;

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
    /// Writes a project for a new plugin, which builds and works as it is.
    New(#[command(flatten)] new::New),
    /// Writes the contract's WIT, for wit-bindgen, jco and other generators.
    Wit(#[command(flatten)] wit::Wit),
    /// Writes bindings for C, Go or TypeScript.
    Bindings(#[command(flatten)] bindings::Bindings),
    /// Makes a component of a core module that a compiler for WASI preview 1 made.
    Componentize(#[command(flatten)] componentize::Componentize),
}

pub(super) fn plugin(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Operate(command) => operate::operate(config, command),
        Command::Inspect { file, json } => inspect::inspect(config, file, *json),
        Command::Call(arguments) => call::call(config, arguments),
        Command::Test(arguments) => test::test(config, arguments),
        Command::New(command) => new::new(command),
        Command::Wit(command) => wit::wit(command),
        Command::Bindings(command) => bindings::bindings(command),
        Command::Componentize(command) => componentize::componentize(command),
    }
}
