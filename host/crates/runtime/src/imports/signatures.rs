//! `webhook-signatures`: verifies a provider's signature with a key that the plugin names and never sees.
//!
//! The interface never signs: a plugin receives only yes or no.

use std::collections::BTreeMap;

use frontgate_contract::bindings::webhook_signatures::{Algorithm, Host, SignatureError};
use frontgate_signing::WebhookKey;
use wasmtime::component::HasData;

/// Host side of the import `webhook-signatures` for one call.
pub(crate) struct SignaturesHost<'a> {
    pub(crate) keys: &'a BTreeMap<String, WebhookKey>,
    /// Number of signatures that the call may still verify: each one costs a hash over the message.
    pub(crate) left: &'a mut u32,
}

impl HasData for SignaturesHost<'static> {
    type Data<'a> = SignaturesHost<'a>;
}

impl Host for SignaturesHost<'_> {
    fn verify(
        &mut self,
        key: String,
        algorithm: Algorithm,
        message: Vec<u8>,
        signature: String,
    ) -> Result<bool, SignatureError> {
        *self.left = self.left.checked_sub(1).ok_or(SignatureError::TooMany)?;
        let key = self.keys.get(&key).ok_or(SignatureError::UnknownKey)?;
        Ok(key.verify(hash(algorithm), &message, &signature))
    }
}

fn hash(algorithm: Algorithm) -> frontgate_signing::Algorithm {
    match algorithm {
        Algorithm::HmacSha1 => frontgate_signing::Algorithm::HmacSha1,
        Algorithm::HmacSha256 => frontgate_signing::Algorithm::HmacSha256,
    }
}
