//! Counts calls and failures of one version of a plugin, for probation and rollback.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::error::CallError;

/// Calls and failures of one version. Traps and timeouts are failures; errors that a plugin returns are not.
#[derive(Debug, Default)]
pub struct Health {
    calls: AtomicU64,
    /// The last 64 calls, newest in the lowest bit; a set bit is a failure.
    last: AtomicU64,
    probation: OnceLock<Probation>,
}

/// Probation of a version during its first calls.
#[derive(Debug)]
struct Probation {
    calls: u64,
    failures_max: u32,
    failures: AtomicU32,
    /// Notifies the task that decides about a rollback.
    decide: Arc<Notify>,
}

impl Health {
    /// Starts probation. Notifies `decide` after `calls` calls or `failures` failures.
    pub fn watch(&self, calls: u32, failures: u32, decide: &Arc<Notify>) {
        let decide = Arc::clone(decide);
        let probation =
            Probation { calls: calls.into(), failures_max: failures, failures: AtomicU32::default(), decide };
        // Fails for a version that was live before, which has no second probation.
        let _ = self.probation.set(probation);
    }

    /// Counts a call that has ended.
    pub(crate) fn note(&self, error: Option<&CallError>) {
        let failed = matches!(error, Some(CallError::Trap { .. } | CallError::OutOfTime(_)));
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let _ =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(last << 1 | u64::from(failed)));
        let Some(probation) = self.probation.get().filter(|probation| calls <= probation.calls) else {
            return;
        };
        let enough = failed && probation.failures.fetch_add(1, Ordering::Relaxed) + 1 >= probation.failures_max;
        if enough || calls == probation.calls {
            probation.decide.notify_one();
        }
    }

    /// Returns the number of calls that have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns the number of failures during probation.
    pub fn failures(&self) -> u32 {
        self.probation.get().map_or(0, |probation| probation.failures.load(Ordering::Relaxed))
    }

    /// Returns the number of failures among the last 64 calls.
    pub fn failures_lately(&self) -> u32 {
        self.last.load(Ordering::Relaxed).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_and_timeouts_are_failures_and_errors_of_a_plugin_are_not() {
        let health = Health::default();
        let trap = CallError::Trap { text: "unreachable".to_owned(), limit: None };
        let returned = CallError::Failed("a text".to_owned());
        for error in
            [None, Some(&trap), Some(&returned), Some(&CallError::OutOfTime("cpu")), Some(&CallError::Busy("queue"))]
        {
            health.note(error);
        }
        assert_eq!((health.calls(), health.failures_lately()), (5, 2));
        (0..64).for_each(|_| health.note(None));
        assert_eq!(health.failures_lately(), 0);
    }

    #[test]
    fn only_the_first_calls_are_on_probation() {
        let (health, decide) = (Health::default(), Arc::default());
        health.watch(3, 2, &decide);
        let trap = CallError::Trap { text: "unreachable".to_owned(), limit: None };
        [None, Some(&trap), None, Some(&trap), Some(&trap)].into_iter().for_each(|error| health.note(error));
        assert_eq!((health.failures(), health.failures_lately()), (1, 3));
    }
}
