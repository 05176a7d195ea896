//! Tracks new versions on probation, and keeps the previous versions in memory. The module `decide` rolls back versions
//! that fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::digest::Digest;
use frontgate_runtime::LoadedPlugin;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Versions on probation, by name.
#[derive(Default)]
pub(super) struct Probations {
    watched: BTreeMap<String, Watched>,
    /// Notified by plugin calls when a decision is due.
    pub(super) decide: Arc<Notify>,
}

struct Watched {
    new: Arc<LoadedPlugin>,
    /// `None` if no version was live at this replica.
    old: Option<Arc<LoadedPlugin>>,
    ends: Instant,
}

/// A version whose probation has ended, and the previous one.
pub(super) struct Ended {
    pub(super) name: String,
    pub(super) digest: Digest,
    pub(super) old: Option<Arc<LoadedPlugin>>,
    /// Why it failed; `None` if it did not.
    pub(super) failure: Option<String>,
}

impl Probations {
    /// Starts the probation of a new version. Must be called before the version is live.
    pub(super) fn begin(
        &mut self,
        new: &Arc<LoadedPlugin>,
        old: Option<Arc<LoadedPlugin>>,
        limits: &frontgate_runtime::settings::Probation,
    ) {
        if limits.calls == 0 {
            return;
        }
        new.health.watch(limits.calls, limits.failures, &self.decide);
        let ends = Instant::now() + Duration::from_millis(limits.time_ms);
        self.watched.insert(new.name.to_string(), Watched { new: Arc::clone(new), old, ends });
    }

    /// Ends a probation without a decision.
    pub(super) fn end(&mut self, name: &str) {
        self.watched.remove(name);
    }

    /// Returns the previous version of a plugin on probation.
    pub(super) fn old(&self, name: &str) -> Option<Arc<LoadedPlugin>> {
        self.watched.get(name).and_then(|watched| watched.old.clone())
    }

    /// Returns the time at which the first probation ends.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.watched.values().map(|watched| watched.ends).min()
    }

    /// Returns the names of plugins on probation.
    pub(super) fn names(&self) -> Vec<String> {
        self.watched.keys().cloned().collect()
    }

    /// Ends the failed and the completed probations, and returns them.
    pub(super) fn decide(&mut self, limits: &frontgate_runtime::settings::Probation) -> Vec<Ended> {
        let now = Instant::now();
        let mut ended = Vec::new();
        self.watched.retain(|name, Watched { new, old, ends }| {
            let (failures, calls) = (new.health.failures(), new.health.calls());
            let failed_before = old.as_ref().map_or(0, |old| old.health.failures_lately());
            let has_failed = failures >= limits.failures && failed_before < limits.failures;
            if !has_failed && calls < limits.calls.into() && now < *ends {
                return true;
            }
            let calls = calls.min(limits.calls.into());
            let failure = has_failed.then(|| {
                format!(
                    "{failures} of the first {calls} calls of the new version trapped or timed out; the previous \
                     version did not fail as often"
                )
            });
            ended.push(Ended { name: name.clone(), digest: new.digest, old: old.clone(), failure });
            false
        });
        ended
    }
}
