//! HTTP client for the platforms' APIs: pooled requests, streamed uploads, and downloads.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use ipnet::IpNet;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::address::refused;
use crate::connection::{Connection, Target};
use crate::download::Download;
use crate::pool::Pool;
use crate::resolver::Resolver;
use crate::tls::Tls;

/// Options of a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// PEM files of certificate authorities to trust in addition to those that browsers trust.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers. If the list is empty, the system's DNS servers are used.
    pub nameservers: Vec<SocketAddr>,
    /// Maximum time to connect, including the TLS handshake.
    pub connect_timeout: Duration,
    /// Maximum time from the start of sending a request to the end of the response.
    pub request_timeout: Duration,
    /// Maximum size of a response body, in bytes.
    pub response_bytes_max: usize,
    /// Maximum number of idle connections that are kept open.
    pub connections_idle_max: usize,
}

/// A client that sends requests and keeps idle connections open for later requests.
pub struct Client {
    tls: Tls,
    resolver: Resolver,
    connect_timeout: Duration,
    request_timeout: Duration,
    response_bytes_max: usize,
    pool: Pool<Target, Full<Bytes>>,
}

/// The addresses of a host that the client may connect to.
#[derive(Debug, Clone, Copy)]
pub enum AddressPolicy<'p> {
    /// All addresses, for a host that the operator configured.
    Any,
    /// Public addresses and the given networks, for a host that another party chose.
    Public(&'p [IpNet]),
}

/// The response to a request.
#[derive(Debug)]
pub struct ClientResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or `None` if the whole body did not arrive within the limits.
    pub body: Option<Bytes>,
}

/// The error of a request without a response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No byte of the request was sent, so the server cannot have seen it.
    #[error("request not sent: {0:#}")]
    NotSent(anyhow::Error),
    /// Bytes of the request were sent, so it may have taken effect.
    #[error("request sent, but no response received: {0:#}")]
    NoResponse(anyhow::Error),
}

impl Client {
    /// Creates a client with these options.
    pub fn new(options: &ClientOptions) -> Self {
        Self {
            tls: Tls::new(&options.ca_files),
            resolver: Resolver::new(&options.nameservers),
            connect_timeout: options.connect_timeout,
            request_timeout: options.request_timeout,
            response_bytes_max: options.response_bytes_max,
            pool: Pool::new(options.connections_idle_max),
        }
    }

