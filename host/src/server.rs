//! Listens, limits connections, and drains: what happens before and after a request.

pub mod socket;

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{counter, gauge};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::config;

/// Connections that the system holds for us, as tokio asks for them.
const BACKLOG_MAX: u32 = 1024;

const SECOND: Duration = Duration::from_secs(1);

/// After a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One listening socket and its connections.
pub struct Server {
    listener: TcpListener,
    http: http1::Builder,
    limits: Limits,
    places: Arc<Semaphore>,
    per_address: Arc<PerAddress>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    connections_per_address_max: usize,
    connection_age: Duration,
    write_timeout_ms: u32,
    shutdown_grace: Duration,
}

impl Server {
    /// Binds an address; nothing is accepted yet.
    pub async fn bind(address: SocketAddr, config: &config::Server) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(config.header_timeout_ms))
            .max_headers(config.headers_max)
            .max_header_size(config.header_bytes_max)
            .max_buf_size(config.header_bytes_max.max(64 * 1024));
        Ok(Self {
            listener,
            http,
            limits: Limits {
                connections_per_address_max: config.connections_per_address_max,
                connection_age: Duration::from_millis(config.connection_age_ms),
                write_timeout_ms: u32::try_from(config.write_timeout_ms).unwrap_or(u32::MAX),
                shutdown_grace: Duration::from_millis(config.shutdown_grace_ms),
            },
            places: Arc::new(Semaphore::new(config.connections_max)),
            per_address: Arc::default(),
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
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
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
                let answer = answer.clone();
                service_fn(move |request| {
                    // A connection has room for one of these, whether it is asked or not.
                    let response = Box::pin(answer(request));
                    async move { Ok::<_, Infallible>(response.await) }
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

    async fn accept(&self) -> Option<(TcpStream, Place)> {
        // A place is taken before a connection is: what is too much stays in the system's queue.
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let (stream, peer) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!("a connection could not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let Some(address) = self.per_address.enter(peer.ip(), self.limits.connections_per_address_max) else {
            counter!("frontgate_connections_refused_total").increment(1);
            return None;
        };
        // Answers are written at once and whole; waiting for more to send only costs time.
        let _ = stream.set_nodelay(true);
        // Where the caller reads nothing, the system gives up on what was written.
        let _ = set_tcp_user_timeout(&stream, self.limits.write_timeout_ms);
        gauge!("frontgate_connections").increment(1);
        Some((stream, Place { _total: place, _address: address }))
    }
}

/// Serves one connection until it ends, is too old, or the server stops; the last two let a request
/// that has begun be answered.
async fn attend<S>(
    connection: http1::Connection<TokioIo<TcpStream>, S>,
    _place: Place,
    limits: Limits,
    stop: CancellationToken,
) where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible>,
{
    let mut connection = pin!(connection);
    let enough = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(limits.connection_age) => {}
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = enough => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                // When the server stops, its own deadline comes first and says what was cut off.
                () = sleep(limits.shutdown_grace + SECOND) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        debug!("a connection ended early: {error}");
    }
}

/// One connection's share of the limits, given back when it is dropped.
struct Place {
    _total: OwnedSemaphorePermit,
    _address: AddressPlace,
}

impl Drop for Place {
    fn drop(&mut self) {
        gauge!("frontgate_connections").decrement(1);
    }
}

/// Open connections of each address.
#[derive(Default)]
struct PerAddress {
    open: Mutex<HashMap<IpAddr, usize>>,
}

struct AddressPlace {
    all: Arc<PerAddress>,
    address: IpAddr,
}

impl PerAddress {
    fn enter(self: &Arc<Self>, address: IpAddr, max: usize) -> Option<AddressPlace> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(AddressPlace { all: Arc::clone(self), address })
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}
