//! `frontgate setup`: shows the configuration at a platform, and changes it to what a tenant needs.

mod show;
mod twilio;
mod write;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show webhooks and addresses at Twilio, and set what the tenant needs
    ///
    /// Prints the webhooks of account and service, the addresses, and the differences to the need. Writes only with
    /// --apply, after a confirmation. Exits with 0 if Twilio has what the tenant needs, 1 if something differs, 2 if
    /// a request to Twilio failed.
    Twilio(twilio::Arguments),
}

pub(super) fn setup(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Twilio(arguments) => twilio::setup(config, arguments),
    }
}
