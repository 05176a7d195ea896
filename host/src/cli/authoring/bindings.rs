//! `frontgate plugin bindings`: writes bindings for C, Go or TypeScript.

use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_scaffold::{PROJECT_WORLD, Role, World, write_bindings};

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Language
    language: frontgate_scaffold::Bindings,
    /// Output folder; existing bindings are overwritten
    folder: PathBuf,
    /// Roles of the plugin, separated by commas
    #[arg(long, value_delimiter = ',', required_unless_present = "wit", conflicts_with = "wit")]
    role: Vec<Role>,
    /// Folder of WIT with the world to bind, instead of roles
    #[arg(long)]
    wit: Option<PathBuf>,
    /// World in that folder
    #[arg(long, default_value = PROJECT_WORLD, requires = "wit")]
    world: String,
}

pub(super) fn bindings(Arguments { language, folder, role, wit, world }: &Arguments) -> anyhow::Result<ExitCode> {
    let world = match wit {
        Some(folder) => World::Named { folder: folder.clone(), world: world.clone() },
        None => World::Of(role.iter().copied().collect()),
    };
    write_bindings(*language, &world, folder)?;
    say!("bindings written to {}/", folder.display());
    Ok(ExitCode::SUCCESS)
}
