//! Certificates for the public listener, and a client that trusts them.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::signed_callback;

/// The time limit for an answer; a test that waits this long fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A self-signed certificate and its key, in PEM format.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Pair {
    /// Creates a certificate for host names and addresses.
    pub fn of(names: &[&str]) -> Self {
        Self::with(names, |_| ())
    }

    /// Creates a certificate with changed parameters.
    pub fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A client that trusts certificates, and resumes no session.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// Creates a client that trusts these certificates in PEM format.
    pub fn trusting(certificates: &[&str]) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")).expect("a certificate");
        }
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Self(Arc::new(config))
    }

    /// Creates a client that speaks only one version of TLS.
    pub fn of_version(certificate: &str, version: &'static SupportedProtocolVersion) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")).expect("a certificate");
        let config = ClientConfig::builder_with_protocol_versions(&[version]);
        Self(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }

    /// Changes the configuration.
    pub fn with(self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        change(&mut config);
        Self(Arc::new(config))
    }

    /// Performs a handshake. An address as name sends no server name.
    pub fn connect(&self, address: SocketAddr, name: &str) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(address)?;
        self.handshake(stream, name)
    }

    /// Performs a handshake over a connection.
    pub fn handshake(&self, mut stream: TcpStream, name: &str) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut session = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(session, stream))
    }

    /// Sends a signed callback over a new connection, and returns the status.
    pub fn callback(&self, address: SocketAddr, name: &str) -> io::Result<u16> {
        let mut stream = self.connect(address, name)?;
        stream.write_all(signed_callback("connection: close\r\n").as_bytes())?;
        let mut text = String::new();
        // The gateway ends the session, so a cut connection is an error here.
        stream.read_to_string(&mut text)?;
        text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| io::Error::other(text))
    }
}
