//! Rate limit of one app's calls to Front.
//!
//! - Calls of a channel are spaced by a minimum interval.
//! - All channels together stay within the number of calls that Front reports as remaining for the company.
//! - A pause that Front requests applies to one channel or to the whole company.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_replicas::Pauses;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// The pause after a rejection without `Retry-After`.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that Front can cause: its limits are per minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Factor of the minimum interval, since calls may arrive closer together than they were sent.
const MARGIN: f64 = 1.2;

/// Margin added to the reset time, which Front gives in whole seconds.
const RESET_MARGIN: Duration = Duration::from_millis(1_100);

/// Maximum number of channels whose next call time is kept; beyond it, idle channels are dropped.
const CHANNELS_MAX: usize = 10_000;

/// The rate limit of one app.
pub(crate) struct AppRateLimit {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Minimum interval between two calls of one channel.
    distance: Duration,
    /// Earliest time of each channel's next call.
    channels: HashMap<i64, Instant>,
    /// Earliest time of the next call of any channel.
    company: Option<Instant>,
    /// Calls that the company has left, without calls in flight, and the time when that number is reset.
    left: Option<(u32, Instant)>,
    in_flight: u32,
}

impl AppRateLimit {
    pub(crate) fn new(per_second: u32) -> Self {
        let limit = Self { state: Mutex::default() };
        limit.set_rate(per_second);
        limit
    }

    /// Changes the number of calls per second, after a reload of the configuration.
    pub(crate) fn set_rate(&self, per_second: u32) {
        self.state.lock().distance = Duration::from_secs_f64(MARGIN / f64::from(per_second.max(1)));
    }

    /// Continues where another replica has stopped: after its pauses.
    pub(crate) fn take_over(&self, pauses: &Pauses) {
        self.pause_company(pauses.all);
        for (channel, pause) in &pauses.channels {
            self.pause_channel(*channel, *pause);
        }
    }

    /// Waits until a channel may make a call.
    pub(super) async fn acquire(self: &Arc<Self>, channel: i64) -> Permit {
        while let Some(until) = self.try_acquire(channel, Instant::now()) {
            sleep_until(until).await;
        }
        Permit(Arc::clone(self))
    }

    /// Takes a permit and returns `None`, or returns the time of the next try.
    fn try_acquire(&self, channel: i64, now: Instant) -> Option<Instant> {
        let mut state = self.state.lock();
        let own = state.channels.get(&channel).copied().filter(|at| *at > now);
        let company = state.company.filter(|at| *at > now);
        state.left = state.left.filter(|(_, reset)| *reset > now);
        let spent = state.left.filter(|(left, _)| *left == 0).map(|(_, reset)| reset);
        let until = own.max(company).max(spent);
        if until.is_none() {
            if state.channels.len() >= CHANNELS_MAX {
                state.channels.retain(|_, at| *at > now);
            }
            let next = now + state.distance;
            state.channels.insert(channel, next);
            state.in_flight += 1;
            if let Some((left, _)) = &mut state.left {
                *left -= 1;
            }
        }
        until
    }

    /// Stores the limits from Front's answer to a call. The permit of the call must still be held.
    pub(super) fn update(&self, remaining: Option<u32>, reset: Option<Duration>) {
        let mut state = self.state.lock();
        if let (Some(remaining), Some(reset)) = (remaining, reset) {
            let left = remaining.saturating_sub(state.in_flight.saturating_sub(1));
            state.left = Some((left, Instant::now() + reset.min(PAUSE_MAX) + RESET_MARGIN));
        }
    }

    /// Returns the calls that the company has left; `None` if Front's last number is out of date.
    pub(crate) fn left(&self) -> Option<u32> {
        let state = self.state.lock();
        state.left.filter(|(_, reset)| *reset > Instant::now()).map(|(left, _)| left)
    }

    pub(super) fn pause_channel(&self, channel: i64, time: Duration) {
        let until = Instant::now() + time.min(PAUSE_MAX);
        let mut state = self.state.lock();
        let at = state.channels.entry(channel).or_insert(until);
        *at = until.max(*at);
    }

    pub(super) fn pause_company(&self, time: Duration) {
        let until = Instant::now() + time.min(PAUSE_MAX);
        let mut state = self.state.lock();
        state.company = state.company.max(Some(until));
    }
}

/// Permission for one call, held until it ends.
pub(crate) struct Permit(Arc<AppRateLimit>);

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_a_channel_keep_their_distance_and_other_channels_do_not_wait() {
        let (limit, now) = (AppRateLimit::new(5), Instant::now());
        assert_eq!(limit.try_acquire(1, now), None);
        let next = limit.try_acquire(1, now).expect("the second waits");
        assert!(next - now > Duration::from_millis(200), "{:?}", next - now);
        assert_eq!(limit.try_acquire(2, now), None);
        assert_eq!(limit.try_acquire(1, next), None);
    }

    #[test]
    fn the_calls_left_to_the_company_are_shared_until_the_reset() {
        let (limit, now) = (AppRateLimit::new(5), Instant::now());
        assert_eq!((limit.try_acquire(1, now), limit.try_acquire(2, now)), (None, None));
        limit.update(Some(2), Some(Duration::from_secs(9)));
        // One of the two remaining calls is already in flight.
        assert_eq!(limit.try_acquire(3, now), None);
        let again = limit.try_acquire(4, now).expect("nothing is left");
        assert!(again > now + Duration::from_secs(9));
        assert_eq!(limit.try_acquire(4, again), None);
    }

    #[test]
    fn a_pause_holds_one_channel_or_all() {
        let (limit, now) = (AppRateLimit::new(5), Instant::now());
        limit.pause_channel(1, Duration::from_secs(7));
        assert!(limit.try_acquire(1, now).is_some_and(|until| until > now + Duration::from_secs(6)));
        assert_eq!(limit.try_acquire(2, now), None);
        limit.pause_company(Duration::from_secs(3_600));
        assert!(limit.try_acquire(3, now).is_some_and(|until| until <= Instant::now() + PAUSE_MAX));
    }
}
