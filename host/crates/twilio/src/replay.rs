//! The identity of a signed request, for recognising replays.

use frontgate_signing::hex;
use sha2::{Digest as _, Sha256};

/// The identity of everything that Twilio signed with one signature: URL and fields.
///
/// Headers are not part of it, nor is the spelling of a form: a field that is doubled, or whose border to its
/// neighbour moved, has the same signature. Twilio signs no time, so that events with equal fields are one event.
pub fn key(signature: &str) -> String {
    format!("signed {}", hex(&Sha256::digest(signature)))
}
