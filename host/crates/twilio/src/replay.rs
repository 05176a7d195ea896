//! The identity of a signed request, for recognising replays.

use frontgate_signing::hex;
use sha2::{Digest as _, Sha256};

/// Returns the identity of the URL and fields that one signature covers.
///
/// Headers and the spelling of the form are not part of the identity: a form with a repeated field, or with characters
/// moved between adjacent fields, has the same signature. Twilio signs no time, so events with equal fields are one
/// event.
pub fn key(signature: &str) -> String {
    format!("signed {}", hex(&Sha256::digest(signature)))
}
