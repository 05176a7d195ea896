//! `frontgate plugin componentize`: a component of what a C or Go compiler made.

use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_scaffold::{PROJECT_WORLD, World};

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The core module.
    core: PathBuf,
    /// The folder of WIT that the module was built for.
    #[arg(long)]
    wit: PathBuf,
    /// Which world of it.
    #[arg(long, default_value = PROJECT_WORLD)]
    world: String,
    /// The component.
    #[arg(short, long)]
    output: PathBuf,
}

pub(crate) fn componentize(Arguments { core, wit, world, output }: &Arguments) -> anyhow::Result<ExitCode> {
    frontgate_scaffold::componentize(core, &World::Named { folder: wit.clone(), world: world.clone() }, output)?;
    let bytes = std::fs::metadata(output)?.len();
    say!("{}  {} KiB", output.display(), bytes.div_ceil(1024));
    Ok(ExitCode::SUCCESS)
}
