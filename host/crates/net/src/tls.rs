//! TLS for outgoing connections, and the certificate authorities that they trust.

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

/// A TLS client that verifies certificates against the roots that browsers trust and the operator's roots.
pub struct Tls(TlsConnector);

impl Tls {
    /// Creates a TLS client. A file that became unreadable after the configuration was checked is skipped, so its
    /// authorities are not trusted.
    pub fn new(ca_files: &[PathBuf]) -> Self {
        Self(TlsConnector::from(Arc::new(tls_config(ca_files))))
    }

    /// Performs the TLS handshake with a host, which is a name or an address.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| anyhow!("invalid host name {host}"))?;
        self.0.connect(name, stream).await.with_context(|| format!("TLS handshake with {host} failed"))
    }
}

/// Returns the configuration of a TLS client, see [`Tls::new`].
pub fn tls_config(ca_files: &[PathBuf]) -> ClientConfig {
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let own = ca_files.iter().filter_map(|file| read_authorities(file).ok());
    roots.add_parsable_certificates(own.flatten());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the usual versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Connections are pooled, so resumption would save little. It would also share state between isolated callers.
    config.resumption = Resumption::disabled();
    config
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
