//! What every stand-in for a platform is made of: a port that goes down and comes back, answers that end
//! early, failures that wait for their requests, and a state that tests wait for.

pub(crate) mod chance;
pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod port;
pub(crate) mod reply;
pub(crate) mod watched;

use sha2::{Digest as _, Sha256};

pub use self::port::Port;
pub use self::reply::{Body, Cut, Reply};
pub use self::watched::Watched;

/// SHA-256 of bytes, in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
