//! HMAC with a key that is prepared once and used for many messages.

use hmac::{Hmac, KeyInit as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;

/// The hash of a key, under the names of Twilio's header.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Algorithm {
    /// The algorithm of auth tokens.
    #[serde(rename = "HMAC_SHA1")]
    HmacSha1,
    /// The default of SharedKeys.
    #[default]
    #[serde(rename = "HMAC_SHA256")]
    HmacSha256,
}

impl Algorithm {
    /// Returns the name of the algorithm in Twilio's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC_SHA1",
            Self::HmacSha256 => "HMAC_SHA256",
        }
    }
}

/// Length of the longest hash, in bytes.
pub(crate) const HASH_BYTES_MAX: usize = 32;

/// A secret, prepared for hashing. The type has no `Debug` output, so that the secret is never printed.
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
    /// Returns the bytes of the hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl KeyedHash {
    /// Creates a key from the bytes of a secret.
    pub fn new(secret: impl AsRef<[u8]>, algorithm: Algorithm) -> Self {
        let any_length = "HMAC takes keys of any length";
        Self(match algorithm {
            Algorithm::HmacSha1 => Keyed::Sha1(Hmac::new_from_slice(secret.as_ref()).expect(any_length)),
            Algorithm::HmacSha256 => Keyed::Sha256(Hmac::new_from_slice(secret.as_ref()).expect(any_length)),
        })
    }

    /// Returns the hash algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Keyed::Sha1(_) => Algorithm::HmacSha1,
            Keyed::Sha256(_) => Algorithm::HmacSha256,
        }
    }

    /// Computes the hash of a message that is given in parts.
    pub fn hash(&self, parts: &[&[u8]]) -> Hash {
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
