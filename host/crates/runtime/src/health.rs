//! How the calls of one version ended, counted where they end and looked at elsewhere.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::error::CallError;

/// Calls and failures of one version. A failure is a trap or a call that ran out of time; what a plugin
/// says is an answer, an error included.
#[derive(Debug, Default)]
pub struct Health {
    calls: AtomicU64,
    /// The last 64 calls, the newest in the lowest bit: a failure is a one.
    last: AtomicU64,
    probation: OnceLock<Probation>,
}

/// A version is watched for its first calls.
#[derive(Debug)]
struct Probation {
    calls: u64,
    failures_max: u32,
    failures: AtomicU32,
    /// Wakes whoever decides.
    decide: Arc<Notify>,
}

impl Health {
    /// Watches the first calls, and wakes somebody when there were enough of them or of failures.
    pub fn watch(&self, calls: u32, failures: u32, decide: &Arc<Notify>) {
        let decide = Arc::clone(decide);
        let probation =
            Probation { calls: calls.into(), failures_max: failures, failures: AtomicU32::default(), decide };
        // A version that comes back is not watched again.
        let _ = self.probation.set(probation);
    }

    /// Notes how a call ended.
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

    /// Calls that have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Failures among the calls on probation.
    pub fn failures(&self) -> u32 {
        self.probation.get().map_or(0, |probation| probation.failures.load(Ordering::Relaxed))
    }

    /// Failures among the last 64 calls.
    pub fn failures_lately(&self) -> u32 {
        self.last.load(Ordering::Relaxed).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_and_time_outs_are_failures_and_what_a_plugin_says_is_not() {
        let health = Health::default();
        let trap = CallError::Trap { text: "unreachable".to_owned(), limit: None };
        let said = CallError::Failed("a text".to_owned());
        for error in
            [None, Some(&trap), Some(&said), Some(&CallError::OutOfTime("cpu")), Some(&CallError::Busy("queue"))]
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