    /// Sends one request over a pooled or a new connection. The caller has checked that the URL is `https`, or `http`
    /// to this machine.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<ClientResponse, SendError> {
        let (target, uri) = target_and_uri(url)?;
        let headers = with_host(headers, url);
        let deadline = Instant::now() + self.request_timeout;
        loop {
            let (mut connection, reused) = match self.pool.take(&target) {
                Some(connection) => (connection, true),
                None => (self.connect(&target, AddressPolicy::Any).await?, false),
            };
            let before = connection.written();
            let request = request(method.clone(), uri.clone(), headers.clone(), Full::new(body.clone()));
            let error = match timeout_at(deadline, connection.send(request)).await {
                Ok(Ok(response)) => {
                    let response = self.read(response, deadline).await;
                    if response.body.is_some() {
                        self.pool.keep(target, connection);
                    }
                    return Ok(response);
                }
                Ok(Err(error)) => anyhow::Error::from(error),
                Err(_) => anyhow!("timed out after delivery.request_timeout_ms"),
            };
            if connection.end().await > before {
                return Err(SendError::NoResponse(error));
            }
            // The server may have closed an idle connection, so the request is sent again over another connection.
            if !reused || Instant::now() >= deadline {
                return Err(SendError::NotSent(error));
            }
        }
    }

    /// Sends a request whose body is a stream, over a new connection. `time` covers the request and the response.
    pub async fn send_stream<B>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: B,
        time: Duration,
    ) -> Result<ClientResponse, SendError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let deadline = Instant::now() + time;
        let (response, _connection) = self.send_once(method, url, headers, body, AddressPolicy::Any, deadline).await?;
        Ok(self.read(response, deadline).await)
    }

    /// Downloads a body of any size, which the caller reads as it arrives, until the deadline.
    pub async fn download(
        &self,
        url: &Url,
        headers: HeaderMap,
        addresses: AddressPolicy<'_>,
        deadline: Instant,
    ) -> Result<Download, SendError> {
        let body = Empty::<Bytes>::new();
        let (response, connection) = self.send_once(Method::GET, url, headers, body, addresses, deadline).await?;
        Ok(Download::new(response, connection, deadline))
    }

    /// Sends a request over a new connection, without a retry.
    async fn send_once<B>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: B,
        addresses: AddressPolicy<'_>,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Connection<B>), SendError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let (target, uri) = target_and_uri(url)?;
        let request = request(method, uri, with_host(headers, url), body);
        let mut connection = self.connect(&target, addresses).await?;
        let error = match timeout_at(deadline, connection.send(request)).await {
            Ok(Ok(response)) => return Ok((response, connection)),
            Ok(Err(error)) => anyhow::Error::from(error),
            Err(_) => anyhow!("no response before the deadline"),
        };
        Err(if connection.end().await > 0 { SendError::NoResponse(error) } else { SendError::NotSent(error) })
    }

    async fn connect<B>(&self, target: &Target, addresses: AddressPolicy<'_>) -> Result<Connection<B>, SendError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let connect = async {
            let Some(addresses) = self.addresses(target, addresses).await? else {
                return Connection::open(target, &self.tls).await;
            };
            Connection::open_at(target, &addresses, &self.tls).await
        };
        match timeout(self.connect_timeout, connect).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(SendError::NotSent(error)),
            Err(_) => Err(SendError::NotSent(anyhow!("connecting timed out after delivery.connect_timeout_ms"))),
        }
    }

    /// Returns the addresses that the client may connect to, or `None` to leave the lookup to the system.
    async fn addresses(&self, target: &Target, policy: AddressPolicy<'_>) -> anyhow::Result<Option<Vec<IpAddr>>> {
        let is_any = matches!(policy, AddressPolicy::Any);
        if is_any && (self.resolver.uses_system_nameservers() || target.address().is_some()) {
            return Ok(None);
        }
        let host = target.host();
        let mut found = match target.address() {
            Some(address) => vec![address],
            None => self.resolver.look_up(host).await.map_err(|error| anyhow!("failed to look up {host}: {error}"))?,
        };
        if let AddressPolicy::Public(networks) = policy {
            let first = found.iter().find_map(|address| Some((*address, refused(*address, networks)?)));
            found.retain(|address| refused(*address, networks).is_none());
            if let Some((address, name)) = first.filter(|_| found.is_empty()) {
                return Err(anyhow!("{host} resolves to {address}, which is not public ({name})"));
            }
        }
        Ok(Some(found))
    }

    /// Reads the response body. If the body is too large or late, the response has the status but no body.
    async fn read(&self, response: Response<Incoming>, deadline: Instant) -> ClientResponse {
        let (head, body) = response.into_parts();
        let body = timeout_at(deadline, Limited::new(body, self.response_bytes_max).collect()).await;
        let body = body.ok().and_then(Result::ok).map(|body| body.to_bytes());
        ClientResponse { status: head.status, headers: head.headers, body }
    }
}

/// Returns the server to connect to, and the path and query to request.
fn target_and_uri(url: &Url) -> Result<(Target, Uri), SendError> {
    let target = Target::of(url).ok_or_else(|| SendError::NotSent(anyhow!("the URL has no host")))?;
    let uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse();
    let uri = uri.map_err(|error| SendError::NotSent(anyhow!("invalid URL path: {error}")))?;
    Ok((target, uri))
}

fn with_host(mut headers: HeaderMap, url: &Url) -> HeaderMap {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let host: HeaderValue = host.parse().expect("a host is a header value");
    headers.insert(HOST, host);
    headers
}

fn request<B>(method: Method, uri: Uri, headers: HeaderMap, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}
