//! TLS in front of something that has none, with a certificate of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Stopped when it is dropped.
pub struct Tls {
    runtime: Option<Runtime>,
    address: SocketAddr,
    certificate: String,
}

impl Tls {
    /// Takes TLS connections to `localhost`, and passes on what is in them.
    pub fn before(target: SocketAddr) -> Self {
        Self::of("localhost", target)
    }

    /// The same under another name.
    pub fn of(name: &str, target: SocketAddr) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key).expect("they belong together");
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

    /// `https://localhost:...`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The port of that.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a caller must trust, as PEM.
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
