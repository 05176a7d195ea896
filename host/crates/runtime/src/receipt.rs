//! Receipts: the outcome of each attempt to change a plugin.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

/// Number of characters of an id that contain its time, for display.
const SHORT_ID: usize = 13;

/// The outcome of one attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// UUID v7, which sorts by time.
    pub id: String,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Name of the plugin.
    pub plugin: String,
    /// The outcome, with its reason.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Digest of the file; `None` for a file that was removed or could not be read.
    pub digest: Option<Digest>,
    /// The live version before the attempt.
    pub before: Option<Digest>,
    /// The live version after the attempt.
    pub after: Option<Digest>,
    /// Differences between the file and the live version before the attempt.
    #[serde(default)]
    pub changes: Changes,
    /// Duration of the attempt.
    pub duration_ms: u64,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// The file is live.
    Live,
    /// The file is not usable; the previous version stays live.
    Kept(String),
    /// The file is not usable, and no version is live.
    Refused(String),
    /// The file was deleted, and the plugin removed.
    Removed,
    /// The file needs more capabilities than the previous version, which stays live until the operator allows the file.
    Waiting(String),
    /// The previous version is live again, and the file is not loaded again.
    RolledBack(String),
    /// The operator allowed the file.
    Allowed,
}

impl Receipt {
    /// Returns the part of the id that contains its time, for lists.
    pub fn short_id(&self) -> &str {
        self.id.get(..SHORT_ID).unwrap_or(&self.id)
    }
}

impl Outcome {
    /// Returns the name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Kept(_) => "kept",
            Self::Refused(_) => "refused",
            Self::Removed => "removed",
            Self::Waiting(_) => "waiting",
            Self::RolledBack(_) => "rolled-back",
            Self::Allowed => "allowed",
        }
    }

    /// Returns the reason why a file is not live.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Kept(reason) | Self::Refused(reason) | Self::Waiting(reason) | Self::RolledBack(reason) => {
                Some(reason)
            }
            Self::Live | Self::Removed | Self::Allowed => None,
        }
    }
}

/// Differences between two versions.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Size of the file, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<(Option<usize>, usize)>,
    /// Version of the SDK, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<(Option<String>, Option<String>)>,
    /// Added and removed roles.
    #[serde(skip_serializing_if = "Difference::is_empty")]
    pub roles: Difference,
    /// Added and removed imports.
    #[serde(skip_serializing_if = "Difference::is_empty")]
    pub imports: Difference,
}

/// Added and removed names.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Difference {
    /// Added names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Removed names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Difference {
    fn new(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Self {
        Self {
            added: after.difference(before).cloned().collect(),
            removed: before.difference(after).cloned().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Changes {
    /// Compares two versions. Without a previous version, only size and SDK are reported.
    pub fn new(before: Option<&Manifest>, after: &Manifest) -> Self {
        let Some(before) = before else {
            let sdk = after.sdk.is_some().then(|| (None, after.sdk.clone()));
            return Self { bytes: Some((None, after.bytes)), sdk, ..Self::default() };
        };
        Self {
            bytes: (before.bytes != after.bytes).then_some((Some(before.bytes), after.bytes)),
            sdk: (before.sdk != after.sdk).then(|| (before.sdk.clone(), after.sdk.clone())),
            roles: Difference::new(&before.roles, &after.roles),
            imports: Difference::new(&before.imports, &after.imports),
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match self.bytes {
            Some((Some(before), after)) => parts.push(format!("{before} to {after} bytes")),
            Some((None, after)) => parts.push(format!("{after} bytes")),
            None => {}
        }
        let none = "none".to_owned();
        match &self.sdk {
            Some((None, Some(after))) => parts.push(format!("SDK {after}")),
            Some((before, after)) => {
                let (before, after) = (before.as_ref().unwrap_or(&none), after.as_ref().unwrap_or(&none));
                parts.push(format!("SDK {before} to {after}"));
            }
            None => {}
        }
        for (kind, difference) in [("role", &self.roles), ("import", &self.imports)] {
            parts.extend(difference.added.iter().map(|name| format!("+ {kind} {name}")));
            parts.extend(difference.removed.iter().map(|name| format!("- {kind} {name}")));
        }
        f.write_str(&parts.join(", "))
    }
}

/// Generates ids that sort in the order of their creation, even if the clock is set back.
#[derive(Debug, Default)]
pub struct Ids {
    last_ms: u64,
}

impl Ids {
    /// Creates a generator that continues after an earlier id.
    pub fn after(id: &str) -> Self {
        let time = Uuid::parse_str(id).ok().and_then(|id| id.get_timestamp()).map(|time| time.to_unix());
        Self { last_ms: time.map_or(0, |(seconds, nanos)| seconds * 1_000 + u64::from(nanos) / 1_000_000) }
    }

    /// Generates the next id. Each one has a millisecond of its own, which may be later than `now`.
    pub fn next(&mut self, now: SystemTime) -> String {
        self.last_ms = millis(now).max(self.last_ms + 1);
        let (seconds, nanos) = (self.last_ms / 1_000, self.last_ms % 1_000 * 1_000_000);
        let time = Timestamp::from_unix(NoContext, seconds, u32::try_from(nanos).unwrap_or_default());
        Uuid::new_v7(time).to_string()
    }
}

/// Converts a time to milliseconds since 1970.
pub fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_even_if_the_clock_is_set_back() {
        let now = SystemTime::now();
        let mut ids = Ids::default();
        let first = ids.next(now);
        let mut later = Ids::after(&first);
        let all = [first, ids.next(now), ids.next(now + Duration::from_secs(1)), ids.next(now)];
        assert!(all.is_sorted(), "{all:?}");
        assert!(later.next(now - Duration::from_secs(3600)) > all[0]);
    }

    #[test]
    fn a_receipt_survives_a_round_trip() {
        let receipt = Receipt {
            id: Ids::default().next(SystemTime::now()),
            time_ms: 1,
            plugin: "directory".to_owned(),
            outcome: Outcome::RolledBack("a reason".to_owned()),
            digest: Some(Digest::of(b"1")),
            before: None,
            after: Some(Digest::of(b"2")),
            changes: Changes::new(None, &Manifest { bytes: 7, ..Manifest::default() }),
            duration_ms: 3,
        };
        let text = serde_json::to_string(&receipt).expect("JSON");
        assert!(text.contains(r#""outcome":"rolled-back","reason":"a reason""#), "{text}");
        let back: Receipt = serde_json::from_str(&text).expect("a receipt");
        assert_eq!(serde_json::to_string(&back).expect("JSON"), text);
        let live = serde_json::to_string(&Receipt { outcome: Outcome::Live, ..receipt }).expect("JSON");
        assert_eq!(serde_json::from_str::<Receipt>(&live).expect("a receipt").outcome, Outcome::Live);
    }
}
