//! Front's rate limits: a burst limit per resource, and a limit of the company per minute.
//!
//! [?] The alignment of windows is undocumented. Here each window begins with the first request in it.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const BURST_WINDOW: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Maximum number of requests per second for one channel or one message.
    pub(crate) burst: u32,
    /// Maximum number of requests of the company per window.
    pub(crate) budget: u32,
    pub(crate) budget_window: Duration,
    company: Option<Window>,
    resources: HashMap<String, Window>,
}

#[derive(Debug, Clone)]
struct Window {
    began: Instant,
    used: u32,
}

/// The rate limit that was hit, and the time until the window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limited {
    Burst(Duration),
    Budget(Duration),
}

impl Default for Limits {
    /// Returns the limits of an Enterprise plan.
    fn default() -> Self {
        Self { burst: 5, budget: 200, budget_window: Duration::from_secs(60), company: None, resources: HashMap::new() }
    }
}

impl Limits {
    /// Counts a request, or returns the limit that it hits. Rejected requests are not counted.
    pub(crate) fn take(&mut self, resource: &str, now: Instant) -> Result<(), Limited> {
        let company = current(&mut self.company, self.budget_window, now);
        if company.used >= self.budget {
            return Err(Limited::Budget(self.budget_window - (now - company.began)));
        }
        self.resources.retain(|_, window| now - window.began < BURST_WINDOW);
        let fresh = Window { began: now, used: 0 };
        let window = self.resources.entry(resource.to_owned()).or_insert(fresh);
        if window.used >= self.burst {
            return Err(Limited::Burst(BURST_WINDOW - (now - window.began)));
        }
        window.used += 1;
        company.used += 1;
        Ok(())
    }

    /// Returns the rate-limit headers, which every response has.
    pub(crate) fn headers(&self, now: Instant) -> [(&'static str, String); 3] {
        let window = self.company.as_ref().filter(|window| now - window.began < self.budget_window);
        let used = window.map_or(0, |window| window.used);
        let left = window.map_or(self.budget_window, |window| self.budget_window - (now - window.began));
        let reset = (SystemTime::now() + left).duration_since(UNIX_EPOCH).unwrap_or_default();
        [
            ("x-ratelimit-limit", self.budget.to_string()),
            ("x-ratelimit-remaining", self.budget.saturating_sub(used).to_string()),
            ("x-ratelimit-reset", reset.as_secs().to_string()),
        ]
    }
}

fn current(window: &mut Option<Window>, length: Duration, now: Instant) -> &mut Window {
    if window.as_ref().is_some_and(|window| now - window.began >= length) {
        *window = None;
    }
    window.get_or_insert(Window { began: now, used: 0 })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Limited, Limits};

    #[test]
    fn windows_begin_with_their_first_request_and_end_on_time() {
        let mut limits = Limits { burst: 2, budget: 5, ..Limits::default() };
        let start = Instant::now();
        let mut take = |resource: &str, millis| limits.take(resource, start + Duration::from_millis(millis));
        let burst = |millis| Err(Limited::Burst(Duration::from_millis(millis)));
        assert_eq!([take("a", 0), take("a", 600), take("a", 700)], [Ok(()), Ok(()), burst(300)]);
        assert_eq!([take("b", 700), take("a", 1000), take("a", 1999)], [Ok(()); 3]);
        assert_eq!(take("c", 2000), Err(Limited::Budget(Duration::from_secs(58))));
        assert_eq!(take("c", 60_000), Ok(()));
    }
}
