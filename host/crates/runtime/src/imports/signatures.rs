//! `webhook-signatures`: checks a provider's signature with a key that stays here. It never signs: a plugin gets a
//! yes or a no.

use frontgate_contract::bindings::webhook_signatures::{Algorithm, Host, SignatureError};

use crate::run::store::CallStore;

impl Host for CallStore {
    fn verify(
        &mut self,
        key: String,
        algorithm: Algorithm,
        message: Vec<u8>,
        signature: String,
    ) -> Result<bool, SignatureError> {
        self.signatures_left = self.signatures_left.checked_sub(1).ok_or(SignatureError::TooMany)?;
        let key = self.grants.webhook_keys.get(&key).ok_or(SignatureError::UnknownKey)?;
        Ok(key.verify(hash(algorithm), &message, &signature))
    }
}

fn hash(algorithm: Algorithm) -> frontgate_signing::Algorithm {
    match algorithm {
        Algorithm::HmacSha1 => frontgate_signing::Algorithm::HmacSha1,
        Algorithm::HmacSha256 => frontgate_signing::Algorithm::HmacSha256,
    }
}
