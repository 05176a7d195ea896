//! The SDK as a crate of its own inside a Rust project, until it can be had from a registry, and the lock file
//! that keeps the project's dependencies at the versions this gateway was tested with.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use super::embedded::SDK;
use super::files::Files;

const WORKSPACE: &str = include_str!("../../../../Cargo.toml");
const MANIFEST: &str = include_str!("../../../../guest-sdk/Cargo.toml");
const LOCK: &str = include_str!("../../../../Cargo.lock");

const SDK_NAME: &str = "frontgate-sdk";

/// Where a project has it.
const FOLDER: &str = "sdk";

/// The crate, with the contract that it is generated from.
pub(super) fn files() -> anyhow::Result<Files> {
    let folder = Path::new(FOLDER);
    let mut files = super::contract::inside(&folder.join("wit"));
    for (path, text) in SDK {
        // Here the contract lies inside the crate.
        files.insert(folder.join(path), text.replace("\"../wit\"", "\"wit\"").into());
    }
    files.insert(folder.join("Cargo.toml"), toml::to_string(&manifest()?)?.into());
    Ok(files)
}

/// The crate's manifest, with what the workspace says put in its place.
fn manifest() -> anyhow::Result<Table> {
    let mut manifest: Table = MANIFEST.parse().context("the SDK's manifest")?;
    let workspace: Table = WORKSPACE.parse().context("the workspace's manifest")?;
    let shared = |table: &str| workspace["workspace"].get(table).and_then(Value::as_table);
    for part in ["lints", "dev-dependencies"] {
        manifest.remove(part);
    }
    for (part, table) in [("package", "package"), ("dependencies", "dependencies")] {
        let Some(own) = manifest.get_mut(part).and_then(Value::as_table_mut) else { continue };
        for (key, value) in own.iter_mut() {
            let Some(inherits) = value.as_table_mut() else { continue };
            if inherits.remove("workspace").is_none() {
                continue;
            }
            let inherited =
                shared(table).and_then(|table| table.get(key)).with_context(|| format!("no shared {key}"))?;
            *value = merge(inherited, inherits);
        }
    }
    Ok(manifest)
}

/// What the workspace says, and what the member adds to it.
fn merge(inherited: &Value, added: &Table) -> Value {
    if added.is_empty() {
        return inherited.clone();
    }
    let mut merged = match inherited {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    for (key, value) in added {
        match (merged.get_mut(key), value) {
            (Some(Value::Array(all)), Value::Array(more)) => all.extend(more.iter().cloned()),
            _ => drop(merged.insert(key.clone(), value.clone())),
        }
    }
    merged.into()
}

/// The lock file of a project with this manifest: the part of the workspace's own that it needs.
pub(super) fn lock(name: &str, project: &str) -> anyhow::Result<String> {
    let project: Table = project.parse().context("the project's manifest")?;
    let all: Table = LOCK.parse().context("the lock file")?;
    let packages: Vec<&Table> = all["package"].as_array().into_iter().flatten().filter_map(Value::as_table).collect();
    let mut own = Table::from_iter([("name".to_owned(), name.into())]);
    own.insert("version".to_owned(), project["package"]["version"].clone());
    own.insert("dependencies".to_owned(), names(&project).map(Value::from).collect::<Vec<_>>().into());

    let (mut locked, mut seen) = (vec![own], BTreeSet::new());
    let mut wanted: Vec<String> = names(&project).map(str::to_owned).collect();
    while let Some(wish) = wanted.pop() {
        if !seen.insert(wish.clone()) {
            continue;
        }
        let mut package = find(&packages, &wish).with_context(|| format!("{wish} is not locked"))?.clone();
        if wish == SDK_NAME {
            forget_what_tests_need(&mut package)?;
        }
        wanted.extend(dependencies(&package).map(str::to_owned));
        locked.push(package);
    }
    locked.sort_by_key(|package| (package["name"].to_string(), package["version"].to_string()));
    let mut lock = Table::from_iter([("version".to_owned(), all["version"].clone())]);
    lock.insert("package".to_owned(), locked.into_iter().map(Value::from).collect::<Vec<_>>().into());
    Ok(toml::to_string_pretty(&lock)?)
}

/// A package by what another one's dependencies call it: a name, and a version where there are several.
fn find<'l>(packages: &[&'l Table], wish: &str) -> Option<&'l Table> {
    let mut words = wish.split(' ');
    let (name, version) = (words.next(), words.next());
    let is_it = |package: &Table| {
        package["name"].as_str() == name && (version.is_none() || package["version"].as_str() == version)
    };
    packages.iter().copied().find(|package| is_it(package))
}

/// The workspace has locked that, too.
fn forget_what_tests_need(package: &mut Table) -> anyhow::Result<()> {
    let manifest = manifest()?;
    let needed = |wish: &&str| names(&manifest).any(|name| wish.split(' ').next() == Some(name));
    let kept: Vec<Value> = dependencies(package).filter(needed).map(Value::from).collect();
    package.insert("dependencies".to_owned(), kept.into());
    Ok(())
}

fn dependencies(package: &Table) -> impl Iterator<Item = &str> {
    package.get("dependencies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn names(manifest: &Table) -> impl Iterator<Item = &str> {
    manifest.get("dependencies").and_then(Value::as_table).into_iter().flat_map(Table::keys).map(String::as_str)
}
