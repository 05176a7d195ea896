//! Why a request is not taken for Front's, for the operator and never for the caller: what was tried,
//! and the single change that would have made it match.

mod bodies;
mod presented;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_signing::from_hex;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use self::presented::Presented;
use super::signature::{Keys, NO_BODY, Refusal, Request};

/// Other apps whose keys are tried.
const OTHERS_MAX: usize = 200;

/// Letters of an HMAC-SHA1 in base64.
const SHA1_LETTERS: usize = 28;

/// What is known beside the request itself.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'s> {
    /// Keys of the other apps, by name.
    pub others: &'s [(&'s str, &'s Keys)],
}

/// What was tried, and what would have matched.
#[derive(Debug)]
pub struct Explanation {
    /// What the verifier said.
    pub refusal: Refusal,
    /// Labels of the keys that were tried.
    pub keys: Vec<String>,
    /// The single change that would have made it match.
    pub near_miss: Option<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.refusal)?;
        if matches!(self.refusal, Refusal::TooOld { .. } | Refusal::TooNew { .. }) {
            return Ok(());
        }
        match self.keys.as_slice() {
            [] => f.write_str("; tried with no key")?,
            keys => write!(f, "; tried with {}", keys.join(", "))?,
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

/// The reason for a refusal by the headers alone: the body was not read.
pub fn explain_unread(keys: &Keys, refusal: Refusal) -> String {
    let sha1 = match refusal {
        Refusal::Length(SHA1_LETTERS) => {
            "; that many are an HMAC-SHA1, as the request of a rule webhook or of a custom channel has; this address \
             takes an application channel's"
        }
        _ => "",
    };
    let keys = keys.labels().map(str::to_owned).collect();
    format!("{}{sha1}", Explanation { refusal, keys, near_miss: None })
}

/// Looks for the change. Costs some dozens of signatures and copies of the body, so the caller limits
/// the request's size.
pub fn explain(keys: &Keys, request: &Request<'_>, refusal: Refusal, around: &Surroundings<'_>) -> Explanation {
    let is_signed = matches!(refusal, Refusal::TooOld { .. } | Refusal::TooNew { .. });
    Explanation {
        keys: keys.labels().map(str::to_owned).collect(),
        near_miss: (!is_signed).then(|| near_miss(keys, request, around)).flatten(),
        refusal,
    }
}

fn near_miss(keys: &Keys, request: &Request<'_>, around: &Surroundings<'_>) -> Option<String> {
    let presented = Presented::read(request.signature?)?;
    let Some(timestamp) = request.timestamp else {
        return without_timestamp(keys, &presented, request.body);
    };
    let right = base(timestamp, request.body);
    if let Some(notation) = presented.notation {
        return signed_by(keys, &presented, &right).then(|| format!("if it were in plain base64, not {notation}"));
    }
    if signed_by_sha1(keys, &presented, &right) {
        return Some("with HMAC-SHA256 in place of HMAC-SHA1".to_owned());
    }
    without_timestamp(keys, &presented, request.body)
        .or_else(|| other_texts(keys, &presented, timestamp, request).map(str::to_owned))
        .or_else(|| other_secrets(keys, &presented, &right))
        .or_else(|| {
            let other = around.others.iter().take(OTHERS_MAX).find(|(_, other)| signed_by(other, &presented, &right));
            other.map(|(name, _)| format!("with the keys of `{name}`"))
        })
}

/// The other schemes of Front, whose text is the body alone.
fn without_timestamp(keys: &Keys, presented: &Presented, body: &[u8]) -> Option<String> {
    if signed_by_sha1(keys, presented, body) {
        return Some(
            "as the request of a rule webhook or of a custom channel (HMAC-SHA1 of the body alone); this address \
             takes an application channel's"
                .to_owned(),
        );
    }
    signed_by(keys, presented, body).then(|| "if the time and a colon were signed before the body".to_owned())
}

fn other_texts(keys: &Keys, presented: &Presented, timestamp: &str, request: &Request<'_>) -> Option<&'static str> {
    let bodies = bodies::variants(request.body);
    let body = bodies.iter().find(|(_, body)| signed_by(keys, presented, &base(timestamp, body)));
    if let Some((change, _)) = body {
        return Some(change);
    }
    if signed_by(keys, presented, &base(timestamp, NO_BODY)) {
        return Some("if it were a DELETE (the word `undefined` is signed in place of a body)");
    }
    let timestamp: u64 = timestamp.parse().ok()?;
    let times = [
        ("if the header said the time in seconds: they were signed", Some(timestamp / 1_000)),
        ("if the header said the time in milliseconds: they were signed", timestamp.checked_mul(1_000)),
    ];
    let same_unit = |time: u64| signed_by(keys, presented, &base(&time.to_string(), request.body));
    times.into_iter().find(|(_, time)| time.is_some_and(same_unit)).map(|(change, _)| change)
}

/// A secret that was pasted with white space, or that another program decodes before it signs.
fn other_secrets(keys: &Keys, presented: &Presented, text: &[u8]) -> Option<String> {
    keys.keys.iter().find_map(|key| {
        let (label, secret) = (&key.label, key.secret.as_str());
        let forms = [
            (format!("if {label} had no white space around it"), Some(secret.trim().as_bytes().to_vec())),
            (format!("if {label} ended with a line feed"), Some([secret.as_bytes(), b"\n"].concat())),
            (format!("if {label} were hexadecimal digits to decode; Front takes it as text"), from_hex(secret)),
            (format!("if {label} were base64 to decode; Front takes it as text"), BASE64_STANDARD.decode(secret).ok()),
        ];
        let mut forms = forms.map(|(change, form)| (change, form.map(Zeroizing::new))).into_iter();
        let form = forms.find(|(_, form)| form.as_ref().is_some_and(|form| presented.is(form, text)));
        form.map(|(change, _)| change)
    })
}

fn base(timestamp: &str, body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b":", body].concat()
}

fn signed_by(keys: &Keys, presented: &Presented, text: &[u8]) -> bool {
    keys.keys.iter().any(|key| presented.is(key.secret.as_bytes(), text))
}

fn signed_by_sha1(keys: &Keys, presented: &Presented, text: &[u8]) -> bool {
    keys.keys.iter().any(|key| presented.is_sha1(key.secret.as_bytes(), text))
}

impl Presented {
    /// Whether this secret gives this signature of a text.
    fn is(&self, secret: &[u8], text: &[u8]) -> bool {
        let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.chain_update(text).verify_slice(&self.bytes).is_ok()
    }

    fn is_sha1(&self, secret: &[u8], text: &[u8]) -> bool {
        let mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.chain_update(text).verify_slice(&self.bytes).is_ok()
    }
}

#[cfg(test)]
mod tests;
