//! Tokens of pages: where a page ends, as a value that stays valid while customers come and go.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_customer_search::{Position, SortKey};
use sha2::{Digest as _, Sha256};

/// Begins the token of a page of the index. Tokens of plugins begin otherwise.
const PREFIX: &str = "frontgate-index:";
/// Bytes of the query's digest in a token.
const QUERY_BYTES: usize = 8;
/// Bytes of a row's number in a token.
const NUMBER_BYTES: usize = 4;

/// Returns the token of the page after a position. A token is valid for the same query only.
pub(crate) fn write(position: &Position, query: &str) -> String {
    let mut bytes = digest(query).to_vec();
    bytes.extend(position.n.to_be_bytes());
    bytes.extend(position.key.as_bytes());
    format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a token; `None` if it is another query's, or not from the index.
pub(crate) fn read(token: &str, query: &str) -> Option<Position> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let rest = bytes.strip_prefix(&digest(query))?;
    let (n, key) = rest.split_first_chunk::<NUMBER_BYTES>()?;
    Some(Position { key: SortKey::from_bytes(key), n: u32::from_be_bytes(*n) })
}

/// Returns whether the index made a token.
pub(crate) fn is_own(token: &str) -> bool {
    token.starts_with(PREFIX)
}

fn digest(query: &str) -> [u8; QUERY_BYTES] {
    let mut digest = [0; QUERY_BYTES];
    digest.copy_from_slice(&Sha256::digest(query)[..QUERY_BYTES]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_for_its_query_only() {
        let position = Position { key: SortKey::from_bytes(b"mora"), n: 7 };
        let token = write(&position, "mo");
        assert_eq!(read(&token, "mo"), Some(position));
        assert_eq!(read(&token, "mora"), None);
        for damaged in ["", "frontgate-index:", "frontgate-index:!", &token[..20], "42"] {
            assert_eq!(read(damaged, "mo"), None, "{damaged}");
        }
    }
}
