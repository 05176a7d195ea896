//! Circuit breaker for one version of a plugin.
//!
//! A plugin that keeps trapping or timing out is not called for a while: its callers get an error at once, and other
//! plugins get its capacity.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::settings::Breaker as Settings;

/// Counts consecutive failures.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Calls pass; consecutive failures are counted.
    Closed { failures: u32 },
    /// Calls are rejected until a point in time.
    Open { until: Instant, pause: Duration },
    /// One call probes whether the plugin has recovered; others are rejected.
    HalfOpen { pause: Duration },
}

/// Permission for one call. Dropping it without [`Pass::ended`] or [`Pass::failed`] does not affect the failure count.
#[derive(Debug)]
pub(crate) struct Pass<'b> {
    breaker: &'b Breaker,
    /// Whether this call is the probe.
    probes: bool,
}

impl Breaker {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Returns permission for a call, or `None` while the breaker is open.
    pub(crate) fn pass(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.state.lock();
        let probes = match *state {
            State::Closed { .. } => false,
            State::Open { until, .. } if now < until => return None,
            State::Open { pause, .. } => {
                *state = State::HalfOpen { pause };
                true
            }
            State::HalfOpen { .. } => return None,
        };
        Some(Pass { breaker: self, probes })
    }

    /// Returns the remaining time for which calls are rejected; `None` while the breaker is closed.
    pub(crate) fn open_for(&self, now: Instant) -> Option<Duration> {
        match *self.state.lock() {
            State::Closed { .. } => None,
            State::Open { until, .. } => Some(until.saturating_duration_since(now)),
            State::HalfOpen { .. } => Some(Duration::ZERO),
        }
    }
}

impl Pass<'_> {
    /// Reports that the call returned, with `ok` or an error of the contract.
    pub(crate) fn ended(self) {
        let mut state = self.breaker.state.lock();
        // Calls that started before the breaker opened do not close it.
        if self.probes || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
        }
    }

    /// Reports that the call trapped or timed out. Returns the pause if this opened the breaker.
    pub(crate) fn failed(self, now: Instant) -> Option<Duration> {
        let settings = &self.breaker.settings;
        let mut state = self.breaker.state.lock();
        let pause = match *state {
            State::Closed { failures } if failures + 1 >= settings.failures => Duration::from_millis(settings.pause_ms),
            State::Closed { failures } => {
                *state = State::Closed { failures: failures + 1 };
                return None;
            }
            State::HalfOpen { pause } if self.probes => (pause * 2).min(Duration::from_millis(settings.pause_max_ms)),
            State::HalfOpen { .. } | State::Open { .. } => return None,
        };
        *state = State::Open { until: now + pause, pause };
        Some(pause)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state.lock();
        // The probe was cancelled: the next call probes.
        if let (true, State::HalfOpen { pause }) = (self.probes, *state) {
            *state = State::Open { until: Instant::now(), pause };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(&Settings { failures: 3, pause_ms: 1_000, pause_max_ms: 3_000 })
    }

    fn fail(breaker: &Breaker, now: Instant) -> Option<Duration> {
        breaker.pass(now).expect("it is closed").failed(now)
    }

    #[test]
    fn it_opens_after_the_configured_consecutive_failures() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!((fail(&breaker, now), fail(&breaker, now)), (None, None));
        breaker.pass(now).expect("it is closed").ended();
        assert_eq!((fail(&breaker, now), fail(&breaker, now)), (None, None));
        assert_eq!(fail(&breaker, now), Some(Duration::from_secs(1)));
        assert!(breaker.pass(now).is_none());
        assert_eq!(breaker.open_for(now), Some(Duration::from_secs(1)));
    }

    #[test]
    fn one_probe_decides() {
        let (breaker, mut now) = (breaker(), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        for pause in [2, 3, 3] {
            now += Duration::from_secs(4);
            let probe = breaker.pass(now).expect("it may probe");
            assert!(breaker.pass(now).is_none(), "one at a time");
            assert_eq!(probe.failed(now), Some(Duration::from_secs(pause)));
        }
        now += Duration::from_secs(4);
        breaker.pass(now).expect("it may probe").ended();
        assert!(breaker.open_for(now).is_none() && breaker.pass(now).is_some());
    }

    #[test]
    fn after_a_cancelled_probe_the_next_call_probes() {
        let (breaker, now) = (breaker(), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        let later = now + Duration::from_secs(4);
        drop(breaker.pass(later).expect("it may probe"));
        assert!(breaker.pass(later).is_some());
    }

    #[test]
    fn calls_that_started_before_it_opened_do_not_affect_it() {
        let (breaker, now) = (breaker(), Instant::now());
        let early: Vec<_> = (0..5).map(|_| breaker.pass(now).expect("it is closed")).collect();
        let opened: Vec<_> = early.into_iter().map(|pass| pass.failed(now)).collect();
        assert_eq!(opened, [None, None, Some(Duration::from_secs(1)), None, None]);
    }
}
