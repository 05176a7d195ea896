//! `frontgate plugin wit`: writes the contract as WIT, for bindings generators.

use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_scaffold::write_contract;

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Output folder; must be missing or empty
    folder: PathBuf,
}

pub(super) fn wit(Arguments { folder }: &Arguments) -> anyhow::Result<ExitCode> {
    write_contract(folder)?;
    say!("contract written to {}/, with a world for each role: crm-plugin, templates-plugin, ...", folder.display());
    Ok(ExitCode::SUCCESS)
}
