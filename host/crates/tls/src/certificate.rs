//! A certificate with its private key, checked before any handshake uses it.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use frontgate_settings::Open;
use rustls::Error;
use rustls::InconsistentKeys;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use x509_cert::der::Decode as _;

use crate::acme::state::stored;
use crate::settings::Settings;

/// Maximum size of a file; a chain of certificates has a few KiB.
const BYTES_MAX: u64 = 1 << 20;

/// A certificate chain and the key that belongs to it.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    /// Seconds since 1970 of the last second in which the certificate is valid.
    not_after: i64,
    /// Seconds since 1970 at which two thirds of its life have passed.
    last_third: i64,
    /// Time from the beginning of its validity to the end.
    life: Duration,
    /// Whether it only fills the time until one is obtained.
    temporary: bool,
}

impl Certificate {
    /// Reads the files of a certificate and its key.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or has no PEM of its kind, or if the key is not that of the certificate.
    pub fn read(certificate: &Path, key: &Path, open: Open) -> anyhow::Result<Self> {
        let chain = bytes(certificate, open)?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.with_context(|| format!("failed to read certificates of {}", certificate.display()))?;
        if chain.is_empty() {
            bail!("no certificate in {}", certificate.display());
        }
        // The parser's error could repeat a part of the key.
        let Ok(der) = PrivateKeyDer::from_pem_slice(&bytes(key, open)?) else {
            bail!("no private key in {}", key.display());
        };
        Self::new(chain, der).with_context(|| format!("failed to use {}", certificate.display()))
    }

    /// Checks that the key belongs to the first certificate of the chain.
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> anyhow::Result<Self> {
        let leaf = chain.first().context("the chain is empty")?;
        let parsed = x509_cert::Certificate::from_der(leaf).context("failed to parse the certificate")?;
        let validity = &parsed.tbs_certificate.validity;
        let [not_before, not_after] = [validity.not_before, validity.not_after]
            .map(|time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX));
        let last_third = not_after - (not_after - not_before) / 3;
        let life = Duration::from_secs(u64::try_from(not_after - not_before).unwrap_or_default());
        Ok(Self { key: Self::load(chain, key)?, not_after, last_third, life, temporary: false })
    }

    /// Creates a self-signed certificate that fills the time until one is obtained. It has expired from the start.
    pub(crate) fn temporary(host: &str) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).context("failed to create a certificate")?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let key = Self::load(vec![made.cert.der().clone()], key)?;
        Ok(Self { key, not_after: 0, last_third: 0, life: Duration::ZERO, temporary: true })
    }

    /// Reads a key and a chain in one text.
    pub(crate) fn from_pem(pem: &[u8]) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        // The parser's error could repeat a part of the key.
        let Ok(key) = PrivateKeyDer::from_pem_slice(pem) else { bail!("no private key") };
        Self::new(chain.context("failed to read certificates")?, key)
    }

    /// Checks that a key belongs to the first certificate of a chain.
    pub(crate) fn load(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> anyhow::Result<Arc<CertifiedKey>> {
        let key = match CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()) {
            Ok(key) => key,
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                bail!("the private key is not the one of the certificate")
            }
            Err(error) => return Err(error).context("failed to use the private key"),
        };
        Ok(Arc::new(key))
    }

    /// Reads the certificate that a gateway with these settings uses, for commands on its machine.
    pub fn of_settings(settings: &Settings, open: Open) -> anyhow::Result<Self> {
        match (settings.files(), &settings.acme) {
            (Some((certificate, key)), _) => Self::read(certificate, key, open),
            (None, Some(acme)) => stored(acme),
            (None, None) => bail!("server.tls has no certificate"),
        }
    }

    /// Returns whether the certificate only fills the time until one is obtained.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Returns the time from the beginning of its validity to the end.
    pub(crate) fn life(&self) -> Duration {
        self.life
    }

    /// Returns the seconds since 1970 at which two thirds of its life have passed.
    pub(crate) fn last_third(&self) -> i64 {
        self.last_third
    }

    /// Returns whether the certificate names a host.
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(name) = ServerName::try_from(host) else { return false };
        let parsed = self.key.end_entity_cert().and_then(ParsedCertificate::try_from);
        parsed.is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    }

    /// Returns the seconds until the certificate expires; negative after that.
    pub fn expires_in_seconds(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        self.not_after - i64::try_from(now).unwrap_or(i64::MAX)
    }

    /// Returns whether another certificate has the same chain.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

fn bytes(path: &Path, open: Open) -> anyhow::Result<Vec<u8>> {
    let read = open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    read.with_context(|| format!("failed to read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use frontgate_settings::open_as_is;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;

    fn files(folder: &TempDir, params: CertificateParams, other_key: bool) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let paths = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        let key = if other_key { KeyPair::generate().expect("a key") } else { key };
        fs::write(&paths.0, certificate.pem()).expect("a file");
        fs::write(&paths.1, key.serialize_pem()).expect("a file");
        paths
    }

    fn params() -> CertificateParams {
        let mut params = CertificateParams::new([String::from("gateway.example.com")]).expect("a name");
        params.not_after = date_time_ymd(2001, 2, 3);
        params
    }

    #[test]
    fn a_certificate_covers_the_names_in_it() {
        let folder = TempDir::new().expect("a folder");
        let (certificate, key) = files(&folder, params(), false);
        let read = Certificate::read(&certificate, &key, open_as_is).expect("a certificate");
        assert!(read.covers("gateway.example.com") && !read.covers("example.com"));
    }

    #[test]
    fn the_end_of_a_certificate_is_read_from_it() {
        let folder = TempDir::new().expect("a folder");
        let (certificate, key) = files(&folder, params(), false);
        let read = Certificate::read(&certificate, &key, open_as_is).expect("a certificate");
        assert_eq!(read.not_after, 981_158_400);
    }

    #[test]
    fn a_key_of_another_certificate_is_rejected() {
        let folder = TempDir::new().expect("a folder");
        let (certificate, key) = files(&folder, params(), true);
        let error = Certificate::read(&certificate, &key, open_as_is).expect_err("an error");
        assert!(format!("{error:#}").ends_with("the private key is not the one of the certificate"), "{error:#}");
    }

    #[test]
    fn an_error_about_a_key_does_not_repeat_it() {
        let folder = TempDir::new().expect("a folder");
        let (certificate, key) = files(&folder, params(), false);
        fs::write(&key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0!\n-----END PRIVATE KEY-----\n").expect("a file");
        let error = Certificate::read(&certificate, &key, open_as_is).expect_err("an error");
        assert_eq!(format!("{error:#}"), format!("no private key in {}", key.display()));
    }
}
