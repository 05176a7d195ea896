//! Verifies `X-Twilio-Signature`.
//!
//! Only [`Keys::verify`] creates a [`Verified`], and only a [`Verified`] gives access to the fields: a request cannot
//! be decoded before it was verified.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_signing::{Algorithm, KeyedHash, hex};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::candidates::{self, Base};
use super::form::{Form, FormError};

/// Name of the header with the signature.
pub const SIGNATURE: &str = "x-twilio-signature";
/// Name of the header that names a SharedKey.
pub const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// Maximum bytes that are hashed to verify one request. Real requests have a few kilobytes, so all candidates are
/// tried; a forged body of 256 KiB is not hashed dozens of times.
const SIGNED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The parts of a request that its signature covers.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'r> {
    /// Path and query, unchanged.
    pub target: &'r str,
    /// `X-Twilio-Signature`.
    pub signature: Option<&'r str>,
    /// `X-Twilio-Webhooks-Signature-Settings`.
    pub settings: Option<&'r str>,
    /// Whether the content type of the body is that of a form.
    pub is_form: bool,
    /// The whole body.
    pub body: &'r [u8],
}

/// A request that Twilio signed. Only [`Keys::verify`] creates this type.
#[derive(Debug)]
pub struct Verified<'r> {
    content: Content<'r>,
    /// The URL that was signed.
    pub url: String,
    /// Label of the key that signed the request.
    pub key: String,
}

/// The signed content.
#[derive(Debug)]
pub enum Content<'r> {
    /// The fields of a form.
    Form(Form<'r>),
    /// A body of another kind. The bytes are not accessible: the signature covers them only if the URL has their hash.
    Other,
}

impl<'r> Verified<'r> {
    /// Returns the signed content.
    pub fn content(&self) -> &Content<'r> {
        &self.content
    }
}

/// The reason why a request was not verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header is absent.
    #[error("no X-Twilio-Signature header")]
    Missing,
    /// No configured key makes signatures of this length.
    #[error("signature has {0} characters; no configured key produces that length")]
    Length(usize),
    /// The content type is that of a form, but the body is not a form.
    #[error("the body is not a form: {0}")]
    Form(#[from] FormError),
    /// The query's `bodySHA256` is the hash of another body.
    #[error("bodySHA256 in the URL does not match the request body")]
    BodyHash,
    /// The request is signed with a SharedKey that is not configured.
    #[error("signed with a SharedKey that is not in shared_keys: {0}")]
    UnknownKey(String),
    /// The header names another algorithm than the configured one.
    #[error("SharedKey {id} is configured for {configured}, but the request says {claimed}")]
    Algorithm {
        /// Id of the key.
        id: String,
        /// Algorithm in the configuration.
        configured: &'static str,
        /// Algorithm in the request's header.
        claimed: String,
    },
    /// No key matches for any candidate URL.
    #[error("the signature does not match")]
    Mismatch,
}

/// A secret, prepared for signing.
#[derive(Clone)]
pub struct Key {
    /// Name for logs: `auth_tokens[0]`, or the id of a SharedKey.
    pub label: String,
    hash: KeyedHash,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.label)
    }
}

impl Key {
    /// Creates a key from its secret. Auth tokens sign with HMAC-SHA1.
    pub fn new(label: impl Into<String>, secret: &str, algorithm: Algorithm) -> Self {
        Self { label: label.into(), hash: KeyedHash::new(secret, algorithm) }
    }

    /// Returns the signature of a URL followed by the sorted form, as in the header.
    pub fn sign(&self, url: &str, form: &str) -> String {
        BASE64_STANDARD.encode(self.hash.hash(&[url.as_bytes(), form.as_bytes()]).as_bytes())
    }

    /// Returns whether this key made a signature.
    pub(super) fn matches(&self, url: &str, form: &str, signature: &str) -> bool {
        self.sign(url, form).as_bytes().ct_eq(signature.as_bytes()).into()
    }

    /// Returns the number of characters of a signature in base64.
    fn signature_chars(&self) -> usize {
        match self.algorithm() {
            Algorithm::HmacSha1 => 28,
            Algorithm::HmacSha256 => 44,
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.hash.algorithm()
    }
}

/// All keys that may sign one tenant's requests.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) base: Base,
    pub(super) tokens: Vec<Key>,
    pub(super) shared: Vec<Key>,
}

impl Keys {
    /// Creates the keys for requests to a public URL. The label of a SharedKey is its id.
    pub fn new(base: Base, tokens: Vec<Key>, shared: Vec<Key>) -> Self {
        Self { base, tokens, shared }
    }

