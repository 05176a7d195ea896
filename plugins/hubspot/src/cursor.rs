//! The place up to which contacts were reported to the gateway's index.

use serde::{Deserialize, Serialize};

use crate::api;
use crate::search::PAGE_MAX;

/// The format of the cursor. A cursor of another format is expired.
const FORMAT: u32 = 1;
/// Time by which HubSpot's search may lag behind changes: this time is read again.
const OVERLAP_MS: u64 = 60_000;
/// Age of a cursor beyond which all contacts are read again. HubSpot forgets archived contacts after 90 days.
const AGE_MS_MAX: u64 = 60 * 86_400_000;
/// Time between two readings of the archived contacts, for each request of a reading. So they take few requests,
/// however many archived contacts there are.
const REST_MS: u64 = 30_000;

/// The cursor of `changes`, as JSON. Times are HubSpot's, in milliseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    format: u32,
    pub(crate) phase: Phase,
    /// Changes before this time were reported.
    since: u64,
    /// The end of the time that this run reports, which is the time of its first answer. 0: the run has none yet.
    until: u64,
    /// The last reported contact of this run, or HubSpot's cursor of the archived contacts.
    pub(crate) last: String,
    /// Most records of a request. Halved if HubSpot's answer is too large.
    pub(crate) page: u32,
    /// The time at which the archived contacts are due.
    archived_due: u64,
    /// The requests of this reading of the archived contacts.
    archived_requests: u64,
}

/// The part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// All contacts, by id.
    All,
    /// Contacts that changed, by id.
    Changed,
    /// Archived contacts.
    Archived,
}

impl Cursor {
    /// Returns the cursor of the first call.
    pub(crate) fn start() -> Self {
        Self {
            format: FORMAT,
            phase: Phase::All,
            since: 0,
            until: 0,
            last: String::new(),
            page: PAGE_MAX,
            archived_due: 0,
            archived_requests: 0,
        }
    }

    /// Reads a cursor of this format.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(bytes).ok()?;
        let is_valid = cursor.phase == Phase::Archived || cursor.last.is_empty() || api::is_id(&cursor.last);
        (cursor.format == FORMAT && is_valid && cursor.page > 0).then_some(cursor)
    }

    /// Returns whether this call is the first one of a run or an enumeration.
    pub(crate) fn is_first(&self) -> bool {
        self.phase != Phase::Archived && self.last.is_empty()
    }

    /// Returns the first and the last time of the changes that are due.
    pub(crate) fn window(&self) -> (u64, Option<u64>) {
        (self.since.saturating_sub(OVERLAP_MS), Some(self.until).filter(|until| *until > 0))
    }

    /// Returns whether HubSpot may have forgotten what was archived since.
    pub(crate) fn is_too_old(&self, now: u64) -> bool {
        self.phase == Phase::Changed && now.saturating_sub(self.since) > AGE_MS_MAX
    }

    /// Fixes the end of the run at its first answer.
    pub(crate) fn begin(&mut self, now: u64) {
        if self.until == 0 {
            self.until = now.max(self.since);
        }
    }

    /// Ends the contacts of a run. Archived contacts follow if they are due; an enumeration needs none.
    pub(crate) fn end(&mut self, now: u64) {
        let is_due = self.phase == Phase::Changed && now >= self.archived_due;
        self.phase = if is_due { Phase::Archived } else { Phase::Changed };
        (self.since, self.until) = (self.until, 0);
        self.archived_requests = 0;
        self.last.clear();
        self.page = PAGE_MAX;
    }

    /// Counts an answer with archived contacts. Without a further page, they are at an end.
    pub(crate) fn archived(&mut self, now: u64, after: Option<String>) {
        self.archived_requests += 1;
        if after.is_none() {
            self.phase = Phase::Changed;
            self.archived_due = now.saturating_add(self.archived_requests.saturating_mul(REST_MS));
            self.page = PAGE_MAX;
        }
        self.last = after.unwrap_or_default();
    }
}

impl From<Cursor> for Vec<u8> {
    fn from(cursor: Cursor) -> Self {
        serde_json::json!(cursor).to_string().into()
    }
}
