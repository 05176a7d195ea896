//! A private key that signs JSON Web Tokens: RSA as `RS256`, P-256 as `ES256` (RFC 7518).

use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::{Signer, SigningKey as RustlsKey};

/// Length of a number in an `ES256` signature, in bytes.
const NUMBER_BYTES: usize = 32;
/// Tags of ASN.1.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// A private key with the algorithm that it signs with.
pub struct SigningKey {
    key: Arc<dyn RustlsKey>,
    algorithm: Algorithm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

impl SigningKey {
    /// Reads a key in PEM: PKCS #8, PKCS #1 or SEC 1, without a password.
    ///
    /// # Errors
    ///
    /// Fails if the text is no such key, or if the key is neither RSA nor P-256. The error contains no part of it.
    pub fn from_pem(pem: &str) -> anyhow::Result<Self> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok().context("is not a private key in PEM")?;
        let key = any_supported_type(&der).ok().context("is neither an RSA nor a P-256 key")?;
        let can = |scheme| key.choose_scheme(&[scheme]).is_some();
        let algorithm = match () {
            () if can(SignatureScheme::RSA_PKCS1_SHA256) => Algorithm::Rs256,
            () if can(SignatureScheme::ECDSA_NISTP256_SHA256) => Algorithm::Es256,
            () => bail!("is neither an RSA nor a P-256 key"),
        };
        Ok(Self { key, algorithm })
    }

    /// Returns the name of the algorithm in the header of a token.
    pub fn algorithm(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        }
    }

    /// Signs a message.
    ///
    /// # Errors
    ///
    /// Fails if the key cannot sign, for example because it is too small.
    pub fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let scheme = match self.algorithm {
            Algorithm::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
            Algorithm::Es256 => SignatureScheme::ECDSA_NISTP256_SHA256,
        };
        let signer: Box<dyn Signer> = self.key.choose_scheme(&[scheme]).context("the key does not sign this way")?;
        let signature = signer.sign(message).ok().context("failed to sign")?;
        match self.algorithm {
            Algorithm::Rs256 => Ok(signature),
            Algorithm::Es256 => fixed(&signature).context("unexpected form of the signature"),
        }
    }
}

/// Converts a signature of two ASN.1 integers to two numbers of fixed length.
fn fixed(der: &[u8]) -> Option<Vec<u8>> {
    // The lengths are below 128: each is one byte.
    let [SEQUENCE, _, numbers @ ..] = der else { return None };
    let (mut left, mut signature) = (numbers, Vec::with_capacity(2 * NUMBER_BYTES));
    while let [INTEGER, length, rest @ ..] = left {
        let (number, rest) = rest.split_at_checked(usize::from(*length))?;
        // A leading zero keeps the integer positive.
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        signature.resize(signature.len() + NUMBER_BYTES.checked_sub(number.len())?, 0);
        signature.extend_from_slice(number);
        left = rest;
    }
    (left.is_empty() && signature.len() == 2 * NUMBER_BYTES).then_some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_a_signature_get_their_fixed_length() {
        let der = [&[SEQUENCE, 38, INTEGER, 33, 0][..], &[0xff; 32], &[INTEGER, 1, 7]].concat();
        let expected = [&[0xff; 32][..], &[0; 31], &[7]].concat();
        assert_eq!(fixed(&der), Some(expected));
    }

    #[test]
    fn an_unexpected_signature_is_rejected() {
        assert_eq!(fixed(&[SEQUENCE, 3, INTEGER, 9, 1]), None);
        assert_eq!(fixed(&[SEQUENCE, 3, INTEGER, 1, 1]), None);
    }

    #[test]
    fn a_text_that_is_no_key_is_rejected_without_repeating_it() {
        let error = SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
        let text = format!("{:#}", error.err().expect("an error"));
        assert_eq!(text, "is neither an RSA nor a P-256 key");
    }
}
