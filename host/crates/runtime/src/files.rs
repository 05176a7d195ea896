//! The files of the message that a call is about. Whoever makes the call knows where they are.

use std::future::Future;
use std::pin::Pin;

pub use super::outbound::{Body, Failure};

/// Gives a plugin the files of one message.
pub trait Files: Send + Sync {
    /// Begins to fetch a file. Nothing of it is held but what was read and not given away yet.
    fn open<'f>(&'f self, id: &'f str) -> Opening<'f>;
}

/// A file, when its first bytes are there.
pub type Opening<'f> = Pin<Box<dyn Future<Output = Result<Body, Missing>> + Send + 'f>>;

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The message has none of this id.
    Unknown,
    /// It is not to be had.
    Refused(String),
    /// Not now.
    Unavailable(String),
}
