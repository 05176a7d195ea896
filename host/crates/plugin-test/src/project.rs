//! An author's project, described by `plugin.toml` in the project's folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// Name of the project file.
pub const FILE: &str = "plugin.toml";

/// The contents of `plugin.toml`; empty for a `.wasm` file without one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    /// The `.wasm` file that the build writes.
    pub file: PathBuf,
    /// The build command: a program and its arguments.
    pub build: Vec<String>,
    /// Paths that `frontgate dev` watches; the whole folder if empty.
    pub watch: Vec<PathBuf>,
    /// Whether the author says that one instance can serve many calls.
    pub reusable: bool,
    /// The keys of `[plugins.named.NAME]`.
    pub plugin: Option<toml::Table>,
    /// How it is tested.
    pub test: Test,
    /// Customers that the checks of the contract may use.
    pub conformance: Assumptions,
    /// The folder of `plugin.toml`.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[test]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Test {
    /// Placeholder values of secrets, by name.
    pub secrets: BTreeMap<String, String>,
    /// A stub of an upstream: a program and its arguments, run during tests.
    pub command: Vec<String>,
    /// Addresses that replace granted sites, by site.
    pub upstreams: BTreeMap<String, String>,
}

/// `[conformance]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assumptions {
    /// A worker with at least one customer.
    pub worker: Option<String>,
    /// The id of a customer.
    pub customer: Option<String>,
    /// The address of a customer.
    pub address: Option<String>,
    /// A query that finds a customer.
    pub query: Option<String>,
}

impl Project {
    /// Reads the project in a folder, or in the folder that contains a `.wasm` file.
    pub fn find(path: &Path) -> anyhow::Result<Self> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let file = folder.join(FILE);
        let mut project = match std::fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", file.display())),
        };
        if path.is_dir() {
            if project.file.as_os_str().is_empty() && !file.exists() {
                bail!("{FILE} not found in {}", folder.display());
            }
            if project.file.as_os_str().is_empty() {
                bail!("{}: `file` is missing; set it to the built file: file = \"NAME.wasm\"", file.display());
            }
            project.file = folder.join(&project.file);
        } else {
            path.clone_into(&mut project.file);
        }
        folder.clone_into(&mut project.folder);
        Ok(project)
    }

    /// Returns the path of the built file. If the file is missing, the error names the build command.
    pub fn built(&self) -> anyhow::Result<&Path> {
        if !self.file.exists() && !self.build.is_empty() {
            bail!("{} not found; build it with {}", self.file.display(), self.build.join(" "));
        }
        Ok(&self.file)
    }

    /// Returns the plugin's name, which is the file name without the extension.
    pub fn name(&self) -> anyhow::Result<&str> {
        let stem = self.file.file_stem().and_then(|stem| stem.to_str());
        stem.with_context(|| format!("invalid plugin file name: {}", self.file.display()))
    }
}
