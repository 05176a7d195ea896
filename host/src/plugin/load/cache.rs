//! Compiled plugins on disk, so that a restart compiles nothing again.
//!
//! A file's name holds three digests: of the `.wasm`, of all settings that decide what compiled
//! code looks like, and of the file itself. Files are written once and never changed: the code of a
//! live plugin is mapped from them.

use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

pub use super::digest::Digest;
use crate::ownership::Folder;

/// Ends the name of a file that is being written.
const UNFINISHED: &str = "unfinished";

/// A folder of compiled plugins that only this user can write.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    files_max: usize,
    settings: String,
}

impl Cache {
    /// Opens the folder, and makes it if need be. Beyond `files_max`, what was used longest ago is removed.
    pub fn open(folder: &Path, files_max: usize, engine: &wasmtime::Engine) -> anyhow::Result<Self> {
        // What lies here is run as machine code: nobody else may put it there.
        Folder::private(folder)
            .with_context(|| format!("preparing the folder {} for compiled plugins", folder.display()))?;
        let mut settings = StableHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        let settings = Digest::from(<[u8; 32]>::from(settings.0.finalize())).short();
        Ok(Self { folder: folder.to_owned(), files_max, settings })
    }

    /// The compiled form of a `.wasm` file, if it is here and whole.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, wasm: Digest) -> anyhow::Result<Option<Component>> {
        let prefix = format!("{wasm}-{}-", self.settings);
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let Some(path) = files.map(|entry| entry.path()).find(|path| name(path).starts_with(&prefix)) else {
            return Ok(None);
        };
        let whole = fs::read(&path).is_ok_and(|bytes| name(&path) == format!("{prefix}{}.cwasm", Digest::of(&bytes)));
        if !whole {
            // Cut off by a crash or damaged: compile it again.
            let _ = fs::remove_file(&path);
            return Ok(None);
        }
        // The newest are kept longest.
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        map(engine, &path).map(Some)
    }

    /// Keeps the compiled form of a `.wasm` file, and maps it.
    pub(crate) fn store(&self, engine: &wasmtime::Engine, wasm: Digest, compiled: &[u8]) -> anyhow::Result<Component> {
        let path = self.folder.join(format!("{wasm}-{}-{}.cwasm", self.settings, Digest::of(compiled)));
        let unfinished = self.folder.join(format!("{}.{UNFINISHED}", uuid::Uuid::new_v4()));
        let write = || {
            let mut file = fs::File::create_new(&unfinished)?;
            file.write_all(compiled)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        write().with_context(|| format!("writing {}", path.display()))?;
        let component = map(engine, &path);
        self.prune();
        component
    }

    fn prune(&self) {
        let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| is_ours(&entry.path()))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(self.files_max);
        // A removed file stays mapped for as long as its plugin lives.
        for (_, path) in files.drain(..surplus) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a file was made here; whatever else lies in the folder is not touched.
fn is_ours(path: &Path) -> bool {
    let (stem, ending) = name(path).rsplit_once('.').unwrap_or_default();
    let digests: Vec<&str> = stem.split('-').collect();
    let lengths: Vec<usize> = digests.iter().map(|digest| digest.len()).collect();
    ending == "cwasm" && lengths == [64, 12, 64] || ending == UNFINISHED && uuid::Uuid::parse_str(stem).is_ok()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[expect(unsafe_code, reason = "loading machine code cannot be checked by the compiler")]
fn map(engine: &wasmtime::Engine, path: &Path) -> anyhow::Result<Component> {
    // SAFETY: The file was made by `compile` of this very program with the same settings, its digest
    // was just checked, it lies in a folder that only this user can write, and it is never changed.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(anyhow::Error::from).context("it needs more than plugins.limits allow")
}

/// A hasher whose result is the same in every build, unlike that of the standard library.
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
