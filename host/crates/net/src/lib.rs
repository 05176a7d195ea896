//! One HTTP request to a platform, and whether bytes of it left: what was not sent can be sent again,
//! what was sent and not answered cannot.
//!
//! Redirects are not followed, and no proxy of the environment is asked. What is large is a stream, in
//! either direction.

pub mod address;
mod authorities;
pub mod connection;
pub mod exchange;
pub mod form;
pub mod idle;
pub mod resolve;

use std::error::Error;
use std::future::Future as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::anyhow;
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{self, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use ipnet::IpNet;
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use self::address::refused;
pub use self::authorities::authorities;
use self::connection::{Connection, Target, Tls};
use self::idle::Idle;
use self::resolve::Names;

/// Limits of a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// PEM files of certificate authorities that are trusted beside those that browsers trust.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers; those of the system if empty.
    pub nameservers: Vec<SocketAddr>,
    /// Until a connection is open, TLS included.
    pub connect_timeout: Duration,
    /// From the first byte to the end of the answer.
    pub request_timeout: Duration,
    /// Bytes of one answer.
    pub response_bytes_max: usize,
    /// Connections that are kept open for the next request.
    pub connections_idle_max: usize,
}

/// Sends requests, and keeps some connections open for the next ones.
pub struct Client {
    tls: Tls,
    names: Names,
    connect_timeout: Duration,
    request_timeout: Duration,
    response_bytes_max: usize,
    idle: Idle<Target, Full<Bytes>>,
}

/// Which addresses of a host may be connected to.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'r> {
    /// All addresses: the operator configured this host by name.
    Configured,
    /// Public addresses, and those of configured networks: another party chose the host.
    Public(&'r [IpNet]),
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header.
    pub headers: HeaderMap,
    /// The body, if it arrived whole.
    pub body: Option<Bytes>,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The platform cannot have seen the request.
    #[error("nothing was sent: {0:#}")]
    NotSent(anyhow::Error),
    /// Some of it left, so it may have taken effect.
    #[error("it was sent, and no answer came: {0:#}")]
    NoAnswer(anyhow::Error),
}

impl Client {
    /// A client within these limits.
    pub fn new(options: &ClientOptions) -> Self {
        Self {
            tls: Tls::new(&options.ca_files),
            names: Names::new(&options.nameservers),
            connect_timeout: options.connect_timeout,
            request_timeout: options.request_timeout,
            response_bytes_max: options.response_bytes_max,
            idle: Idle::new(options.connections_idle_max),
        }
    }

    /// Sends one request. The URL has been checked: it is `https`, or `http` to this machine.
    pub async fn send(&self, method: Method, url: &Url, headers: HeaderMap, body: Bytes) -> Result<Answer, Failure> {
        let (target, uri) = aim(url)?;
        let request = || {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            request.headers_mut().insert(HOST, host(url));
            request
        };
        let deadline = Instant::now() + self.request_timeout;
        loop {
            let (mut connection, reused) = match self.idle.take(&target) {
                Some(connection) => (connection, true),
                None => (self.connect(&target, Reach::Configured).await?, false),
            };
            let before = connection.written();
            let sent = timeout_at(deadline, connection.send(request())).await;
            let error = match sent {
                Ok(Ok(response)) => return Ok(self.read(response, connection, target, deadline).await),
                Ok(Err(error)) => anyhow::Error::from(error),
                Err(_) => anyhow!("delivery.request_timeout_ms passed"),
            };
            if connection.end().await > before {
                return Err(Failure::NoAnswer(error));
            }
            // A connection that was closed while it lay idle says nothing about the server.
            if !reused || Instant::now() >= deadline {
                return Err(Failure::NotSent(error));
            }
        }
    }

