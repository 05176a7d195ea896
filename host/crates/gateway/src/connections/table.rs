//! The table behind [`super::Connections`]: strangers in the order in which they make room, verified connections as a
//! list to take samples from. Every operation is O(log n) or O(1).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Connection, Doing, Network, Standing};

/// Verified connections that are looked at when one of them has to make room. That nearly always finds one of the
/// longest idle, without an order that every callback would have to keep up.
const SAMPLES: u64 = 16;

/// Multiplied with a running number, it gives places that are spread over a list (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Connections by how soon they make room.
#[derive(Default)]
pub(super) struct Table {
    /// Sockets that exist; those that were evicted, and are being closed, included.
    sockets: usize,
    networks: HashMap<Network, usize>,
    /// Strangers: the idle ones first, by when they became so, then the others.
    order: BTreeMap<Rank, Arc<Connection>>,
    by_network: BTreeSet<(Network, Rank)>,
    verified: Vec<Arc<Connection>>,
    /// The next running number.
    next: u64,
}

/// Bit 63: in the middle of a request. The rest: a running number.
type Rank = u64;

const BUSY: Rank = 1 << 63;
/// Of a connection that was evicted, or closed.
const GONE: Rank = u64::MAX;

impl Table {
    /// Connections that have a place.
    pub(super) fn open(&self) -> usize {
        self.order.len() + self.verified.len()
    }

    /// Those of them that have sent no verified request.
    pub(super) fn strangers(&self) -> usize {
        self.order.len()
    }

    /// Those of a network.
    pub(super) fn of_network(&self, network: Network) -> usize {
        self.networks.get(&network).copied().unwrap_or_default()
    }

    /// Sockets without a place.
    pub(super) fn closing(&self) -> usize {
        self.sockets - self.open()
    }

    pub(super) fn insert(&mut self, connection: &Arc<Connection>, standing: Standing) {
        self.sockets += 1;
        *self.networks.entry(connection.network).or_default() += 1;
        match standing {
            Standing::Verified => self.push_verified(Arc::clone(connection)),
            Standing::Stranger | Standing::Known => self.rank(Arc::clone(connection), false),
        }
    }

    /// Puts a stranger's connection behind all others that do the same: nothing, or something.
    pub(super) fn set_busy(&mut self, connection: &Connection, busy: bool) {
        if let Some(connection) = self.unrank(connection) {
            self.rank(connection, busy);
        }
    }

    /// Moves a connection to the verified ones, if it still has a place.
    pub(super) fn verify(&mut self, connection: &Connection) {
        if let Some(connection) = self.unrank(connection) {
            connection.activity.store(super::activity(Doing::Something), Ordering::Relaxed);
            connection.standing.store(Standing::Verified as u8, Ordering::Relaxed);
            self.push_verified(connection);
        }
    }

    /// Takes its place from the stranger that has been idle longest, or else from the one whose request began first.
    pub(super) fn evict_stranger(&mut self) -> Option<Arc<Connection>> {
        let (_, connection) = self.order.first_key_value()?;
        let connection = Arc::clone(connection);
        self.unrank(&connection);
        self.leave(&connection);
        Some(connection)
    }

    /// The same among the strangers of a network.
    pub(super) fn evict_stranger_of(&mut self, network: Network) -> Option<Arc<Connection>> {
        let (_, rank) = self.by_network.range((network, 0)..=(network, GONE)).next()?;
        let connection = Arc::clone(self.order.get(rank)?);
        self.unrank(&connection);
        self.leave(&connection);
        Some(connection)
    }

    /// Takes its place from a verified connection that has been idle for long; none if all that are looked at are
    /// busy.
    pub(super) fn evict_idle(&mut self) -> Option<Arc<Connection>> {
        let count = u64::try_from(self.verified.len()).ok().filter(|count| *count > 0)?;
        let first = self.number();
        let places = (0..SAMPLES.min(count)).map(|sample| {
            let at = if count <= SAMPLES { sample } else { first.wrapping_add(sample).wrapping_mul(SPREAD) % count };
            usize::try_from(at).expect("below the length of a list")
        });
        let idle = places.filter_map(|at| {
            let activity = self.verified[at].activity.load(Ordering::Relaxed);
            (activity & 1 == u64::from(Doing::Nothing as u8)).then_some((activity, at))
        });
        let (_, at) = idle.min()?;
        let connection = self.take_verified(at);
        self.leave(&connection);
        Some(connection)
    }

    /// The socket is gone.
    pub(super) fn close(&mut self, connection: &Connection) {
        self.sockets -= 1;
        if connection.position.load(Ordering::Relaxed) == GONE {
            return;
        }
        if connection.is_verified() {
            let at = usize::try_from(connection.position.load(Ordering::Relaxed)).expect("a place in a list");
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
        self.by_network.insert((connection.network, rank));
        self.order.insert(rank, connection);
    }

    fn unrank(&mut self, connection: &Connection) -> Option<Arc<Connection>> {
        let rank = connection.position.load(Ordering::Relaxed);
        self.by_network.remove(&(connection.network, rank));
        self.order.remove(&rank)
    }

    fn push_verified(&mut self, connection: Arc<Connection>) {
        let at = u64::try_from(self.verified.len()).expect("a place in a list");
        connection.position.store(at, Ordering::Relaxed);
        self.verified.push(connection);
    }

    fn take_verified(&mut self, at: usize) -> Arc<Connection> {
        let connection = self.verified.swap_remove(at);
        if let Some(moved) = self.verified.get(at) {
            moved.position.store(u64::try_from(at).expect("a place in a list"), Ordering::Relaxed);
        }
        connection
    }

    fn leave(&mut self, connection: &Connection) {
        connection.position.store(GONE, Ordering::Relaxed);
        if let Some(count) = self.networks.get_mut(&connection.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&connection.network);
            }
        }
    }
}
