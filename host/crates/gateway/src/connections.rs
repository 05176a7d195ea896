//! Open connections of one listener: admission, and eviction to make room.
//!
//! - A connection starts unverified. The first verified request on it makes it verified.
//! - Unverified connections never use more than `unverified_max` slots, and are closed after one response.
//! - To make room for a new connection, the unverified connection that has been idle longest is evicted.
//! - A connection of a trusted proxy is counted for the caller that the proxy names, while it has a request of that caller.
//! - Requests on verified connections take no lock, unless a proxy forwards them.

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

/// Maximum number of evicted connections whose sockets are still open. While there are more, no connection is accepted.
/// A socket is closed when the task of its connection runs next.
const CLOSING_MAX: usize = 64;

/// Approximate memory of an open connection: its buffers and its task.
const CONNECTION_BYTES: usize = 16 * 1024;

/// Reference time for [`Connection::activity`].
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Limits of open connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Maximum number of connections.
    pub(crate) total_max: usize,
    /// Maximum number of unverified connections.
    pub(crate) unverified_max: usize,
    /// Maximum number of connections from one network.
    pub(crate) network_max: usize,
}

/// All open connections of one listener.
pub(crate) struct Connections {
    limits: Limits,
    /// Whether connections start verified, as on the operators' listener, where requests have no signature.
    trusted: bool,
    bodies: BodyBudget,
    table: Mutex<Table>,
    closed: Notify,
}

/// Trust level of a connection, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Trust {
    /// No request on the connection was verified.
    Unverified,
    /// A channel's plugin accepted a request on the connection. Every caller that knows the provider's address can
    /// achieve that. Therefore the connection stays open between requests, but is evicted like an unverified one.
    Accepted,
    /// A request on the connection was verified.
    Verified,
}

/// Whether a request on a verified connection is in progress. Only idle ones may be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Activity {
    Idle,
    Busy,
}

/// One open connection.
pub struct Connection {
    all: Arc<Connections>,
    caller: Mutex<Caller>,
    /// Whether a trusted proxy connects, which names the caller of each request.
    proxied: AtomicBool,
    trust: AtomicU8,
    /// Rank or index of the connection in the table. Only used while the table is locked.
    position: AtomicU64,
    /// For a verified connection: milliseconds since [`START`], and [`Activity`] in the lowest bit.
    activity: AtomicU64,
    /// Whether the caller may still be sending the body of the last answered request.
    body_unread: AtomicBool,
    evicted: CancellationToken,
}

/// Who calls over a connection.
#[derive(Debug, Clone, Copy)]
struct Caller {
    /// Address of the peer, or the address that the PROXY protocol names.
    peer: Option<IpAddr>,
    /// Address of the caller of the current request, if it is known.
    address: Option<IpAddr>,
    /// Network for which the connection is counted.
    network: Network,
}

/// Slot of a connection; freed when dropped.
pub(crate) struct Slot(Arc<Connection>);

/// Reason why a connection is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdmitError {
    /// The network has reached its limit, and all its connections are verified.
    Network,
    /// All slots that the connection could use are taken, and none can be freed by an eviction.
    Full,
}

impl Connections {
    /// Creates an empty set of connections. `bodies` limits the memory of unverified bodies.
    pub(crate) fn new(limits: Limits, trusted: bool, bodies: BodyBudget) -> Arc<Self> {
        Arc::new(Self { limits, trusted, bodies, table: Mutex::default(), closed: Notify::new() })
    }

    /// Gives a new connection a slot, and evicts another one if necessary. A connection of a trusted proxy, and one
    /// without an address, is not counted for a network.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>, proxied: bool) -> Result<Slot, AdmitError> {
        let network = address.filter(|_| !proxied).map_or(Network::Unlimited, Network::of);
        let trust = if self.trusted { Trust::Verified } else { Trust::Unverified };
        let connection = Arc::new(Connection {
            all: Arc::clone(self),
            caller: Mutex::new(Caller { peer: address, address, network }),
            proxied: AtomicBool::new(proxied),
            trust: AtomicU8::new(trust as u8),
            position: AtomicU64::new(0),
            activity: AtomicU64::new(activity(Activity::Idle)),
            body_unread: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        let mut table = self.table.lock();
        self.make_room(&mut table, network)?;
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

    /// Makes room for one connection of a network.
    fn make_room(&self, table: &mut Table, network: Network) -> Result<(), AdmitError> {
        if network != Network::Unlimited && table.of_network(network) >= self.limits.network_max {
            table.evict_unverified_of(network).ok_or(AdmitError::Network)?.evict("network");
        }
        Ok(())
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
    /// Returns the network of the caller.
    pub(crate) fn network(&self) -> Network {
        self.caller.lock().network
    }

    /// Returns the address of the caller, if it is known.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.caller.lock().address
    }

    /// Returns whether a trusted proxy connects.
    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied.load(Ordering::Relaxed)
    }

    /// Records the peer that the PROXY protocol names, and whether it is a trusted proxy itself.
    pub(crate) fn set_peer(&self, peer: IpAddr, proxied: bool) {
        self.caller.lock().peer = Some(peer);
        self.proxied.store(proxied, Ordering::Relaxed);
    }

    /// Records the caller that a trusted proxy names. If it is limited, the connection is counted for its network, and
    /// another one of that network is evicted if necessary.
    pub(crate) fn identify(&self, address: IpAddr, limited: bool) -> Result<(), AdmitError> {
        let network = if limited { Network::of(address) } else { Network::Unlimited };
        let mut table = self.all.table.lock();
        if network != self.network() {
            self.all.make_room(&mut table, network)?;
        }
        table.set_caller(self, Some(address), network);
        Ok(())
    }

    /// Returns the budget of unverified bodies.
    pub(crate) fn bodies(&self) -> &BodyBudget {
        &self.all.bodies
    }

    /// Resolves when the connection is evicted.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Records that a request started.
    pub(crate) fn request_started(&self) {
        match self.is_verified() {
            true => self.activity.store(activity(Activity::Busy), Ordering::Relaxed),
            false => self.all.table.lock().set_busy(self, true),
        }
    }

    /// Records that the request was verified.
    pub(crate) fn mark_verified(&self) {
        if !self.is_verified() {
            self.all.table.lock().verify(self);
        }
    }

    /// Records that a channel's plugin accepted the request.
    pub(crate) fn mark_accepted(&self) {
        self.trust.fetch_max(Trust::Accepted as u8, Ordering::Relaxed);
    }

    /// Records that the request was answered, and returns whether the connection may stay open. `body_unread` means
    /// that the caller may still be sending the body.
    pub(crate) fn request_answered(&self, body_unread: bool) -> bool {
        self.body_unread.store(body_unread, Ordering::Relaxed);
        match self.is_verified() {
            true => self.activity.store(activity(Activity::Idle), Ordering::Relaxed),
            false => self.all.table.lock().set_busy(self, false),
        }
        if self.is_proxied() {
            // The next request may be of another caller.
            let peer = self.caller.lock().peer;
            self.all.table.lock().set_caller(self, peer, Network::Unlimited);
        }
        self.trust.load(Ordering::Relaxed) > Trust::Unverified as u8
    }

    /// Returns whether the caller may still be sending the last answered request.
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
    /// Returns the connection in this slot.
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
