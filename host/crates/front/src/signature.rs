//! `X-Front-Signature`: says which bytes Front wrote, and when. Only what [`Keys::verify`] returns can
//! be decoded, so the order cannot slip.
//!
//! Front signs `<X-Front-Request-Timestamp>:<body>` with the app's secret as it stands in Front's
//! settings (HMAC-SHA256, base64). The URL is not signed: whoever sees a request can send it to another
//! address of the same app while the window is open, so addresses are unguessable and bodies that name
//! their channel are compared with it.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::time;

/// The header with the signature.
pub const SIGNATURE: &str = "x-front-signature";
/// The header with the time, which is part of what is signed.
pub const TIMESTAMP: &str = "x-front-request-timestamp";

/// How far a request's time may be from ours, either way: what Front recommends.
#[cfg(test)]
pub(super) const WINDOW_MS: u64 = 5 * 60 * 1_000;

/// Letters of an HMAC-SHA256 in base64.
const LETTERS: usize = 44;

/// What JavaScript makes of a body that is not there. Front's documents say that GET and DELETE are
/// signed with it; its sample server verifies the body of a DELETE. Both come.
pub const NO_BODY: &[u8] = b"undefined";

/// A time in the header, in milliseconds since 1970.
pub fn unix_ms(timestamp: &str) -> Option<u64> {
    time::unix_ms_of(timestamp)
}

/// What arrived, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// Whether it is a DELETE, which is signed in either of two ways.
    pub is_delete: bool,
    /// `X-Front-Request-Timestamp`, letter for letter.
    pub timestamp: Option<&'r str>,
    /// `X-Front-Signature`.
    pub signature: Option<&'r str>,
    /// The whole body, byte for byte.
    pub body: &'r [u8],
}

/// A request that Front signed. There is no other way to make one than [`Keys::verify`].
#[derive(Debug)]
pub struct Verified<'r> {
    content: Content<'r>,
    is_delete: bool,
    /// Label of the key that signed.
    pub key: String,
    /// When Front sent it, in milliseconds since 1970.
    pub sent_ms: u64,
    /// From when on it would be refused as too old: so long a replay must be recognised.
    pub until_ms: u64,
}

/// What was signed beside the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'r> {
    /// The body.
    Body(&'r [u8]),
    /// That there is no body. If one came, anybody may have written it: only the address counts.
    AddressOnly,
}

impl<'r> Verified<'r> {
    /// What was signed.
    pub fn content(&self) -> Content<'r> {
        self.content
    }

    /// Whether the request is a DELETE.
    pub fn is_delete(&self) -> bool {
        self.is_delete
    }
}

/// Why a request is not taken for Front's, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Front sends both headers with every request of a channel.
    #[error("there is no {0} header")]
    Missing(&'static str),
    /// Seconds or milliseconds since 1970, as decimal digits.
    #[error("{TIMESTAMP} is no whole number of seconds or milliseconds")]
    Timestamp,
    /// Another algorithm or another notation.
    #[error("{SIGNATURE} has {0} letters; an HMAC-SHA256 in base64 has {LETTERS}")]
    Length(usize),
    /// Letters that base64 does not have, or has elsewhere.
    #[error("{SIGNATURE} is no base64")]
    NotBase64,
    /// No key gives this signature.
    #[error("the signature does not match")]
    Mismatch,
    /// Front signed it, and it came late: a replay, or a clock that is wrong.
    #[error("it is signed, and was sent {age_ms} ms ago, more than the {window_ms} ms of the window: see this clock")]
    TooOld {
        /// Between Front's time and ours.
        age_ms: u64,
        /// How much is let pass.
        window_ms: u64,
    },
    /// Front signed it, and it is not yet that late here.
    #[error("it is signed, and {ahead_ms} ms ahead of this clock, more than the {window_ms} ms of the window")]
    TooNew {
        /// Between our time and Front's.
        ahead_ms: u64,
        /// How much is let pass.
        window_ms: u64,
    },
}

