//! The back end in native tests: a simulated gateway, which [`testing`](crate::testing) configures.
//!
//! All state is in thread-locals: tests that run in parallel threads do not see each other.

pub(crate) mod actions;
pub(crate) mod attachments;
pub(crate) mod clock;
pub(crate) mod directory;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod settings;
pub(crate) mod signatures;
pub(crate) mod state;

/// Restores the initial state of this thread's gateway.
pub(crate) fn reset() {
    actions::take();
    attachments::set(Default::default());
    clock::reset();
    directory::set(Vec::new());
    files::reset();
    http::reset();
    log::take();
    random::reset();
    settings::reset();
    signatures::reset();
    state::reset(true);
}
