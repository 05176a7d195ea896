//! `frontgate plugin new`: writes a project for a new plugin.

use std::collections::BTreeSet;
use std::process::ExitCode;

use frontgate_scaffold::{Language, Role, write_project};

use crate::cli::say;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Name of the plugin and of its folder
    name: String,
    /// Language
    #[arg(long)]
    lang: Language,
    /// Roles of the plugin, separated by commas
    #[arg(long, required = true, value_delimiter = ',')]
    role: Vec<Role>,
}

pub(super) fn new(Arguments { name, lang, role }: &Arguments) -> anyhow::Result<ExitCode> {
    let roles: BTreeSet<Role> = role.iter().copied().collect();
    write_project(name, *lang, &roles)?;
    say!(
        "\
created {name}/. Next:
  cd {name}
  ./build.sh                            builds {name}.wasm
  frontgate plugin test {name}.wasm     runs cases/ and the checks of the contract
See {name}/README.md."
    );
    Ok(ExitCode::SUCCESS)
}
