//! Keyed hashes (HMAC): the primitive of every signature that the gateway checks.
//!
//! Pure. `twilio` signs and compares with it, and plugins check their providers' webhooks through it without
//! ever holding the key.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

/// How a key signs. The names are those of Twilio's header.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Algorithm {
    /// What auth tokens always use.
    #[serde(rename = "HMAC_SHA1")]
    HmacSha1,
    /// What SharedKeys use.
    #[default]
    #[serde(rename = "HMAC_SHA256")]
    HmacSha256,
}

impl Algorithm {
    /// As Twilio writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC_SHA1",
            Self::HmacSha256 => "HMAC_SHA256",
        }
    }
}

/// Bytes of the longest hash.
const HASH_BYTES_MAX: usize = 32;

/// Base64 with padding or without, since providers differ.
const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
pub const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
pub const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// Bytes in small hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The bytes that pairs of hexadecimal digits stand for.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    rest.is_empty().then_some(bytes).flatten()
}

/// One secret, ready to hash with. Nothing prints it.
#[derive(Clone)]
pub struct KeyedHash(Keyed);

#[derive(Clone)]
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

/// The hash of one message.
pub struct Hash {
    bytes: [u8; HASH_BYTES_MAX],
    length: usize,
}

impl Hash {
    /// The bytes as the algorithm gives them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl KeyedHash {
    /// A key from its secret, which is used as text.
    pub fn new(secret: &str, algorithm: Algorithm) -> Self {
        let any_length = "HMAC takes keys of any length";
        Self(match algorithm {
            Algorithm::HmacSha1 => Keyed::Sha1(Hmac::new_from_slice(secret.as_bytes()).expect(any_length)),
            Algorithm::HmacSha256 => Keyed::Sha256(Hmac::new_from_slice(secret.as_bytes()).expect(any_length)),
        })
    }

    /// Which hash it is.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Keyed::Sha1(_) => Algorithm::HmacSha1,
            Keyed::Sha256(_) => Algorithm::HmacSha256,
        }
    }

    /// The hash of a message that is given in parts.
    pub fn of(&self, parts: &[&[u8]]) -> Hash {
        fn digest<M: hmac::Mac + Clone>(mac: &M, parts: &[&[u8]]) -> Hash {
            let mut mac = mac.clone();
            parts.iter().for_each(|part| mac.update(part));
            let (found, mut bytes) = (mac.finalize().into_bytes(), [0; HASH_BYTES_MAX]);
            bytes[..found.len()].copy_from_slice(&found);
            Hash { bytes, length: found.len() }
        }
        match &self.0 {
            Keyed::Sha1(mac) => digest(mac, parts),
            Keyed::Sha256(mac) => digest(mac, parts),
        }
    }
}

/// The secrets that a provider may sign its webhooks with: one, or several while it rotates them.
pub struct WebhookKey(Vec<[KeyedHash; 2]>);

impl WebhookKey {
    /// A key from its secrets.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let hashes = |secret| [Algorithm::HmacSha1, Algorithm::HmacSha256].map(|by| KeyedHash::new(secret, by));
        Self(secrets.into_iter().map(hashes).collect())
    }

    /// Returns whether a signature is that of one of the secrets over the message. Takes the same time for every
    /// signature of the right length. A part of a hash is not a signature: it could be guessed byte by byte.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        let Some(claimed) = decode(signature, algorithm) else { return false };
        let hashes = self.0.iter().flatten().filter(|hash| hash.algorithm() == algorithm);
        let matches = hashes.map(|hash| hash.of(&[message]).as_bytes().ct_eq(&claimed));
        matches.fold(Choice::from(0), |found, one| found | one).into()
    }
}

/// The bytes of a signature in hexadecimal, base64 or base64url; none unless it is a whole hash. The three have
/// different lengths, or the same meaning.
fn decode(signature: &str, algorithm: Algorithm) -> Option<Vec<u8>> {
    let length = match algorithm {
        Algorithm::HmacSha1 => 20,
        Algorithm::HmacSha256 => HASH_BYTES_MAX,
    };
    let bytes = if signature.len() == 2 * length {
        from_hex(signature)?
    } else if signature.len() <= 2 * length {
        let engine = if signature.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        engine.decode(signature).ok()?
    } else {
        return None;
    };
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 2 of RFC 2202 and of RFC 4231.
    const KEY: &str = "Jefe";
    const MESSAGE: &[u8] = b"what do ya want for nothing?";
    const SHA1: &str = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn the_vectors_of_the_rfcs_are_valid_in_every_notation() {
        let key = WebhookKey::new([KEY]);
        let table = [
            (Algorithm::HmacSha1, SHA1),
            (Algorithm::HmacSha1, &SHA1.to_uppercase()),
            (Algorithm::HmacSha1, "7/zfauXrL6LSdBbV8YTfnCWafHk="),
            (Algorithm::HmacSha1, "7_zfauXrL6LSdBbV8YTfnCWafHk"),
            (Algorithm::HmacSha256, SHA256),
            (Algorithm::HmacSha256, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
            (Algorithm::HmacSha256, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"),
        ];
        for (algorithm, signature) in table {
            assert!(key.verify(algorithm, MESSAGE, signature), "{signature}");
            assert!(!key.verify(algorithm, b"another message", signature), "{signature}");
            assert!(!WebhookKey::new(["other"]).verify(algorithm, MESSAGE, signature), "{signature}");
            assert!(WebhookKey::new(["other", KEY]).verify(algorithm, MESSAGE, signature), "{signature}");
        }
    }

    #[test]
    fn a_part_of_a_signature_is_none() {
        let key = WebhookKey::new([KEY]);
        for algorithm in [Algorithm::HmacSha1, Algorithm::HmacSha256] {
            for signature in [SHA1, SHA256, "7/zfauXrL6LSdBbV8YTfnCWafHk="] {
                for length in 0..signature.len() - 1 {
                    assert!(!key.verify(algorithm, MESSAGE, &signature[..length]), "{}", &signature[..length]);
                }
                assert!(!key.verify(algorithm, MESSAGE, &format!("{signature}0")));
                assert!(!key.verify(algorithm, MESSAGE, &format!("sha256={signature}")));
            }
        }
        assert!(!key.verify(Algorithm::HmacSha256, MESSAGE, SHA1));
        assert!(!key.verify(Algorithm::HmacSha1, MESSAGE, &"é".repeat(20)));
    }
}
