//! Plugin records on disk: the last good versions with their bytes, decisions about other versions, and receipts (the outcome of each attempt to change a plugin). Only
//! one task writes them.
//!
//! `versions/DIGEST.wasm` contains the bytes of a version, `plugins.json` the records by name, and `history.jsonl` the
//! receipts. If `plugins.json` is damaged, versions that were live stay live, and new bytes wait for the operator.

mod file;
pub mod history;
mod live_versions;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use frontgate_runtime::receipt::millis;
use frontgate_runtime::registry::Version;
use frontgate_system::ownership::Folder;
use tracing::error;

use self::file::{Content, Durable, Found};
pub use self::live_versions::live_versions;
use self::record::Guard;
pub(super) use self::record::Record;

/// The records and their folder.
pub(super) struct Records {
    /// The open folder; `None` if the folder does not exist and may not be created.
    folder: Option<Arc<Folder>>,
    access: Access,
    content: Content,
    guard: Option<Guard>,
    limits: Limits,
    changed: bool,
    /// `plugins.json` as last read or written (`written`), and as it is being written (`writing`).
    written: Bytes,
    writing: Bytes,
    /// Digests of the versions on disk.
    stored: BTreeSet<Digest>,
    /// Bytes of new versions that are not on disk yet.
    new: Vec<(Digest, Bytes)>,
}

/// Limits of the records.
#[derive(Debug, Clone, Copy)]
struct Limits {
    names_max: usize,
    versions_max: usize,
    versions_bytes_max: u64,
}

/// Access to the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write, for a serving gateway.
    Write,
    /// Read only, for `frontgate check`, which may run at the same time as a gateway.
    Read,
}

impl Records {
    pub(super) fn open(
        path: &Path,
        access: Access,
        plugins: &frontgate_runtime::settings::Plugins,
    ) -> anyhow::Result<Self> {
        let context = || format!("failed to open the plugin records folder {}", path.display());
        // Bytes from this folder go live without another check of their owner.
        let open = || Folder::private(path).map(Arc::new);
        let folder = if access == Access::Write || path.exists() { Some(open().with_context(context)?) } else { None };
        let mut records = Self::new(folder.clone(), access, plugins);
        if let Some(folder) = folder {
            records.stored = stored(&folder).with_context(context)?;
            records.read(&folder)?;
        }
        Ok(records)
    }

    /// Creates records that are in memory only, a copy of what the replicas agree on.
    pub(super) fn in_memory(plugins: &frontgate_runtime::settings::Plugins) -> Self {
        Self::new(None, Access::Read, plugins)
    }

    fn new(folder: Option<Arc<Folder>>, access: Access, plugins: &frontgate_runtime::settings::Plugins) -> Self {
        let limits = Limits {
            names_max: plugins.names_max,
            versions_max: plugins.versions_max,
            versions_bytes_max: plugins.versions_bytes_max,
        };
        Self {
            folder,
            access,
            content: Content::default(),
            guard: None,
            limits,
            changed: false,
            written: Bytes::new(),
            writing: Bytes::new(),
            stored: BTreeSet::new(),
            new: Vec::new(),
        }
    }

    /// Replaces the record of a name.
    pub(super) fn set(&mut self, name: &str, record: Record) {
        self.content.names.insert(name.to_owned(), record);
    }

    fn read(&mut self, folder: &Arc<Folder>) -> anyhow::Result<()> {
        let (found, bytes) = file::read(folder)?;
        let before = file::has_previous(folder);
        let is_fresh = !before && !self.has_traces(folder);
        let (content, reason) = match found {
            Found::Whole(content) => (Some(content), String::new()),
            // The previous release kept no earlier generation, and never wrote an empty file.
            Found::Unversioned(names) if is_fresh || (!before && !names.is_empty()) => {
                (Some(Content { damaged: None, names }), String::new())
            }
            Found::Unversioned(_) => (None, "file older than the last write".to_owned()),
            Found::Missing if is_fresh => (Some(Content::default()), String::new()),
            Found::Missing => (None, "file missing".to_owned()),
            Found::Damaged(reason) => (None, reason),
        };
        self.written = bytes;
        match content {
            Some(content) => {
                // The guard ends when the operator moves the damaged file away.
                let marker = content.damaged.clone();
                self.content = content;
                match marker {
                    Some(file) if !folder.is_gone(&file) => self.set_guard(folder, file),
                    Some(_) => self.end_guard(),
                    None => {}
                }
            }
            None => self.recover(folder, &reason)?,
        }
        if self.access == Access::Write && (self.changed || self.written.is_empty()) {
            // The file is written before any version is stored: otherwise, a missing file would look like damage.
            self.changed = true;
            if let Some(pending) = self.take_pending() {
                pending.write()?;
                self.finish_write(true, Vec::new());
            }
        }
        Ok(())
    }

    /// Returns whether a stored version or a receipt shows that records existed.
    fn has_traces(&self, folder: &Folder) -> bool {
        !self.stored.is_empty() || history::exists(folder.path())
    }

