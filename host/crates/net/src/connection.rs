//! An HTTP/1.1 connection that counts the bytes written and read.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::{Context as _, anyhow};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

use crate::tls::Tls;

/// Limit of a response's headers in bytes, larger than any platform or API needs.
const HEADER_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 128;

/// The server that a connection is opened to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    /// Returns the server of a URL, or `None` if the URL has no host.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let host = match url.host()? {
            Host::Ipv6(address) => address.to_string(),
            host => host.to_string(),
        };
        Some(Self { tls: url.scheme() == "https", host, port: url.port_or_known_default()? })
    }

    /// Returns the host. An IPv6 address has no brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the host as an IP address, or `None` if the host is a name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// An open connection, for one request at a time.
pub struct Connection<B> {
    requests: SendRequest<B>,
    traffic: Arc<Traffic>,
    /// The task that drives the connection; aborted on drop.
    task: AbortOnDropHandle<hyper::Result<()>>,
}

/// Numbers of bytes of requests and responses on a connection, without the TLS handshake.
#[derive(Default)]
struct Traffic {
    written: AtomicU64,
    read: AtomicU64,
}

impl<B> Connection<B>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    /// Resolves the host with the system's resolver, connects, and performs the TLS handshake.
    pub(crate) async fn open(target: &Target, tls: &Tls) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
        let stream = stream.with_context(|| format!("failed to connect to {}:{}", target.host, target.port))?;
        Self::over(stream, target.tls.then_some((tls, &target.host))).await
    }

    /// Connects to the first of these addresses that accepts. If the target uses TLS, performs the handshake.
    pub(crate) async fn open_at(target: &Target, addresses: &[IpAddr], tls: &Tls) -> anyhow::Result<Self> {
        let mut failed = anyhow!("{} has no address", target.host);
        for address in addresses {
            match TcpStream::connect((*address, target.port)).await {
                Ok(stream) => return Self::over(stream, target.tls.then_some((tls, &target.host))).await,
                Err(error) => failed = anyhow!("failed to connect to {} at {address}: {error}", target.host),
            }
        }
        Err(failed)
    }

    /// Creates a connection over an open stream. Performs the TLS handshake if `tls` is given.
    pub async fn over(stream: TcpStream, tls: Option<(&Tls, &str)>) -> anyhow::Result<Self> {
        // Requests are written as a whole, so Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        let Some((tls, host)) = tls else {
            return Self::handshake(stream).await;
        };
        Self::handshake(tls.connect(host, stream).await?).await
    }

    async fn handshake(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> anyhow::Result<Self> {
        let traffic = Arc::<Traffic>::default();
        let counted = Counted { stream, traffic: Arc::clone(&traffic) };
        let mut http = http1::Builder::new();
        http.max_headers(HEADERS_MAX).max_header_size(HEADER_BYTES_MAX);
        let (requests, connection) = http.handshake(TokioIo::new(counted)).await?;
        let task = AbortOnDropHandle::new(tokio::spawn(connection));
        Ok(Self { requests, traffic, task })
    }

    /// Sends a request and waits for the header of the response.
    pub(crate) async fn send(&mut self, request: Request<B>) -> hyper::Result<Response<Incoming>> {
        self.requests.ready().await?;
        self.requests.send_request(request).await
    }

    /// Works like `send`, but on failure also returns the request if no part of it was processed.
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
    /// Returns the number of request bytes written so far. They may not have arrived.
    pub fn written(&self) -> u64 {
        self.traffic.written.load(Ordering::SeqCst)
    }

    /// Returns the number of response bytes read so far.
    pub fn read(&self) -> u64 {
        self.traffic.read.load(Ordering::SeqCst)
    }

    /// Closes the connection, and returns the final number of written bytes.
    pub async fn end(self) -> u64 {
        self.task.abort();
        let _ = self.task.await;
        self.traffic.written.load(Ordering::SeqCst)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }
}

/// A stream that counts the bytes written and read.
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
