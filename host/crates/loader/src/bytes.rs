//! Reads, hashes and seals the bytes of a plugin within a limit. Sealing ensures that the hashed bytes are the compiled
//! bytes. Files are read through a small buffer; the gateway holds no copy of a file that is not live.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use frontgate_contract::digest::Digest;
use frontgate_contract::digest::DigestBuilder;
use rustix::fs::{MemfdFlags, OFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::blocking::run_detached;
use super::failure::Failure;
use super::folder::{FileState, Kind};

/// Size of the read buffer, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Number of bytes at the start of a file that distinguish components from machine code, core modules and text.
const HEAD_BYTES: usize = 8;

/// A function that opens a file without blocking. It may check the owner and the mode of the file.
pub(super) type Open = fn(&Path) -> io::Result<File>;

/// Opens a file without a check of its owner, for an author's own files.
pub(super) fn open_as_is(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().try_into().expect("a flag of open is a small number");
    File::options().read(true).custom_flags(flags).open(path)
}

/// The source of a plugin's bytes.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The scanned state of a file, and the function that opens it.
    File(FileState, Open),
    /// Bytes in memory.
    Memory(Bytes),
}

impl Source {
    /// Returns the size in bytes, without reading the file.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File(seen, _) => match seen.kind {
                Kind::File { bytes } => bytes,
                _ => 0,
            },
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Returns the digest and the result of checking that the first bytes start a component.
    pub(super) fn digest(&self, bytes_max: u64) -> Result<(Digest, Result<(), Failure>), Failure> {
        let mut first = Vec::new();
        let digest = self.read(bytes_max, |part| {
            let missing = HEAD_BYTES.saturating_sub(first.len());
            first.extend_from_slice(&part[..part.len().min(missing)]);
            Ok(())
        })?;
        Ok((digest, check(&first).map_err(Failure::Permanent)))
    }

    /// Copies the bytes into a sealed memory file for the compiler.
    pub(super) fn seal(&self, bytes_max: u64) -> Result<Sealed, Failure> {
        let made = memfd_create("plugin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
        let made = made.context("failed to allocate memory for a plugin's file").map_err(Failure::Temporary)?;
        let (mut file, mut len) = (File::from(made), 0);
        let digest = self.read(bytes_max, |part| {
            len += part.len() as u64;
            file.write_all(part)
        })?;
        let all = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        fcntl_add_seals(&file, all).context("failed to seal a plugin's bytes").map_err(Failure::Temporary)?;
        Ok(Sealed { file: Arc::new(file), len, digest })
    }

    /// Returns all bytes. Fails if they do not match the digest.
    pub(super) fn read_all(&self, bytes_max: u64, digest: Digest) -> Result<Bytes, Failure> {
        if let Self::Memory(bytes) = self {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.len().min(bytes_max)).unwrap_or(0));
        let found = self.read(bytes_max, |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        if found == digest { Ok(bytes.into()) } else { Err(changed()) }
    }

    /// Passes the bytes to `take` in parts, and returns their digest.
    fn read(&self, bytes_max: u64, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> Result<Digest, Failure> {
        let (seen, open) = match self {
            Self::Memory(bytes) => {
                take(bytes).context("failed to copy a plugin's bytes").map_err(Failure::Temporary)?;
                return Ok(Digest::of(bytes));
            }
            Self::File(seen, open) => (seen, open),
        };
        match &seen.kind {
            Kind::File { bytes } => too_large(*bytes, bytes_max).map_or(Ok(()), Err)?,
            Kind::Other(what) => return Err(Failure::Permanent(anyhow!("not a regular file: {what}"))),
            Kind::Unreadable(error) => return Err(Failure::Temporary(anyhow!("failed to read metadata: {error}"))),
        }
        let mut file = regular(open(&seen.path)).map_err(Failure::Temporary)?.take(bytes_max.saturating_add(1));
        let (mut builder, mut buffer, mut len) = (DigestBuilder::default(), vec![0; BUFFER_BYTES], 0);
        loop {
            let read = file.read(&mut buffer).context("failed to read the file").map_err(Failure::Temporary)?;
            if read == 0 {
                return Ok(builder.finish());
            }
            // The file may have grown since it was scanned.
            len += read as u64;
            too_large(len, bytes_max).map_or(Ok(()), Err)?;
            builder.update(&buffer[..read]);
            take(&buffer[..read]).context("failed to copy a plugin's bytes").map_err(Failure::Temporary)?;
        }
    }
}

/// Returns the failure for a plugin beyond the size limit.
pub(super) fn too_large(bytes: u64, bytes_max: u64) -> Option<Failure> {
    let failure = || Failure::Permanent(anyhow!("it has more than plugins.file_bytes_max = {bytes_max} bytes"));
    (bytes > bytes_max).then(failure)
}

/// Returns the failure for a file that changed after it was hashed. The next scan finds the new file.
pub(super) fn changed() -> Failure {
    Failure::Temporary(anyhow!("the file changed while it was loaded"))
}

/// A sealed memory file with the bytes of a plugin. No process can change it.
#[derive(Debug)]
pub(super) struct Sealed {
    file: Arc<File>,
    len: u64,
    pub(super) digest: Digest,
}

impl Sealed {
    /// Returns the standard input for a compiler. Only one reader may use it at a time: all readers share a position.
    pub(super) fn input(&self) -> io::Result<File> {
        let mut input = self.file.try_clone()?;
        input.rewind()?;
        Ok(input)
    }

    /// Returns the size in bytes.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        // Freeing the memory of a large file takes time, so a blocking thread does it.
        let last = Arc::clone(&self.file);
        run_detached(move || drop(last));
    }
}

/// Checks that an opened file is a regular file: a pipe may have replaced it since the scan.
fn regular(file: io::Result<File>) -> anyhow::Result<File> {
    let file = file.context("failed to read the file")?;
    if !file.metadata().context("failed to read the file")?.is_file() {
        bail!("it is no longer a file");
    }
    Ok(file)
}

/// Checks that the first bytes of a file start a component.
pub(super) fn check(first: &[u8]) -> anyhow::Result<()> {
    match first {
        [] => bail!("it is empty"),
        [0x7f, b'E', b'L', b'F', ..] => {
            bail!("it is machine code, not WebAssembly; deliver the .wasm that it was made from")
        }
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            bail!(
                "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with `frontgate plugin componentize`"
            )
        }
        [b'\0', b'a', b's', b'm', ..] => bail!("it is WebAssembly of an unknown version"),
        _ => bail!("it is not WebAssembly"),
    }
}
