//! Lines about requests that were refused before they were verified. Anybody can cause one, so a second has room for
//! some of them; the others are counted, and one line says how many there were.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tracing::warn;

use super::PerSecond;
use super::metrics::METRICS;

/// How often a line says how many were left out.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

/// Those of the process.
pub static REFUSALS: Refusals = Refusals(Mutex::new(State { lines: PerSecond::new(), left_out: 0 }));

/// Which of the lines are written.
pub struct Refusals(Mutex<State>);

struct State {
    lines: PerSecond,
    /// Since the last summary. Where it is not 0, a summary is on its way.
    left_out: u64,
}

impl Refusals {
    /// Whether a line is written that is one of at most so many in a second.
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

    /// Whether it is written, and whether it is the first that is left out.
    fn take(&self, now: Instant, per_second_max: u32) -> (bool, bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.lines.take(now, per_second_max) {
            return (true, false);
        }
        state.left_out += 1;
        (false, state.left_out == 1)
    }

    fn summarise(&self) {
        let left_out = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut state.left_out)
        };
        warn!(
            event = "gateway.refusal_lines_omitted",
            left_out,
            "{left_out} log lines about unverified requests were left out in the last {} s: more than \
             server.refusal_lines_per_second_max; the requests are counted in frontgate_requests_total",
            SUMMARY_INTERVAL.as_secs()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals() -> Refusals {
        Refusals(Mutex::new(State { lines: PerSecond::new(), left_out: 0 }))
    }

    #[test]
    fn a_second_has_so_many_lines() {
        let (refusals, now) = (refusals(), Instant::now());
        let admitted = (0..1_000).filter(|_| refusals.take(now, 5).0).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn the_next_second_has_as_many_again() {
        let (refusals, now) = (refusals(), Instant::now());
        (0..10).for_each(|_| _ = refusals.take(now, 5));
        assert_eq!((0..10).filter(|_| refusals.take(now + Duration::from_secs(1), 5).0).count(), 5);
    }

    #[test]
    fn only_the_first_line_that_is_left_out_starts_a_summary() {
        let (refusals, now) = (refusals(), Instant::now());
        let started = (0..10).filter(|_| refusals.take(now, 5).1).count();
        assert_eq!(started, 1);
    }
}
