//! `frontgate plugin`: commands for operators and for plugin authors.

mod remote;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::authoring;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Remote(remote::Command),
    #[command(flatten)]
    Authoring(authoring::Command),
}

pub(super) fn plugin(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Remote(command) => remote::run(config, command),
        Command::Authoring(command) => authoring::plugin(config, command),
    }
}
