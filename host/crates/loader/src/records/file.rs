//! `plugins.json`: format, checksum, previous generation, and handling of damage.
//!
//! The file is replaced as a whole. A file that this program did not write is renamed, never overwritten.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::time::SystemTime;

use anyhow::Context as _;
use bytes::Bytes;
use frontgate_contract::digest::Digest;
use frontgate_runtime::receipt::millis;
use frontgate_system::ownership::Folder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::error;

use super::record::Record;

const FILE: &str = "plugins.json";
/// Name of the previous generation.
const PREVIOUS: &str = "plugins.json.previous";
/// Prefix of the name of a damaged file, followed by the time in milliseconds.
const DAMAGED: &str = "plugins.json.damaged-";
/// Maximum number of damaged files to keep; the oldest are removed first.
const DAMAGED_MAX: usize = 16;
/// Version of the format. Files of earlier releases have no version.
const FORMAT: u64 = 1;
/// Maximum size in bytes. Names, versions and decisions are limited, so a larger file was not written by this program.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The content of `plugins.json`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Content {
    /// Name of the damaged file, while it exists.
    pub(super) damaged: Option<String>,
    /// Records by name.
    pub(super) names: BTreeMap<String, Record>,
}

/// The result of reading the file.
#[derive(Debug)]
pub(super) enum Found {
    Whole(Content),
    /// A file of an earlier release.
    Unversioned(BTreeMap<String, Record>),
    Missing,
    /// A file that is truncated, changed, or written by a newer release.
    Damaged(String),
}

/// Reads `plugins.json`, and returns its parsed content and its bytes.
pub(super) fn read(folder: &Folder) -> anyhow::Result<(Found, Bytes)> {
    let bytes =
        content(folder, FILE).with_context(|| format!("failed to read {}", folder.path().join(FILE).display()))?;
    let found = bytes.as_deref().map_or(Found::Missing, parse);
    Ok((found, bytes.unwrap_or_default().into()))
}

/// Reads the previous generation, if it is intact.
pub(super) fn previous(folder: &Folder) -> Option<Content> {
    match parse(&content(folder, PREVIOUS).ok()??) {
        Found::Whole(content) => Some(content),
        Found::Unversioned(names) => Some(Content { damaged: None, names }),
        Found::Missing | Found::Damaged(_) => None,
    }
}

/// Returns whether a previous generation exists.
pub(super) fn has_previous(folder: &Folder) -> bool {
    !matches!(content(folder, PREVIOUS), Ok(None))
}

fn content(folder: &Folder, name: &str) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match folder.file(name) {
        Ok(file) => file.take(BYTES_MAX).read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> Found {
    let document: Value = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(error) => return Found::Damaged(error.to_string()),
    };
    let Some(format) = document["format"].as_u64() else {
        // Earlier releases wrote an object of records by name, without a format number.
        return match serde_json::from_value(document) {
            Ok(names) => Found::Unversioned(names),
            Err(error) => Found::Damaged(error.to_string()),
        };
    };
    if format > FORMAT {
        return Found::Damaged(format!(
            "format {format} is newer than the supported format {FORMAT}; run the newer gateway"
        ));
    }
    if document["sha256"] != json!(checksum(&document["content"])) {
        return Found::Damaged("checksum mismatch".to_owned());
    }
    match Content::deserialize(&document["content"]) {
        Ok(content) => Found::Whole(content),
        Err(error) => Found::Damaged(format!("unknown content, possibly of a newer gateway: {error}")),
    }
}

/// Encodes the content.
pub(super) fn encode(content: &Content) -> serde_json::Result<Bytes> {
    let content = serde_json::to_value(content)?;
    let document = json!({ "format": FORMAT, "sha256": checksum(&content), "content": content });
    serde_json::to_vec_pretty(&document).map(Bytes::from)
}

fn checksum(content: &Value) -> Digest {
    Digest::of(content.to_string().as_bytes())
}

/// Replaces `plugins.json`. `before` is its expected content, which becomes the previous generation.
pub(super) fn write(folder: &Folder, new: &Bytes, before: &Bytes, marker: Option<&str>) -> anyhow::Result<()> {
    let now = content(folder, FILE).unwrap_or_else(|_| Some(Vec::new()));
    if now.is_some_and(|now| now != *before) {
        let kept = quarantine(folder, marker)?;
        let path = folder.path().join(kept);
        error!(
            event = "plugin.records_altered",
            "another program changed the plugin records; its version saved as {}",
            path.display()
        );
    }
    let mut written = Ok(());
    if !before.is_empty() {
        written = replace(folder, PREVIOUS, before, Durable::Yes);
    }
    let written = written.and_then(|()| replace(folder, FILE, new, Durable::Yes)).and_then(|()| folder.sync());
    written.with_context(|| format!("failed to write {}", folder.path().join(FILE).display()))
}

