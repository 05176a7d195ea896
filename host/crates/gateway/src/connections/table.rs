//! The table behind [`super::Connections`]: unverified connections in eviction order, and a list of verified
//! connections, which is sampled. Every operation is O(log n) or O(1).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Activity, Connection, Network, Trust};

/// Number of verified connections that are sampled to find one to evict. A sample nearly always contains one of the
/// longest idle, and callbacks need not maintain an order.
const SAMPLES: u64 = 16;

/// Multiplier that spreads sequence numbers over a list: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Open connections, with the order in which they are evicted.
#[derive(Default)]
pub(super) struct Table {
    /// Open sockets, including those of evicted connections.
    sockets: usize,
    networks: HashMap<Network, usize>,
    /// Unverified connections in eviction order: idle ones by the start of their idle time, then busy ones.
    order: BTreeMap<Rank, Arc<Connection>>,
    by_network: BTreeSet<(Network, Rank)>,
    verified: Vec<Arc<Connection>>,
    /// The last sequence number that was used.
    next: u64,
}

/// Eviction rank. Bit 63: a request is being handled. The other bits: a sequence number.
type Rank = u64;

const BUSY: Rank = 1 << 63;
/// The rank of a connection that was evicted or closed.
const GONE: Rank = u64::MAX;

impl Table {
    /// Returns the number of connections that have a slot.
    pub(super) fn open(&self) -> usize {
        self.order.len() + self.verified.len()
    }

    /// Returns the number of unverified connections that have a slot.
    pub(super) fn unverified(&self) -> usize {
        self.order.len()
    }

    /// Returns the number of connections of a network.
    pub(super) fn of_network(&self, network: Network) -> usize {
        self.networks.get(&network).copied().unwrap_or_default()
    }

    /// Returns the number of evicted connections whose sockets are still open.
    pub(super) fn closing(&self) -> usize {
        self.sockets - self.open()
    }

    pub(super) fn insert(&mut self, connection: &Arc<Connection>, trust: Trust) {
        self.sockets += 1;
        *self.networks.entry(connection.network()).or_default() += 1;
        match trust {
            Trust::Verified => self.push_verified(Arc::clone(connection)),
            Trust::Unverified | Trust::Accepted => self.rank(Arc::clone(connection), false),
        }
    }

    /// Counts a connection for another caller, if it still has a slot. Its turn for an eviction stays the same.
    pub(super) fn set_caller(&mut self, connection: &Connection, address: Option<IpAddr>, network: Network) {
        let rank = connection.position.load(Ordering::Relaxed);
        if rank == GONE {
            return;
        }
        let mut caller = connection.caller.lock();
        caller.address = address;
        let old = std::mem::replace(&mut caller.network, network);
        drop(caller);
        if old == network {
            return;
        }
        if !connection.is_verified() && self.by_network.remove(&(old, rank)) {
            self.by_network.insert((network, rank));
        }
        self.uncount(old);
        *self.networks.entry(network).or_default() += 1;
    }

    /// Moves an unverified connection to the end of the idle connections or of the busy ones.
    pub(super) fn set_busy(&mut self, connection: &Connection, busy: bool) {
        if let Some(connection) = self.unrank(connection) {
            self.rank(connection, busy);
        }
    }

    /// Moves a connection to the list of verified connections, if it still has a slot.
    pub(super) fn verify(&mut self, connection: &Connection) {
        if let Some(connection) = self.unrank(connection) {
            connection.activity.store(super::activity(Activity::Busy), Ordering::Relaxed);
            connection.trust.store(Trust::Verified as u8, Ordering::Relaxed);
            self.push_verified(connection);
        }
    }

    /// Evicts the unverified connection that has been idle longest; if all are busy, the one with the oldest request.
    pub(super) fn evict_unverified(&mut self) -> Option<Arc<Connection>> {
        let (_, connection) = self.order.first_key_value()?;
        let connection = Arc::clone(connection);
        self.unrank(&connection);
        self.leave(&connection);
        Some(connection)
    }

    /// Evicts an unverified connection of a network, in the order of [`Self::evict_unverified`].
    pub(super) fn evict_unverified_of(&mut self, network: Network) -> Option<Arc<Connection>> {
        let (_, rank) = self.by_network.range((network, 0)..=(network, GONE)).next()?;
        let connection = Arc::clone(self.order.get(rank)?);
        self.unrank(&connection);
        self.leave(&connection);
        Some(connection)
    }

    /// Evicts a verified connection that has been idle for long. Returns `None` if all sampled connections are busy.
    pub(super) fn evict_idle(&mut self) -> Option<Arc<Connection>> {
        let count = u64::try_from(self.verified.len()).ok().filter(|count| *count > 0)?;
        let first = self.number();
        let indexes = (0..SAMPLES.min(count)).map(|sample| {
            let at = if count <= SAMPLES { sample } else { first.wrapping_add(sample).wrapping_mul(SPREAD) % count };
            usize::try_from(at).expect("below the length of a list")
        });
        let idle = indexes.filter_map(|at| {
            let activity = self.verified[at].activity.load(Ordering::Relaxed);
            (activity & 1 == u64::from(Activity::Idle as u8)).then_some((activity, at))
        });
        let (_, at) = idle.min()?;
        let connection = self.take_verified(at);
        self.leave(&connection);
        Some(connection)
    }

    /// Removes a connection whose socket was closed.
    pub(super) fn close(&mut self, connection: &Connection) {
        self.sockets -= 1;
        if connection.position.load(Ordering::Relaxed) == GONE {
            return;
        }
        if connection.is_verified() {
            let at = usize::try_from(connection.position.load(Ordering::Relaxed)).expect("an index of a list");
            self.take_verified(at);
        } else {
            self.unrank(connection);
        }
        self.leave(connection);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn rank(&mut self, connection: Arc<Connection>, busy: bool) {
        let rank = self.number() | if busy { BUSY } else { 0 };
        connection.position.store(rank, Ordering::Relaxed);
        self.by_network.insert((connection.network(), rank));
        self.order.insert(rank, connection);
    }

    fn unrank(&mut self, connection: &Connection) -> Option<Arc<Connection>> {
        let rank = connection.position.load(Ordering::Relaxed);
        self.by_network.remove(&(connection.network(), rank));
        self.order.remove(&rank)
    }

    fn push_verified(&mut self, connection: Arc<Connection>) {
        let at = u64::try_from(self.verified.len()).expect("an index of a list");
        connection.position.store(at, Ordering::Relaxed);
        self.verified.push(connection);
    }

    fn take_verified(&mut self, at: usize) -> Arc<Connection> {
        let connection = self.verified.swap_remove(at);
        if let Some(moved) = self.verified.get(at) {
            moved.position.store(u64::try_from(at).expect("an index of a list"), Ordering::Relaxed);
        }
        connection
    }

    fn leave(&mut self, connection: &Connection) {
        connection.position.store(GONE, Ordering::Relaxed);
        self.uncount(connection.network());
    }

    fn uncount(&mut self, network: Network) {
        if let Some(count) = self.networks.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&network);
            }
        }
    }
}
