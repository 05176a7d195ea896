//! Explains why a signature does not match. Shows the keys that were tried and the single change that would match.
//! The explanation is for the operator, never for the caller.
//!
//! The changes are in one table. Each is a text that Front, or another system, may have signed instead of the right
//! one.

mod json_forms;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_signing::{Algorithm, BASE64, BASE64_URL, KeyedHash, from_hex};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::signature::{Keys, NO_BODY, Refusal, SignedRequest};

/// Maximum number of other apps whose keys are tried.
const OTHERS_MAX: usize = 200;

/// Number of characters of an HMAC-SHA1 in base64.
const SHA1_CHARS: usize = 28;

/// Context of a request.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'s> {
    /// Keys of the other apps, by name.
    pub others: &'s [(&'s str, &'s Keys)],
}

/// The explanation of a refusal.
#[derive(Debug)]
pub struct Explanation {
    /// The refusal.
    pub refusal: Refusal,
    /// Labels of the keys that were tried.
    pub keys: Vec<String>,
    /// The single change that would make the signature match.
    pub near_miss: Option<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.refusal, Refusal::TooOld { .. } | Refusal::TooNew { .. }) {
            return write!(f, "{}", self.refusal);
        }
        if self.refusal != Refusal::Mismatch {
            write!(f, "{}; ", self.refusal)?;
        }
        match self.keys.as_slice() {
            [] => f.write_str("no key configured (add app_secrets)")?,
            keys => write!(f, "tried with {}", keys.join(", "))?,
        }
        match &self.near_miss {
            Some(change) => write!(f, "; it would match {change}"),
            None if self.refusal == Refusal::Mismatch && !self.keys.is_empty() => {
                f.write_str("; no single change would match: is this the secret of the app that sends?")
            }
            None => Ok(()),
        }
    }
}

/// Explains a refusal by the headers alone, before the body was read.
pub fn explain_unread(keys: &Keys, refusal: Refusal) -> String {
    let sha1 = match refusal {
        Refusal::Length(SHA1_CHARS) => {
            "; the length is that of HMAC-SHA1, as sent by rule webhooks and custom channels; use an application \
             channel for this address"
        }
        _ => "",
    };
    let keys = keys.labels().map(str::to_owned).collect();
    format!("{}{sha1}", Explanation { refusal, keys, near_miss: None })
}

/// Explains a refusal. The cost is dozens of signatures and copies of the body, so the caller must limit the size of
/// the request.
pub fn explain(keys: &Keys, request: &SignedRequest<'_>, refusal: Refusal, around: &Surroundings<'_>) -> Explanation {
    let is_signed = matches!(refusal, Refusal::TooOld { .. } | Refusal::TooNew { .. });
    Explanation {
        keys: keys.labels().map(str::to_owned).collect(),
        near_miss: (!is_signed).then(|| near_miss(keys, request, around)).flatten(),
        refusal,
    }
}

fn near_miss(keys: &Keys, request: &SignedRequest<'_>, around: &Surroundings<'_>) -> Option<String> {
    let presented = Presented::read(request.signature?)?;
    let right = request.timestamp.map(|timestamp| base(timestamp, request.body));
    if let (Some(notation), Some(right)) = (presented.notation, &right) {
        return presented
            .is_by(keys, right)
            .then(|| format!("if the signature were plain base64 instead of {notation}"));
    }
    let found = texts(request)
        .into_iter()
        .find(|text| keys.keys.iter().any(|key| presented.is(key.secret.as_bytes(), text.algorithm, &text.signed)));
    found.map(|text| text.change.to_owned()).or_else(|| {
        let right = right?;
        let other_app = || {
            let other = around.others.iter().take(OTHERS_MAX).find(|(_, other)| presented.is_by(other, &right));
            other.map(|(name, _)| format!("with the keys of `{name}`"))
        };
        other_secrets(keys, &presented, &right).or_else(other_app)
    })
}

/// A text that may have been signed instead of the right one.
struct SignedText {
    /// Completes "it would match ...".
    change: &'static str,
    algorithm: Algorithm,
    signed: Vec<u8>,
}

