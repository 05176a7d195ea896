//! The place in the file up to which customers were reported.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// The format of the cursor. A cursor of another format is expired.
const FORMAT: u32 = 1;

/// Most rows with a duplicate id in a cursor, which has at most 4,096 bytes.
const DUPLICATES_MAX: usize = 180;

/// The cursor of `changes`, as JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct Cursor {
    format: u32,
    pub(crate) file: FileVersion,
    /// The offset of the next row. `None`: the whole file was reported.
    pub(crate) offset: Option<u64>,
    /// The ends of rows with an id of an earlier row. `None`: too many for a cursor.
    #[serde(default)]
    pub(crate) duplicates: Option<Vec<u64>>,
}

/// Length and modification time of a file, which differ if the file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileVersion {
    bytes: u64,
    seconds: u64,
    nanoseconds: u32,
}

impl Cursor {
    /// Returns the cursor of a file that was reported as a whole.
    pub(crate) fn end(file: FileVersion) -> Self {
        Self { format: FORMAT, file, offset: None, duplicates: None }
    }

    /// Returns the cursor after a row.
    pub(crate) fn after(file: FileVersion, offset: u64, mut duplicates: Vec<u64>) -> Self {
        duplicates.retain(|end| *end > offset);
        let duplicates = Some(duplicates).filter(|ends| ends.len() <= DUPLICATES_MAX);
        Self { format: FORMAT, file, offset: Some(offset), duplicates }
    }

    /// Reads a cursor of this format.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|cursor: &Self| cursor.format == FORMAT)
    }
}

impl From<Cursor> for Vec<u8> {
    fn from(cursor: Cursor) -> Self {
        serde_json::json!(cursor).to_string().into()
    }
}

impl From<Metadata> for FileVersion {
    fn from(found: Metadata) -> Self {
        let modified = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        Self { bytes: found.len(), seconds: modified.as_secs(), nanoseconds: modified.subsec_nanos() }
    }
}
