//! What the requests of a call may have left behind outside: whoever has to know whether it may be made
//! again cannot ask a plugin that has crashed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hyper::header::RETRY_AFTER;
use hyper::{Method, Response, StatusCode};

/// What a call may have left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: no request that may change something left, or those that did were refused.
    None,
    /// Some request did what it was to do.
    Done,
    /// Some request may have, and nobody said what came of it.
    Unknown,
}

/// The requests of one call, as far as they may change something.
#[derive(Debug, Default)]
pub struct SideEffects {
    /// Those that have begun and not ended: a call that is given up ends a moment later.
    open: AtomicUsize,
    unclear: AtomicBool,
    done: AtomicBool,
    closed: AtomicBool,
}

impl SideEffects {
    /// Nobody waits for the call any more: no further request of it begins. Says what those that did may have
    /// left behind; one that has not ended yet is unclear.
    pub fn close(&self) -> Effect {
        self.closed.store(true, Ordering::SeqCst);
        if self.open.load(Ordering::SeqCst) > 0 || self.unclear.load(Ordering::SeqCst) {
            Effect::Unknown
        } else if self.done.load(Ordering::SeqCst) {
            Effect::Done
        } else {
            Effect::None
        }
    }

    /// A request begins, unless nobody waits for it.
    pub(super) fn begin(&self) -> bool {
        self.open.fetch_add(1, Ordering::SeqCst);
        let is_open = !self.closed.load(Ordering::SeqCst);
        if !is_open {
            self.open.fetch_sub(1, Ordering::SeqCst);
        }
        is_open
    }

    /// A request has ended, with this answer, which came whole or not.
    pub(super) fn end(&self, has_left: bool, answer: Option<Answered>, is_whole: bool) {
        let answer = answer.map(|answer| (answer.status.as_u16(), answer.says_when));
        match answer {
            _ if !has_left => {}
            Some((200..=399, _)) if is_whole => self.done.store(true, Ordering::SeqCst),
            // Whoever says when to come again has not begun, and whoever refuses has done nothing.
            Some((503, true) | (400..=407 | 409..=499, _)) => {}
            _ => self.unclear.store(true, Ordering::SeqCst),
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The header of an answer, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    status: StatusCode,
    /// `Retry-After`.
    says_when: bool,
}

impl Answered {
    pub(super) fn new<B>(response: &Response<B>) -> Self {
        Self { status: response.status(), says_when: response.headers().contains_key(RETRY_AFTER) }
    }
}

/// Whether a request changes nothing by its nature.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it left, its answer with or without `Retry-After`, and whether that came whole.
    type Ended = (bool, Option<(u16, bool)>, bool);

    fn left(ended: Option<Ended>) -> Effect {
        let traces = SideEffects::default();
        assert!(traces.begin());
        if let Some((has_left, answer, is_whole)) = ended {
            let status = |number| StatusCode::from_u16(number).expect("a status");
            let answer = answer.map(|(number, says_when)| Answered { status: status(number), says_when });
            traces.end(has_left, answer, is_whole);
        }
        let left = traces.close();
        assert!(!traces.begin(), "nobody waits any more");
        left
    }

    #[test]
    fn what_a_request_leaves_behind_follows_from_how_it_ended() {
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
            assert_eq!(left(ended), expected, "{ended:?}");
        }
    }
}
