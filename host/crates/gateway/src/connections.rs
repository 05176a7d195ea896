//! Open connections of one listener: admission, and eviction to make room.
//!
//! - A connection starts unverified. The first verified request on it makes it verified.
//! - Unverified connections never hold more than their share of the slots, and are closed after one response.
//! - The unverified connection that has been idle longest is evicted when another caller needs its slot.
//! - Requests on verified connections take no lock.

mod body_budget;
mod network;
mod table;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use frontgate_telemetry::metrics::{METRICS, labels};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use self::body_budget::{BodyBudget, Exhausted, Reservation, UNCOUNTED_BYTES};
pub(crate) use self::network::Network;
use self::table::Table;

/// Evicted connections whose sockets are still open: they are closed when their tasks run next. While there are more,
/// further connections wait.
const CLOSING_MAX: usize = 64;

/// Approximate memory of an open connection: its buffers and its task.
const CONNECTION_BYTES: usize = 16 * 1024;

/// Origin of the times of activity.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Limits of open connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// All connections.
    pub(crate) total_max: usize,
    /// Unverified connections.
    pub(crate) unverified_max: usize,
    /// Connections of one network.
    pub(crate) network_max: usize,
}

/// All open connections of one listener.
pub(crate) struct Connections {
    limits: Limits,
    /// Whether connections start verified: requests to the operators' listener have no signature.
    trusted: bool,
    bodies: BodyBudget,
    table: Mutex<Table>,
    closed: Notify,
}

/// How far a connection is trusted, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Trust {
    /// No request on it was verified.
    Unverified,
    /// A channel's plugin accepted a request on it. Every caller that knows the provider's address can achieve that:
    /// the connection stays open between requests, and is evicted like an unverified one.
    Accepted,
    /// A request on it was verified.
    Verified,
}

/// Whether a verified connection may be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Activity {
    Idle,
    Busy,
}

/// One open connection.
pub struct Connection {
    all: Arc<Connections>,
    network: Network,
    trust: AtomicU8,
    /// Its rank or index in the table; only used under the lock of the table.
    position: AtomicU64,
    /// Of a verified connection: milliseconds since [`START`], and [`Activity`] in the last bit.
    activity: AtomicU64,
    /// Whether the caller may still be sending the body of the request that was answered last.
    body_unread: AtomicBool,
    evicted: CancellationToken,
}

/// A connection's slot; freed when dropped.
pub(crate) struct Slot(Arc<Connection>);

/// Why a connection is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdmitError {
    /// Its network has reached its limit, and all its connections are verified.
    Network,
    /// All slots are taken by verified connections that are busy.
    Full,
}

impl Connections {
    /// `bodies` limits the memory of unverified bodies.
    pub(crate) fn new(limits: Limits, trusted: bool, bodies: BodyBudget) -> Arc<Self> {
        Arc::new(Self { limits, trusted, bodies, table: Mutex::default(), closed: Notify::new() })
    }

    /// Gives a new connection a slot, and evicts another one if necessary.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Slot, AdmitError> {
        let trust = if self.trusted { Trust::Verified } else { Trust::Unverified };
        let connection = Arc::new(Connection {
            all: Arc::clone(self),
            network: Network::of(address),
            trust: AtomicU8::new(trust as u8),
            position: AtomicU64::new(0),
            activity: AtomicU64::new(activity(Activity::Idle)),
            body_unread: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        let mut table = self.table.lock();
        let network = connection.network;
        if table.of_network(network) >= self.limits.network_max {
            let evicted = table.evict_unverified_of(network).ok_or(AdmitError::Network)?;
            evicted.evict("network");
        }
        if trust == Trust::Unverified && table.unverified() >= self.limits.unverified_max {
            table.evict_unverified().ok_or(AdmitError::Full)?.evict("unverified");
        }
        if table.open() >= self.limits.total_max {
            let evicted = table.evict_unverified().or_else(|| table.evict_idle()).ok_or(AdmitError::Full)?;
            evicted.evict("total");
        }
        table.insert(&connection, trust);
        Ok(Slot(connection))
    }

    /// Evicts the unverified connection that has been idle longest, to free its file descriptor.
    pub(crate) fn free_descriptor(&self) {
        if let Some(evicted) = self.table.lock().evict_unverified() {
            evicted.evict("descriptors");
        }
    }

    /// Waits until most sockets of evicted connections are closed.
    pub(crate) async fn wait_for_evicted(&self) {
        loop {
            let closed = self.closed.notified();
            if self.table.lock().closing() <= CLOSING_MAX {
                return;
            }
            closed.await;
        }
    }
}

impl Connection {
    /// The network of the caller.
    pub(crate) fn network(&self) -> Network {
        self.network
    }

    /// The budget of unverified bodies.
    pub(crate) fn bodies(&self) -> &BodyBudget {
        &self.all.bodies
    }

    /// Resolves when the connection is evicted.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Notes that a request started.
    pub(crate) fn request_started(&self) {
        match self.is_verified() {
            true => self.activity.store(activity(Activity::Busy), Ordering::Relaxed),
            false => self.all.table.lock().set_busy(self, true),
        }
    }

    /// Notes that the request was verified.
    pub(crate) fn mark_verified(&self) {
        if !self.is_verified() {
            self.all.table.lock().verify(self);
        }
    }

    /// Notes that a channel's plugin accepted the request.
    pub(crate) fn mark_accepted(&self) {
        self.trust.fetch_max(Trust::Accepted as u8, Ordering::Relaxed);
    }

    /// Notes that the request was answered, and returns whether the connection may stay open. With `body_unread` the
    /// caller may still be sending the body.
    pub(crate) fn request_answered(&self, body_unread: bool) -> bool {
        self.body_unread.store(body_unread, Ordering::Relaxed);
        match self.is_verified() {
            true => self.activity.store(activity(Activity::Idle), Ordering::Relaxed),
            false => self.all.table.lock().set_busy(self, false),
        }
        self.trust.load(Ordering::Relaxed) > Trust::Unverified as u8
    }

    /// Whether the caller may still be sending the request that was answered last.
    pub(crate) fn is_body_unread(&self) -> bool {
        self.body_unread.load(Ordering::Relaxed)
    }

    fn is_verified(&self) -> bool {
        self.trust.load(Ordering::Relaxed) == Trust::Verified as u8
    }

    fn evict(&self, limit: &'static str) {
        METRICS.connections_evicted.get_or_create(&labels::Limit { limit }).inc();
        self.evicted.cancel();
    }
}

impl Slot {
    /// The connection in this slot.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let all = &self.0.all;
        all.table.lock().close(&self.0);
        all.closed.notify_waiters();
        frontgate_memory::freed(CONNECTION_BYTES);
    }
}

fn activity(doing: Activity) -> u64 {
    let now = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX >> 1);
    (now << 1) | u64::from(doing as u8)
}

#[cfg(test)]
mod tests;
