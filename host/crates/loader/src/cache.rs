//! The cache of compiled plugins on disk: after a restart, cached plugins are not compiled or parsed again.
//!
//! A cache file contains the machine code, followed by the component's description. The file name contains three
//! digests: of the `.wasm` file, of all settings that affect code and description, and of the cache file. Files are
//! written once and never changed, because the code of a live plugin is mapped from its file.

mod folder;

use std::fs::File;
use std::hash::{Hash as _, Hasher};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use frontgate_contract::digest::Digest;
use frontgate_contract::digest::DigestBuilder;
use frontgate_contract::{DESCRIBED_BY, Manifest};
use frontgate_runtime::settings::Plugins;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use self::folder::{Entry, Folder};
use super::blocking::run_detached;

/// Extension of a file that is being written.
const UNFINISHED: &str = "unfinished";

/// Age in seconds after which an unfinished file is removed: the gateway that wrote it was killed.
const UNFINISHED_SECONDS_MAX: u64 = 86_400;

/// Version of the description's format.
const FORMAT: u8 = 2;

/// The last bytes of each file, which follow the length of the description.
const MARK: &[u8; 8] = b"fg-plug\n";

/// Maximum size of a description in bytes: enough for a thousand imports of 200 bytes each.
const DESCRIPTION_BYTES_MAX: u32 = 1 << 20;

/// Size of the read buffer, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// A folder of compiled plugins that only this user can write to.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: Folder,
    files_max: usize,
    bytes_max: u64,
    settings: String,
}

/// A cached plugin.
pub(crate) struct Cached {
    pub(crate) component: Component,
    pub(crate) manifest: Manifest,
}

impl Cache {
    /// Opens or creates the folder. Removes the least recently used files beyond its limits.
    pub fn open(plugins: &Plugins, engine: &wasmtime::Engine) -> anyhow::Result<Self> {
        // The cached files are executed as machine code: no other user may be able to write to the folder.
        let folder = Folder::open(&plugins.cache)?;
        let (files_max, bytes_max) = (plugins.cache_files_max, plugins.cache_bytes_max);
        let cache = Self { folder, files_max, bytes_max, settings: settings(engine) };
        cache.prune();
        Ok(cache)
    }

    /// Returns a cache in the same folder for code of another engine.
    pub(super) fn of(&self, engine: &wasmtime::Engine) -> Self {
        Self { settings: settings(engine), ..self.clone() }
    }

    /// Returns the cached code and manifest of a `.wasm` file, if present and complete.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, wasm: Digest) -> anyhow::Result<Option<Cached>> {
        let prefix = format!("{wasm}-{}-", self.settings);
        let Some(name) = self.folder.names().into_iter().find(|name| name.starts_with(&prefix)) else {
            return Ok(None);
        };
        let Some(mut file) = self.folder.read(&name) else { return Ok(None) };
        let whole = digest(&mut file).is_ok_and(|found| name == format!("{prefix}{found}.cwasm"));
        let Some(manifest) = whole.then(|| description(&file).ok()).flatten() else {
            // The cached file was truncated by a crash, or is damaged: the plugin is compiled again.
            self.folder.remove(&name);
            return Ok(None);
        };
        // The modification time records the last use.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(Cached { component: map(engine, &file)?, manifest }))
    }

    /// Creates an unfinished file for machine code.
    pub(super) fn begin(&self) -> anyhow::Result<Unfinished> {
        let name = format!("{}.{UNFINISHED}", uuid::Uuid::new_v4());
        let file = self.folder.create(&name).context("failed to create a file in the plugin cache")?;
        Ok(Unfinished { folder: self.folder.clone(), name: Some(name), file })
    }

    /// Adds finished machine code to the cache, and maps it. The process that wrote the code must have ended.
    pub(super) fn finish(
        &self,
        engine: &wasmtime::Engine,
        wasm: Digest,
        mut unfinished: Unfinished,
        manifest: Manifest,
    ) -> anyhow::Result<Cached> {
        let digest = append(&mut unfinished.file, &manifest).context("failed to write to the plugin cache")?;
        let name = format!("{wasm}-{}-{digest}.cwasm", self.settings);
        unfinished.keep(&name).context("failed to create a file in the plugin cache")?;
        let component = map(engine, &unfinished.file);
        self.prune();
        Ok(Cached { component: component?, manifest })
    }

    fn prune(&self) {
        let now = SystemTime::now();
        let mut finished = Vec::new();
        for entry in self.folder.entries() {
            match Kind::of(&entry.name) {
                Kind::Finished => finished.push(entry),
                Kind::Unfinished if entry.age(now).as_secs() > UNFINISHED_SECONDS_MAX => {
                    self.folder.remove(&entry.name)
                }
                Kind::Unfinished | Kind::Foreign => {}
            }
        }
        for name in surplus(finished, self.files_max, self.bytes_max) {
            // The code of a removed file stays mapped while its plugin is in memory.
            self.folder.remove(&name);
        }
    }
}

