//! The steps between accepting a connection and its first request: the PROXY protocol, and the TLS handshake.
//!
//! The connection has its place in the limits before the first step, and every step has a timeout.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tls::is_challenge;
use hyper::HeaderMap;
use rustls::ServerConfig;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::transport::{Socket, Transport};
use super::{forwarded, proxy_protocol};
use crate::connections::{AdmitError, Connection};
use crate::settings::{ForwardedHeader, Server, TrustedProxy, is_trusted};

/// What each connection of a listener passes through.
#[derive(Default)]
pub(super) struct Entry {
    proxies: Vec<TrustedProxy>,
    proxy_protocol: bool,
    forwarded_header: ForwardedHeader,
    header_timeout: Duration,
    tls: Option<(TlsAcceptor, Duration)>,
}

impl Entry {
    /// Returns the steps of the public listener.
    pub(super) fn new(config: &Server, tls: Option<Arc<ServerConfig>>) -> Self {
        let handshake_timeout = config.tls.as_ref().map_or(0, |tls| tls.handshake_timeout_ms);
        Self {
            proxies: config.trusted_proxies.clone(),
            proxy_protocol: config.proxy_protocol,
            forwarded_header: config.forwarded_header,
            header_timeout: Duration::from_millis(config.header_timeout_ms),
            tls: tls.map(|tls| (TlsAcceptor::from(tls), Duration::from_millis(handshake_timeout))),
        }
    }

    /// Returns whether a peer is a trusted proxy; `None` is the peer of a Unix socket.
    pub(super) fn is_proxy(&self, peer: Option<IpAddr>) -> bool {
        is_trusted(&self.proxies, peer)
    }

    /// Returns whether connections have no step before their first request.
    pub(super) fn is_empty(&self) -> bool {
        self.tls.is_none() && !self.proxy_protocol
    }

    /// Performs the steps of one connection. Returns `None` if no request follows.
    pub(super) async fn enter(&self, mut socket: Socket, connection: &Connection) -> io::Result<Option<Transport>> {
        if self.proxy_protocol && connection.is_proxied() {
            let read = timeout(self.header_timeout, proxy_protocol::read(&mut socket)).await;
            let client =
                read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no header of the PROXY protocol"))??;
            if let Some(client) = client {
                // This address may itself be a trusted proxy, which names its caller in a header.
                connection.set_peer(client, self.is_proxy(Some(client)));
                self.identify(connection, client).map_err(|_| {
                    METRICS.connections_refused.inc();
                    io::Error::new(io::ErrorKind::QuotaExceeded, "the caller has reached its limit of connections")
                })?;
            }
        }
        let Some((acceptor, time_max)) = &self.tls else { return Ok(Some(Transport::Plain(socket))) };
        let (outcome, result) = match timeout(*time_max, acceptor.accept(socket)).await {
            Ok(Ok(stream)) if is_challenge(stream.get_ref().1.alpn_protocol()) => {
                Transport::Tls(Box::new(stream)).close(false).await;
                ("challenge", Ok(None))
            }
            Ok(Ok(stream)) => ("done", Ok(Some(Transport::Tls(Box::new(stream))))),
            Ok(Err(error)) => ("failed", Err(error)),
            Err(_) => ("timeout", Err(io::Error::new(io::ErrorKind::TimedOut, "TLS handshake timed out"))),
        };
        METRICS.tls_handshakes.get_or_create(&labels::Outcome { outcome }).inc();
        result
    }

    /// Finds the caller of a request from a trusted proxy, and counts the connection for it.
    pub(super) fn request(&self, connection: &Connection, headers: &HeaderMap) -> Result<(), AdmitError> {
        match forwarded::client(self.forwarded_header, &self.proxies, headers) {
            Some(client) => self.identify(connection, client),
            None => Ok(()),
        }
    }

    /// Counts the connection for this caller. Trusted proxies have no limit of their own.
    fn identify(&self, connection: &Connection, client: IpAddr) -> Result<(), AdmitError> {
        connection.identify(client, !self.is_proxy(Some(client)))
    }
}
