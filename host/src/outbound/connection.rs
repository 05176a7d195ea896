//! One HTTP/1.1 connection that counts what was written to it.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::{Context as _, anyhow};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

use crate::config::authorities;

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    pub(super) fn of(url: &Url) -> Option<Self> {
        let host = match url.host()? {
            Host::Ipv6(address) => address.to_string(),
            host => host.to_string(),
        };
        Some(Self { tls: url.scheme() == "https", host, port: url.port_or_known_default()? })
    }
}

/// How certificates are checked: against the roots that browsers trust, and those of the operator.
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// The files have been read before, when the configuration was checked; one that cannot be read any
    /// more is trusted no more.
    pub(super) fn new(ca_files: &[PathBuf]) -> Self {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let own = ca_files.iter().filter_map(|file| authorities(file).ok());
        roots.add_parsable_certificates(own.flatten());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(TlsConnector::from(Arc::new(config)))
    }
}

/// An open connection, for one request at a time.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    written: Arc<AtomicU64>,
    /// Reads and writes; ends with this.
    task: AbortOnDropHandle<hyper::Result<()>>,
}

impl Connection {
    /// Resolves, connects, and agrees on TLS.
    pub(super) async fn open(target: &Target, tls: &Tls) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
        let stream = stream.with_context(|| format!("connecting to {}:{}", target.host, target.port))?;
        // Requests are written at once and whole; waiting for more to send only costs time.
        let _ = stream.set_nodelay(true);
        if !target.tls {
            return Self::talk(stream).await;
        }
        let name = ServerName::try_from(target.host.clone()).map_err(|_| anyhow!("{} is no host", target.host))?;
        let stream = tls.0.connect(name, stream).await.with_context(|| format!("TLS with {}", target.host))?;
        Self::talk(stream).await
    }

    async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> anyhow::Result<Self> {
        let written = Arc::new(AtomicU64::new(0));
        let counted = Counted { stream, written: Arc::clone(&written) };
        let (requests, connection) = http1::handshake(TokioIo::new(counted)).await?;
        let task = AbortOnDropHandle::new(tokio::spawn(connection));
        Ok(Self { requests, written, task })
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.requests.ready().await?;
        self.requests.send_request(request).await
    }

    /// Bytes of requests that were given away so far. They may not have arrived, but nobody can
    /// know.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Ends it, and says what was written until then: nothing is any more.
    pub(super) async fn end(self) -> u64 {
        self.task.abort();
        let _ = self.task.await;
        self.written.load(Ordering::SeqCst)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }
}

/// Counts what is written.
struct Counted<S> {
    stream: S,
    written: Arc<AtomicU64>,
}

impl<S> Counted<S> {
    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.written.fetch_add(u64::try_from(*bytes).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
