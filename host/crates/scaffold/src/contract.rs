//! The WIT files of the contract, and the worlds for which bindings and components are built.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use wit_parser::{Resolve, SourceMap, WorldId};

use super::Role;
use super::embedded::{CONTRACT, STARTERS};
use super::files::{Files, write_new};
use super::template::Template;

/// The name of a project's world.
pub const PROJECT_WORLD: &str = "plugin";

/// Folder of the contract in a project.
const DEPENDENCY: &str = "wit/deps/frontgate-plugin";

/// A world in WIT.
pub enum World {
    /// The world of a project with these roles.
    Of(BTreeSet<Role>),
    /// A world in a folder of WIT files.
    Named {
        /// The folder.
        folder: PathBuf,
        /// The name of the world.
        world: String,
    },
}

impl World {
    /// Parses the WIT.
    pub(super) fn resolve(&self) -> anyhow::Result<(Resolve, WorldId)> {
        let mut resolve = Resolve::default();
        let (package, world) = match self {
            Self::Named { folder, world } => {
                let pushed = resolve.push_path(folder).with_context(|| format!("failed to read {}", folder.display()));
                (pushed?.0, world.as_str())
            }
            Self::Of(roles) => {
                let (mut contract, mut project) = (SourceMap::new(), SourceMap::new());
                own(CONTRACT).for_each(|(path, text)| contract.push_str(path, text));
                project.push_str("world.wit", world_of(roles));
                resolve.push_group(parse(contract)?)?;
                (resolve.push_group(parse(project)?)?, PROJECT_WORLD)
            }
        };
        let id =
            resolve.select_world(&[package], Some(world)).with_context(|| format!("failed to find world `{world}`"))?;
        Ok((resolve, id))
    }
}

fn parse(sources: SourceMap) -> anyhow::Result<wit_parser::UnresolvedPackageGroup> {
    sources.parse().map_err(|(_, error)| anyhow::anyhow!("{error}"))
}

/// Returns the files of the contract's own package, without the dependencies.
fn own<'f>(files: &'f [(&'f str, &'f str)]) -> impl Iterator<Item = (&'f str, &'f str)> {
    files.iter().copied().filter(|(path, _)| !path.contains('/'))
}

/// Returns the text of the world for a project with these roles.
fn world_of(roles: &BTreeSet<Role>) -> String {
    let (_, text) =
        STARTERS.iter().find(|(path, _)| *path == "every/wit/world.wit").expect("every starter has a world");
    Template { name: PROJECT_WORLD, roles }.render(text)
}

/// Returns the contract's files as a dependency of a project's own WIT.
pub(super) fn dependency() -> Files {
    let files = own(CONTRACT).map(|(path, text)| (Path::new(DEPENDENCY).join(path), text.into()));
    files.collect()
}

/// Returns the files of the contract and its dependencies, with paths inside a folder.
pub(super) fn inside(folder: &Path) -> Files {
    CONTRACT.iter().map(|(path, text)| (folder.join(path), (*text).into())).collect()
}

/// Writes the contract, with a world for each role, into a folder that is missing or empty.
pub fn write_contract(folder: &Path) -> anyhow::Result<()> {
    write_new(folder, &inside(Path::new("")))
}
