//! Signatures of webhooks: a test says which are valid.

use std::cell::RefCell;

use crate::bindings::webhook_signatures::SignatureError;
use crate::signatures::Algorithm;

type Verifier = Box<dyn Fn(&Check<'_>) -> bool>;

thread_local! {
    static VERIFIER: RefCell<Option<Verifier>> = const { RefCell::new(None) };
}

/// What a plugin wants to have checked.
#[derive(Debug, Clone, Copy)]
pub struct Check<'c> {
    /// The name of the key.
    pub key: &'c str,
    /// How the provider signs.
    pub algorithm: Algorithm,
    /// What it signs.
    pub message: &'c [u8],
    /// The signature, as the plugin gives it.
    pub signature: &'c str,
}

/// Sets which signatures of webhooks are valid. Before, no key is bound.
///
/// ```
/// use frontgate_sdk::{Error, signatures, testing};
///
/// let check = || signatures::hmac_sha256("pigeons", "Hello", "5bdc");
/// assert!(matches!(check(), Err(Error::Unavailable(_))));
/// testing::signatures(|check| check.signature == "5bdc");
/// assert_eq!(check(), Ok(true));
/// ```
pub fn signatures(is_valid: impl Fn(&Check<'_>) -> bool + 'static) {
    VERIFIER.set(Some(Box::new(is_valid)));
}

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
