//! SHA-256 of several texts, as hexadecimal letters.

use frontgate_signing::hex;
use sha2::{Digest, Sha256};

/// Letters of a digest.
pub(super) const LETTERS: usize = 64;

/// The digest of parts, each with its length, so that no two lists of parts are the same bytes.
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
    fn where_a_part_ends_makes_a_difference() {
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
        assert_ne!(of([b"ab"]), of([b"ab", b""]));
        assert_eq!(of([b"ab"]).len(), LETTERS);
    }
}
