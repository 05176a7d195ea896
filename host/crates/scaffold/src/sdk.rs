//! Generates the copy of the SDK crate in a Rust project, and the project's lock file.
//!
//! The copy is needed until the SDK is on crates.io. The lock file pins dependencies to the versions that this gateway
//! was tested with.

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

/// Folder of the SDK in a project.
const FOLDER: &str = "sdk";

/// Returns the files of the SDK crate, with the contract from which its bindings are generated.
pub(super) fn files() -> anyhow::Result<Files> {
    let folder = Path::new(FOLDER);
    let mut files = super::contract::inside(&folder.join("wit"));
    for (path, text) in SDK {
        // In a project, the contract is inside the crate.
        files.insert(folder.join(path), text.replace("\"../wit\"", "\"wit\"").into());
    }
    files.insert(folder.join("Cargo.toml"), toml::to_string(&manifest()?)?.into());
    Ok(files)
}

/// Returns the manifest of the SDK crate, with inherited keys replaced by the workspace's values.
fn manifest() -> anyhow::Result<Table> {
    let mut manifest: Table = MANIFEST.parse().context("failed to parse the SDK's manifest")?;
    let workspace: Table = WORKSPACE.parse().context("failed to parse the workspace's manifest")?;
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
            let inherited = shared(table)
                .and_then(|table| table.get(key))
                .with_context(|| format!("workspace key `{key}` not found"))?;
            *value = merge(inherited, inherits);
        }
    }
    Ok(manifest)
}

/// Merges the workspace's value for a dependency with the crate's additions.
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

/// Returns the lock file of a project with this manifest, which is a subset of the workspace's lock file.
pub(super) fn lock(name: &str, project: &str) -> anyhow::Result<String> {
    let project: Table = project.parse().context("failed to parse the project's manifest")?;
    let all: Table = LOCK.parse().context("failed to parse the lock file")?;
    let packages: Vec<&Table> = all["package"].as_array().into_iter().flatten().filter_map(Value::as_table).collect();
    let mut own = Table::from_iter([("name".to_owned(), name.into())]);
    own.insert("version".to_owned(), project["package"]["version"].clone());
    own.insert("dependencies".to_owned(), names(&project).map(Value::from).collect::<Vec<_>>().into());

    let (mut locked, mut seen) = (vec![own], BTreeSet::new());
    let mut wanted: Vec<String> = names(&project).map(str::to_owned).collect();
    while let Some(dependency) = wanted.pop() {
        if !seen.insert(dependency.clone()) {
            continue;
        }
        let found = find(&packages, &dependency);
        let mut package = found.with_context(|| format!("package {dependency} not found in the lock file"))?.clone();
        if dependency == SDK_NAME {
            remove_dev_dependencies(&mut package)?;
        }
        wanted.extend(dependencies(&package).map(str::to_owned));
        locked.push(package);
    }
    locked.sort_by_key(|package| (package["name"].to_string(), package["version"].to_string()));
    let mut lock = Table::from_iter([("version".to_owned(), all["version"].clone())]);
    lock.insert("package".to_owned(), locked.into_iter().map(Value::from).collect::<Vec<_>>().into());
    Ok(toml::to_string_pretty(&lock)?)
}

/// Finds a package by its entry in a list of dependencies: `NAME`, or `NAME VERSION` if several versions exist.
fn find<'l>(packages: &[&'l Table], dependency: &str) -> Option<&'l Table> {
    let mut words = dependency.split(' ');
    let (name, version) = (words.next(), words.next());
    let matches = |package: &Table| {
        package["name"].as_str() == name && (version.is_none() || package["version"].as_str() == version)
    };
    packages.iter().copied().find(|package| matches(package))
}

/// Removes the SDK's dev-dependencies from its package. The workspace's lock file lists them as dependencies.
fn remove_dev_dependencies(package: &mut Table) -> anyhow::Result<()> {
    let manifest = manifest()?;
    let needed = |dependency: &&str| names(&manifest).any(|name| dependency.split(' ').next() == Some(name));
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
