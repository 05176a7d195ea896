//! Accepts and admits connections, serves them, and drains them at shutdown.

pub mod descriptors;
mod entry;
mod forwarded;
mod linger;
mod listener;
mod proxy_protocol;
pub mod socket;
mod transport;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use frontgate_telemetry::REFUSALS;
use frontgate_telemetry::metrics::METRICS;
use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Level, debug, enabled, warn};

use self::entry::Entry;
use self::listener::{BACKLOG_MAX, Listener};
use self::transport::{Socket, Transport};
use crate::connections::{self, BodyBudget, Connection, Connections, Slot};
use crate::settings::Listen;

/// Connections from this process that wait to be accepted.
const LOCAL_BACKLOG_MAX: usize = 16;
/// Buffer of each direction of a connection from this process, in bytes.
const LOCAL_BUFFER_BYTES: usize = 64 * 1024;

const SECOND: Duration = Duration::from_secs(1);

/// Pause after a failed accept. Avoids a busy loop if file descriptors are exhausted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Kind of callers of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Platforms on the internet. A connection is unverified until a request on it is verified.
    Public,
    /// Operators and developers, on a private address.
    Trusted,
}

/// One listening socket and its connections.
pub struct Server {
    listener: Listener,
    http: http1::Builder,
    limits: Limits,
    connections: Arc<Connections>,
    entry: Arc<Entry>,
    local: (LocalConnector, mpsc::Receiver<DuplexStream>),
}

/// Opens connections to a server of this process, whatever its listener expects: TLS, a proxy, or a socket.
#[derive(Debug, Clone)]
pub struct LocalConnector(mpsc::Sender<DuplexStream>);

impl LocalConnector {
    /// Opens a connection. Fails if the server has stopped.
    pub async fn connect(&self) -> anyhow::Result<DuplexStream> {
        let (near, far) = duplex(LOCAL_BUFFER_BYTES);
        self.0.send(far).await.ok().context("the public listener has stopped")?;
        Ok(near)
    }
}

/// Marks a request whose caller has reached its limit behind a proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallerFull;

/// A connection that was accepted, before its first step.
enum Arrival {
    Socket(Socket),
    Local(DuplexStream),
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    connection_age: Duration,
    write_timeout_ms: u32,
    shutdown_grace: Duration,
    refusal_lines_per_second_max: u32,
}

impl Limits {
    /// Returns whether the end of a connection gets a log line.
    fn has_line(&self) -> bool {
        enabled!(Level::DEBUG) && REFUSALS.admit(self.refusal_lines_per_second_max)
    }
}

impl Server {
    /// Binds an address for at most `connections_max` connections. Does not accept any yet.
    pub async fn bind(
        address: SocketAddr,
        config: &crate::settings::Server,
        callers: Callers,
        connections_max: usize,
    ) -> anyhow::Result<Self> {
        let listener = Listener::address(address).with_context(|| format!("failed to listen on {address}"))?;
        Ok(Self::new(listener, config, callers, connections_max, Entry::default()))
    }

    /// Binds the public listener for at most `connections_max` connections, with TLS if it is configured. Does not
    /// accept any yet.
    pub async fn bind_public(
        listen: &Listen,
        config: &crate::settings::Server,
        tls: Option<Arc<ServerConfig>>,
        connections_max: usize,
    ) -> anyhow::Result<Self> {
        let listener = Listener::bind(listen).await.with_context(|| format!("failed to listen on {listen}"))?;
        Ok(Self::new(listener, config, Callers::Public, connections_max, Entry::new(config, tls)))
    }

