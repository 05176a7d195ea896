//! `frontgate plugin wit`: the contract, for generators of bindings.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::say;
use crate::starter::write_contract;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Wit {
    /// Where to; it may not be there yet, or is empty.
    folder: PathBuf,
}

pub(in crate::cli) fn wit(Wit { folder }: &Wit) -> anyhow::Result<ExitCode> {
    write_contract(folder)?;
    say!("{}/ has the contract, with a world for each role: crm-plugin, templates-plugin and so on", folder.display());
    Ok(ExitCode::SUCCESS)
}
