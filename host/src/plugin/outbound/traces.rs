//! What the requests of a call may have left behind outside: whoever has to know whether it may be made
//! again cannot ask a plugin that has crashed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hyper::header::RETRY_AFTER;
use hyper::{Method, Response, StatusCode};

/// The requests of one call, as far as they may change something.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// Those that have begun and not ended: a call that is given up ends a moment later.
    open: AtomicUsize,
    unclear: AtomicBool,
    done: AtomicBool,
    closed: AtomicBool,
}

impl Traces {
    /// Whether some request may have left, and nobody said what came of it.
    pub(crate) fn is_unclear(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0 || self.unclear.load(Ordering::SeqCst)
    }

    /// The same, or some request did what it was to do.
    pub(crate) fn is_any(&self) -> bool {
        self.is_unclear() || self.done.load(Ordering::SeqCst)
    }

    /// Nobody waits for the call any more: no further request of it begins.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
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
