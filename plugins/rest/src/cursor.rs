//! The cursor of `changes`: which part of a run is read, and how far. Times are those of the CRM.

use serde::{Deserialize, Serialize};

use crate::page::Place;

/// The format of the cursor. A cursor of another format is expired.
const FORMAT: u32 = 1;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// All customers.
    All,
    /// Customers that changed.
    Changed,
    /// Customers that were removed.
    Removed,
}

/// The cursor, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    format: u32,
    /// The mapping's digest.
    mapping: u64,
    pub(crate) phase: Phase,
    /// The page that is read next.
    pub(crate) place: Place,
    /// Records of that page that were reported already, and the size with which it was asked for.
    pub(crate) skip: u32,
    pub(crate) size: u32,
    /// The last reported record, which a page by offset begins with.
    pub(crate) anchor: Option<String>,
    /// The time from which changes are read in this run.
    pub(crate) since: Option<i64>,
    /// The time in the next request, from which pages are counted.
    pub(crate) from: Option<i64>,
    /// The time of the latest change of this run.
    pub(crate) high: Option<i64>,
    /// The time of the first answer of this run.
    pub(crate) begun: Option<i64>,
}

impl Cursor {
    /// Returns the cursor of an enumeration.
    pub(crate) fn start(mapping: u64) -> Self {
        Self {
            format: FORMAT,
            mapping,
            phase: Phase::All,
            place: Place::Start,
            skip: 0,
            size: 0,
            anchor: None,
            since: None,
            from: None,
            high: None,
            begun: None,
        }
    }

    /// Reads a cursor of this format and mapping.
    pub(crate) fn read(bytes: &[u8], mapping: u64) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(bytes).ok()?;
        (cursor.format == FORMAT && cursor.mapping == mapping).then_some(cursor)
    }

    /// Returns whether this is the first page of an enumeration or of a run.
    pub(crate) fn is_first(&self) -> bool {
        self.begun.is_none() && self.high.is_none() && self.skip == 0
    }

    /// Continues with another page.
    pub(crate) fn go_to(&mut self, place: Place) {
        (self.place, self.skip, self.size) = (place, 0, 0);
    }

    /// Begins another part of the run.
    pub(crate) fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.anchor = None;
        self.go_to(Place::Start);
    }

    /// Ends a run: the next one reads from this time, and a little before it.
    pub(crate) fn end(&mut self, since: Option<i64>, overlap_ms: i64) {
        self.begin(Phase::Changed);
        self.since = since.or(self.since);
        self.from = self.since.map(|since| (since - overlap_ms).max(0));
        (self.high, self.begun) = (None, None);
    }
}

impl From<Cursor> for Vec<u8> {
    fn from(cursor: Cursor) -> Self {
        serde_json::json!(cursor).to_string().into()
    }
}
