//! Verifies the signatures of providers' webhooks. The operator binds a key to a name (`webhook_keys` of
//! `[plugins.named.NAME]`). The key stays in the gateway; the plugin never sees it.
//!
//! ```
//! use frontgate_sdk::channel::{WebhookResult, Request};
//! use frontgate_sdk::{Result, signatures, testing};
//!
//! fn receive(request: &Request) -> Result<WebhookResult> {
//!     let signature = request.header("x-signature").and_then(|value| value.strip_prefix("sha256="));
//!     let Some(signature) = signature else { return Ok(WebhookResult::status(403)) };
//!     if !signatures::hmac_sha256("pigeons", &request.body, signature)? {
//!         return Ok(WebhookResult::status(403));
//!     }
//!     Ok(WebhookResult::status(204))
//! }
//!
//! testing::signatures(|check| check.key == "pigeons" && check.message == b"Hello" && check.signature == "5bdc");
//! let request = Request::post("https://gw.example.net/front/sms/k/provider", "Hello");
//! assert_eq!(receive(&request)?.response.status, 403);
//! assert_eq!(receive(&request.with("x-signature", "sha256=5bdc"))?.response.status, 204);
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```
//!
//! Pass the whole signature in hexadecimal, base64 or base64url, without the provider's prefix. If the provider signs a
//! timestamp, check its age as well: a recorded webhook can be replayed.

pub use crate::bindings::webhook_signatures::Algorithm;
use crate::bindings::webhook_signatures::SignatureError;
use crate::{Error, Result, host};

/// Returns whether the signature is the message's HMAC-SHA256 with this key.
///
/// ```
/// use frontgate_sdk::{signatures, testing};
///
/// testing::signatures(|check| check.message == b"1700000000.{}");
/// assert!(signatures::hmac_sha256("pigeons", "1700000000.{}", "5bdc")?);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn hmac_sha256(key: &str, message: impl AsRef<[u8]>, signature: &str) -> Result<bool> {
    verify(key, Algorithm::HmacSha256, message.as_ref(), signature)
}

/// Returns whether the signature is the message's HMAC-SHA1 with this key.
///
/// ```
/// use frontgate_sdk::{signatures, testing};
///
/// testing::signatures(|check| check.message == b"{}");
/// assert!(!signatures::hmac_sha1("pigeons", "[]", "effc")?);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn hmac_sha1(key: &str, message: impl AsRef<[u8]>, signature: &str) -> Result<bool> {
    verify(key, Algorithm::HmacSha1, message.as_ref(), signature)
}

/// Verifies a signature. An unbound key causes `Unavailable`, so that the provider retries its webhook later.
fn verify(key: &str, algorithm: Algorithm, message: &[u8], signature: &str) -> Result<bool> {
    host::signatures::verify(key, algorithm, message, signature).map_err(|error| match error {
        SignatureError::UnknownKey => Error::unavailable(format!(
            "no webhook key `{key}`: add webhook_keys = {{ {key} = {{ env = \"NAME\" }} }} to the plugin's table"
        )),
        SignatureError::TooMany => Error::failed("the call checks more signatures than signatures_max allows"),
    })
}
