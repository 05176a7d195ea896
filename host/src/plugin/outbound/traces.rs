//! What the requests of a call may have left behind outside: whoever has to know whether it may be made
//! again cannot ask a plugin that has crashed.

use std::sync::atomic::{AtomicBool, Ordering};

use hyper::{Method, StatusCode};

/// The requests of one call, as far as they may change something.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    unclear: AtomicBool,
    done: AtomicBool,
}

impl Traces {
    /// Whether some request left, and nobody said what came of it.
    pub(crate) fn is_unclear(&self) -> bool {
        self.unclear.load(Ordering::SeqCst)
    }

    /// The same, or some request did what it was to do.
    pub(crate) fn is_any(&self) -> bool {
        self.is_unclear() || self.done.load(Ordering::SeqCst)
    }

    /// A request that left has ended, with this answer, which came whole or not.
    pub(super) fn note(&self, status: Option<StatusCode>, whole: bool) {
        match status.map(|status| status.as_u16()) {
            Some(200..=399) if whole => self.done.store(true, Ordering::SeqCst),
            // Whoever has no time has not begun, and whoever refuses has done nothing.
            Some(503 | 400..=407 | 409..=499) => {}
            _ => self.unclear.store(true, Ordering::SeqCst),
        }
    }
}

/// Whether a request changes nothing by its nature.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
