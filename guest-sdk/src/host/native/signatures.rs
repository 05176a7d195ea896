//! Signatures of webhooks: the test's verifier decides which are valid.

use std::cell::RefCell;

use crate::bindings::webhook_signatures::{Algorithm, SignatureError};

/// A signature that a plugin wants to verify.
#[derive(Debug, Clone, Copy)]
pub struct Check<'c> {
    /// The name of the key.
    pub key: &'c str,
    /// The provider's signature algorithm.
    pub algorithm: Algorithm,
    /// The signed message.
    pub message: &'c [u8],
    /// The signature, as the plugin passes it.
    pub signature: &'c str,
}

type Verifier = Box<dyn Fn(&Check<'_>) -> bool>;

thread_local! {
    static VERIFIER: RefCell<Option<Verifier>> = const { RefCell::new(None) };
}

/// Replaces the verifier.
pub(crate) fn set(is_valid: impl Fn(&Check<'_>) -> bool + 'static) {
    VERIFIER.set(Some(Box::new(is_valid)));
}

/// Verifies a signature with the test's verifier. Without a verifier, every key is unknown.
pub(crate) fn verify(key: &str, algorithm: Algorithm, message: &[u8], signature: &str) -> Result<bool, SignatureError> {
    let check = Check { key, algorithm, message, signature };
    VERIFIER.with_borrow(|verifier| match verifier {
        Some(is_valid) => Ok(is_valid(&check)),
        None => Err(SignatureError::UnknownKey),
    })
}

pub(super) fn reset() {
    VERIFIER.take();
}
