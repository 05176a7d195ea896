//! A breaker for each version of a plugin: one that keeps crashing or running out of time is left alone
//! for a while, so that its callers have their answer at once and others have its places.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Breaker as Settings;

/// Counts failures in a row.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Calls go through; so many failed in a row.
    Closed { failures: u32 },
    /// No call goes through before that time.
    Open { until: Instant, pause: Duration },
    /// One call is trying whether it goes again.
    Trying { pause: Duration },
}

/// Lets a call through. One that is neither [`Pass::ended`] nor [`Pass::failed`] says nothing of the plugin.
#[derive(Debug)]
pub(crate) struct Pass<'b> {
    breaker: &'b Breaker,
    /// Whether it is the one that tries.
    tries: bool,
}

impl Breaker {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a call may begin now.
    pub(crate) fn pass(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.lock();
        let tries = match *state {
            State::Closed { .. } => false,
            State::Open { until, .. } if now < until => return None,
            State::Open { pause, .. } => {
                *state = State::Trying { pause };
                true
            }
            State::Trying { .. } => return None,
        };
        Some(Pass { breaker: self, tries })
    }

    /// How long calls are refused from now on, if they are.
    pub(crate) fn open_for(&self, now: Instant) -> Option<Duration> {
        match *self.lock() {
            State::Closed { .. } => None,
            State::Open { until, .. } => Some(until.saturating_duration_since(now)),
            State::Trying { .. } => Some(Duration::ZERO),
        }
    }

    /// Nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The call ended as calls should, whatever it said.
    pub(crate) fn ended(self) {
        let mut state = self.breaker.lock();
        // Calls that began before it opened change nothing.
        if self.tries || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
        }
    }

    /// The call crashed or ran out of time; says for how long the breaker is open if that opened it.
    pub(crate) fn failed(self, now: Instant) -> Option<Duration> {
        let settings = &self.breaker.settings;
        let mut state = self.breaker.lock();
        let pause = match *state {
            State::Closed { failures } if failures + 1 >= settings.failures => Duration::from_millis(settings.pause_ms),
            State::Closed { failures } => {
                *state = State::Closed { failures: failures + 1 };
                return None;
            }
            State::Trying { pause } if self.tries => (pause * 2).min(Duration::from_millis(settings.pause_max_ms)),
            State::Trying { .. } | State::Open { .. } => return None,
        };
        *state = State::Open { until: now + pause, pause };
        Some(pause)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.lock();
        // The call that tried was given up by its caller: the next one tries.
        if let (true, State::Trying { pause }) = (self.tries, *state) {
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
    fn it_opens_after_so_many_failures_in_a_row_and_not_before() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!((fail(&breaker, now), fail(&breaker, now)), (None, None));
        breaker.pass(now).expect("it is closed").ended();
        assert_eq!((fail(&breaker, now), fail(&breaker, now)), (None, None));
        assert_eq!(fail(&breaker, now), Some(Duration::from_secs(1)));
        assert!(breaker.pass(now).is_none());
        assert_eq!(breaker.open_for(now), Some(Duration::from_secs(1)));
    }

    #[test]
    fn one_call_tries_and_decides() {
        let (breaker, mut now) = (breaker(), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        for pause in [2, 3, 3] {
            now += Duration::from_secs(4);
            let trying = breaker.pass(now).expect("it may try");
            assert!(breaker.pass(now).is_none(), "one at a time");
            assert_eq!(trying.failed(now), Some(Duration::from_secs(pause)));
        }
        now += Duration::from_secs(4);
        breaker.pass(now).expect("it may try").ended();
        assert!(breaker.open_for(now).is_none() && breaker.pass(now).is_some());
    }

    #[test]
    fn a_try_that_nobody_waits_for_leaves_the_next_one_to_try() {
        let (breaker, now) = (breaker(), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        let later = now + Duration::from_secs(4);
        drop(breaker.pass(later).expect("it may try"));
        assert!(breaker.pass(later).is_some());
    }

    #[test]
    fn calls_that_began_before_it_opened_change_nothing() {
        let (breaker, now) = (breaker(), Instant::now());
        let early: Vec<_> = (0..5).map(|_| breaker.pass(now).expect("it is closed")).collect();
        let opened: Vec<_> = early.into_iter().map(|pass| pass.failed(now)).collect();
        assert_eq!(opened, [None, None, Some(Duration::from_secs(1)), None, None]);
    }
}
