//! The bytes of a plugin: read within a limit, hashed, and sealed, so that the hashed bytes are the compiled bytes.
//! Files are read through a small buffer; the gateway holds no copy of a file that is not live.

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

/// Size of a read.
const BUFFER_BYTES: usize = 64 * 1024;

/// Bytes at the start of a file that distinguish components from machine code, core modules and text.
const HEAD_BYTES: usize = 8;

/// Opens a file without blocking, with or without a check of its owner and mode.
pub(super) type Open = fn(&Path) -> io::Result<File>;

/// Opens an author's own file, without a check of its owner.
pub(super) fn open_as_is(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().try_into().expect("a flag of open is a small number");
    File::options().read(true).custom_flags(flags).open(path)
}

/// The source of a plugin's bytes.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A file of the folder as it was scanned, and how to open it.
    File(FileState, Open),
    /// Bytes in memory.
    Memory(Bytes),
}

impl Source {
    /// Size in bytes, without reading the file.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File(seen, _) => match seen.kind {
                Kind::File { bytes } => bytes,
                _ => 0,
            },
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Returns the digest, and an error if the first bytes are not those of a component.
    pub(super) fn digest(&self, bytes_max: u64) -> Result<(Digest, Result<(), Failure>), Failure> {
        let mut first = Vec::new();
        let digest = self.read(bytes_max, |part| {
            let missing = HEAD_BYTES.saturating_sub(first.len());
            first.extend_from_slice(&part[..part.len().min(missing)]);
            Ok(())
        })?;
        Ok((digest, check(&first).map_err(Failure::Permanent)))
    }

    /// Makes an immutable copy for the compiler.
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
        let too_large = || Failure::Permanent(anyhow!("it has more than plugins.file_bytes_max = {bytes_max} bytes"));
        match &seen.kind {
            Kind::File { bytes } if *bytes > bytes_max => return Err(too_large()),
            Kind::File { .. } => {}
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
            if len > bytes_max {
                return Err(too_large());
            }
            builder.update(&buffer[..read]);
            take(&buffer[..read]).context("failed to copy a plugin's bytes").map_err(Failure::Temporary)?;
        }
    }
}

/// The failure for a file that changed after it was hashed. The next scan finds the new file.
pub(super) fn changed() -> Failure {
    Failure::Temporary(anyhow!("the file changed while it was loaded"))
}

/// A sealed memory file with the bytes of a plugin, which no process can change.
#[derive(Debug)]
pub(super) struct Sealed {
    file: Arc<File>,
    len: u64,
    pub(super) digest: Digest,
}

impl Sealed {
    /// The standard input of a compiler. One reader at a time: readers share a position.
    pub(super) fn input(&self) -> io::Result<File> {
        let mut input = self.file.try_clone()?;
        input.rewind()?;
        Ok(input)
    }

    /// Size in bytes.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        // Freeing the memory of a large file takes a while.
        let last = Arc::clone(&self.file);
        run_detached(move || drop(last));
    }
}

/// Checks that an opened file is a regular file: it may have been replaced by a pipe.
fn regular(file: io::Result<File>) -> anyhow::Result<File> {
    let file = file.context("failed to read the file")?;
    if !file.metadata().context("failed to read the file")?.is_file() {
        bail!("it is no longer a file");
    }
    Ok(file)
}

/// Fails for bytes that are not a component.
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
