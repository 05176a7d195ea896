//! A new project: the files of a starter for the chosen roles.

use std::collections::BTreeSet;
use std::path::Path;

use super::embedded::STARTERS;
use super::files::{Files, write_new};
use super::marks::Marks;
use super::{Language, Role, contract, name, sdk};

/// What projects in every language have.
const EVERY: &str = "every";

/// Writes a project into a folder that is called like it.
pub fn write_project(name: &str, language: Language, roles: &BTreeSet<Role>) -> anyhow::Result<()> {
    name::check(name)?;
    write_new(Path::new(name), &project(&Marks { name, roles }, language)?)
}

fn project(marks: &Marks<'_>, language: Language) -> anyhow::Result<Files> {
    let mut files: Files = match language {
        Language::Rust => sdk::files()?,
        _ => contract::dependency(),
    };
    for (path, text) in STARTERS {
        let of = |folder: &str| path.strip_prefix(folder)?.strip_prefix('/');
        let Some(path) = of(EVERY).or_else(|| of(language.folder())).filter(|path| marks.keeps(path)) else {
            continue;
        };
        // The SDK has its own.
        if language == Language::Rust && path.starts_with("wit/") {
            continue;
        }
        files.insert(path.into(), marks.replace(text).into());
    }
    if language == Language::Rust {
        let manifest = files.get(Path::new("Cargo.toml")).map(Vec::as_slice).unwrap_or_default();
        files.insert("Cargo.lock".into(), sdk::lock(marks.name, str::from_utf8(manifest)?)?.into());
    }
    Ok(files)
}
