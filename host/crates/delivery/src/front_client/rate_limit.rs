//! How fast calls to Front leave: evenly for each channel, and no more of all together than Front says that
//! the company has left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long to wait where Front says no more than that it is too much.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that Front can cause: its limits are per minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Calls on their way may arrive closer together than they left.
const MARGIN: f64 = 1.2;

/// Front says in whole seconds when there are all again.
const RESET_MARGIN: Duration = Duration::from_millis(1_100);

/// Channels whose last call is remembered; those that have been quiet are forgotten beyond that.
const CHANNELS_MAX: usize = 10_000;

/// The pace of one app.
pub(super) struct Pace {
    /// Between two calls of one channel.
    space: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When each channel's next call may leave.
    channels: HashMap<i64, Instant>,
    /// Before this nobody's does.
    company: Option<Instant>,
    /// Calls that the company has left, those under way taken off, until they are all there again.
    left: Option<(u32, Instant)>,
    under_way: u32,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        let space = Duration::from_secs_f64(MARGIN / f64::from(per_second.max(1)));
        Self { space, state: Mutex::default() }
    }

    /// Waits for the turn of one call. The channel's next one keeps its distance.
    pub(super) async fn turn(self: &Arc<Self>, channel: i64) -> Turn {
        while let Some(until) = self.take(channel, Instant::now()) {
            sleep_until(until).await;
        }
        Turn(Arc::clone(self))
    }

    /// Takes the turn, or says when to ask again.
    fn take(&self, channel: i64, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let own = state.channels.get(&channel).copied().filter(|at| *at > now);
        let company = state.company.filter(|at| *at > now);
        state.left = state.left.filter(|(_, reset)| *reset > now);
        let spent = state.left.filter(|(left, _)| *left == 0).map(|(_, reset)| reset);
        let until = own.max(company).max(spent);
        if until.is_none() {
            if state.channels.len() >= CHANNELS_MAX {
                state.channels.retain(|_, at| *at > now);
            }
            state.channels.insert(channel, now + self.space);
            state.under_way += 1;
            if let Some((left, _)) = &mut state.left {
                *left -= 1;
            }
        }
        until
    }

    /// Front said, in the answer to a call that has its turn still, how many are left, and when there are all
    /// again.
    pub(super) fn learn(&self, remaining: Option<u32>, reset: Option<Duration>) {
        let mut state = self.lock();
        if let (Some(remaining), Some(reset)) = (remaining, reset) {
            let left = remaining.saturating_sub(state.under_way.saturating_sub(1));
            state.left = Some((left, Instant::now() + reset.min(PAUSE_MAX) + RESET_MARGIN));
        }
    }

    pub(super) fn pause_channel(&self, channel: i64, time: Duration) {
        let until = Instant::now() + time.min(PAUSE_MAX);
        let mut state = self.lock();
        let at = state.channels.entry(channel).or_insert(until);
        *at = until.max(*at);
    }

    pub(super) fn pause_company(&self, time: Duration) {
        let until = Instant::now() + time.min(PAUSE_MAX);
        let mut state = self.lock();
        state.company = state.company.max(Some(until));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one call, until it is over.
pub(crate) struct Turn(Arc<Pace>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_calls_keep_their_distance_and_others_do_not_wait_for_them() {
        let (pace, now) = (Pace::new(5), Instant::now());
        assert_eq!(pace.take(1, now), None);
        let next = pace.take(1, now).expect("the second waits");
        assert!(next - now > Duration::from_millis(200), "{:?}", next - now);
        assert_eq!(pace.take(2, now), None);
        assert_eq!(pace.take(1, next), None);
    }

    #[test]
    fn what_the_company_has_left_is_shared_and_comes_back() {
        let (pace, now) = (Pace::new(5), Instant::now());
        assert_eq!((pace.take(1, now), pace.take(2, now)), (None, None));
        pace.learn(Some(2), Some(Duration::from_secs(9)));
        // One of the two that are left is under way already.
        assert_eq!(pace.take(3, now), None);
        let again = pace.take(4, now).expect("nothing is left");
        assert!(again > now + Duration::from_secs(9));
        assert_eq!(pace.take(4, again), None);
    }

    #[test]
    fn a_pause_holds_one_channel_or_all() {
        let (pace, now) = (Pace::new(5), Instant::now());
        pace.pause_channel(1, Duration::from_secs(7));
        assert!(pace.take(1, now).is_some_and(|until| until > now + Duration::from_secs(6)));
        assert_eq!(pace.take(2, now), None);
        pace.pause_company(Duration::from_secs(3_600));
        assert!(pace.take(3, now).is_some_and(|until| until <= Instant::now() + PAUSE_MAX));
    }
}