/// Returns a digest of all settings that affect code and description.
fn settings(engine: &wasmtime::Engine) -> String {
    let mut settings = StableHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    settings.write_u8(FORMAT);
    settings.write(DESCRIBED_BY);
    Digest::from(<[u8; 32]>::from(settings.0.finalize())).short()
}

/// Returns the least recently used files that must be removed to meet both limits.
fn surplus(mut entries: Vec<Entry>, files_max: usize, bytes_max: u64) -> Vec<String> {
    entries.sort_by_key(|entry| entry.modified);
    let (mut files, mut bytes) = (entries.len(), entries.iter().map(|entry| entry.bytes).sum::<u64>());
    let mut surplus = Vec::new();
    for entry in entries {
        if files <= files_max && bytes <= bytes_max {
            break;
        }
        files -= 1;
        bytes -= entry.bytes;
        surplus.push(entry.name);
    }
    surplus
}

/// A cache file that is being written. The file is removed on drop.
#[derive(Debug)]
pub(super) struct Unfinished {
    folder: Folder,
    name: Option<String>,
    file: File,
}

impl Unfinished {
    /// Returns the descriptor that the compiler writes to.
    pub(super) fn output(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    fn keep(&mut self, name: &str) -> anyhow::Result<()> {
        let unfinished = self.name.take().context("cache file already stored")?;
        self.folder.rename(&unfinished, name).inspect_err(|_| self.folder.remove(&unfinished))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let folder = self.folder.clone();
            run_detached(move || folder.remove(&name));
        }
    }
}

/// Appends the description to the machine code, and returns the digest of the whole file.
fn append(file: &mut File, manifest: &Manifest) -> anyhow::Result<Digest> {
    let description = serde_json::to_vec(manifest)?;
    let len = u32::try_from(description.len())?;
    ensure!(len <= DESCRIPTION_BYTES_MAX, "the description of a plugin is too long");
    file.seek(SeekFrom::End(0))?;
    file.write_all(&[&description, &len.to_le_bytes()[..], MARK].concat())?;
    file.sync_all()?;
    Ok(digest(file)?)
}

/// Reads the description that `append` wrote.
fn description(file: &File) -> anyhow::Result<Manifest> {
    let tail_len = (size_of::<u32>() + MARK.len()) as u64;
    let end = file.metadata()?.len().checked_sub(tail_len).context("cache file too short")?;
    let (mut len, mut mark) = ([0; size_of::<u32>()], [0; MARK.len()]);
    file.read_exact_at(&mut len, end)?;
    file.read_exact_at(&mut mark, end + len.len() as u64)?;
    let len = u32::from_le_bytes(len);
    if mark != *MARK || len > DESCRIPTION_BYTES_MAX {
        bail!("cache file has no description");
    }
    let mut description = vec![0; len as usize];
    file.read_exact_at(&mut description, end.checked_sub(len.into()).context("cache file too short")?)?;
    Ok(serde_json::from_slice(&description)?)
}

fn digest(file: &mut File) -> std::io::Result<Digest> {
    file.rewind()?;
    let (mut builder, mut buffer) = (DigestBuilder::default(), vec![0; BUFFER_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(builder.finish()),
            read => builder.update(&buffer[..read]),
        }
    }
}

/// The kind of a file in the folder.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Finished,
    Unfinished,
    /// A file that the cache did not create and never removes.
    Foreign,
}

impl Kind {
    fn of(name: &str) -> Self {
        let (stem, ending) = name.rsplit_once('.').unwrap_or_default();
        let lengths: Vec<usize> = stem.split('-').map(str::len).collect();
        match ending {
            "cwasm" if lengths == [64, 12, 64] => Self::Finished,
            UNFINISHED if uuid::Uuid::parse_str(stem).is_ok() => Self::Unfinished,
            _ => Self::Foreign,
        }
    }
}

#[expect(unsafe_code, reason = "loading machine code cannot be checked by the compiler")]
fn map(engine: &wasmtime::Engine, file: &File) -> anyhow::Result<Component> {
    // The path refers to the hashed descriptor, since the file name may refer to another file by now.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: `compiler_child` of this same program wrote the file with the same settings, its digest was just checked
    // through this descriptor, only this user can write to it, and it is never changed. The description behind the code
    // is outside every section that the header of the code names.
    let component = unsafe { Component::deserialize_file(engine, Path::new(&path)) };
    component.map_err(anyhow::Error::from).context("it needs more than plugins.limits allow")
}

/// A hasher with the same result in every build, unlike the standard library's hasher.
struct StableHasher(Sha256);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        u64::from_le_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}

#[cfg(test)]
mod tests;
