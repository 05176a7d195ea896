//! Verifies the signatures of providers' webhooks.

use base64::Engine as _;
use subtle::{Choice, ConstantTimeEq as _};

use crate::encoding::{BASE64, BASE64_URL, from_hex};
use crate::keyed_hash::{Algorithm, HASH_BYTES_MAX, KeyedHash};

/// The secrets that a provider may sign webhooks with: one, or several during a rotation.
pub struct WebhookKey(Vec<[KeyedHash; 2]>);

impl WebhookKey {
    /// Creates a key from the secrets.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let hashes = |secret| [Algorithm::HmacSha1, Algorithm::HmacSha256].map(|by| KeyedHash::new(secret, by));
        Self(secrets.into_iter().map(hashes).collect())
    }

    /// Returns whether one of the secrets signed the message. The time is constant for signatures of the right length.
    /// A prefix of a hash is invalid, since it could be guessed byte by byte.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        let Some(claimed) = decode(signature, algorithm) else { return false };
        let hashes = self.0.iter().flatten().filter(|hash| hash.algorithm() == algorithm);
        let matches = hashes.map(|hash| hash.hash(&[message]).as_bytes().ct_eq(&claimed));
        matches.fold(Choice::from(0), |found, one| found | one).into()
    }
}

/// Decodes a signature in hexadecimal, base64 or base64url. Returns `None` unless the result has the length of a whole
/// hash. The length of the text decides between hexadecimal and base64.
fn decode(signature: &str, algorithm: Algorithm) -> Option<Vec<u8>> {
    let length = match algorithm {
        Algorithm::HmacSha1 => 20,
        Algorithm::HmacSha256 => HASH_BYTES_MAX,
    };
    let bytes = if signature.len() == 2 * length {
        from_hex(signature)?
    } else if signature.len() <= 2 * length {
        let engine = if signature.contains(['-', '_']) { BASE64_URL } else { BASE64 };
        engine.decode(signature).ok()?
    } else {
        return None;
    };
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key of test case 2 in RFC 2202 and RFC 4231. The message and the hashes below belong to the same test case.
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
    fn a_prefix_of_a_signature_is_invalid() {
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
