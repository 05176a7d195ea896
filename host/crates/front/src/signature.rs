//! Verifies `X-Front-Signature`.
//!
//! Only [`Keys::verify`] creates a [`Verified`], and only a [`Verified`] can be decoded: a request cannot be used
//! before it was verified.
//!
//! Front signs `<X-Front-Request-Timestamp>:<body>` with the text of the app's secret (HMAC-SHA256, base64). The URL is
//! not signed: within the window, a captured request can be sent to another address of the same app. Therefore
//! addresses must be unguessable, and a channel named in the body must be the channel of the address.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_signing::{Algorithm, KeyedHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::time;

/// Name of the header with the signature.
pub const SIGNATURE: &str = "x-front-signature";
/// Name of the header with the time, which is signed.
pub const TIMESTAMP: &str = "x-front-request-timestamp";

/// Window that Front recommends.
#[cfg(test)]
pub(super) const WINDOW_MS: u64 = 5 * 60 * 1_000;

/// Number of characters of an HMAC-SHA256 in base64.
const SIGNATURE_CHARS: usize = 44;

/// JavaScript's text of a missing body. Front's documentation signs GET and DELETE with this text, but Front's sample
/// server verifies the body of a DELETE; both occur.
pub const NO_BODY: &[u8] = b"undefined";

/// Parses the time of the header, in milliseconds since 1970.
pub fn unix_ms(timestamp: &str) -> Option<u64> {
    time::unix_ms_of(timestamp)
}

/// The parts of a request that its signature covers.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'r> {
    /// Whether the method is DELETE, which is signed in one of two ways.
    pub is_delete: bool,
    /// `X-Front-Request-Timestamp`, unchanged.
    pub timestamp: Option<&'r str>,
    /// `X-Front-Signature`.
    pub signature: Option<&'r str>,
    /// The whole body, byte for byte.
    pub body: &'r [u8],
}

/// A request that Front signed. Only [`Keys::verify`] creates this type.
#[derive(Debug)]
pub struct Verified<'r> {
    content: Content<'r>,
    is_delete: bool,
    /// Label of the key that signed the request.
    pub key: String,
    /// Time of sending, in milliseconds since 1970.
    pub sent_ms: u64,
    /// Time from which the request is rejected as too old; until then replays must be recognised.
    pub until_ms: u64,
}

/// The signed content, apart from the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'r> {
    /// The body.
    Body(&'r [u8]),
    /// The absence of a body. A body that arrived anyway is not signed and must be ignored: only the address identifies
    /// the channel.
    AddressOnly,
}

impl<'r> Verified<'r> {
    /// Returns the signed content.
    pub fn content(&self) -> Content<'r> {
        self.content
    }

    /// Returns whether the request is a DELETE.
    pub fn is_delete(&self) -> bool {
        self.is_delete
    }
}

/// The reason why a request was not verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A header is absent; Front sends both with every request.
    #[error("no {0} header")]
    Missing(&'static str),
    /// The time is not a number of seconds or milliseconds since 1970, in decimal digits.
    #[error("{TIMESTAMP} is not a whole number of seconds or milliseconds")]
    Timestamp,
    /// The length is that of another algorithm or notation.
    #[error("{SIGNATURE} has {0} characters; an HMAC-SHA256 in base64 has {SIGNATURE_CHARS}")]
    Length(usize),
    /// The signature is not base64.
    #[error("{SIGNATURE} is not base64")]
    NotBase64,
    /// No key made this signature.
    #[error("the signature does not match")]
    Mismatch,
    /// Front signed the request, but too long ago: a replay, or a wrong clock.
    #[error(
        "signature valid, but request is {age_ms} ms old (signature_window_ms = {window_ms}); check the gateway's clock"
    )]
    TooOld {
        /// Age of the request by the gateway's clock.
        age_ms: u64,
        /// The window.
        window_ms: u64,
    },
    /// Front signed the request at a time that is in the future by the gateway's clock.
    #[error(
        "signature valid, but request is {ahead_ms} ms in the future (signature_window_ms = {window_ms}); check the \
         gateway's clock"
    )]
    TooNew {
        /// Distance of the signed time into the future.
        ahead_ms: u64,
        /// The window.
        window_ms: u64,
    },
}

/// A secret, prepared for signing.
#[derive(Clone)]
pub struct Key {
    /// Name for logs, such as `app_secrets[0]`.
    pub label: String,
    /// The secret, shared with the configuration, so that memory holds one copy.
    pub(super) secret: Arc<Zeroizing<String>>,
    hash: KeyedHash,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.label)
    }
}

impl Key {
    /// Creates a key from the text of the app's secret.
    pub fn new(label: impl Into<String>, secret: &str) -> Self {
        Self::shared(label, Arc::new(Zeroizing::new(secret.to_owned())))
    }

    /// Makes a key from a secret that is shared with the configuration.
    pub fn shared(label: impl Into<String>, secret: Arc<Zeroizing<String>>) -> Self {
        let hash = KeyedHash::new(secret.as_str(), Algorithm::HmacSha256);
        Self { label: label.into(), secret, hash }
    }

    /// Returns the signature of a body at a time, as in the header.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        BASE64_STANDARD.encode(self.hash.hash(&[timestamp.as_bytes(), b":", body]).as_bytes())
    }

    /// Compares signatures as texts: another notation of the same bytes would be a second identity of one request.
    fn matches(&self, timestamp: &str, body: &[u8], signature: &str) -> bool {
        self.sign(timestamp, body).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// All keys that may sign one app's requests.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) keys: Vec<Key>,
    window_ms: u64,
}

impl Keys {
    /// Creates the keys, the most likely first, with the window for a request's time: Front recommends 5 minutes.
    pub fn new(keys: Vec<Key>, window_ms: u64) -> Self {
        Self { keys, window_ms }
    }

    /// Rejects a request that cannot be Front's, whatever its body. No signature is computed, so this check can precede
    /// reading the body.
    pub fn presented(&self, request: &SignedRequest<'_>) -> Result<(), Refusal> {
        let timestamp = request.timestamp.ok_or(Refusal::Missing(TIMESTAMP))?;
        let signature = request.signature.ok_or(Refusal::Missing(SIGNATURE))?;
        unix_ms(timestamp).ok_or(Refusal::Timestamp)?;
        if signature.len() != SIGNATURE_CHARS {
            return Err(Refusal::Length(signature.chars().count()));
        }
        BASE64_STANDARD.decode(signature).map_err(|_| Refusal::NotBase64)?;
        Ok(())
    }

    /// Verifies that one of the keys signed the request, and that it was sent within the window.
    ///
    /// The signature is checked first, so that a time outside the window means a replay or a wrong clock, and never a
    /// forged request.
    pub fn verify<'r>(&self, request: &SignedRequest<'r>, now_ms: u64) -> Result<Verified<'r>, Refusal> {
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

    fn signed<'r>(&self, request: &SignedRequest<'r>, timestamp: &str, signature: &str) -> Option<(&Key, Content<'r>)> {
        let signer = |body: &[u8]| self.keys.iter().find(|key| key.matches(timestamp, body, signature));
        if let Some(key) = signer(request.body) {
            return Some((key, Content::Body(request.body)));
        }
        let key = request.is_delete.then(|| signer(NO_BODY)).flatten()?;
        Some((key, Content::AddressOnly))
    }

    /// Returns the labels of the keys.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.label.as_str())
    }

    /// Returns the signature that Front would send for a body and a time, by the first key.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> Option<String> {
        self.keys.first().map(|key| key.sign(timestamp, body))
    }
}

#[cfg(test)]
mod tests;
