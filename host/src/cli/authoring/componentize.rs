//! `frontgate plugin componentize`: converts a core module of a C or Go compiler to a component.

use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_scaffold::{PROJECT_WORLD, World};

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Core module to convert
    core: PathBuf,
    /// Folder of WIT that the module was built for
    #[arg(long)]
    wit: PathBuf,
    /// World in that folder
    #[arg(long, default_value = PROJECT_WORLD)]
    world: String,
    /// Component to write
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn componentize(Arguments { core, wit, world, output }: &Arguments) -> anyhow::Result<ExitCode> {
    frontgate_scaffold::componentize(core, &World::Named { folder: wit.clone(), world: world.clone() }, output)?;
    let bytes = std::fs::metadata(output)?.len();
    say!("{}  {} KiB", output.display(), bytes.div_ceil(1024));
    Ok(ExitCode::SUCCESS)
}
