//! Errors of a session.

use frontgate_store::StoreError;

/// The reason why an operation on a bucket failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The key or the value is larger than its limit.
    TooLarge,
    /// The limit of the bucket, or of one call, is reached.
    Full,
    /// The value is not a number, or the sum is out of range.
    NotANumber,
    /// The database cannot be read in time, or another call holds the lock of the key.
    Unavailable,
}

/// The reason why the writes of a call were not committed.
#[derive(Debug, thiserror::Error)]
pub enum NotCommitted {
    /// Other calls of the plugin filled the bucket first.
    #[error("plugins.state.keys_max or bytes_max reached")]
    Full,
    /// A plain write changed a key that this call had swapped or incremented.
    #[error("another call changed the swapped or incremented key; retry")]
    Changed,
    /// The database failed to write, or did not write in time.
    #[error("{0}")]
    Store(#[from] StoreError),
}
