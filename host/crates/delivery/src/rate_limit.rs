//! How fast one tenant's requests may leave, and when all of them have to wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A second's worth of requests may leave at once; then they leave evenly. A platform that asks for
/// patience is given it by all.
pub(super) struct Budget {
    per_second: f64,
    state: Mutex<State>,
}

struct State {
    /// Requests that may leave now; below zero while some wait.
    left: f64,
    at: Instant,
    paused_until: Instant,
}

impl Budget {
    pub(super) fn new(per_second: u32) -> Self {
        let now = Instant::now();
        let per_second = f64::from(per_second);
        Self { per_second, state: Mutex::new(State { left: per_second, at: now, paused_until: now }) }
    }

    /// Waits for the turn of one request.
    pub(super) async fn turn(&self) {
        let until = self.reserve(Instant::now());
        sleep_until(until).await;
        // Somebody may have been asked for patience meanwhile.
        while let Some(until) = self.paused(Instant::now()) {
            sleep_until(until).await;
        }
    }

    /// When the request may leave, as far as the rate is concerned.
    fn reserve(&self, now: Instant) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.duration_since(state.at).as_secs_f64() * self.per_second;
        state.left = (state.left + gained).min(self.per_second) - 1.0;
        state.at = now;
        now + Duration::from_secs_f64((-state.left / self.per_second).max(0.0))
    }

    fn paused(&self, now: Instant) -> Option<Instant> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.paused_until > now).then_some(state.paused_until)
    }

    /// Nobody sends for this long.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused_until = state.paused_until.max(Instant::now() + time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_leaves_at_once_and_the_rest_evenly() {
        let (budget, now) = (Budget::new(10), Instant::now());
        let waits: Vec<_> = (0..12).map(|_| budget.reserve(now).saturating_duration_since(now)).collect();
        assert!(waits[..10].iter().all(Duration::is_zero), "{waits:?}");
        let rest: Vec<_> = waits[10..].iter().map(|wait| wait.as_secs_f64().mul_add(10.0, 0.5) as u32).collect();
        assert_eq!(rest, [1, 2]);
    }

    #[test]
    fn a_pause_holds_everybody() {
        let budget = Budget::new(10);
        budget.pause(Duration::from_secs(7));
        let until = budget.paused(Instant::now()).expect("a pause");
        assert!(until > Instant::now() + Duration::from_secs(6));
    }
}
