//! Proof Key for Code Exchange (RFC 7636), with the method S256 only.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Length of a challenge: 32 bytes in base64.
const CHALLENGE_LENGTH: usize = 43;
/// Length of a verifier.
const VERIFIER_LENGTH: std::ops::RangeInclusive<usize> = 43..=128;

/// The challenge of an authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// Reads a challenge. Returns `None` unless it is the form of a SHA-256 in base64.
    pub fn read(text: &str) -> Option<Self> {
        let is_digest = text.len() == CHALLENGE_LENGTH && BASE64_URL_SAFE_NO_PAD.decode(text).is_ok();
        is_digest.then(|| Self(text.to_owned()))
    }

    /// Returns the text of the request.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Returns whether a verifier belongs to the challenge.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let is_plain = verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let is_met: bool = digest.as_bytes().ct_eq(self.0.as_bytes()).into();
        is_met && is_plain && VERIFIER_LENGTH.contains(&verifier.len())
    }
}
