//! Simple reference implementations for the targets. Except the hash functions, they share no code with the gateway.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Block size of SHA-1 and SHA-256 in bytes.
const BLOCK: usize = 64;

/// Computes HMAC as RFC 2104 defines it, in base64.
fn hmac<D: Digest>(key: &[u8], text: &[u8]) -> String {
    let mut block = if key.len() > BLOCK { D::digest(key).to_vec() } else { key.to_vec() };
    block.resize(BLOCK, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = D::digest([pad(0x36), text.to_vec()].concat());
    base64(&D::digest([pad(0x5c), inner.to_vec()].concat()))
}

/// Computes HMAC-SHA1 in base64.
pub(crate) fn hmac_sha1(key: &str, text: &[u8]) -> String {
    hmac::<Sha1>(key.as_bytes(), text)
}

/// Computes HMAC-SHA256 in base64.
pub(crate) fn hmac_sha256(key: &str, text: &[u8]) -> String {
    hmac::<Sha256>(key.as_bytes(), text)
}

/// Computes SHA-256 in hexadecimal.
pub(crate) fn sha256(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * at) & 63) as usize];
            text.push(if at > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// Parses the pairs of a form. Returns `None` if an escape is incomplete or a text is not UTF-8.
pub(crate) fn form(body: &[u8]) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for piece in body.split(|byte| *byte == b'&') {
        if piece.is_empty() {
            continue;
        }
        let mut sides = piece.splitn(2, |byte| *byte == b'=');
        let name = unescaped(sides.next().unwrap_or_default())?;
        let value = unescaped(sides.next().unwrap_or_default())?;
        pairs.push((name, value));
    }
    Some(pairs)
}

fn unescaped(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}
