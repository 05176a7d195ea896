//! What the requests of a call may have left behind outside: whoever has to know whether it may be made
//! again cannot ask a plugin that has crashed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hyper::{Method, StatusCode};

/// The requests of one call, as far as they may change something.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// Those that have begun and not ended: a call that is given up ends a moment later.
    open: AtomicUsize,
    unclear: AtomicBool,
    done: AtomicBool,
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

    pub(super) fn begin(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    /// A request has ended, with this answer, which came whole or not.
    pub(super) fn end(&self, has_left: bool, status: Option<StatusCode>, is_whole: bool) {
        match status.map(|status| status.as_u16()) {
            _ if !has_left => {}
            Some(200..=399) if is_whole => self.done.store(true, Ordering::SeqCst),
            // Whoever has no time has not begun, and whoever refuses has done nothing.
            Some(503 | 400..=407 | 409..=499) => {}
            _ => self.unclear.store(true, Ordering::SeqCst),
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a request changes nothing by its nature.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
