//! `X-Twilio-Signature`: says which bytes Twilio wrote. Only what [`Keys::verify`] returns can be
//! decoded, so the order cannot slip.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_signing::Algorithm;
use frontgate_signing::{KeyedHash, hex};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::candidates::{self, Base};
use super::form::{Form, FormError};

/// The header with the signature.
pub const SIGNATURE: &str = "x-twilio-signature";
/// The header that names a SharedKey.
pub const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// Bytes that are signed to find the text that one request's signature is for. Texts of real requests are some kilobytes,
/// so that all of them are tried; a stranger's 256 KiB are not signed dozens of times.
const SIGNED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What arrived, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// Path and query, byte for byte.
    pub target: &'r str,
    /// `X-Twilio-Signature`.
    pub signature: Option<&'r str>,
    /// `X-Twilio-Webhooks-Signature-Settings`.
    pub settings: Option<&'r str>,
    /// Whether the body is a form, by its content type.
    pub is_form: bool,
    /// The whole body.
    pub body: &'r [u8],
}

/// A request that Twilio signed. There is no other way to make one than [`Keys::verify`].
#[derive(Debug)]
pub struct Verified<'r> {
    content: Content<'r>,
    /// The URL that was signed.
    pub url: String,
    /// Label of the key that signed.
    pub key: String,
}

/// What was signed.
#[derive(Debug)]
pub enum Content<'r> {
    /// The fields of a form.
    Form(Form<'r>),
    /// A body of another kind. Nobody has asked for its bytes yet; who does must first see to it that
    /// the URL carries their hash.
    Other,
}

impl<'r> Verified<'r> {
    /// What was signed.
    pub fn content(&self) -> &Content<'r> {
        &self.content
    }
}

/// Why a request is not taken for Twilio's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Twilio signs every request.
    #[error("there is no X-Twilio-Signature header")]
    Missing,
    /// Another algorithm or another notation.
    #[error("the signature does not match: it has {0} letters, which no key for this request gives")]
    Length(usize),
    /// The signature covers the fields, so they must be readable.
    #[error("the body is not a form: {0}")]
    Form(#[from] FormError),
    /// The query's `bodySHA256` is that of another body.
    #[error("bodySHA256 in the URL is not the hash of this body")]
    BodyHash,
    /// A SharedKey that is not configured.
    #[error("it is signed with a SharedKey that is not in shared_keys: {0}")]
    UnknownKey(String),
    /// A header that asks for another algorithm than the key is configured for.
    #[error("the SharedKey {id} is configured for {configured}, and the request says {claimed}")]
    Algorithm {
        /// Id of the key.
        id: String,
        /// What the operator wrote.
        configured: &'static str,
        /// What the request's header says.
        claimed: String,
    },
    /// No key and no candidate URL gives this signature.
    #[error("the signature does not match")]
    Mismatch,
}

/// One secret, ready to sign.
#[derive(Clone)]
pub struct Key {
    /// As it may be logged: `auth_tokens[0]`, or a SharedKey's id.
    pub label: String,
    hash: KeyedHash,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.label)
    }
}

impl Key {
    /// A key from its secret. Auth tokens sign with HMAC-SHA1.
    pub fn new(label: impl Into<String>, secret: &str, algorithm: Algorithm) -> Self {
        Self { label: label.into(), hash: KeyedHash::new(secret, algorithm) }
    }

    /// The signature of a URL followed by the sorted form, as it stands in the header.
    pub fn sign(&self, url: &str, form: &str) -> String {
        BASE64_STANDARD.encode(self.hash.of(&[url.as_bytes(), form.as_bytes()]).as_bytes())
    }

    /// Whether this key gives this signature.
    pub(super) fn matches(&self, url: &str, form: &str, signature: &str) -> bool {
        self.sign(url, form).as_bytes().ct_eq(signature.as_bytes()).into()
    }

    /// Letters of a signature in base64.
    fn letters(&self) -> usize {
        match self.algorithm() {
            Algorithm::HmacSha1 => 28,
            Algorithm::HmacSha256 => 44,
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.hash.algorithm()
    }
}

/// All that one tenant's requests may be signed with.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) base: Base,
    pub(super) tokens: Vec<Key>,
    pub(super) shared: Vec<Key>,
}

impl Keys {
    /// Keys for requests to this public URL. A SharedKey's label is its id.
    pub fn new(base: Base, tokens: Vec<Key>, shared: Vec<Key>) -> Self {
        Self { base, tokens, shared }
    }

    /// Refuses a request that no body could make Twilio's: without a signature, with one that no key gives, or under a
    /// SharedKey that is not configured. Costs no signature, so this comes before the body is read.
    pub fn presented(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let signature = request.signature.ok_or(Refusal::Missing)?;
        let keys = self.candidates(request)?;
        match keys.iter().any(|key| key.letters() == signature.len()) {
            true => Ok(()),
            false => Err(Refusal::Length(signature.len())),
        }
    }

    /// Takes a request for Twilio's if any of the tenant's keys signed it for any URL that means
    /// this place.
    pub fn verify<'r>(&self, request: &Request<'r>) -> Result<Verified<'r>, Refusal> {
        self.presented(request)?;
        let (signature, keys) = (request.signature.ok_or(Refusal::Missing)?, self.candidates(request)?);
        let content = if request.is_form { Content::Form(Form::parse(request.body)?) } else { Content::Other };
        // Nearly every request is signed so, and the other texts cost more than the signature.
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
            // The likeliest texts come first, and one is always tried.
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

    /// The keys that this request may be signed with: the SharedKey that it names, or else every
    /// auth token.
    pub(super) fn candidates(&self, request: &Request<'_>) -> Result<&[Key], Refusal> {
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

    /// Every URL that means a place, as it may have been signed.
    pub fn urls(&self, target: &str) -> Vec<String> {
        self.base.urls(target)
    }

    /// Labels of the keys that a request may be signed with.
    pub fn labels(&self, request: &Request<'_>) -> Vec<&str> {
        self.candidates(request).unwrap_or_default().iter().map(|key| key.label.as_str()).collect()
    }

    /// What Twilio would send for this form: URL and signature, by the first token.
    pub fn sign(&self, target: &str, form: &Form<'_>) -> Option<String> {
        let url = self.base.urls(target).swap_remove(0);
        let text = candidates::texts(form).swap_remove(0);
        self.tokens.first().map(|key| key.sign(&url, &text))
    }
}

/// Key id and algorithm of the settings header. Without an algorithm the header says nothing.
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

/// Where the URL names a hash, the body has it, whatever its content type says: the signature covers nothing else of a
/// body that is no form.
fn check_body_hash(request: &Request<'_>) -> Result<(), Refusal> {
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