    /// The same with a body that is there once, over a connection of its own.
    pub async fn send_stream<B>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: B,
        time: Duration,
    ) -> Result<Answer, Failure>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let deadline = Instant::now() + time;
        let (response, connection) = self.begin(method, url, headers, body, Reach::Configured, deadline).await?;
        let (head, body) = response.into_parts();
        let body = timeout_at(deadline, Limited::new(body, self.response_bytes_max).collect()).await;
        drop(connection);
        let body = body.ok().and_then(Result::ok).map(|body| body.to_bytes());
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Asks for something large: its bytes come while they are read, until a deadline.
    pub async fn download(
        &self,
        url: &Url,
        headers: HeaderMap,
        reach: Reach<'_>,
        deadline: Instant,
    ) -> Result<Download, Failure> {
        let body = Empty::<Bytes>::new();
        let (response, connection) = self.begin(Method::GET, url, headers, body, reach, deadline).await?;
        let (head, body) = response.into_parts();
        let late = Box::pin(sleep_until(deadline));
        Ok(Download { status: head.status, headers: head.headers, body, late, _connection: Box::new(connection) })
    }

    async fn begin<B>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: B,
        reach: Reach<'_>,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Connection<B>), Failure>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let (target, uri) = aim(url)?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, host(url));
        let mut connection = self.connect(&target, reach).await?;
        let error = match timeout_at(deadline, connection.send(request)).await {
            Ok(Ok(response)) => return Ok((response, connection)),
            Ok(Err(error)) => anyhow::Error::from(error),
            Err(_) => anyhow!("there was no time left for an answer"),
        };
        Err(if connection.end().await > 0 { Failure::NoAnswer(error) } else { Failure::NotSent(error) })
    }

    async fn connect<B>(&self, target: &Target, reach: Reach<'_>) -> Result<Connection<B>, Failure>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let connect = async {
            let Some(addresses) = self.addresses(target, reach).await? else {
                return Connection::open(target, &self.tls).await;
            };
            Connection::open_at(target, &addresses, &self.tls).await
        };
        match timeout(self.connect_timeout, connect).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Failure::NotSent(error)),
            Err(_) => Err(Failure::NotSent(anyhow!("delivery.connect_timeout_ms passed while connecting"))),
        }
    }

    /// Returns the addresses that may be connected to, or `None` to leave the lookup to the system.
    async fn addresses(&self, target: &Target, reach: Reach<'_>) -> anyhow::Result<Option<Vec<IpAddr>>> {
        if matches!(reach, Reach::Configured) && (self.names.are_of_system() || target.address().is_some()) {
            return Ok(None);
        }
        let host = target.host();
        let mut found = match target.address() {
            Some(address) => vec![address],
            None => self.names.look_up(host).await.map_err(|error| anyhow!("failed to look up {host}: {error}"))?,
        };
        if let Reach::Public(networks) = reach {
            let first = found.iter().find_map(|address| Some((*address, refused(*address, networks)?)));
            found.retain(|address| refused(*address, networks).is_none());
            if let Some((address, name)) = first.filter(|_| found.is_empty()) {
                return Err(anyhow!("{host} resolves to {address}, which is not public ({name})"));
            }
        }
        Ok(Some(found))
    }

    /// The status is known from here on, whatever becomes of the body.
    async fn read(
        &self,
        response: Response<Incoming>,
        connection: Connection<Full<Bytes>>,
        to: Target,
        until: Instant,
    ) -> Answer {
        let (head, body) = response.into_parts();
        let whole = timeout_at(until, Limited::new(body, self.response_bytes_max).collect()).await;
        let body = whole.ok().and_then(Result::ok).map(|body| body.to_bytes());
        if body.is_some() {
            self.idle.keep(to, connection);
        }
        Answer { status: head.status, headers: head.headers, body }
    }
}

/// Where to connect to, and what to ask there.
fn aim(url: &Url) -> Result<(Target, Uri), Failure> {
    let target = Target::of(url).ok_or_else(|| Failure::NotSent(anyhow!("the URL has no host")))?;
    let uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse();
    let uri = uri.map_err(|error| Failure::NotSent(anyhow!("the URL is no request target: {error}")))?;
    Ok((target, uri))
}

fn host(url: &Url) -> HeaderValue {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    host.parse().expect("a host is a header value")
}

/// An answer that is read as it comes.
pub struct Download {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
    late: Pin<Box<Sleep>>,
    /// Ends with this.
    _connection: Box<dyn Send>,
}

impl Body for Download {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, anyhow::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.late.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err(anyhow!("it did not come in time"))))
            }
            frame => frame.map_err(anyhow::Error::from),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Makes a header value of a secret. Never printed; its memory is erased when the last request with it is dropped.
pub fn confidential(mut value: Zeroizing<String>) -> Option<HeaderValue> {
    let bytes = Bytes::from_owner(Zeroizing::new(std::mem::take(&mut *value).into_bytes()));
    let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What describes the connection or the framing of a request, and is set by whoever sends it.
pub fn is_reserved_header(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 9] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
    ];
    let name = name.as_str();
    RESERVED.iter().any(|reserved| reserved == name) || name.starts_with("proxy-") || name == "http2-settings"
}