    /// Rebuilds the records from the previous generation and the history, and sets the guard.
    fn recover(&mut self, folder: &Arc<Folder>, reason: &str) -> anyhow::Result<()> {
        let previous = file::previous(folder).unwrap_or_default().names;
        let mut names = previous.clone();
        for receipt in history::read(folder.path()).unwrap_or_default() {
            names.entry(receipt.plugin.clone()).or_default().replay(&receipt);
        }
        // The history also contains names of removed plugins.
        names.retain(|name, record| record.is_worth_keeping() || previous.contains_key(name));
        self.content = Content { damaged: None, names };
        let (mut kept, path) = ("plugins.json".to_owned(), folder.path().join("plugins.json"));
        if self.access == Access::Write {
            kept = file::quarantine(folder, None)?;
            self.written = Bytes::new();
            self.changed = true;
        }
        let aside = folder.path().join(&kept);
        self.set_guard(folder, kept);
        error!(
            event = "plugin.records_damaged",
            "plugin records {} corrupt: {reason}; saved as {aside}. Loaded plugins stay live; new files need \
             `frontgate plugin allow NAME`. To load all new files again, move {aside} away",
            path.display(),
            aside = aside.display(),
        );
        Ok(())
    }

    fn set_guard(&mut self, folder: &Folder, file: String) {
        let path = folder.path().join(&file);
        self.content.damaged = Some(file);
        self.guard = Some(Guard { file: path.display().to_string().into(), known: Arc::new(self.stored.clone()) });
    }

    /// Returns the path of the damaged file while it blocks new bytes.
    pub(super) fn damaged(&self) -> Option<Arc<str>> {
        self.guard.as_ref().map(|guard| Arc::clone(&guard.file))
    }

    /// Returns the folder and the name of the damaged file. New bytes are blocked while this file exists.
    pub(super) fn marker(&self) -> Option<(Arc<Folder>, String)> {
        self.folder.clone().zip(self.content.damaged.clone())
    }

    /// Removes the guard after the operator moved the damaged file away.
    pub(super) fn end_guard(&mut self) {
        self.guard = None;
        self.content.damaged = None;
        self.changed = true;
    }

    /// Returns the record of a plugin name.
    pub(super) fn of(&self, name: &str) -> Record {
        let record = self.content.names.get(name).cloned().unwrap_or_default();
        Record { guard: self.guard.clone(), ..record }
    }

    /// Returns all names with a record.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.content.names.keys()
    }

    /// Returns the versions of each name, newest first.
    pub(super) fn versions(&self) -> BTreeMap<String, Vec<Version>> {
        let names = self.content.names.iter();
        names.map(|(name, record)| (name.clone(), record.versions().cloned().collect())).collect()
    }

    /// Records that a version is live.
    pub(super) fn live(&mut self, name: &str, digest: Digest, manifest: &Manifest, wasm: Option<Bytes>) {
        let known = self.content.names.get(name).is_some_and(|record| record.answers(digest));
        if known && self.stored.contains(&digest) {
            // The record already says so, for example after a restart: nothing to write.
            return;
        }
        let version = Version { digest, time_ms: millis(SystemTime::now()), manifest: manifest.clone() };
        let max = self.limits.versions_max;
        self.change(name).set_live(version, max);
        if let Some(wasm) = wasm.filter(|_| self.stored.insert(digest)) {
            self.new.push((digest, wasm));
        }
    }

    /// Records that a plugin was removed. Its good versions are kept for a rollback. Ignores a name without a record.
    pub(super) fn removed(&mut self, name: &str) {
        if self.content.names.contains_key(name) {
            self.change(name).live = None;
        }
    }

    /// Excludes a version from further attempts.
    pub(super) fn exclude(&mut self, name: &str, digest: Digest, reason: &str) {
        self.change(name).exclude(digest, reason);
    }

    /// Allows a version to go live, whatever capabilities it needs.
    pub(super) fn allow(&mut self, name: &str, digest: Digest) {
        self.change(name).allow(digest);
    }

    fn change(&mut self, name: &str) -> &mut Record {
        self.changed = true;
        if !self.content.names.contains_key(name) && self.content.names.len() >= self.limits.names_max {
            self.drop_newest_idle();
        }
        // The time must be unique and increasing, even for several records in one millisecond.
        let last = self.content.names.values().map(|record| record.since_ms).max().unwrap_or_default();
        let since_ms = millis(SystemTime::now()).max(last.saturating_add(1));
        self.content.names.entry(name.to_owned()).or_insert_with(|| Record { since_ms, ..Record::default() })
    }

    /// Drops the newest name without a live version or a decision: a flood of new names cannot displace older names.
    fn drop_newest_idle(&mut self) {
        let idle = self.content.names.iter().filter(|(_, record)| record.is_idle());
        let last = idle.max_by_key(|(_, record)| record.since_ms).map(|(name, _)| name.clone());
        if let Some(name) = last {
            self.content.names.remove(&name);
        }
    }

    /// Drops the bytes of versions beyond the limit: first of removed plugins, then of the oldest versions. Never drops
    /// the bytes of a live version.
    fn trim_bytes(&mut self) {
        let live: BTreeSet<Digest> = self.content.names.values().filter_map(|record| record.live).collect();
        let mut kept = BTreeMap::new();
        for record in self.content.names.values() {
            for version in record.versions.iter().filter(|version| self.stored.contains(&version.digest)) {
                let bytes = u64::try_from(version.manifest.bytes).unwrap_or(u64::MAX);
                let order = (live.contains(&version.digest), record.live.is_some(), version.time_ms, bytes);
                let known = kept.entry(version.digest).or_insert(order);
                *known = order.max(*known);
            }
        }
        let mut total: u64 = kept.values().fold(0, |sum, (.., bytes)| sum.saturating_add(*bytes));
        let mut oldest_first: Vec<_> = kept.into_iter().filter(|(_, (is_live, ..))| !is_live).collect();
        oldest_first.sort_by_key(|(_, order)| *order);
        for (digest, (.., bytes)) in oldest_first {
            if total <= self.limits.versions_bytes_max {
                break;
            }
            total -= bytes;
            self.stored.remove(&digest);
        }
        for record in self.content.names.values_mut() {
            // The manifest of the last version is kept without bytes: the next version is compared with it.
            let last = record.versions.last().map(|version| version.digest);
            record.versions.retain(|version| self.stored.contains(&version.digest) || last == Some(version.digest));
        }
    }

    /// Returns the changes that are not on disk yet, if any.
    pub(super) fn take_pending(&mut self) -> Option<PendingWrite> {
        let new = std::mem::take(&mut self.new);
        let changed = std::mem::take(&mut self.changed);
        let folder = self.folder.clone().filter(|_| changed && self.access == Access::Write)?;
        let mut kept = None;
        if self.guard.is_none() {
            self.trim_bytes();
            let versions = self.content.names.values().flat_map(|record| &record.versions);
            let named: BTreeSet<Digest> = versions.map(|version| version.digest).collect();
            self.stored.retain(|digest| named.contains(digest));
            kept = Some(self.stored.clone());
        }
        self.writing = file::encode(&self.content).ok()?;
        let (names, before, marker) = (self.writing.clone(), self.written.clone(), self.content.damaged.clone());
        Some(PendingWrite { folder, names, before, new, marker, kept })
    }

    /// Handles the result of a write. After a failure, the bytes in `new` are part of the next write.
    pub(super) fn finish_write(&mut self, written: bool, new: Vec<(Digest, Bytes)>) {
        if written {
            self.written = self.writing.clone();
            return;
        }
        self.changed = true;
        self.new.extend(new);
    }
}

