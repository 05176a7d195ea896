//! `frontgate config`: the schema of `config.toml`, and the configuration with its defaults.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use frontgate_config::Config;

use super::format::{escaped, plain};
use super::say;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints the JSON schema of `config.toml`.
    ///
    /// Editors complete and check the file with it: write the schema to a file, and begin `config.toml` with
    /// `#:schema ./config.schema.json`.
    Schema,
    /// Prints the configuration as TOML, with defaults filled in.
    ///
    /// Secrets are shown as their source. Other settings of plugins are shown as they are written.
    Show,
}

pub(super) fn config(file: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Schema => say!("{}", escaped(frontgate_config::schema())?),
        Command::Show => {
            let config = Config::load_unchecked(file).map_err(|diagnostics| anyhow::anyhow!("{diagnostics}"))?;
            for line in config.show()?.lines() {
                say!("{}", plain(line));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