    /// Rejects a request that cannot be Twilio's, whatever its body. The signature is missing or has a wrong length, or
    /// the SharedKey is unknown. No signature is computed, so this check can precede reading the body.
    pub fn presented(&self, request: &SignedRequest<'_>) -> Result<(), Refusal> {
        let signature = request.signature.ok_or(Refusal::Missing)?;
        let keys = self.candidates(request)?;
        match keys.iter().any(|key| key.signature_chars() == signature.len()) {
            true => Ok(()),
            false => Err(Refusal::Length(signature.len())),
        }
    }

    /// Verifies that one of the tenant's keys signed the request, for one of the candidate URLs.
    pub fn verify<'r>(&self, request: &SignedRequest<'r>) -> Result<Verified<'r>, Refusal> {
        self.presented(request)?;
        let (signature, keys) = (request.signature.ok_or(Refusal::Missing)?, self.candidates(request)?);
        let content = if request.is_form { Content::Form(Form::parse(request.body)?) } else { Content::Other };
        // Nearly every request has this text; making the other texts costs more than the signature.
        if let (Content::Form(form), Some(key)) = (&content, keys.first()) {
            let url = self.base.likely(request.target);
            if key.matches(&url, &candidates::likely(form), signature) {
                check_body_hash(request)?;
                return Ok(Verified { content, url, key: key.label.clone() });
            }
        }
        let forms = match &content {
            Content::Form(form) => candidates::texts(form),
            Content::Other => vec![String::new()],
        };
        let urls = self.base.urls(request.target);
        let mut left = SIGNED_BYTES_MAX;
        let mut matches = |key: &Key, url: &str, form: &str| {
            // The most likely texts come first, and at least one is tried.
            let tried = left > 0;
            left = left.saturating_sub(url.len() + form.len());
            tried && key.matches(url, form, signature)
        };
        let signed = urls.into_iter().find_map(|url| {
            let key = keys.iter().find(|key| forms.iter().any(|form| matches(key, &url, form)))?;
            Some((url, key.label.clone()))
        });
        let Some((url, key)) = signed else {
            return Err(Refusal::Mismatch);
        };
        check_body_hash(request)?;
        Ok(Verified { content, url, key })
    }

    /// Returns the keys that may have signed a request: the SharedKey that it names, or else every auth token.
    pub(super) fn candidates(&self, request: &SignedRequest<'_>) -> Result<&[Key], Refusal> {
        let Some((id, claimed)) = request.settings.and_then(settings) else {
            return Ok(&self.tokens);
        };
        let Some(at) = self.shared.iter().position(|key| key.label == id) else {
            return Err(Refusal::UnknownKey(id.to_owned()));
        };
        let configured = self.shared[at].algorithm().name();
        if configured != claimed {
            return Err(Refusal::Algorithm { id: id.to_owned(), configured, claimed: claimed.to_owned() });
        }
        Ok(&self.shared[at..=at])
    }

    /// Returns all URLs that may have been signed for a request target.
    pub fn urls(&self, target: &str) -> Vec<String> {
        self.base.urls(target)
    }

    /// Returns the labels of the keys that may have signed a request.
    pub fn labels(&self, request: &SignedRequest<'_>) -> Vec<&str> {
        self.candidates(request).unwrap_or_default().iter().map(|key| key.label.as_str()).collect()
    }

    /// Returns the signature that Twilio would send for a form, made with the first token.
    pub fn sign(&self, target: &str, form: &Form<'_>) -> Option<String> {
        let url = self.base.urls(target).swap_remove(0);
        let text = candidates::texts(form).swap_remove(0);
        self.tokens.first().map(|key| key.sign(&url, &text))
    }
}

/// Returns the key id and algorithm in the settings header; `None` without an algorithm.
fn settings(header: &str) -> Option<(&str, &str)> {
    let value = |name| {
        header
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    };
    let algorithm = value("algorithm").filter(|value| !value.is_empty())?;
    Some((value("key").unwrap_or_default(), algorithm))
}

/// Checks the hash of the body if the URL has one, whatever the content type. If a body is not a form, the signature
/// covers only this hash.
fn check_body_hash(request: &SignedRequest<'_>) -> Result<(), Refusal> {
    match body_hash(request.target) {
        Some(hash) if !hash_matches(&hash, request.body) => Err(Refusal::BodyHash),
        _ => Ok(()),
    }
}

fn body_hash(target: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "bodySHA256")
        .map(|(_, value)| value.into_owned())
}

fn hash_matches(hash: &str, body: &[u8]) -> bool {
    hex(&Sha256::digest(body)).as_bytes().ct_eq(hash.as_bytes()).into()
}

#[cfg(test)]
mod tests;
