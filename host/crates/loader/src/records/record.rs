//! The record of one plugin name: the live version, earlier versions, and decisions about other versions.

use std::collections::BTreeSet;
use std::sync::Arc;

use frontgate_contract::digest::Digest;
use frontgate_contract::{Capability, Manifest};
use frontgate_rollouts::Rollout;
use frontgate_runtime::receipt::{Outcome, Receipt};
use frontgate_runtime::registry::Version;
use serde::{Deserialize, Serialize};

/// Maximum number of decisions of each kind for one name; the oldest are dropped.
const DECISIONS_MAX: usize = 64;

/// The record of one name.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// The live version, now or at the last end of the gateway; `None` if the file was removed.
    pub(crate) live: Option<Digest>,
    /// Good versions; the latest live one is last.
    pub(super) versions: Vec<Version>,
    /// Excluded versions with reasons.
    #[serde(rename = "passed_over")]
    pub(super) excluded: Vec<(Digest, String)>,
    /// Versions that the operator allowed, or that were live before records were damaged.
    pub(super) allowed: Vec<Digest>,
    /// Versions that the replicas know, with `plugins.source = "store"`.
    #[serde(skip)]
    pub(crate) offered: BTreeSet<Digest>,
    /// When the record was created, in milliseconds since 1970; 0 for records of earlier releases.
    pub(super) since_ms: u64,
    /// Set while records are damaged.
    #[serde(skip)]
    pub(super) guard: Option<Guard>,
}

/// A guard that blocks new bytes while a damaged file exists.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    /// Path of the damaged file. The guard ends when the operator moves the file away.
    pub(super) file: Arc<str>,
    /// Versions on disk, all of which were live before.
    pub(super) known: Arc<BTreeSet<Digest>>,
}

impl Record {
    /// Returns the record of a name from what the replicas agree on. Only stored versions can be rolled back to.
    pub(crate) fn of_rollout(rollout: &Rollout) -> Self {
        let stored = rollout.versions.iter().filter(|version| version.is_stored);
        let live_before = stored.filter_map(|version| {
            let time_ms = version.live_ms?.unsigned_abs();
            Some(Version { digest: version.digest, time_ms, manifest: version.manifest.clone() })
        });
        Self {
            live: rollout.live,
            versions: live_before.collect(),
            excluded: rollout.excluded.clone(),
            allowed: rollout.allowed.clone(),
            offered: rollout.versions.iter().map(|version| version.digest).collect(),
            ..Self::default()
        }
    }

    /// Returns the reason why a version is excluded, or `None` if it is not.
    pub(crate) fn excluded(&self, digest: Digest) -> Option<&str> {
        self.excluded.iter().find(|(known, _)| *known == digest).map(|(_, reason)| reason.as_str())
    }

    /// Returns the reason why bytes are blocked while records are damaged: they are not known to have been live.
    pub(crate) fn blocked(&self, name: &str, digest: Digest) -> Option<String> {
        let guard = self.guard.as_ref()?;
        let was_live = self.versions.iter().any(|version| version.digest == digest);
        if was_live || self.allowed.contains(&digest) || guard.known.contains(&digest) {
            return None;
        }
        Some(format!(
            "plugin records are corrupt, and this version is not known to have been live; to approve: \
             frontgate plugin allow {name} {}; to load all new files again, move {} away",
            digest.short(),
            guard.file
        ))
    }

