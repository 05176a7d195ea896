//! What the gateway remembers of plugins beyond its own life: the last good versions with their bytes,
//! what was decided about others, and receipts. One task writes it.
//!
//! `versions/DIGEST.wasm` are bytes, `plugins.json` is what is known by name, `history.jsonl` are receipts.

pub mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::cache::Digest;
use crate::ownership::Folder;
use crate::plugin::contract::{Capability, Manifest};
use crate::plugin::receipt::millis;

/// Decisions about one name that are remembered; older ones are forgotten.
const DECISIONS_MAX: usize = 64;

/// A version that was live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of its file.
    pub digest: Digest,
    /// Since when it answered, the last time; milliseconds since 1970.
    pub time_ms: u64,
    /// What it says of itself.
    #[serde(flatten)]
    pub manifest: Manifest,
}

/// What is known of one name.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// What answers, or did when the gateway ended; none if the file was removed.
    pub(super) live: Option<Digest>,
    /// Good versions, the one that was live last at the end.
    versions: Vec<Version>,
    /// Versions that are not tried any more, and why.
    passed_over: Vec<(Digest, String)>,
    /// Versions that the operator allowed.
    allowed: Vec<Digest>,
}

impl Record {
    /// Why these bytes are not tried.
    pub(super) fn passed_over(&self, digest: Digest) -> Option<&str> {
        self.passed_over.iter().find(|(passed, _)| *passed == digest).map(|(_, reason)| reason.as_str())
    }

