//! `frontgate plugin bindings`: what a plugin in C, Go or TypeScript is written against.

use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_scaffold::{PROJECT_WORLD, Role, World, write_bindings};

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which language.
    language: frontgate_scaffold::Bindings,
    /// Where to; bindings that were there are written anew.
    folder: PathBuf,
    /// What the plugin answers; several with commas between them.
    #[arg(long, value_delimiter = ',', required_unless_present = "wit", conflicts_with = "wit")]
    role: Vec<Role>,
    /// For a world in this folder instead, such as a project's own.
    #[arg(long)]
    wit: Option<PathBuf>,
    /// Which world of it.
    #[arg(long, default_value = PROJECT_WORLD, requires = "wit")]
    world: String,
}

pub(crate) fn bindings(Arguments { language, folder, role, wit, world }: &Arguments) -> anyhow::Result<ExitCode> {
    let world = match wit {
        Some(folder) => World::Named { folder: folder.clone(), world: world.clone() },
        None => World::Of(role.iter().copied().collect()),
    };
    write_bindings(*language, &world, folder)?;
    say!("{}/ has bindings", folder.display());
    Ok(ExitCode::SUCCESS)
}