/// One secret, ready to sign.
#[derive(Clone)]
pub struct Key {
    /// As it may be logged, such as `app_secrets[0]`.
    pub label: String,
    /// Shared with the configuration, so that memory holds one copy.
    pub(super) secret: Arc<Zeroizing<String>>,
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.label)
    }
}

impl Key {
    /// A key from the app's secret, which is text: Front decodes nothing.
    pub fn new(label: impl Into<String>, secret: &str) -> Self {
        Self::shared(label, Arc::new(Zeroizing::new(secret.to_owned())))
    }

    /// Makes a key from a secret that is shared with the configuration.
    pub fn shared(label: impl Into<String>, secret: Arc<Zeroizing<String>>) -> Self {
        let mac = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        Self { label: label.into(), secret, mac }
    }

    /// The signature of a body at a time, as it stands in the header.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let mut mac = self.mac.clone();
        mac.update(timestamp.as_bytes());
        mac.update(b":");
        mac.update(body);
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Compares texts, so that no second notation of the same bytes passes as another request.
    fn matches(&self, timestamp: &str, body: &[u8], signature: &str) -> bool {
        self.sign(timestamp, body).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// All that one app's requests may be signed with.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) keys: Vec<Key>,
    window_ms: u64,
}

impl Keys {
    /// Keys, the likeliest first, and how far a request's time may be from ours: Front recommends 5 minutes.
    pub fn new(keys: Vec<Key>, window_ms: u64) -> Self {
        Self { keys, window_ms }
    }

    /// Refuses a request that no body could make Front's. Costs no signature, so this comes before the body is read.
    pub fn presented(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let timestamp = request.timestamp.ok_or(Refusal::Missing(TIMESTAMP))?;
        let signature = request.signature.ok_or(Refusal::Missing(SIGNATURE))?;
        unix_ms(timestamp).ok_or(Refusal::Timestamp)?;
        if signature.len() != LETTERS {
            return Err(Refusal::Length(signature.chars().count()));
        }
        BASE64_STANDARD.decode(signature).map_err(|_| Refusal::NotBase64)?;
        Ok(())
    }

    /// Takes a request for Front's if any key signed it, and it was sent within the window.
    ///
    /// The signature comes first: that a request is too old is only said of one that Front wrote, and
    /// so means a replay or a wrong clock, never a stranger.
    pub fn verify<'r>(&self, request: &Request<'r>, now_ms: u64) -> Result<Verified<'r>, Refusal> {
        let timestamp = request.timestamp.ok_or(Refusal::Missing(TIMESTAMP))?;
        let signature = request.signature.ok_or(Refusal::Missing(SIGNATURE))?;
        let sent_ms = unix_ms(timestamp).ok_or(Refusal::Timestamp)?;
        self.presented(request)?;
        let signed = self.signed(request, timestamp, signature);
        let (key, content) = signed.ok_or(Refusal::Mismatch)?;
        let window_ms = self.window_ms;
        if now_ms.saturating_sub(sent_ms) > window_ms {
            return Err(Refusal::TooOld { age_ms: now_ms - sent_ms, window_ms });
        }
        if sent_ms.saturating_sub(now_ms) > window_ms {
            return Err(Refusal::TooNew { ahead_ms: sent_ms - now_ms, window_ms });
        }
        let until_ms = sent_ms.saturating_add(window_ms).saturating_add(1);
        Ok(Verified { content, is_delete: request.is_delete, key: key.label.clone(), sent_ms, until_ms })
    }

    fn signed<'r>(&self, request: &Request<'r>, timestamp: &str, signature: &str) -> Option<(&Key, Content<'r>)> {
        let signer = |body: &[u8]| self.keys.iter().find(|key| key.matches(timestamp, body, signature));
        if let Some(key) = signer(request.body) {
            return Some((key, Content::Body(request.body)));
        }
        let key = request.is_delete.then(|| signer(NO_BODY)).flatten()?;
        Some((key, Content::AddressOnly))
    }

    /// Labels of the keys.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.label.as_str())
    }

    /// What Front would send with this body at this time, by the first key.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> Option<String> {
        self.keys.first().map(|key| key.sign(timestamp, body))
    }
}

#[cfg(test)]
mod tests;
