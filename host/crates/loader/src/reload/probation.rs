//! Tracks new versions on probation, and keeps the previous versions in memory. The module `decide` rolls back versions
//! that fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

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
    old: Arc<LoadedPlugin>,
    ends: Instant,
}

/// A version that failed its probation, and the previous one.
pub(super) struct Failed {
    pub(super) name: String,
    pub(super) old: Arc<LoadedPlugin>,
    pub(super) reason: String,
}

impl Probations {
    /// Starts the probation of a new version. Must be called before the version is live.
    pub(super) fn begin(
        &mut self,
        new: &Arc<LoadedPlugin>,
        old: Arc<LoadedPlugin>,
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
        self.watched.get(name).map(|watched| Arc::clone(&watched.old))
    }

    /// Returns the time at which the first probation ends.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.watched.values().map(|watched| watched.ends).min()
    }

    /// Returns the names of plugins on probation.
    pub(super) fn names(&self) -> Vec<String> {
        self.watched.keys().cloned().collect()
    }

    /// Ends the failed and the completed probations, and returns the failed versions.
    pub(super) fn decide(&mut self, limits: &frontgate_runtime::settings::Probation) -> Vec<Failed> {
        let now = Instant::now();
        let mut failed = Vec::new();
        self.watched.retain(|name, Watched { new, old, ends }| {
            let (failures, calls) = (new.health.failures(), new.health.calls());
            if failures >= limits.failures && old.health.failures_lately() < limits.failures {
                let calls = calls.min(limits.calls.into());
                let reason = format!(
                    "{failures} of the first {calls} calls of the new version trapped or timed out; the previous \
                     version did not fail as often"
                );
                failed.push(Failed { name: name.clone(), old: Arc::clone(old), reason });
                return false;
            }
            calls < limits.calls.into() && now < *ends
        });
        failed
    }
}
