//! Writes a new project: a starter's files for the chosen roles.

use std::collections::BTreeSet;
use std::path::Path;

use super::embedded::STARTERS;
use super::files::{Files, write_new};
use super::template::Template;
use super::{Language, Role, contract, name, sdk};

/// The folder of files for all languages.
const EVERY: &str = "every";

/// Writes a project into a new folder with the project's name.
pub fn write_project(name: &str, language: Language, roles: &BTreeSet<Role>) -> anyhow::Result<()> {
    name::check(name)?;
    write_new(Path::new(name), &project(&Template { name, roles }, language)?)
}

fn project(template: &Template<'_>, language: Language) -> anyhow::Result<Files> {
    let mut files: Files = match language {
        Language::Rust => sdk::files()?,
        _ => contract::dependency(),
    };
    for (path, text) in STARTERS {
        let of = |folder: &str| path.strip_prefix(folder)?.strip_prefix('/');
        let Some(path) = of(EVERY).or_else(|| of(language.folder())).filter(|path| template.includes(path)) else {
            continue;
        };
        // The SDK contains the contract.
        if language == Language::Rust && path.starts_with("wit/") {
            continue;
        }
        files.insert(path.into(), template.render(text).into());
    }
    if language == Language::Rust {
        let manifest = files.get(Path::new("Cargo.toml")).map(Vec::as_slice).unwrap_or_default();
        files.insert("Cargo.lock".into(), sdk::lock(template.name, str::from_utf8(manifest)?)?.into());
    }
    Ok(files)
}
