//! Receipts: what each attempt to change a plugin came to.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use serde::{Deserialize, Serialize};

/// The digits of an id, in an order that sorts as text does.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What one attempt came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// Short, and sorts by time.
    pub id: String,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Name of the plugin.
    pub plugin: String,
    /// How it ended, and why.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Which bytes it is about; none for a removed file, or one that could not be read.
    pub digest: Option<Digest>,
    /// What answered before.
    pub before: Option<Digest>,
    /// What answers after it.
    pub after: Option<Digest>,
    /// What is different in those bytes, compared with what answered before.
    #[serde(default)]
    pub changes: Changes,
    /// How long the attempt took.
    pub duration_ms: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// The file answers now.
    Live,
    /// The file is not usable, and the version before it answers on.
    Kept(String),
    /// The file is not usable, and there was none before it.
    Refused(String),
    /// The file is gone, and so is the plugin.
    Removed,
    /// The file wants more than the version before it; that one answers until the operator allows it.
    Waiting(String),
    /// The version before it answers again, and the file is not tried any more.
    RolledBack(String),
    /// The operator allowed these bytes.
    Allowed,
}

impl Outcome {
    /// One word, for logs and metrics.
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

    /// Why a file does not answer.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Kept(reason) | Self::Refused(reason) | Self::Waiting(reason) | Self::RolledBack(reason) => {
                Some(reason)
            }
            Self::Live | Self::Removed | Self::Allowed => None,
        }
    }
}

/// What is different between two versions.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Size of the file, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<(Option<usize>, usize)>,
    /// Version of the SDK, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<(Option<String>, Option<String>)>,
    /// Roles that came and went.
    #[serde(skip_serializing_if = "Difference::is_empty")]
    pub roles: Difference,
    /// Imports that came and went.
    #[serde(skip_serializing_if = "Difference::is_empty")]
    pub imports: Difference,
}

/// What came and what went.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Difference {
    /// What is new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// What is gone.
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
    /// From one version to another; without one before, everything is new, and only size and SDK are said.
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
        let mut said = Vec::new();
        match self.bytes {
            Some((Some(before), after)) => said.push(format!("{before} to {after} bytes")),
            Some((None, after)) => said.push(format!("{after} bytes")),
            None => {}
        }
        let none = "none".to_owned();
        match &self.sdk {
            Some((None, Some(after))) => said.push(format!("SDK {after}")),
            Some((before, after)) => {
                let (before, after) = (before.as_ref().unwrap_or(&none), after.as_ref().unwrap_or(&none));
                said.push(format!("SDK {before} to {after}"));
            }
            None => {}
        }
        for (what, difference) in [("role", &self.roles), ("import", &self.imports)] {
            said.extend(difference.added.iter().map(|name| format!("+ {what} {name}")));
            said.extend(difference.removed.iter().map(|name| format!("- {what} {name}")));
        }
        f.write_str(&said.join(", "))
    }
}

/// Makes ids that sort in the order in which they were made, even if the clock is set back.
#[derive(Debug, Default)]
pub struct Ids {
    last: u64,
}

impl Ids {
    /// Goes on behind an id that was made earlier.
    pub fn after(id: &str) -> Self {
        let digit = |c: u8| DIGITS.iter().position(|digit| *digit == c).and_then(|at| u64::try_from(at).ok());
        let read = id.bytes().try_fold(0_u64, |sum, c| sum.checked_mul(32)?.checked_add(digit(c)?));
        Self { last: read.unwrap_or_default() }
    }

    /// The next one: milliseconds, and a number of its own within them.
    pub fn next(&mut self, now: SystemTime) -> String {
        self.last = (millis(now) << 10).max(self.last + 1);
        // Fifty-five bits last for a thousand years.
        let shifts = (0..11_u32).rev().map(|place| place * 5);
        shifts.map(|shift| char::from(DIGITS[usize::try_from(self.last >> shift & 31).unwrap_or_default()])).collect()
    }
}

/// Milliseconds since 1970.
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
        assert!(all.is_sorted() && all[0].len() == 11, "{all:?}");
        assert!(later.next(now - Duration::from_secs(3600)) > all[0]);
    }

    #[test]
    fn a_receipt_comes_back_as_it_was_written() {
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
