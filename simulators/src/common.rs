//! Building blocks of simulators: a port that closes and opens again, truncated responses, queued faults, and a state
//! that tests wait for.
//!
//! Use [`Port`], [`Reply`] and [`Watched`] to write a simulator of another platform or provider.

pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod port;
pub(crate) mod reply;
pub(crate) mod rng;
pub(crate) mod upload;
pub(crate) mod watched;

use sha2::{Digest as _, Sha256};

pub use self::port::Port;
pub use self::reply::{Body, Cut, Reply};
pub use self::watched::Watched;

/// Returns the SHA-256 of bytes, in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
