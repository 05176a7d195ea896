//! The place up to which contacts were reported to the gateway's index.

use serde::{Deserialize, Serialize};

use crate::soql;

/// The format of the cursor. A cursor of another format is expired.
const FORMAT: u32 = 1;
/// Most rows of one response: the contract's limit on customers of a batch.
pub(crate) const PAGE_MAX: u32 = 1_000;
/// Time that is read again. A change has the time of its statement and becomes visible when its transaction ends, which
/// takes 10 minutes at most (Apex Developer Guide, "Execution Governors and Limits").
const OVERLAP_S: u64 = 600;
/// Age of a cursor beyond which all contacts are read again. Deleted contacts leave the recycle bin after 15 days
/// (Salesforce Help, "Recycle Bin").
const AGE_S_MAX: u64 = 10 * 86_400;

/// The cursor of `changes`, as JSON. Times are Salesforce's, in seconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    format: u32,
    pub(crate) phase: Phase,
    /// Changes before this time were reported.
    since: u64,
    /// The end of the time that this run reports, which is the time of its first answer. 0: the run has none yet.
    until: u64,
    /// The last reported contact of this run. Empty: none yet.
    pub(crate) last: String,
    /// Most rows of a request. Halved if Salesforce's answer is too large or too late.
    pub(crate) page: u32,
}

/// The part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// All contacts, by id.
    All,
    /// Contacts that changed or were deleted, by id.
    Changed,
}

impl Cursor {
    /// Returns the cursor of the first call.
    pub(crate) fn start() -> Self {
        Self { format: FORMAT, phase: Phase::All, since: 0, until: 0, last: String::new(), page: PAGE_MAX }
    }

    /// Reads a cursor of this format.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(bytes).ok()?;
        let is_valid = cursor.last.is_empty() || soql::is_id(&cursor.last);
        (cursor.format == FORMAT && is_valid && (1..=PAGE_MAX).contains(&cursor.page)).then_some(cursor)
    }

    /// Returns whether this call is the first one of a run or an enumeration.
    pub(crate) fn is_first(&self) -> bool {
        self.last.is_empty()
    }

    /// Returns the conditions for the contacts that are due.
    pub(crate) fn conditions(&self, modified: &str) -> Vec<String> {
        let mut conditions = Vec::new();
        if self.phase == Phase::Changed {
            conditions.push(format!("{modified} >= {}", soql::time(self.since.saturating_sub(OVERLAP_S))));
            if self.until > 0 {
                conditions.push(format!("{modified} <= {}", soql::time(self.until)));
            }
        }
        if !self.last.is_empty() {
            conditions.push(soql::after(&self.last));
        }
        conditions
    }

    /// Returns whether Salesforce may have forgotten what was deleted since.
    pub(crate) fn is_too_old(&self, now: u64) -> bool {
        self.phase == Phase::Changed && now.saturating_sub(self.since) > AGE_S_MAX
    }

    /// Fixes the end of the run at its first answer.
    pub(crate) fn begin(&mut self, now: u64) {
        if self.until == 0 {
            self.until = now.max(self.since);
        }
    }

    /// Ends a run.
    pub(crate) fn end(&mut self) {
        self.phase = Phase::Changed;
        (self.since, self.until) = (self.until, 0);
        self.last.clear();
        self.page = PAGE_MAX;
    }
}

impl From<Cursor> for Vec<u8> {
    fn from(cursor: Cursor) -> Self {
        serde_json::json!(cursor).to_string().into()
    }
}
