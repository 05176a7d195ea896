//! One HTTP/1.1 connection that counts what was written to it and read from it.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::{Context as _, anyhow};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

use crate::authorities;

/// Header and number of fields of an answer: more than any platform or API needs.
const HEADER_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 128;

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

    /// The host, without brackets where it is an address.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The host, where it is an address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// How certificates are checked: against the roots that browsers trust, and those of the operator.
pub struct Tls(TlsConnector);

impl Tls {
    /// The files have been read before, when the configuration was checked; one that cannot be read any
    /// more is trusted no more.
    pub fn new(ca_files: &[PathBuf]) -> Self {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let own = ca_files.iter().filter_map(|file| authorities(file).ok());
        roots.add_parsable_certificates(own.flatten());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Connections are kept, so this would save little; and callers would share it that share nothing else.
        config.resumption = Resumption::disabled();
        Self(TlsConnector::from(Arc::new(config)))
    }
}

/// An open connection, for one request at a time.
pub struct Connection<B> {
    requests: SendRequest<B>,
    traffic: Arc<Traffic>,
    /// Reads and writes; ends with this.
    task: AbortOnDropHandle<hyper::Result<()>>,
}

/// Bytes that went over a connection, those of its TLS handshake left out.
#[derive(Default)]
struct Traffic {
    written: AtomicU64,
    read: AtomicU64,
}

impl<B> Connection<B>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    /// Resolves, connects, and agrees on TLS.
    pub(super) async fn open(target: &Target, tls: &Tls) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
        let stream = stream.with_context(|| format!("connecting to {}:{}", target.host, target.port))?;
        Self::over(stream, target.tls.then_some((tls, &target.host))).await
    }

    /// Connects to the first address that answers, with TLS for the name of the target.
    pub(super) async fn open_at(target: &Target, addresses: &[IpAddr], tls: &Tls) -> anyhow::Result<Self> {
        let mut failed = anyhow!("{} has no address", target.host);
        for address in addresses {
            match TcpStream::connect((*address, target.port)).await {
                Ok(stream) => return Self::over(stream, target.tls.then_some((tls, &target.host))).await,
                Err(error) => failed = anyhow!("connecting to {} at {address}: {error}", target.host),
            }
        }
        Err(failed)
    }

    /// Agrees on TLS with a host, where there is to be TLS.
    pub async fn over(stream: TcpStream, tls: Option<(&Tls, &str)>) -> anyhow::Result<Self> {
        // Requests are written at once and whole; waiting for more to send only costs time.
        let _ = stream.set_nodelay(true);
        let Some((tls, host)) = tls else {
            return Self::talk(stream).await;
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| anyhow!("{host} is no host"))?;
        let stream = tls.0.connect(name, stream).await.with_context(|| format!("TLS with {host}"))?;
        Self::talk(stream).await
    }

    async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> anyhow::Result<Self> {
        let traffic = Arc::<Traffic>::default();
        let counted = Counted { stream, traffic: Arc::clone(&traffic) };
        let mut http = http1::Builder::new();
        http.max_headers(HEADERS_MAX).max_header_size(HEADER_BYTES_MAX);
        let (requests, connection) = http.handshake(TokioIo::new(counted)).await?;
        let task = AbortOnDropHandle::new(tokio::spawn(connection));
        Ok(Self { requests, traffic, task })
    }

    pub(super) async fn send(&mut self, request: Request<B>) -> hyper::Result<Response<Incoming>> {
        self.requests.ready().await?;
        self.requests.send_request(request).await
    }

    /// The same, which gives the request back if nothing of it was looked at.
    pub async fn try_send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, (hyper::Error, Option<Box<Request<B>>>)> {
        if let Err(error) = self.requests.ready().await {
            return Err((error, Some(Box::new(request))));
        }
        self.requests.try_send_request(request).await.map_err(|mut failed| {
            let unsent = failed.take_message().map(Box::new);
            (failed.into_error(), unsent)
        })
    }
}

impl<B> Connection<B> {
    /// Bytes of requests that were given away so far. They may not have arrived, but nobody can
    /// know.
    pub fn written(&self) -> u64 {
        self.traffic.written.load(Ordering::SeqCst)
    }

    /// Bytes of answers that have arrived so far.
    pub fn read(&self) -> u64 {
        self.traffic.read.load(Ordering::SeqCst)
    }

    /// Ends it, and says what was written until then: nothing is any more.
    pub async fn end(self) -> u64 {
        self.task.abort();
        let _ = self.task.await;
        self.traffic.written.load(Ordering::SeqCst)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }
}

/// Counts what is written and read.
struct Counted<S> {
    stream: S,
    traffic: Arc<Traffic>,
}

impl<S> Counted<S> {
    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.traffic.written.fetch_add(u64::try_from(*bytes).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let bytes = buf.filled().len() - before;
        self.traffic.read.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::SeqCst);
        polled
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
