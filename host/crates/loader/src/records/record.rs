//! What is remembered of one name: the version that answers, those before it, and what was decided about others.

use std::collections::BTreeSet;
use std::sync::Arc;

use frontgate_contract::digest::Digest;
use frontgate_contract::{Capability, Manifest};
use frontgate_runtime::receipt::{Outcome, Receipt};
use frontgate_runtime::registry::Version;
use serde::{Deserialize, Serialize};

/// Decisions about one name that are remembered; older ones are forgotten.
const DECISIONS_MAX: usize = 64;

/// What is known of one name.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// What answers, or did when the gateway ended; none if the file was removed.
    pub(crate) live: Option<Digest>,
    /// Good versions, the one that was live last at the end.
    pub(super) versions: Vec<Version>,
    /// Versions that are not tried again, and why.
    pub(super) passed_over: Vec<(Digest, String)>,
    /// Versions that the operator allowed, or that were live before records were damaged.
    pub(super) allowed: Vec<Digest>,
    /// When the name came up; milliseconds since 1970, 0 for those of earlier releases.
    pub(super) since_ms: u64,
    /// While records are damaged.
    #[serde(skip)]
    pub(super) guard: Option<Guard>,
}

/// Refuses new bytes, as long as the operator has not looked at damaged records.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    /// The damaged file, which is kept. The guard ends when the operator takes it away.
    pub(super) file: Arc<str>,
    /// Versions whose bytes are kept: they were live once.
    pub(super) known: Arc<BTreeSet<Digest>>,
}

impl Record {
    /// Why these bytes are not tried.
    pub(crate) fn passed_over(&self, digest: Digest) -> Option<&str> {
        self.passed_over.iter().find(|(passed, _)| *passed == digest).map(|(_, reason)| reason.as_str())
    }

    /// Why these bytes wait, while records are damaged: nothing shows that they answered before.
    pub(crate) fn unknown(&self, name: &str, digest: Digest) -> Option<String> {
        let guard = self.guard.as_ref()?;
        let was_live = self.versions.iter().any(|version| version.digest == digest);
        if was_live || self.allowed.contains(&digest) || guard.known.contains(&digest) {
            return None;
        }
        Some(format!(
            "plugin records were damaged, and this version is not known to have answered before; to allow it: \
             frontgate plugin allow {name} {}; to end this for all plugins, move {} away",
            digest.short(),
            guard.file
        ))
    }

    /// What these bytes want more than the version before them; nothing if they are allowed, or the first.
    pub(crate) fn wants_more(&self, digest: Digest, manifest: &Manifest) -> Vec<Capability> {
        let was_live = self.guard.as_ref().is_some_and(|guard| guard.known.contains(&digest));
        match self.versions.last() {
            Some(last) if last.digest != digest && !self.allowed.contains(&digest) && !was_live => {
                manifest.capabilities.difference(&last.manifest.capabilities).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether this is the version that answers, and nothing else is to be remembered of it.
    pub(super) fn answers(&self, digest: Digest) -> bool {
        let last = self.versions.last().map(|version| version.digest);
        self.live == Some(digest) && last == Some(digest) && self.passed_over(digest).is_none()
    }

    /// Whether the name can be forgotten without a loss: nothing answers, and nothing was decided.
    pub(super) fn is_idle(&self) -> bool {
        self.live.is_none() && self.passed_over.is_empty() && self.allowed.is_empty()
    }

    /// Whether a record that was put together again says something.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.live.is_some() || !self.versions.is_empty() || !self.passed_over.is_empty()
    }

    /// The good versions, the newest first.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().rev()
    }

    /// What a rollback means: the version that was named, or the last good one that was not passed over.
    pub(crate) fn target(&self, digits: Option<&str>) -> Result<Digest, String> {
        let mut others = self.versions().map(|version| version.digest).filter(|digest| Some(*digest) != self.live);
        let Some(digits) = digits else {
            let found = others.find(|digest| self.passed_over(*digest).is_none());
            return found.ok_or_else(|| "there is no version to go back to".to_owned());
        };
        let found: Vec<Digest> = others.filter(|digest| digest.starts_with(digits)).collect();
        match found.as_slice() {
            [digest] => Ok(*digest),
            [] if self.live.is_some_and(|live| live.starts_with(digits)) => Err(format!("{digits} answers already")),
            [] => Err(format!("no version that is kept begins with {digits}; `frontgate plugin list` shows them")),
            _ => Err(format!("more than one version begins with {digits}; write more of it")),
        }
    }

    /// What may be allowed without being written out: what was passed over.
    pub(crate) fn passed_over_like(&self, digits: &str) -> Option<Digest> {
        self.passed_over.iter().map(|(digest, _)| *digest).find(|digest| digest.starts_with(digits))
    }

    /// A version answers now.
    pub(super) fn set_live(&mut self, version: Version, versions_max: usize) {
        let digest = version.digest;
        self.live = Some(digest);
        self.passed_over.retain(|(passed, _)| *passed != digest);
        self.versions.retain(|known| known.digest != digest);
        self.versions.push(version);
        trim(&mut self.versions, versions_max);
    }

    /// These bytes are not tried again.
    pub(super) fn pass_over(&mut self, digest: Digest, reason: &str) {
        self.allowed.retain(|allowed| *allowed != digest);
        self.passed_over.retain(|(passed, _)| *passed != digest);
        self.passed_over.push((digest, reason.to_owned()));
        trim(&mut self.passed_over, DECISIONS_MAX);
    }

    /// These bytes may be tried, whatever they want more.
    pub(super) fn allow(&mut self, digest: Digest) {
        self.passed_over.retain(|(passed, _)| *passed != digest);
        self.allowed.retain(|allowed| *allowed != digest);
        self.allowed.push(digest);
        trim(&mut self.allowed, DECISIONS_MAX);
    }

    /// Restores what a receipt says, after the record itself was lost. A version that was live is restored as allowed:
    /// its capabilities are no longer known.
    pub(super) fn replay(&mut self, receipt: &Receipt) {
        match (&receipt.outcome, receipt.digest) {
            (Outcome::Live | Outcome::Allowed, Some(digest)) => self.allow(digest),
            (Outcome::RolledBack(reason), Some(digest)) => self.pass_over(digest, reason),
            _ => {}
        }
        let answers = receipt.after.filter(|after| self.passed_over(*after).is_none());
        if let Some(after) = answers.filter(|after| !self.allowed.contains(after)) {
            self.allow(after);
        }
        self.live = match receipt.outcome {
            Outcome::Removed => None,
            _ => answers.or(self.live),
        };
    }
}

/// Forgets the oldest beyond so many.
fn trim<T>(list: &mut Vec<T>, max: usize) {
    list.drain(..list.len().saturating_sub(max));
}
