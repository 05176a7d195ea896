//! Answers to the challenges of the order in progress.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

/// Answers that servers ask for, until the order ends.
#[derive(Debug, Default)]
pub struct Challenges {
    /// Certificates by host name.
    tls: Mutex<HashMap<String, Arc<CertifiedKey>>>,
    /// Texts by token.
    http: Mutex<HashMap<String, String>>,
}

impl Challenges {
    /// Returns the answer to a request for `/.well-known/acme-challenge/TOKEN`.
    pub fn http(&self, token: &str) -> Option<String> {
        self.http.lock().get(token).cloned()
    }

    /// Returns the certificate that proves control of a host.
    pub(crate) fn tls(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.tls.lock().get(host).cloned()
    }

    pub(super) fn answer_http(&self, token: &str, text: &str) {
        self.http.lock().insert(token.to_owned(), text.to_owned());
    }

    /// Creates a certificate with the digest of the key authorization (RFC 8737).
    pub(super) fn answer_tls(&self, host: &str, digest: &[u8]) -> anyhow::Result<()> {
        let mut params = CertificateParams::new([host.to_owned()]).context("invalid host name")?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate().context("failed to create a key")?;
        let certificate = params.self_signed(&key).context("failed to create the certificate of a challenge")?;
        let der = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        // Without a check that key and certificate match: parsers reject the critical extension of the challenge.
        let key = any_ecdsa_type(&der).context("failed to use the key of a challenge")?;
        let key = CertifiedKey::new(vec![certificate.der().clone()], key);
        self.tls.lock().insert(host.to_owned(), Arc::new(key));
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.tls.lock().clear();
        self.http.lock().clear();
    }
}
