//! Signed requests (RFC 7515, RFC 8555 section 6.2): ES256 only.

use std::collections::HashMap;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A request whose signature, nonce and URL are valid.
pub(super) struct Signed {
    pub(super) payload: Value,
    pub(super) url: String,
    /// The key of the account.
    pub(super) key: Value,
}

impl Signed {
    /// Verifies a request, and consumes its nonce.
    pub(super) fn verify(
        body: &[u8],
        url: &str,
        nonces: &mut Vec<String>,
        accounts: &HashMap<String, Value>,
    ) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let part = |name: &str| body[name].as_str().ok_or_else(|| format!("no {name}"));
        let decode = |text: &str| BASE64.decode(text).map_err(|error| error.to_string());
        let (protected, payload) = (part("protected")?, part("payload")?);
        let head: Value = serde_json::from_slice(&decode(protected)?).map_err(|error| error.to_string())?;
        if head["alg"] != "ES256" || head["url"] != url {
            return Err(format!("signed for another algorithm or URL: {head}"));
        }
        let nonce = nonces.iter().position(|nonce| head["nonce"] == nonce.as_str()).ok_or("unknown nonce")?;
        nonces.swap_remove(nonce);
        let key = match head["kid"].as_str() {
            Some(account) => accounts.get(account).ok_or("unknown account")?,
            None if url.ends_with("/account") => &head["jwk"],
            None => return Err("no account".to_owned()),
        };
        let number = |name: &str| decode(key[name].as_str().unwrap_or_default());
        let point = [vec![4], number("x")?, number("y")?].concat();
        let message = format!("{protected}.{payload}");
        let signature = decode(part("signature")?)?;
        let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature);
        verified.map_err(|_| "wrong signature".to_owned())?;
        let payload = serde_json::from_slice(&decode(payload)?).unwrap_or_default();
        Ok(Self { payload, url: url.to_owned(), key: key.clone() })
    }

    /// Returns the thumbprint of the account's key (RFC 7638).
    pub(super) fn thumbprint(&self) -> String {
        let (x, y) = (&self.key["x"], &self.key["y"]);
        BASE64.encode(Sha256::digest(format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":{x},\"y\":{y}}}")))
    }
}
