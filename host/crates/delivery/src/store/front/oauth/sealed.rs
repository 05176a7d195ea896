//! Encryption with a key that only a bearer has: AES-256-GCM with a random nonce.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::random;

/// Encrypts bytes. They can be decrypted only with the same key and the same context.
pub(super) fn seal(key: &[u8; 32], context: &str, plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = random();
    let mut text = plain.to_vec();
    let tag =
        cipher(key).seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut text);
    let tag = tag.expect("a text of a row is short enough");
    [&nonce[..], &text, tag.as_ref()].concat()
}

/// Decrypts bytes. Returns `None` for another key or context, or changed bytes.
pub(super) fn open(key: &[u8; 32], context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = cipher(key).open_in_place(nonce, Aad::from(context), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has 256 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open_unchanged_bytes() {
        let sealed = seal(&[7; 32], "a", b"secret");
        assert_eq!(open(&[7; 32], "a", &sealed).as_deref().map(Vec::as_slice), Some(&b"secret"[..]));
        assert!(open(&[8; 32], "a", &sealed).is_none());
        assert!(open(&[7; 32], "b", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&[7; 32], "a", &changed).is_none(), "byte {at}");
        }
        assert!(open(&[7; 32], "a", b"short").is_none());
    }

    #[test]
    fn the_same_text_is_never_encrypted_alike() {
        assert_ne!(seal(&[7; 32], "a", b"secret"), seal(&[7; 32], "a", b"secret"));
    }
}