/// Changes to write, which do not borrow from [`Records`].
pub(super) struct PendingWrite {
    folder: Arc<Folder>,
    names: Bytes,
    before: Bytes,
    pub(super) new: Vec<(Digest, Bytes)>,
    /// The damaged file, while it exists.
    marker: Option<String>,
    /// Referenced versions; all others are deleted. `None` while records are damaged, when no version is deleted.
    kept: Option<BTreeSet<Digest>>,
}

impl PendingWrite {
    /// Writes versions, then the records that refer to them, then deletes unreferenced versions.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        let versions = self.folder.folder("versions").context("failed to open the folder of plugin versions")?;
        let is_kept = |digest: &Digest| self.kept.as_ref().is_none_or(|kept| kept.contains(digest));
        for (digest, wasm) in self.new.iter().filter(|(digest, _)| is_kept(digest)) {
            let written = file::replace(&versions, &format!("{digest}.wasm"), wasm, Durable::No);
            written.with_context(|| format!("failed to write version {}", digest.short()))?;
        }
        file::write(&self.folder, &self.names, &self.before, self.marker.as_deref())?;
        for name in versions.names().unwrap_or_default() {
            if digest_of(&name).is_some_and(|digest| !is_kept(&digest)) {
                let _ = versions.remove(&name);
            }
        }
        Ok(())
    }
}

/// Returns the digests of the versions in the folder.
fn stored(folder: &Folder) -> std::io::Result<BTreeSet<Digest>> {
    match folder.has("versions") {
        true => Ok(folder.folder("versions")?.names()?.iter().filter_map(|name| digest_of(name)).collect()),
        false => Ok(BTreeSet::new()),
    }
}

fn digest_of(name: &str) -> Option<Digest> {
    name.strip_suffix(".wasm")?.parse().ok()
}

/// Reads the bytes of a version. Fails if they are missing or damaged.
pub(super) fn read_version(path: &Path, digest: Digest) -> anyhow::Result<Vec<u8>> {
    let name = format!("{digest}.wasm");
    let context = || format!("failed to read version {}", digest.short());
    let versions = Folder::private(path).and_then(|folder| folder.folder("versions")).with_context(context)?;
    let mut wasm = Vec::new();
    versions.file(&name).and_then(|mut file| file.read_to_end(&mut wasm)).with_context(context)?;
    if Digest::of(&wasm) != digest {
        let _ = versions.remove(&name);
        bail!("version {} corrupt on disk, deleted; deploy the file again", digest.short());
    }
    Ok(wasm)
}

#[cfg(test)]
mod tests;
