//! Random secrets, of which only digests are stored.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha256};

/// Random bytes of a secret: 128 bits.
const SECRET_BYTES: usize = 16;

/// Returns a new secret: 26 capital letters and digits.
///
/// # Panics
///
/// Panics if the system has no random numbers.
pub(crate) fn random() -> String {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).expect("the system's random numbers");
    BASE32_NOPAD.encode(&bytes)
}

/// Returns the digest under which a secret is stored. A secret is random, so the digest needs no salt, and equal digests
/// can be compared without regard to time.
pub(crate) fn digest(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}
