//! `webhook-signatures`: checks a provider's signature with a key that stays here. It never signs: a plugin gets a
//! yes or a no.

use crate::bindings::webhook_signatures::{Algorithm, Host, SignatureError};

use crate::plugin::run::store::CallStore;

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
        Ok(key.verify(algorithm.into(), &message, &signature))
    }
}

impl From<Algorithm> for crate::signing::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HmacSha1 => Self::HmacSha1,
            Algorithm::HmacSha256 => Self::HmacSha256,
        }
    }
}
