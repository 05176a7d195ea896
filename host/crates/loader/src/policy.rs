//! The rules that decide whether bytes may go live under a name, in this order:
//!
//! 1. Bytes that were rolled back are not attempted again.
//! 2. With `plugins.locked`, only bytes that `plugins.lock` lists are loaded.
//! 3. While plugin records are damaged, only bytes that are known to have been live are loaded.
//! 4. With `plugins.source = "store"`, a file that was there at the start does not offer a version that the replicas
//!    know: they have agreed on another one since.
//! 5. A component that needs capabilities that the previous version did not need waits for the operator.
//!
//! `frontgate plugin allow` permits bytes under rules 1, 3 and 5, `frontgate plugin allow FILE` under rule 2. A version
//! that passes all rules goes live on probation ([`super::reload`]), and is rolled back if it fails there.

use std::path::Path;

use anyhow::anyhow;
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;

use super::failure::Failure;
use super::lock::Lock;
use super::records::Record;

/// Applies rules 1 to 4, which need no description of the component. `lock` is `None` unless `plugins.locked` is set;
/// `directory` is the plugins folder.
pub(super) fn check_bytes(
    name: &str,
    digest: Digest,
    record: &Record,
    lock: anyhow::Result<Option<Lock>>,
    directory: &Path,
) -> Result<(), Failure> {
    if let Some(reason) = record.excluded(digest) {
        return Err(Failure::Excluded(reason.to_owned()));
    }
    check_lock(name, digest, lock, directory)?;
    if let Some(reason) = record.blocked(name, digest) {
        return Err(Failure::NeedsApproval(reason));
    }
    if record.offered.contains(&digest) {
        let known =
            "the replicas know this version and have agreed on another one; to offer it again, replace the file";
        return Err(Failure::Known(known.to_owned()));
    }
    Ok(())
}

/// Applies rule 2, the only rule for a restored version.
pub(super) fn check_lock(
    name: &str,
    digest: Digest,
    lock: anyhow::Result<Option<Lock>>,
    directory: &Path,
) -> Result<(), Failure> {
    let lock = lock.map_err(Failure::Temporary)?;
    // A retry can succeed: the lock file may change.
    let refusal = lock.and_then(|lock| lock.refusal(name, digest, directory));
    refusal.map_or(Ok(()), |reason| Err(Failure::Temporary(anyhow!(reason))))
}

/// Applies rule 5: new capabilities wait for the operator.
pub(super) fn check_capabilities(
    name: &str,
    digest: Digest,
    record: &Record,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let new: Vec<String> = record.new_capabilities(digest, manifest).iter().map(ToString::to_string).collect();
    if new.is_empty() {
        return Ok(());
    }
    let (new, short) = (new.join(", "), digest.short());
    Err(Failure::NeedsApproval(format!(
        "new capabilities: {new}; to allow them: frontgate plugin allow {name} {short}"
    )))
}
