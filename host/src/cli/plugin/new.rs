//! `frontgate plugin new`: a project that builds.

use std::collections::BTreeSet;
use std::process::ExitCode;

use frontgate_scaffold::{Language, Role, write_project};

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plugin's name, and that of its folder.
    name: String,
    /// What it is written in.
    #[arg(long)]
    lang: Language,
    /// What it answers; several with commas between them.
    #[arg(long, required = true, value_delimiter = ',')]
    role: Vec<Role>,
}

pub(crate) fn new(Arguments { name, lang, role }: &Arguments) -> anyhow::Result<ExitCode> {
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