/// Returns the table of changes, the most likely first. Without a timestamp, only Front's other schemes remain, which
/// sign the body alone.
fn texts(request: &SignedRequest<'_>) -> Vec<SignedText> {
    let sha1 = |change, signed| SignedText { change, algorithm: Algorithm::HmacSha1, signed };
    let sha256 = |change, signed| SignedText { change, algorithm: Algorithm::HmacSha256, signed };
    let body = request.body;
    let other_schemes = [
        sha1(
            "as a rule webhook or custom channel request (HMAC-SHA1 of the body); use an application channel for this \
             address",
            body.to_vec(),
        ),
        sha256("if the time and a colon were signed before the body", body.to_vec()),
    ];
    let Some(timestamp) = request.timestamp else {
        return other_schemes.into();
    };
    let mut all = vec![sha1("if the sender used HMAC-SHA256 instead of HMAC-SHA1", base(timestamp, body))];
    all.extend(other_schemes);
    all.extend([
        sha256("if the body had no white space around it", base(timestamp, body.trim_ascii())),
        sha256("if the body ended with a line feed", base(timestamp, &[body, b"\n"].concat())),
    ]);
    let forms = json_forms::of(body).into_iter();
    all.extend(forms.map(|(change, form)| sha256(change, base(timestamp, &form))));
    all.push(sha256(
        "if the request were a DELETE (Front signs `undefined` in place of its body)",
        base(timestamp, NO_BODY),
    ));
    if let Ok(time) = timestamp.parse::<u64>() {
        let at = |time: u64| base(&time.to_string(), body);
        all.push(sha256("if the timestamp were in seconds (the sender signed seconds)", at(time / 1_000)));
        let milliseconds = "if the timestamp were in milliseconds (the sender signed milliseconds)";
        all.extend(time.checked_mul(1_000).map(|time| sha256(milliseconds, at(time))));
    }
    all
}

/// Tries secrets that were copied with white space, or that another program decodes before signing.
fn other_secrets(keys: &Keys, presented: &Presented, text: &[u8]) -> Option<String> {
    keys.keys.iter().find_map(|key| {
        let (label, secret) = (&key.label, key.secret.as_str());
        let forms = [
            (format!("if {label} had no white space around it"), Some(secret.trim().as_bytes().to_vec())),
            (format!("if {label} ended with a line feed"), Some([secret.as_bytes(), b"\n"].concat())),
            (format!("if {label} were decoded from hexadecimal digits; Front uses it as text"), from_hex(secret)),
            (
                format!("if {label} were decoded from base64; Front uses it as text"),
                BASE64_STANDARD.decode(secret).ok(),
            ),
        ];
        let mut forms = forms.map(|(change, form)| (change, form.map(Zeroizing::new))).into_iter();
        let is_signer = |form: &Zeroizing<Vec<u8>>| presented.is(form, Algorithm::HmacSha256, text);
        let form = forms.find(|(_, form)| form.as_ref().is_some_and(is_signer));
        form.map(|(change, _)| change)
    })
}

/// Returns the text that Front signs.
fn base(timestamp: &str, body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b":", body].concat()
}

/// A presented signature, decoded from any notation.
struct Presented {
    bytes: Vec<u8>,
    /// The notation, unless it is plain base64.
    notation: Option<&'static str>,
}

impl Presented {
    /// Decodes a signature, or returns `None` if its notation is unknown.
    fn read(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        let notations = [
            (None, BASE64_STANDARD.decode(text).ok()),
            (Some("hexadecimal digits"), from_hex(trimmed)),
            (Some("base64 with white space around it"), BASE64_STANDARD.decode(trimmed).ok()),
            (Some("base64 without its `=`"), BASE64.decode(trimmed).ok()),
            (Some("base64 in the alphabet of URLs"), BASE64_URL.decode(trimmed).ok()),
        ];
        // Hexadecimal digits are valid base64 as well: the length distinguishes them.
        let is_digest = |bytes: &Vec<u8>| matches!(bytes.len(), 20 | 32);
        let read = |(notation, bytes): (_, Option<_>)| Some(Self { bytes: bytes.filter(is_digest)?, notation });
        notations.into_iter().find_map(read)
    }

    /// Returns whether a secret made this signature of a text.
    fn is(&self, secret: &[u8], algorithm: Algorithm, text: &[u8]) -> bool {
        KeyedHash::new(secret, algorithm).hash(&[text]).as_bytes().ct_eq(&self.bytes).into()
    }

    /// Returns whether one of the keys made this signature of a text.
    fn is_by(&self, keys: &Keys, text: &[u8]) -> bool {
        keys.keys.iter().any(|key| self.is(key.secret.as_bytes(), Algorithm::HmacSha256, text))
    }
}

#[cfg(test)]
mod tests;
