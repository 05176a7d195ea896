//! Checks of challenges: over HTTP (RFC 8555 section 8.3), and over TLS (RFC 8737).

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::der::Decode as _;

/// Object identifier of the extension with the digest.
const ACME_IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";

pub(super) fn http(address: SocketAddr, token: &str, proof: &str) -> Result<(), String> {
    let answer = crate::get(address, &format!("/.well-known/acme-challenge/{token}"), &[]);
    (answer.status == 200 && answer.text == proof).then_some(()).ok_or(answer.text)
}

pub(super) fn tls(address: SocketAddr, host: &str, proof: &str) -> Result<(), String> {
    let config = ClientConfig::builder().dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate));
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).map_err(|error| error.to_string())?;
    }
    if session.alpn_protocol() != Some(b"acme-tls/1") {
        return Err("another protocol".to_owned());
    }
    let leaf = session.peer_certificates().and_then(|chain| chain.first()).ok_or("no certificate")?;
    let parsed = x509_cert::Certificate::from_der(leaf).map_err(|error| error.to_string())?;
    let expected = [&[4, 32][..], &Sha256::digest(proof)].concat();
    let extensions = parsed.tbs_certificate.extensions.unwrap_or_default();
    let matches = extensions.iter().any(|extension| {
        extension.critical
            && extension.extn_id.to_string() == ACME_IDENTIFIER
            && extension.extn_value.as_bytes() == expected
    });
    matches.then_some(()).ok_or_else(|| "the certificate has another digest".to_owned())
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
