//! Rate limit of a tenant's requests to Twilio: a token bucket that grants permits in order, and one for each
//! conversation.
//!
//! Each request reserves its token on arrival, so requests leave in order and evenly. The crate `governor` does not
//! fit: its waiting callers compete for each token, and it cannot pause.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// Requests per second about one conversation, below Twilio's limit of 30 (changelog of 2020-03-31). The burst of one
/// second and the requests of the second after it arrive within one second, so the bucket holds less than that.
const PER_CONVERSATION: f64 = 20.0;
const CONVERSATION_BURST: f64 = 8.0;

/// A token bucket with a burst of one second, and a pause for all requests of the tenant.
pub(super) struct TenantRateLimit {
    state: Mutex<State>,
    /// Buckets of conversations with recent requests.
    conversations: Mutex<HashMap<String, Bucket>>,
}

/// The token bucket of a conversation.
#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(now: Instant) -> Self {
        Self { left: CONVERSATION_BURST, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.duration_since(self.at).as_secs_f64() * PER_CONVERSATION;
        (self.left, self.at) = ((self.left + gained).min(CONVERSATION_BURST), now);
    }
}

struct State {
    per_second: f64,
    /// Available tokens; negative while requests wait.
    left: f64,
    at: Instant,
    paused_until: Instant,
}

impl TenantRateLimit {
    pub(super) fn new(per_second: u32) -> Self {
        let now = Instant::now();
        let per_second = f64::from(per_second);
        let state = Mutex::new(State { per_second, left: per_second, at: now, paused_until: now });
        Self { state, conversations: Mutex::default() }
    }

    /// Changes the number of requests per second, after a reload of the configuration.
    pub(super) fn set_rate(&self, per_second: u32) {
        self.state.lock().per_second = f64::from(per_second);
    }

    /// Continues where another replica has stopped: without a burst, and after its pause.
    pub(super) fn take_over(&self, pause: Duration) {
        let mut state = self.state.lock();
        (state.left, state.at) = (state.left.min(0.0), Instant::now());
        state.paused_until = state.paused_until.max(Instant::now() + pause);
    }

    /// Waits until a request about a conversation may leave.
    pub(super) async fn turn_in(&self, conversation: &str) {
        sleep_until(self.reserve_in(conversation, Instant::now())).await;
        self.turn().await;
    }

    /// Takes a token of a conversation, and returns the earliest time of the request.
    fn reserve_in(&self, conversation: &str, now: Instant) -> Instant {
        let mut conversations = self.conversations.lock();
        // A full bucket is as good as none.
        conversations.retain(|_, bucket| {
            bucket.refill(now);
            bucket.left < CONVERSATION_BURST
        });
        let bucket = conversations.entry(conversation.to_owned()).or_insert_with(|| Bucket::full(now));
        bucket.left -= 1.0;
        now + Duration::from_secs_f64((-bucket.left / PER_CONVERSATION).max(0.0))
    }

    /// Waits until a request may leave.
    pub(super) async fn turn(&self) {
        let until = self.reserve(Instant::now());
        sleep_until(until).await;
        // A pause may have begun, or been extended, meanwhile.
        while let Some(until) = self.paused(Instant::now()) {
            sleep_until(until).await;
        }
    }

    /// Takes a token and returns the earliest time of the request, ignoring pauses.
    fn reserve(&self, now: Instant) -> Instant {
        let mut state = self.state.lock();
        let gained = now.duration_since(state.at).as_secs_f64() * state.per_second;
        state.left = (state.left + gained).min(state.per_second) - 1.0;
        state.at = now;
        now + Duration::from_secs_f64((-state.left / state.per_second).max(0.0))
    }

    fn paused(&self, now: Instant) -> Option<Instant> {
        let state = self.state.lock();
        (state.paused_until > now).then_some(state.paused_until)
    }

    /// Pauses all requests for at least this time.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = self.state.lock();
        state.paused_until = state.paused_until.max(Instant::now() + time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_leaves_at_once_and_the_rest_evenly() {
        let (limit, now) = (TenantRateLimit::new(10), Instant::now());
        let waits: Vec<_> = (0..12).map(|_| limit.reserve(now).saturating_duration_since(now)).collect();
        assert!(waits[..10].iter().all(Duration::is_zero), "{waits:?}");
        let rest: Vec<_> = waits[10..].iter().map(|wait| wait.as_secs_f64().mul_add(10.0, 0.5) as u32).collect();
        assert_eq!(rest, [1, 2]);
    }

    #[test]
    fn a_pause_holds_every_request() {
        let limit = TenantRateLimit::new(10);
        limit.pause(Duration::from_secs(7));
        let until = limit.paused(Instant::now()).expect("a pause");
        assert!(until > Instant::now() + Duration::from_secs(6));
    }
}
