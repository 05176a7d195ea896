//! Limits the log lines about requests that are rejected before verification, since any caller can cause such lines.
//!
//! Lines beyond the limit are omitted and counted, and a summary line reports the count.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tracing::warn;

use super::PerSecond;
use super::metrics::METRICS;

/// Time between the first omitted line and the summary.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

/// The limit for this process.
pub static REFUSALS: Refusals = Refusals::new();

/// A limit that decides which lines are written.
pub struct Refusals(Mutex<State>);

struct State {
    lines: PerSecond,
    /// Number of omitted lines since the last summary. If the number is not 0, a summary is scheduled.
    omitted: u64,
}

impl Refusals {
    const fn new() -> Self {
        Self(Mutex::new(State { lines: PerSecond::new(), omitted: 0 }))
    }

    /// Returns whether a line may be written. At most `per_second_max` lines are written in a second.
    pub fn admit(&'static self, per_second_max: u32) -> bool {
        let (admitted, first) = self.take(Instant::now(), per_second_max);
        if !admitted {
            METRICS.refusal_lines_omitted.inc();
        }
        if first && let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async {
                tokio::time::sleep(SUMMARY_INTERVAL).await;
                self.summarise();
            });
        }
        admitted
    }

    /// Returns whether the line may be written, and whether it is the first omitted line since the last summary.
    fn take(&self, now: Instant, per_second_max: u32) -> (bool, bool) {
        let mut state = self.0.lock();
        if state.lines.take(now, per_second_max) {
            return (true, false);
        }
        state.omitted += 1;
        (false, state.omitted == 1)
    }

    fn summarise(&self) {
        let omitted = std::mem::take(&mut self.0.lock().omitted);
        warn!(
            event = "gateway.refusal_lines_omitted",
            omitted,
            "{omitted} log lines about unverified requests omitted in {} s: limited by \
             server.refusal_lines_per_second_max; frontgate_requests_total counts all requests",
            SUMMARY_INTERVAL.as_secs()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_second_are_limited() {
        let (refusals, now) = (Refusals::new(), Instant::now());
        let admitted = (0..1_000).filter(|_| refusals.take(now, 5).0).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn the_next_second_allows_as_many_lines_again() {
        let (refusals, now) = (Refusals::new(), Instant::now());
        (0..10).for_each(|_| _ = refusals.take(now, 5));
        assert_eq!((0..10).filter(|_| refusals.take(now + Duration::from_secs(1), 5).0).count(), 5);
    }

    #[test]
    fn only_the_first_omitted_line_schedules_a_summary() {
        let (refusals, now) = (Refusals::new(), Instant::now());
        let started = (0..10).filter(|_| refusals.take(now, 5).1).count();
        assert_eq!(started, 1);
    }
}
