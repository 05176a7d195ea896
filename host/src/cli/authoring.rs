//! Commands for plugin authors, included by the cargo feature `authoring`.

mod bindings;
mod call;
mod componentize;
mod dev;
mod inspect;
mod new;
mod test;
mod wit;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

pub(super) use self::dev::{DevArguments, dev};

/// `frontgate plugin`, for authors.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Describe a .wasm file: roles, imports, missing grants, resources
    Inspect {
        /// .wasm file, or folder with plugin.toml
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call one function of a plugin, with the sandbox and limits of a gateway
    Call(call::Arguments),
    /// Run a plugin's cases and the checks of its roles' contract
    Test(test::Arguments),
    /// Create a project for a new plugin, which builds and works as it is
    New(new::Arguments),
    /// Write the contract's WIT, for wit-bindgen, jco and other generators
    Wit(wit::Arguments),
    /// Write bindings for C, Go or TypeScript
    Bindings(bindings::Arguments),
    /// Convert a core module for WASI preview 1 to a component
    Componentize(componentize::Arguments),
}

pub(super) fn plugin(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Inspect { file, json } => inspect::inspect(config, file, *json),
        Command::Call(arguments) => call::call(config, arguments),
        Command::Test(arguments) => test::test(config, arguments),
        Command::New(arguments) => new::new(arguments),
        Command::Wit(arguments) => wit::wit(arguments),
        Command::Bindings(arguments) => bindings::bindings(arguments),
        Command::Componentize(arguments) => componentize::componentize(arguments),
    }
}
