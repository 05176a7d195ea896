//! Computes the SHA-256 of several texts, in hexadecimal digits.

use frontgate_signing::hex;
use sha2::{Digest, Sha256};

/// Number of characters of a digest.
pub(super) const DIGITS: usize = 64;

/// Returns the digest of parts, each preceded by its length, so that different lists have different digests.
pub(super) fn of<const N: usize>(parts: [&[u8]; N]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_between_parts_change_the_digest() {
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
        assert_ne!(of([b"ab"]), of([b"ab", b""]));
        assert_eq!(of([b"ab"]).len(), DIGITS);
    }
}