    fn new(
        listener: Listener,
        config: &crate::settings::Server,
        callers: Callers,
        connections_max: usize,
        entry: Entry,
    ) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(config.header_timeout_ms))
            .max_headers(config.headers_max)
            .max_header_size(config.header_bytes_max)
            // Size of the read buffer of a connection, and so of each piece of a body.
            .max_buf_size(config.header_bytes_max);
        let connections = connections::Limits {
            total_max: connections_max,
            unverified_max: config.unverified_connections_max(connections_max),
            network_max: config.connections_per_address_max,
        };
        let bodies = BodyBudget::new(config.unverified_body_bytes_max);
        let (sender, receiver) = mpsc::channel(LOCAL_BACKLOG_MAX);
        Self {
            listener,
            http,
            limits: Limits {
                connection_age: Duration::from_millis(config.connection_age_ms),
                write_timeout_ms: u32::try_from(config.write_timeout_ms).unwrap_or(u32::MAX),
                shutdown_grace: Duration::from_millis(config.shutdown_grace_ms),
                refusal_lines_per_second_max: config.refusal_lines_per_second_max,
            },
            connections: Connections::new(connections, callers == Callers::Trusted, bodies),
            entry: Arc::new(entry),
            local: (LocalConnector(sender), receiver),
        }
    }

    /// Returns the bound address, with the port that the system chose for port 0. Fails for a Unix socket.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp_address()?.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// Returns the bound address; `None` for a Unix socket.
    pub fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        self.listener.local_address()
    }

    /// Returns where the server listens, as people read it.
    pub fn place(&self) -> String {
        match (self.tcp_address(), self.listener.path()) {
            (Ok(Some(address)), _) => address.to_string(),
            (_, Some(path)) => format!("unix:{}", path.display()),
            _ => "a socket without a name".to_owned(),
        }
    }

    /// Returns a way to connect to the server from this process.
    pub fn local(&self) -> LocalConnector {
        self.local.0.clone()
    }

    /// Serves until `stop`, then drains: waits until accepted requests finish or the grace period ends. Returns whether
    /// all of them finished.
    pub async fn serve<A, F>(mut self, answer: A, stop: CancellationToken) -> bool
    where
        A: Fn(Request<Incoming>, Arc<Connection>) -> F + Clone + Send + Unpin + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let connections = TaskTracker::new();
        // Connections in the backlog are still served after `stop`; later ones are not.
        let mut backlog = BACKLOG_MAX;
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = self.accept(), if backlog > 0 => accepted,
                () = stop.cancelled() => break,
            };
            if stop.is_cancelled() {
                backlog -= 1;
            }
            let Some((arrival, slot)) = accepted else { continue };
            let service = {
                let (answer, caller, entry) = (answer.clone(), Arc::clone(slot.connection()), Arc::clone(&self.entry));
                service_fn(move |mut request: Request<Incoming>| {
                    if caller.is_proxied() && entry.request(&caller, request.headers()).is_err() {
                        request.extensions_mut().insert(CallerFull);
                    }
                    caller.request_started();
                    let has_body = !request.body().is_end_stream();
                    let (response, caller) = (answer(request, Arc::clone(&caller)), Arc::clone(&caller));
                    // Boxed, because otherwise each idle connection reserves space for the whole future.
                    Box::pin(async move {
                        let mut response = response.await;
                        if !caller.request_answered(has_body && !response.status().is_success()) {
                            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                        }
                        Ok::<_, Infallible>(response)
                    })
                })
            };
            let (limits, stop) = (self.limits, stop.clone());
            let plain = match arrival {
                Arrival::Local(stream) => Transport::Local(stream),
                Arrival::Socket(socket) if self.entry.is_empty() => Transport::Plain(socket),
                Arrival::Socket(socket) => {
                    let (http, entry) = (self.http.clone(), Arc::clone(&self.entry));
                    connections.spawn(async move {
                        // Boxed, because otherwise each idle connection reserves space for the handshake.
                        if let Some(transport) = Box::pin(enter(&entry, socket, &slot, limits)).await {
                            let connection = http.serve_connection(TokioIo::new(transport), service);
                            serve_connection(connection, slot, limits, stop).await;
                        }
                    });
                    continue;
                }
            };
            let connection = self.http.serve_connection(TokioIo::new(plain), service);
            connections.spawn(serve_connection(connection, slot, limits, stop));
        }
        drop(self.listener);
        connections.close();
        let deadline = Instant::now() + self.limits.shutdown_grace;
        tokio::select! {
            () = connections.wait() => true,
            () = sleep_until(deadline) => false,
        }
    }

    /// Accepts the next connection. Waits only until sockets of evicted connections are closed, because a platform's
    /// connection may be queued behind any number of others.
    async fn accept(&mut self) -> Option<(Arrival, Slot)> {
        self.connections.wait_for_evicted().await;
        let accepted = tokio::select! {
            accepted = self.listener.accept(self.limits.write_timeout_ms) => accepted,
            Some(local) = self.local.1.recv() => {
                let slot = self.connections.admit(None, false).ok()?;
                return Some((Arrival::Local(local), slot));
            }
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(event = "server.accept_failed", "failed to accept a connection: {error}");
                // File descriptors may be exhausted.
                self.connections.free_descriptor();
                sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let Ok(slot) = self.connections.admit(peer, self.entry.is_proxy(peer)) else {
            METRICS.connections_refused.inc();
            return None;
        };
        Some((Arrival::Socket(socket), slot))
    }
}

/// Performs the steps before the first request. Returns `None` if one failed, or if the connection was evicted.
async fn enter(entry: &Entry, socket: Socket, slot: &Slot, limits: Limits) -> Option<Transport> {
    let _gauge = OpenGauge::new();
    let entered = tokio::select! {
        entered = entry.enter(socket, slot.connection()) => entered,
        () = slot.connection().evicted() => return None,
    };
    let failed = |error: &io::Error| {
        METRICS.connection_errors.inc();
        if limits.has_line() {
            debug!(event = "server.connection_failed", "connection ended before its first request: {error}");
        }
    };
    entered.inspect_err(failed).ok().flatten()
}

/// Serves one connection until it ends, exceeds its maximum age or is evicted, or the server stops. Unless the
/// connection is evicted, a started request is answered first.
async fn serve_connection<S>(
    connection: http1::Connection<TokioIo<Transport>, S>,
    slot: Slot,
    limits: Limits,
    stop: CancellationToken,
) where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible> + Unpin,
    S::Future: Unpin,
{
    let _gauge = OpenGauge::new();
    let caller = slot.connection();
    tokio::select! {
        () = serve_until_end(connection, caller, limits, stop) => {}
        () = caller.evicted() => if limits.has_line() {
            debug!(event = "server.connection_evicted", "connection evicted to make room");
        },
    }
}

async fn serve_until_end<S>(
    mut connection: http1::Connection<TokioIo<Transport>, S>,
    caller: &Connection,
    limits: Limits,
    stop: CancellationToken,
) where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible> + Unpin,
    S::Future: Unpin,
{
    let end = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(limits.connection_age) => {}
        }
    };
    let ended = tokio::select! {
        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
        () = end => {
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
                // During shutdown, the server's own deadline passes first and reports unfinished requests.
                () = sleep(limits.shutdown_grace + SECOND) => return,
            }
        }
    };
    if let Err(error) = ended {
        METRICS.connection_errors.inc();
        if limits.has_line() {
            debug!(event = "server.connection_failed", "connection ended early: {error}");
        }
    }
    connection.into_parts().io.into_inner().close(caller.is_body_unread()).await;
}

/// Counts an open connection in a gauge until dropped.
struct OpenGauge;

impl OpenGauge {
    fn new() -> Self {
        METRICS.connections.inc();
        Self
    }
}

impl Drop for OpenGauge {
    fn drop(&mut self) {
        METRICS.connections.dec();
    }
}
