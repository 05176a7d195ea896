//! `plugins.lock`, the list of plugins that may be loaded, with digests and descriptions. `frontgate plugin lock` and
//! `frontgate plugin allow FILE` write this file; each attempt reads it while `plugins.locked` is set.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use frontgate_contract::digest::Digest;
use frontgate_system::ownership;
use serde::{Deserialize, Serialize};

/// The comment at the top of the file.
const HEAD: &str =
    "# Written by `frontgate plugin lock` and `frontgate plugin allow FILE`. With plugins.locked = true, nothing
# else is loaded.

";

/// The whole file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// By name: the file's name without `.wasm`.
    #[serde(default)]
    pub plugins: BTreeMap<String, Locked>,
}

/// One plugin that may be loaded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Digest of the file.
    pub sha256: Digest,
    /// Size of the file.
    pub bytes: usize,
    /// Version of the SDK in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Its roles.
    pub roles: BTreeSet<String>,
    /// Its imports.
    pub imports: BTreeSet<String>,
}

impl Lock {
    /// Reads the lock file for a gateway. Fails if other users can write to the file. A missing file allows no plugin.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        Self::parse(path, ownership::read_to_string(path))
    }

    /// Reads the lock file without checking its owner: an operator may be root and manage another user's gateway.
    pub fn read_as_is(path: &Path) -> anyhow::Result<Self> {
        Self::parse(path, fs::read_to_string(path))
    }

    fn parse(path: &Path, text: io::Result<String>) -> anyhow::Result<Self> {
        match text {
            Ok(text) => toml::from_str(&text).with_context(|| format!("failed to read {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    /// Replaces the whole file.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = HEAD.to_owned() + &toml::to_string_pretty(self).context("failed to encode plugins.lock")?;
        let unfinished = path.with_extension("unfinished");
        let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, path));
        written.with_context(|| format!("failed to write {}", path.display()))
    }

    /// Returns the reason why these bytes may not be loaded under this name. `directory` is the plugins folder.
    pub(super) fn refusal(&self, name: &str, digest: Digest, directory: &Path) -> Option<String> {
        let file = directory.join(format!("{name}.wasm"));
        let remedy = format!("to allow the file: frontgate plugin allow {}", file.display());
        match self.plugins.get(name) {
            Some(locked) if locked.sha256 == digest => None,
            Some(locked) => {
                let (found, listed) = (digest.short(), locked.sha256.short());
                Some(format!("plugins.lock lists digest {listed}, the file has {found}; {remedy}"))
            }
            None => Some(format!("not listed in plugins.lock; {remedy}")),
        }
    }
}
