//! Open connections of one listener: who gets a place, and which connection is closed to make room.
//!
//! A connection begins as a stranger's. The first request on it that was verified makes it a verified one. Strangers
//! never hold more than their share of the places, their connections are closed after one answer, and the one that has
//! been idle longest is closed when another caller needs the place. Verified connections pay for none of this: a request
//! on one of them takes no lock.

mod budget;
mod network;
mod table;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use frontgate_telemetry::metrics::{METRICS, labels};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::budget::{Budget, Exhausted, FREE_BYTES, Hold};
pub use self::network::Network;
use self::table::Table;

/// Connections that were closed to make room, and whose sockets the system still holds: they are closed as soon as
/// their tasks run. Further connections wait for that.
const CLOSING_MAX: usize = 64;

/// About what a connection holds while it is open: its buffers, its task.
const CONNECTION_BYTES: usize = 16 * 1024;

/// From when activity is counted.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at one time.
    pub total_max: usize,
    /// Of those, connections that have sent no verified request.
    pub unverified_max: usize,
    /// Of all, connections of one network.
    pub network_max: usize,
}

/// Every open connection of one listener.
pub struct Connections {
    limits: Limits,
    /// Whether callers are trusted as they come: operators' listener has no requests that could be verified.
    trusting: bool,
    bodies: Budget,
    table: Mutex<Table>,
    closed: Notify,
}

/// Where a connection stands; the order is that of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Standing {
    /// No request on it was verified.
    Stranger,
    /// It came to the address of a channel's provider, and the plugin accepted what it sent. Every caller who knows the
    /// address can do that, so it stays open between requests, and makes room as a stranger's does.
    Known,
    /// A request on it was verified.
    Verified,
}

/// What a verified connection is doing, as far as it matters for making room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Doing {
    Nothing,
    Something,
}

/// One open connection, as its requests see it.
pub struct Connection {
    all: Arc<Connections>,
    network: Network,
    standing: AtomicU8,
    /// Its place among the strangers, or among the verified; only used under the lock of the table.
    position: AtomicU64,
    /// Of a verified connection: milliseconds since the start, and what it is doing in the last bit.
    activity: AtomicU64,
    cut_short: AtomicBool,
    evicted: CancellationToken,
}

/// A connection's place, given back when it is dropped.
pub struct Place(Arc<Connection>);

/// Why a connection gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its network has as many as it may, and all of them are verified.
    Network,
    /// All places are taken by verified connections that are busy.
    Full,
}

impl Connections {
    /// No connection yet. `bodies` is what unverified bodies may hold in memory.
    pub fn new(limits: Limits, trusting: bool, bodies: Budget) -> Arc<Self> {
        Arc::new(Self { limits, trusting, bodies, table: Mutex::default(), closed: Notify::new() })
    }

    /// Gives a new connection a place, and closes another one if need be.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, Refused> {
        let standing = if self.trusting { Standing::Verified } else { Standing::Stranger };
        let connection = Arc::new(Connection {
            all: Arc::clone(self),
            network: Network::of(address),
            standing: AtomicU8::new(standing as u8),
            position: AtomicU64::new(0),
            activity: AtomicU64::new(activity(Doing::Nothing)),
            cut_short: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        let mut table = self.lock();
        let network = connection.network;
        if table.of_network(network) >= self.limits.network_max {
            let evicted = table.evict_stranger_of(network).ok_or(Refused::Network)?;
            evicted.evict("network");
        }
        if standing == Standing::Stranger && table.strangers() >= self.limits.unverified_max {
            table.evict_stranger().ok_or(Refused::Full)?.evict("unverified");
        }
        if table.open() >= self.limits.total_max {
            let evicted = table.evict_stranger().or_else(|| table.evict_idle()).ok_or(Refused::Full)?;
            evicted.evict("total");
        }
        table.insert(&connection, standing);
        Ok(Place(connection))
    }

    /// Closes the stranger's connection that has been idle longest, for want of something else than places.
    pub fn make_room(&self) {
        if let Some(evicted) = self.lock().evict_stranger() {
            evicted.evict("descriptors");
        }
    }

    /// Waits until the sockets of connections that were closed to make room are gone, but for a few.
    pub async fn settle(&self) {
        loop {
            let closed = self.closed.notified();
            if self.lock().closing() <= CLOSING_MAX {
                return;
            }
            closed.await;
        }
    }

    /// What unverified bodies may hold in memory.
    pub fn bodies(&self) -> &Budget {
        &self.bodies
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Where it comes from.
    pub fn network(&self) -> Network {
        self.network
    }

    /// What unverified bodies may hold in memory.
    pub fn bodies(&self) -> &Budget {
        self.all.bodies()
    }

    /// Ends when the connection has to make room.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// A request has begun.
    pub fn begin(&self) {
        match self.is_verified() {
            true => self.activity.store(activity(Doing::Something), Ordering::Relaxed),
            false => self.all.lock().set_busy(self, true),
        }
    }

    /// The request was verified.
    pub fn verified(&self) {
        if !self.is_verified() {
            self.all.lock().verify(self);
        }
    }

    /// A channel's plugin accepted the request.
    pub fn known(&self) {
        self.standing.fetch_max(Standing::Known as u8, Ordering::Relaxed);
    }

    /// The request was answered; `unread`: the caller may still be sending the body. Says whether the connection
    /// may stay open.
    pub fn end(&self, unread: bool) -> bool {
        self.cut_short.store(unread, Ordering::Relaxed);
        match self.is_verified() {
            true => self.activity.store(activity(Doing::Nothing), Ordering::Relaxed),
            false => self.all.lock().set_busy(self, false),
        }
        self.standing.load(Ordering::Relaxed) > Standing::Stranger as u8
    }

    /// Whether the caller may still be sending the request that was answered last.
    pub fn is_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }

    fn is_verified(&self) -> bool {
        self.standing.load(Ordering::Relaxed) == Standing::Verified as u8
    }

    fn evict(&self, limit: &'static str) {
        METRICS.connections_evicted.get_or_create(&labels::Limit { limit }).inc();
        self.evicted.cancel();
    }
}

impl Place {
    /// The connection that has it.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let all = &self.0.all;
        all.lock().close(&self.0);
        all.closed.notify_waiters();
        frontgate_memory::freed(CONNECTION_BYTES);
    }
}

fn activity(doing: Doing) -> u64 {
    let now = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX >> 1);
    (now << 1) | u64::from(doing as u8)
}

#[cfg(test)]
mod tests;
