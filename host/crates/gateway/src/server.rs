//! Listens, limits connections, and drains: what happens before and after a request.

pub mod descriptors;
mod linger;
pub mod socket;

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
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Level, debug, enabled, warn};

use crate::connections::{Budget, Connection, Connections, Limits as ConnectionLimits, Place};

/// Connections that the system holds for us. Where there is no room, a caller's system tries again after a second, which
/// is too late for a callback: thousands of strangers may connect at once. Linux allows as many by default.
const BACKLOG_MAX: u32 = 4096;

const SECOND: Duration = Duration::from_secs(1);

/// After a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who calls at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Anybody: a connection is a stranger's until a request on it was verified.
    Anybody,
    /// Operators and developers, on an address that others do not reach.
    Trusted,
}

/// One listening socket and its connections.
pub struct Server {
    listener: TcpListener,
    http: http1::Builder,
    limits: Limits,
    connections: Arc<Connections>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    connection_age: Duration,
    write_timeout_ms: u32,
    shutdown_grace: Duration,
    refusal_lines_per_second_max: u32,
}

impl Limits {
    /// Whether the end of a stranger's connection gets a line in the log.
    fn has_line(&self) -> bool {
        enabled!(Level::DEBUG) && REFUSALS.admit(self.refusal_lines_per_second_max)
    }
}

impl Server {
    /// Binds an address for so many connections; nothing is accepted yet.
    pub async fn bind(
        address: SocketAddr,
        config: &crate::settings::Server,
        callers: Callers,
        connections_max: usize,
    ) -> anyhow::Result<Self> {
        let listener = listen(address).with_context(|| format!("failed to listen on {address}"))?;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(config.header_timeout_ms))
            .max_headers(config.headers_max)
            .max_header_size(config.header_bytes_max)
            // What a connection holds while its header arrives, and for each piece of a body.
            .max_buf_size(config.header_bytes_max);
        let connections = ConnectionLimits {
            total_max: connections_max,
            unverified_max: config.unverified_connections_max(connections_max),
            network_max: config.connections_per_address_max,
        };
        let bodies = Budget::new(config.unverified_body_bytes_max);
        Ok(Self {
            listener,
            http,
            limits: Limits {
                connection_age: Duration::from_millis(config.connection_age_ms),
                write_timeout_ms: u32::try_from(config.write_timeout_ms).unwrap_or(u32::MAX),
                shutdown_grace: Duration::from_millis(config.shutdown_grace_ms),
                refusal_lines_per_second_max: config.refusal_lines_per_second_max,
            },
            connections: Connections::new(connections, callers == Callers::Trusted, bodies),
        })
    }

    /// The address that was really bound, which matters for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets accepted requests finish within the grace period. Says
    /// whether all of them did.
    pub async fn serve<A, F>(self, answer: A, stop: CancellationToken) -> bool
    where
        A: Fn(Request<Incoming>, Arc<Connection>) -> F + Clone + Send + Unpin + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let connections = TaskTracker::new();
        // What the system has accepted already is served before the end; what comes later is not.
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
            let Some((stream, place)) = accepted else { continue };
            let service = {
                let (answer, caller) = (answer.clone(), Arc::clone(place.connection()));
                service_fn(move |request: Request<Incoming>| {
                    caller.begin();
                    let has_body = !request.body().is_end_stream();
                    let (response, caller) = (answer(request, Arc::clone(&caller)), Arc::clone(&caller));
                    // Boxed: otherwise each idle connection reserves space for the whole future.
                    Box::pin(async move {
                        let mut response = response.await;
                        if !caller.end(has_body && !response.status().is_success()) {
                            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                        }
                        Ok::<_, Infallible>(response)
                    })
                })
            };
            let connection = self.http.serve_connection(TokioIo::new(stream), service);
            connections.spawn(attend(connection, place, self.limits, stop.clone()));
        }
        drop(self.listener);
        connections.close();
        let deadline = Instant::now() + self.limits.shutdown_grace;
        tokio::select! {
            () = connections.wait() => true,
            () = sleep_until(deadline) => false,
        }
    }

    /// Takes the next connection. Nothing but the socket of one that was closed is waited for: a caller that has signed a
    /// request may stand behind any number of strangers.
    async fn accept(&self) -> Option<(TcpStream, Place)> {
        self.connections.settle().await;
        let (stream, peer) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(event = "server.accept_failed", "failed to accept a connection: {error}");
                // It may be for want of descriptors.
                self.connections.make_room();
                sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let Ok(place) = self.connections.admit(peer.ip()) else {
            METRICS.connections_refused.inc();
            return None;
        };
        // Answers are written at once and whole; waiting for more to send only costs time.
        let _ = stream.set_nodelay(true);
        // Where the caller reads nothing, the system gives up on what was written.
        let _ = set_tcp_user_timeout(&stream, self.limits.write_timeout_ms);
        Some((stream, place))
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A gateway that is started again finds connections of the one before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG_MAX)
}

/// Serves one connection until it ends, is too old, has to make room, or the server stops. A request that has begun is
/// answered, unless the connection has to make room.
async fn attend<S>(
    connection: http1::Connection<TokioIo<TcpStream>, S>,
    place: Place,
    limits: Limits,
    stop: CancellationToken,
) where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible> + Unpin,
    S::Future: Unpin,
{
    let _open = Open::new();
    let caller = place.connection();
    tokio::select! {
        () = serve_until_end(connection, caller, limits, stop) => {}
        () = caller.evicted() => if limits.has_line() {
            debug!(event = "server.connection_evicted", "connection closed to make room");
        },
    }
}

async fn serve_until_end<S>(
    mut connection: http1::Connection<TokioIo<TcpStream>, S>,
    caller: &Connection,
    limits: Limits,
    stop: CancellationToken,
) where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible> + Unpin,
    S::Future: Unpin,
{
    let enough = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(limits.connection_age) => {}
        }
    };
    let ended = tokio::select! {
        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
        () = enough => {
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
                // When the server stops, its own deadline comes first and says what was cut off.
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
    if caller.is_cut_short() {
        linger::close(connection.into_parts().io.into_inner()).await;
    }
}

/// Counts an open connection.
struct Open;

impl Open {
    fn new() -> Self {
        METRICS.connections.inc();
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        METRICS.connections.dec();
    }
}