    /// Returns the capabilities that the previous version did not need. The list is empty for an allowed version and
    /// for a first version.
    pub(crate) fn new_capabilities(&self, digest: Digest, manifest: &Manifest) -> Vec<Capability> {
        let was_live = self.guard.as_ref().is_some_and(|guard| guard.known.contains(&digest));
        match self.versions.last() {
            Some(last) if last.digest != digest && !self.allowed.contains(&digest) && !was_live => {
                manifest.capabilities.difference(&last.manifest.capabilities).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether this version is recorded as live, so that the record needs no change.
    pub(super) fn answers(&self, digest: Digest) -> bool {
        let last = self.versions.last().map(|version| version.digest);
        self.live == Some(digest) && last == Some(digest) && self.excluded(digest).is_none()
    }

    /// Returns whether the record can be dropped because it has no live version and no decision.
    pub(super) fn is_idle(&self) -> bool {
        self.live.is_none() && self.excluded.is_empty() && self.allowed.is_empty()
    }

    /// Returns whether a rebuilt record has any content.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.live.is_some() || !self.versions.is_empty() || !self.excluded.is_empty()
    }

    /// Returns the good versions, newest first.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().rev()
    }

    /// Returns the target of a rollback. The target is the version whose digest starts with `digits`, or the last good
    /// version that is not excluded.
    pub(crate) fn target(&self, digits: Option<&str>) -> Result<Digest, String> {
        let mut others = self.versions().map(|version| version.digest).filter(|digest| Some(*digest) != self.live);
        let Some(digits) = digits else {
            let found = others.find(|digest| self.excluded(*digest).is_none());
            return found.ok_or_else(|| "no version to roll back to".to_owned());
        };
        let found: Vec<Digest> = others.filter(|digest| digest.starts_with(digits)).collect();
        match found.as_slice() {
            [digest] => Ok(*digest),
            [] if self.live.is_some_and(|live| live.starts_with(digits)) => {
                Err(format!("version {digits} is already live"))
            }
            [] => Err(format!("no stored version matches {digits}; see `frontgate plugin list`")),
            _ => Err(format!("several versions match {digits}; use more digits")),
        }
    }

    /// Returns an excluded version by the first digits of its digest.
    pub(crate) fn excluded_with_prefix(&self, digits: &str) -> Option<Digest> {
        self.excluded.iter().map(|(digest, _)| *digest).find(|digest| digest.starts_with(digits))
    }

    /// Records that a version is live.
    pub(super) fn set_live(&mut self, version: Version, versions_max: usize) {
        let digest = version.digest;
        self.live = Some(digest);
        self.excluded.retain(|(known, _)| *known != digest);
        self.versions.retain(|known| known.digest != digest);
        self.versions.push(version);
        trim(&mut self.versions, versions_max);
    }

    /// Excludes a version from further attempts.
    pub(super) fn exclude(&mut self, digest: Digest, reason: &str) {
        self.allowed.retain(|allowed| *allowed != digest);
        self.excluded.retain(|(known, _)| *known != digest);
        self.excluded.push((digest, reason.to_owned()));
        trim(&mut self.excluded, DECISIONS_MAX);
    }

    /// Allows a version to go live, whatever capabilities it needs.
    pub(super) fn allow(&mut self, digest: Digest) {
        self.excluded.retain(|(known, _)| *known != digest);
        self.allowed.retain(|allowed| *allowed != digest);
        self.allowed.push(digest);
        trim(&mut self.allowed, DECISIONS_MAX);
    }

    /// Applies a receipt to a record that is rebuilt after the original was lost. A version that was live is restored
    /// as allowed, since its capabilities are no longer known.
    pub(super) fn replay(&mut self, receipt: &Receipt) {
        match (&receipt.outcome, receipt.digest) {
            (Outcome::Live | Outcome::Allowed, Some(digest)) => self.allow(digest),
            (Outcome::RolledBack(reason), Some(digest)) => self.exclude(digest, reason),
            _ => {}
        }
        let answers = receipt.after.filter(|after| self.excluded(*after).is_none());
        if let Some(after) = answers.filter(|after| !self.allowed.contains(after)) {
            self.allow(after);
        }
        self.live = match receipt.outcome {
            Outcome::Removed => None,
            _ => answers.or(self.live),
        };
    }
}

/// Drops the oldest entries beyond `max`.
fn trim<T>(list: &mut Vec<T>, max: usize) {
    list.drain(..list.len().saturating_sub(max));
}
