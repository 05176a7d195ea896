//! HMAC with a secret that is prepared once.

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
    /// The name in Twilio's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC_SHA1",
            Self::HmacSha256 => "HMAC_SHA256",
        }
    }
}

/// Bytes of the longest hash.
pub(crate) const HASH_BYTES_MAX: usize = 32;

/// A secret, prepared for hashing. It has no `Debug` output.
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
    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl KeyedHash {
    /// A key from the bytes of its secret.
    pub fn new(secret: impl AsRef<[u8]>, algorithm: Algorithm) -> Self {
        let any_length = "HMAC takes keys of any length";
        Self(match algorithm {
            Algorithm::HmacSha1 => Keyed::Sha1(Hmac::new_from_slice(secret.as_ref()).expect(any_length)),
            Algorithm::HmacSha256 => Keyed::Sha256(Hmac::new_from_slice(secret.as_ref()).expect(any_length)),
        })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Keyed::Sha1(_) => Algorithm::HmacSha1,
            Keyed::Sha256(_) => Algorithm::HmacSha256,
        }
    }

    /// Returns the hash of a message that is given in parts.
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
