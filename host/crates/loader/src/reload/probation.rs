//! New versions that are watched, and the ones before them, which come back if need be.

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
    /// Calls wake the owner through it.
    pub(super) decide: Arc<Notify>,
}

struct Watched {
    new: Arc<LoadedPlugin>,
    old: Arc<LoadedPlugin>,
    ends: Instant,
}

/// A version that failed, and the one that comes back.
pub(super) struct Failed {
    pub(super) name: String,
    pub(super) old: Arc<LoadedPlugin>,
    pub(super) reason: String,
}

impl Probations {
    /// Watches a new version; to be called before it answers.
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

    /// Ends it without a decision.
    pub(super) fn end(&mut self, name: &str) {
        self.watched.remove(name);
    }

    /// The version before the one that is watched.
    pub(super) fn old(&self, name: &str) -> Option<Arc<LoadedPlugin>> {
        self.watched.get(name).map(|watched| Arc::clone(&watched.old))
    }

    /// When the first of them ends.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.watched.values().map(|watched| watched.ends).min()
    }

    /// Which are watched.
    pub(super) fn names(&self) -> Vec<String> {
        self.watched.keys().cloned().collect()
    }

    /// Those that failed. What has proved itself is not watched any more, and its predecessor is let go.
    pub(super) fn decide(&mut self, limits: &frontgate_runtime::settings::Probation) -> Vec<Failed> {
        let now = Instant::now();
        let mut failed = Vec::new();
        self.watched.retain(|name, Watched { new, old, ends }| {
            let (failures, calls) = (new.health.failures(), new.health.calls());
            if failures >= limits.failures && old.health.failures_lately() < limits.failures {
                let calls = calls.min(limits.calls.into());
                let reason = format!(
                    "{failures} of its first {calls} calls trapped or ran out of time, and those of the version \
                     before it did not"
                );
                failed.push(Failed { name: name.clone(), old: Arc::clone(old), reason });
                return false;
            }
            calls < limits.calls.into() && now < *ends
        });
        failed
    }
}