/// Renames a damaged `plugins.json`, or creates a note if the file is missing. Returns the new name. Removes the oldest
/// damaged files beyond [`DAMAGED_MAX`], but never `marker`.
pub(super) fn quarantine(folder: &Folder, marker: Option<&str>) -> anyhow::Result<String> {
    let context = || format!("failed to move the corrupt {} aside", folder.path().join(FILE).display());
    let names = folder.names().with_context(context)?;
    let mut time = millis(SystemTime::now());
    while names.contains(&format!("{DAMAGED}{time}")) {
        time += 1;
    }
    let kept = format!("{DAMAGED}{time}");
    match folder.rename(FILE, &kept) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let note = folder.create(&kept).and_then(|mut file| file.write_all(b"plugins.json was missing\n"));
            note.with_context(context)?;
        }
        renamed => renamed.with_context(context)?,
    }
    let mut old: Vec<String> = names.into_iter().filter(|name| name.starts_with(DAMAGED)).collect();
    // The guard depends on the file `marker`.
    old.retain(|name| Some(name.as_str()) != marker);
    old.sort();
    for name in old.iter().take((old.len() + 1).saturating_sub(DAMAGED_MAX)) {
        let _ = folder.remove(name);
    }
    Ok(kept)
}

/// Whether a file must survive a power failure. Damage to other files is detected by their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    Yes,
    No,
}

/// Replaces a file by writing a new one and renaming it.
pub(super) fn replace(folder: &Folder, name: &str, bytes: &[u8], durable: Durable) -> io::Result<()> {
    let unfinished = format!("{name}.unfinished");
    // A crash may have left an unfinished file.
    let _ = folder.remove(&unfinished);
    let mut file = folder.create(&unfinished)?;
    file.write_all(bytes)?;
    if durable == Durable::Yes {
        file.sync_all()?;
    }
    folder.rename(&unfinished, name)
}

#[cfg(test)]
mod tests {
    use frontgate_contract::Manifest;
    use frontgate_runtime::registry::Version;

    use super::*;

    fn sample() -> Bytes {
        let mut record = Record { since_ms: 7, ..Record::default() };
        let manifest = Manifest { bytes: 3, ..Manifest::default() };
        record.set_live(Version { digest: Digest::of(b"1"), time_ms: 1, manifest }, 5);
        record.exclude(Digest::of(b"2"), "a reason");
        let names = BTreeMap::from([("directory".to_owned(), record)]);
        encode(&Content { damaged: None, names }).expect("JSON")
    }

    #[test]
    fn what_was_written_is_read_back() {
        let Found::Whole(content) = parse(&sample()) else { panic!("it is whole") };
        assert_eq!(content.names["directory"].live, Some(Digest::of(b"1")));
        assert_eq!(content.names["directory"].excluded(Digest::of(b"2")), Some("a reason"));
        assert_eq!(encode(&content).expect("JSON"), sample());
    }

    #[test]
    fn a_file_of_an_earlier_release_is_read() {
        let old = br#"{"directory": {"live": null, "versions": [], "passed_over": [], "allowed": []}}"#;
        assert!(matches!(parse(old), Found::Unversioned(names) if names.contains_key("directory")));
    }

    #[test]
    fn every_cut_and_every_other_byte_is_noticed_or_changes_nothing() {
        let whole = sample();
        for end in 0..whole.len() {
            assert!(matches!(parse(&whole[..end]), Found::Damaged(_)), "cut at {end}");
        }
        for at in 0..whole.len() {
            for flip in [1, 0x20, 0x80] {
                let mut changed = whole.to_vec();
                changed[at] ^= flip;
                match parse(&changed) {
                    Found::Damaged(_) => {}
                    Found::Whole(content) => assert_eq!(encode(&content).expect("JSON"), whole, "byte {at}"),
                    Found::Unversioned(_) | Found::Missing => panic!("byte {at}"),
                }
            }
        }
    }

    #[test]
    fn a_newer_format_and_an_unknown_capability_are_damage_to_this_release() {
        assert!(matches!(parse(br#"{"format": 2}"#), Found::Damaged(reason) if reason.contains("format 2")));
        let content = json!({ "damaged": null, "names": { "x": { "versions": [{ "digest": Digest::of(b"1"), "time_ms": 1,
            "bytes": 1, "roles": [], "imports": [], "capabilities": ["flying"] }] } } });
        let document = json!({ "format": 1, "sha256": checksum(&content), "content": content });
        assert!(matches!(parse(document.to_string().as_bytes()), Found::Damaged(reason) if reason.contains("newer")));
    }
}
