//! What an author says of a plugin: `plugin.toml` beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The file's name.
pub const FILE: &str = "plugin.toml";

/// All that an author says; a `.wasm` file alone says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    /// What building makes.
    pub file: PathBuf,
    /// The command that builds: a program and what it is given.
    pub build: Vec<String>,
    /// What is looked at for changes; everything, if nothing is named.
    pub watch: Vec<PathBuf>,
    /// The keys of `[plugins.named.NAME]`.
    pub plugin: Option<toml::Table>,
    /// How it is tested.
    pub test: Test,
    /// What the contract's own cases may assume.
    pub conformance: Assumptions,
    /// Where the file stands.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[test]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Test {
    /// Values that stand in for those of secrets, by name.
    pub secrets: BTreeMap<String, String>,
    /// A program that plays an upstream, while tests run.
    pub command: Vec<String>,
    /// Where granted sites lead instead.
    pub upstreams: BTreeMap<String, String>,
}

/// `[conformance]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assumptions {
    /// Somebody who sees at least one customer.
    pub worker: Option<String>,
    /// The id of one.
    pub customer: Option<String>,
    /// The address of one.
    pub address: Option<String>,
    /// What finds one.
    pub query: Option<String>,
}

impl Project {
    /// The project of a `.wasm` file, or of a folder.
    pub fn find(path: &Path) -> anyhow::Result<Self> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let file = folder.join(FILE);
        let mut project = match std::fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        };
        if path.is_dir() {
            if project.file.as_os_str().is_empty() && !file.exists() {
                bail!("{} is no plugin's project: there is no {FILE} in it", folder.display());
            }
            if project.file.as_os_str().is_empty() {
                bail!("{} does not say what building makes; name it: file = \"NAME.wasm\"", file.display());
            }
            project.file = folder.join(&project.file);
        } else {
            path.clone_into(&mut project.file);
        }
        folder.clone_into(&mut project.folder);
        Ok(project)
    }

    /// The file, if it is there.
    pub fn built(&self) -> anyhow::Result<&Path> {
        if !self.file.exists() && !self.build.is_empty() {
            bail!("{} is not there; build it with {}", self.file.display(), self.build.join(" "));
        }
        Ok(&self.file)
    }

    /// What the plugin is called: its file without the ending.
    pub fn name(&self) -> anyhow::Result<&str> {
        let stem = self.file.file_stem().and_then(|stem| stem.to_str());
        stem.with_context(|| format!("{} is no plugin's name", self.file.display()))
    }
}
