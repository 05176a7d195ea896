//! `frontgate plugin wit`: the contract, for generators of bindings.

use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_scaffold::write_contract;

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where to; it may not be there yet, or is empty.
    folder: PathBuf,
}

pub(crate) fn wit(Arguments { folder }: &Arguments) -> anyhow::Result<ExitCode> {
    write_contract(folder)?;
    say!("{}/ has the contract, with a world for each role: crm-plugin, templates-plugin and so on", folder.display());
    Ok(ExitCode::SUCCESS)
}
