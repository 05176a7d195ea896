//! Side effects of a call's requests: whether the call can be retried without repeating an effect.
//!
//! The gateway records them itself, since a plugin that has crashed cannot report them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hyper::header::RETRY_AFTER;
use hyper::{Method, Response, StatusCode};

/// Side effects of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// No request with side effects was sent, or the server rejected all of them.
    None,
    /// A request with side effects succeeded.
    Done,
    /// The outcome of a request with side effects is unknown.
    Unknown,
}

/// Requests with side effects of one call.
#[derive(Default)]
pub struct SideEffects {
    /// Number of requests in flight. Requests of a cancelled call end a moment after the call.
    in_flight: AtomicUsize,
    unknown: AtomicBool,
    done: AtomicBool,
    closed: AtomicBool,
    /// Decides whether another request may be sent; `None` if it always may.
    is_allowed: Option<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl SideEffects {
    /// Records requests with side effects that are sent only while `is_allowed` returns true.
    pub fn allowed_while(is_allowed: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_allowed: Some(Box::new(is_allowed)), ..Self::default() }
    }

    /// Prevents further requests, and returns the effect of those so far. The effect of a request in flight is unknown.
    pub fn close(&self) -> Effect {
        self.closed.store(true, Ordering::SeqCst);
        if self.in_flight.load(Ordering::SeqCst) > 0 || self.unknown.load(Ordering::SeqCst) {
            Effect::Unknown
        } else if self.done.load(Ordering::SeqCst) {
            Effect::Done
        } else {
            Effect::None
        }
    }

    /// Starts a request. Returns `false` if the call was cancelled, or may not send further requests.
    pub(super) fn begin(&self) -> bool {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let is_allowed = self.is_allowed.as_ref().is_none_or(|is_allowed| is_allowed());
        let is_open = is_allowed && !self.closed.load(Ordering::SeqCst);
        if !is_open {
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
        }
        is_open
    }

    /// Ends a request. `is_whole` is true if the response was read to its end.
    pub(super) fn end(&self, was_sent: bool, response: Option<ResponseHead>, is_whole: bool) {
        let head = response.map(|response| (response.status.as_u16(), response.has_retry_after));
        match head {
            _ if !was_sent => {}
            Some((200..=399, _)) if is_whole => self.done.store(true, Ordering::SeqCst),
            // A server that sends `Retry-After` has not started, and a server that rejects a request has done nothing.
            Some((503, true) | (400..=407 | 409..=499, _)) => {}
            _ => self.unknown.store(true, Ordering::SeqCst),
        }
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Status and `Retry-After` of a response.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseHead {
    status: StatusCode,
    has_retry_after: bool,
}

impl ResponseHead {
    pub(super) fn new<B>(response: &Response<B>) -> Self {
        Self { status: response.status(), has_retry_after: response.headers().contains_key(RETRY_AFTER) }
    }
}

/// Checks whether a method has no side effects (RFC 9110, section 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the request was sent, status and `Retry-After` of its response, and whether the response was read to its
    /// end.
    type Ended = (bool, Option<(u16, bool)>, bool);

    fn effect(ended: Option<Ended>) -> Effect {
        let side_effects = SideEffects::default();
        assert!(side_effects.begin());
        if let Some((was_sent, response, is_whole)) = ended {
            let status = |number| StatusCode::from_u16(number).expect("a status");
            let response =
                response.map(|(number, has_retry_after)| ResponseHead { status: status(number), has_retry_after });
            side_effects.end(was_sent, response, is_whole);
        }
        let effect = side_effects.close();
        assert!(!side_effects.begin(), "the call was cancelled");
        effect
    }

    #[test]
    fn the_effect_follows_from_how_a_request_ended() {
        let table = [
            (None, Effect::Unknown),
            (Some((false, None, false)), Effect::None),
            (Some((true, None, false)), Effect::Unknown),
            (Some((true, Some((201, false)), true)), Effect::Done),
            (Some((true, Some((201, false)), false)), Effect::Unknown),
            (Some((true, Some((302, false)), true)), Effect::Done),
            (Some((true, Some((422, false)), true)), Effect::None),
            (Some((true, Some((429, true)), false)), Effect::None),
            (Some((true, Some((408, false)), true)), Effect::Unknown),
            (Some((true, Some((503, true)), true)), Effect::None),
            (Some((true, Some((503, false)), true)), Effect::Unknown),
            (Some((true, Some((500, true)), true)), Effect::Unknown),
        ];
        for (ended, expected) in table {
            assert_eq!(effect(ended), expected, "{ended:?}");
        }
    }
}