    /// What these bytes want more than the version before them; nothing if they are allowed, or the first.
    pub(super) fn wants_more(&self, digest: Digest, manifest: &Manifest) -> Vec<Capability> {
        match self.versions.last() {
            Some(last) if last.digest != digest && !self.allowed.contains(&digest) => {
                manifest.capabilities.difference(&last.manifest.capabilities).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether this is the version that answers, and nothing else is to be remembered of it.
    fn answers(&self, digest: Digest) -> bool {
        let last = self.versions.last().map(|version| version.digest);
        self.live == Some(digest) && last == Some(digest) && self.passed_over(digest).is_none()
    }

    /// The good versions, the newest first.
    pub(super) fn versions(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().rev()
    }

    /// What a rollback means: the version that was named, or the last good one that was not passed over.
    pub(super) fn target(&self, digits: Option<&str>) -> Result<Digest, String> {
        let mut others = self.versions().map(|version| version.digest).filter(|digest| Some(*digest) != self.live);
        let Some(digits) = digits else {
            let found = others.find(|digest| self.passed_over(*digest).is_none());
            return found.ok_or_else(|| "there is no version to go back to".to_owned());
        };
        let found: Vec<Digest> = others.filter(|digest| digest.begins(digits)).collect();
        match found.as_slice() {
            [digest] => Ok(*digest),
            [] if self.live.is_some_and(|live| live.begins(digits)) => Err(format!("{digits} answers already")),
            [] => Err(format!("no version that is kept begins with {digits}; `frontgate plugin list` shows them")),
            _ => Err(format!("more than one version begins with {digits}; write more of it")),
        }
    }

    /// What may be allowed without being written out: what was passed over.
    pub(super) fn passed_over_like(&self, digits: &str) -> Option<Digest> {
        self.passed_over.iter().map(|(digest, _)| *digest).find(|digest| digest.begins(digits))
    }
}

/// The folder, and what was read from it.
pub(super) struct Records {
    folder: PathBuf,
    access: Access,
    names: BTreeMap<String, Record>,
    versions_max: usize,
    changed: bool,
    /// Versions whose bytes are on disk.
    stored: BTreeSet<Digest>,
    /// Bytes of new versions that are not.
    new: Vec<(Digest, Bytes)>,
}

/// What may be done to the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// By the gateway that serves.
    Write,
    /// By `frontgate check`, beside a gateway.
    Read,
}

impl Records {
    pub(super) fn open(folder: &Path, access: Access, versions_max: usize) -> anyhow::Result<Self> {
        if access == Access::Write {
            // Bytes from here go live without another look at who wrote them.
            Folder::private(folder)
                .with_context(|| format!("preparing the folder {} for records of plugins", folder.display()))?;
            fs::create_dir_all(folder.join("versions")).context("preparing the folder for versions of plugins")?;
        }
        let path = folder.join("plugins.json");
        let names = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                warn!("what was remembered of plugins is lost, {} is damaged: {error}", path.display());
                BTreeMap::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let stored = stored(folder).map(|(digest, _)| digest).collect();
        let folder = folder.to_owned();
        Ok(Self { folder, access, names, versions_max, changed: false, stored, new: Vec::new() })
    }

    /// What is known of a name.
    pub(super) fn of(&self, name: &str) -> Record {
        self.names.get(name).cloned().unwrap_or_default()
    }

    /// Versions of every name, the newest first.
    pub(super) fn versions(&self) -> BTreeMap<String, Vec<Version>> {
        self.names.iter().map(|(name, record)| (name.clone(), record.versions().cloned().collect())).collect()
    }

    /// A version answers now.
    pub(super) fn live(&mut self, name: &str, digest: Digest, manifest: &Manifest, wasm: Option<Bytes>) {
        let known = self.names.get(name).is_some_and(|record| record.answers(digest));
        if known && self.stored.contains(&digest) {
            // So it was when the gateway ended: a start has nothing to write down.
            return;
        }
        let max = self.versions_max;
        let record = self.change(name);
        record.live = Some(digest);
        record.passed_over.retain(|(passed, _)| *passed != digest);
        record.versions.retain(|version| version.digest != digest);
        let time_ms = millis(SystemTime::now());
        record.versions.push(Version { digest, time_ms, manifest: manifest.clone() });
        trim(&mut record.versions, max);
        if let Some(wasm) = wasm.filter(|_| self.stored.insert(digest)) {
            self.new.push((digest, wasm));
        }
    }

    /// Nothing answers any more; what was good may be gone back to.
    pub(super) fn removed(&mut self, name: &str) {
        self.change(name).live = None;
    }

    /// These bytes are not tried any more.
    pub(super) fn pass_over(&mut self, name: &str, digest: Digest, reason: &str) {
        let record = self.change(name);
        record.allowed.retain(|allowed| *allowed != digest);
        record.passed_over.retain(|(passed, _)| *passed != digest);
        record.passed_over.push((digest, reason.to_owned()));
        trim(&mut record.passed_over, DECISIONS_MAX);
    }

    /// These bytes may be tried, whatever they want more.
    pub(super) fn allow(&mut self, name: &str, digest: Digest) {
        let record = self.change(name);
        record.passed_over.retain(|(passed, _)| *passed != digest);
        record.allowed.retain(|allowed| *allowed != digest);
        record.allowed.push(digest);
        trim(&mut record.allowed, DECISIONS_MAX);
    }

    fn change(&mut self, name: &str) -> &mut Record {
        self.changed = true;
        self.names.entry(name.to_owned()).or_default()
    }

    /// What has to be written, if anything has.
    pub(super) fn unwritten(&mut self) -> Option<Unwritten> {
        let new = std::mem::take(&mut self.new);
        let changed = std::mem::take(&mut self.changed);
        if !changed || self.access == Access::Read {
            return None;
        }
        let kept = self.names.values().flat_map(|record| &record.versions).map(|version| version.digest);
        let (kept, folder): (BTreeSet<Digest>, _) = (kept.collect(), self.folder.clone());
        self.stored.retain(|digest| kept.contains(digest));
        serde_json::to_vec_pretty(&self.names).ok().map(|names| Unwritten { folder, names, new, kept })
    }
}

/// What is to be written, apart from who decides.
pub(super) struct Unwritten {
    folder: PathBuf,
    names: Vec<u8>,
    new: Vec<(Digest, Bytes)>,
    kept: BTreeSet<Digest>,
}

impl Unwritten {
    /// Writes bytes, then what refers to them, then removes what nothing refers to.
    pub(super) fn write(self) -> anyhow::Result<()> {
        let versions = self.folder.join("versions");
        for (digest, wasm) in self.new.iter().filter(|(digest, _)| self.kept.contains(digest)) {
            replace(&versions.join(format!("{digest}.wasm")), wasm, Durable::No)?;
        }
        replace(&self.folder.join("plugins.json"), &self.names, Durable::Yes)?;
        for (_, path) in stored(&self.folder).filter(|(digest, _)| !self.kept.contains(digest)) {
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}

/// Versions whose bytes lie in the folder.
fn stored(folder: &Path) -> impl Iterator<Item = (Digest, PathBuf)> {
    let files = fs::read_dir(folder.join("versions")).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter_map(|path| Some((path.file_stem()?.to_str()?.parse().ok()?, path)))
}

/// The bytes of a version, if they are kept and whole.
pub(super) fn read_version(folder: &Path, digest: Digest) -> anyhow::Result<Vec<u8>> {
    let path = folder.join("versions").join(format!("{digest}.wasm"));
    let wasm = fs::read(&path).with_context(|| format!("reading the version {}", digest.short()))?;
    if Digest::of(&wasm) != digest {
        let _ = fs::remove_file(&path);
        bail!("the version {} is damaged on disk", digest.short());
    }
    Ok(wasm)
}

/// Whether a file has to outlast a power cut; one that is damaged by it is recognised by its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durable {
    Yes,
    No,
}

/// Replaces a file as a whole.
fn replace(path: &Path, bytes: &[u8], durable: Durable) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let write = || {
        let mut file = fs::File::create(&unfinished)?;
        io::Write::write_all(&mut file, bytes)?;
        if durable == Durable::Yes {
            file.sync_all()?;
        }
        fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Forgets the oldest beyond so many.
fn trim<T>(list: &mut Vec<T>, max: usize) {
    list.drain(..list.len().saturating_sub(max));
}
