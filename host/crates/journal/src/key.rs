//! The key of the digests of addresses, in a file beside the journal.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use frontgate_signing::{Algorithm, KeyedHash};
use frontgate_system::ownership::Folder;

/// Length of the key in bytes.
const KEY_BYTES: usize = 32;

/// Name of the file while it is written.
const NEW_FILE: &str = "journal.key.new";

/// Digests addresses.
pub(crate) struct AddressKey(KeyedHash);

impl AddressKey {
    /// Reads the key of a journal, or creates it with mode 0600. The journal's folder must exist.
    pub(crate) fn open(journal: &Path) -> anyhow::Result<Self> {
        let folder = journal.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = journal.with_extension("key");
        let name = path.file_name().and_then(OsStr::to_str).context("the journal has no file name")?;
        let folder = Folder::shared(folder)?;
        if !folder.has(name) {
            let mut key = [0; KEY_BYTES];
            getrandom::fill(&mut key).context("failed to read random numbers")?;
            if folder.has(NEW_FILE) {
                folder.remove(NEW_FILE)?;
            }
            let mut file = folder.create(NEW_FILE)?;
            file.write_all(&key)?;
            file.sync_all()?;
            folder.rename(NEW_FILE, name)?;
        }
        let mut key = Vec::new();
        folder.file(name)?.read_to_end(&mut key)?;
        ensure!(key.len() == KEY_BYTES, "{} is not a key; remove it", path.display());
        Ok(Self(KeyedHash::new(key, Algorithm::HmacSha256)))
    }

    /// Returns the digest of a normalized address.
    pub(crate) fn digest(&self, address: &str) -> Vec<u8> {
        self.0.hash(&[address.as_bytes()]).as_bytes().to_vec()
    }
}
