//! A TLS proxy for a plain TCP server, with a self-signed certificate.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A running proxy, stopped on drop.
pub struct Tls {
    runtime: Option<Runtime>,
    address: SocketAddr,
    certificate: String,
}

impl Tls {
    /// Accepts TLS connections for `localhost`, and forwards their content to a target.
    pub fn before(target: SocketAddr) -> Self {
        Self::of("localhost", target)
    }

    /// Accepts TLS connections for a host name, and forwards their content to a target.
    pub fn of(name: &str, target: SocketAddr) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key).expect("a matching key and certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut inside = acceptor.accept(stream).await.ok()?;
                    let mut plain = TcpStream::connect(target).await.ok()?;
                    copy_bidirectional(&mut inside, &mut plain).await.ok()
                });
            }
        });
        Self { runtime: Some(runtime), address, certificate: cert.pem() }
    }

    /// Returns the proxy's URL, `https://localhost:PORT`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Returns the port of the proxy.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the certificate that a client must trust, in PEM format.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
