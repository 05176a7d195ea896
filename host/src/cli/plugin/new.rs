//! `frontgate plugin new`: a project that builds.

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::cli::say;
use crate::starter::{Language, Role, write_project};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct New {
    /// The plugin's name, and that of its folder.
    name: String,
    /// What it is written in.
    #[arg(long)]
    lang: Language,
    /// What it answers; several with commas between them.
    #[arg(long, required = true, value_delimiter = ',')]
    role: Vec<Role>,
}

pub(in crate::cli) fn new(New { name, lang, role }: &New) -> anyhow::Result<ExitCode> {
    let roles: BTreeSet<Role> = role.iter().copied().collect();
    write_project(name, *lang, &roles)?;
    say!(
        "\
{name}/ is there. Next:
  cd {name}
  ./build.sh                            makes {name}.wasm
  frontgate plugin test {name}.wasm     asks it what cases/ asks, and what the contract asks
README.md has the rest."
    );
    Ok(ExitCode::SUCCESS)
}
