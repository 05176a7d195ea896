//! Files of the message that a call is about.
//!
//! The caller knows where the files are, and passes an implementation of [`Files`] to the call.

use std::future::Future;
use std::pin::Pin;

pub use crate::outbound::body::Body;
pub use crate::outbound::failure::Failure;

/// Opens the files of one message for a plugin.
pub trait Files: Send + Sync {
    /// Starts to fetch a file. Keeps only unread bytes in memory.
    fn open<'f>(&'f self, id: &'f str) -> Opening<'f>;
}

/// Resolves to the body of a file once its first bytes have arrived.
pub type Opening<'f> = Pin<Box<dyn Future<Output = Result<Body, FileError>> + Send + 'f>>;

/// Reason why a file cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// The message has no file with this id.
    Unknown,
    /// A retry would fail as well.
    Rejected(String),
    /// A later retry may succeed.
    Unavailable(String),
}
