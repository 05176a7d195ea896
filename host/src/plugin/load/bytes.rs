//! Reads the bytes that are tried: a file in the folder, once, without trusting its size or kind.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use rustix::fs::OFlags;

use super::cache::Digest;
use super::failure::Failure;
use super::folder::{Kind, Seen};

/// How a file is opened, without waiting for anything: with a check of who else may write to it, or without.
pub(super) type Open = fn(&Path) -> io::Result<File>;

/// Opens a file of the author who asks.
pub(super) fn open_as_is(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().try_into().expect("a flag of open is a small number");
    File::options().read(true).custom_flags(flags).open(path)
}

/// The file's bytes and their digest. What is hashed here is what is compiled.
pub(super) fn read(seen: &Seen, bytes_max: u64, open: Open) -> Result<(Bytes, Digest), Failure> {
    let too_large = || Failure::Verdict(anyhow!("it has more than plugins.file_bytes_max = {bytes_max} bytes"));
    match &seen.kind {
        Kind::File { bytes } if *bytes > bytes_max => return Err(too_large()),
        Kind::File { .. } => {}
        Kind::Other(what) => return Err(Failure::Verdict(anyhow!("it is {what}, not a file"))),
        Kind::Hidden(error) => return Err(Failure::Passing(anyhow!("it cannot be looked at: {error}"))),
    }
    let wasm = content(open(&seen.path), bytes_max).map_err(Failure::Passing)?.ok_or_else(too_large)?;
    let digest = Digest::of(&wasm);
    Ok((wasm, digest))
}

/// Nothing if it is larger than it may be: it may have grown since it was looked at, or be a pipe by now.
fn content(file: io::Result<File>, bytes_max: u64) -> anyhow::Result<Option<Bytes>> {
    let file = file.context("reading it")?;
    if !file.metadata().context("reading it")?.is_file() {
        bail!("it is not a file any more");
    }
    let mut wasm = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut wasm).context("reading it")?;
    let fits = u64::try_from(wasm.len()).is_ok_and(|bytes| bytes <= bytes_max);
    Ok(fits.then(|| wasm.into()))
}
