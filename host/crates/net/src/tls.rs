//! TLS of outgoing connections, and the certificate authorities that they trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Verifies certificates against the roots that browsers trust, and those of the operator.
pub struct Tls(TlsConnector);

impl Tls {
    /// Files that became unreadable since the configuration was checked are skipped, so that their authorities are not
    /// trusted.
    pub fn new(ca_files: &[PathBuf]) -> Self {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let own = ca_files.iter().filter_map(|file| read_authorities(file).ok());
        roots.add_parsable_certificates(own.flatten());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Connections are pooled, so resumption would save little, and callers that share nothing else would share it.
        config.resumption = Resumption::disabled();
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// Performs the handshake with a host, by name or address.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| anyhow!("invalid host name {host}"))?;
        self.0.connect(name, stream).await.with_context(|| format!("TLS handshake with {host} failed"))
    }
}

/// Reads the certificates of a PEM file.
pub fn read_authorities(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = read.with_context(|| format!("failed to read {}", file.display()))?;
    if all.is_empty() {
        bail!("no certificate in {}", file.display());
    }
    Ok(all)
}
