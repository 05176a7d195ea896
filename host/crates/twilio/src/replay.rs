//! The identity of a signed request, for recognising replays.

use frontgate_signing::hex;
use sha2::{Digest as _, Sha256};

/// The identity of what one signature covers: URL and fields.
///
/// Headers and the spelling of the form are not part of it: a repeated field, or one whose border to its neighbour moved,
/// has the same signature. Twilio signs no time, so that events with equal fields are one event.
pub fn key(signature: &str) -> String {
    format!("signed {}", hex(&Sha256::digest(signature)))
}
