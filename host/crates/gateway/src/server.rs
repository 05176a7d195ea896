//! Accepts and admits connections, serves them, and drains them at shutdown.

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

use crate::connections::{self, BodyBudget, Connection, Connections, Slot};

/// Maximum number of connections that wait to be accepted. Thousands of callers may connect at once. If the backlog is
/// full, a caller retries after a second, which is too late for a callback. Linux has the same default.
const BACKLOG_MAX: u32 = 4096;

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
        let listener = listen(address).with_context(|| format!("failed to listen on {address}"))?;
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

    /// Returns the bound address, with the port that the system chose for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then drains: waits until accepted requests finish or the grace period ends. Returns whether
    /// all of them finished.
    pub async fn serve<A, F>(self, answer: A, stop: CancellationToken) -> bool
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
            let Some((stream, slot)) = accepted else { continue };
            let service = {
                let (answer, caller) = (answer.clone(), Arc::clone(slot.connection()));
                service_fn(move |request: Request<Incoming>| {
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
            let connection = self.http.serve_connection(TokioIo::new(stream), service);
            connections.spawn(serve_connection(connection, slot, self.limits, stop.clone()));
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
    async fn accept(&self) -> Option<(TcpStream, Slot)> {
        self.connections.wait_for_evicted().await;
        let (stream, peer) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(event = "server.accept_failed", "failed to accept a connection: {error}");
                // File descriptors may be exhausted.
                self.connections.free_descriptor();
                sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let Ok(slot) = self.connections.admit(peer.ip()) else {
            METRICS.connections_refused.inc();
            return None;
        };
        // Responses are written as a whole, so Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        // If the caller does not read, the system closes the connection.
        let _ = set_tcp_user_timeout(&stream, self.limits.write_timeout_ms);
        Some((stream, slot))
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of the previous process may still exist after a restart.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG_MAX)
}

/// Serves one connection until it ends, exceeds its maximum age or is evicted, or the server stops. Unless the
/// connection is evicted, a started request is answered first.
async fn serve_connection<S>(
    connection: http1::Connection<TokioIo<TcpStream>, S>,
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
    mut connection: http1::Connection<TokioIo<TcpStream>, S>,
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
    if caller.is_body_unread() {
        linger::close(connection.into_parts().io.into_inner()).await;
    }
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
