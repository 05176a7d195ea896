//! Computes `X-Front-Signature`: over the timestamp header, a colon and the raw body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The signed text of a request without a body: JavaScript's `JSON.stringify(undefined)`.
pub const UNDEFINED: &str = "undefined";

/// Signs a body. For a request without a body, pass [`UNDEFINED`].
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    BASE64_STANDARD.encode(hmac(secret, &[timestamp.as_bytes(), b":", body]))
}

pub(crate) fn hmac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC accepts any key length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{UNDEFINED, signature};

    #[test]
    fn signatures_are_those_of_the_contract() {
        let message = r#"{"type":"message","payload":{"id":"msg_test1","type":"custom","is_inbound":false,"created_at":1700000000.123,"body":"Café ☕ 👋","text":"Café ☕ 👋","recipients":[{"handle":"+15550100","role":"to"}],"attachments":[]},"metadata":{"external_conversation_ids":["conv-1"]}}"#;
        let table = [
            (
                r#"{"type":"authorization","payload":{"channel_id":"cha_test1"}}"#,
                "fNpbTLSbBCVDaiaFn5nQvuw/Ie+YKU+6cQTvocBweU8=",
            ),
            (message, "RXMWj68L/+/xaZsn/+XKeY3LWWAIqcHDNZURHNSp0iA="),
            (UNDEFINED, "RaPEaR5ksX5aULWAquTYd/4v5C9l2u3sZdj/8OQ3moU="),
            ("", "iFA56dscqWNXxB7XDjBlFlMePXOOZVLsRoGU89qWJCw="),
            (
                r#"{"type":"delete","payload":{"channel_id":"cha_test1"}}"#,
                "xOtdWPf5MHi9Af4aCLdZbokDISGqAo+QL2000iYs15o=",
            ),
        ];
        for (body, expected) in table {
            assert_eq!(signature("channel-secret-for-tests-0001", "1700000000123", body.as_bytes()), expected);
        }
    }
}
