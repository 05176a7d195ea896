//! Memory for the bodies of requests that are not verified yet.
//!
//! Bytes are reserved as they arrive, and released when the request is verified or ends. When the budget is exhausted,
//! the largest body of the network that holds most is revoked: one caller cannot keep the others from sending.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontgate_telemetry::metrics::METRICS;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::network::Network;

/// A body up to this size is not counted: nearly every callback fits, and takes no lock. The limit of unverified
/// connections bounds the sum of these.
pub(crate) const UNCOUNTED_BYTES: usize = 8 * 1024;

/// The memory that all unverified bodies share.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    bytes_max: usize,
    state: Mutex<State>,
    /// Notified when bytes were released.
    released: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Reserved bytes, including those of complete bodies, and of revoked ones until they are dropped.
    held: usize,
    /// The part of it that revoked bodies will release.
    revoked: usize,
    next: u64,
    /// Bodies that are being read, by network, bytes and number.
    readers: BTreeMap<(Network, usize, u64), CancellationToken>,
    /// Bytes that the readers of each network hold.
    totals: HashMap<Network, usize>,
    largest: BTreeSet<(usize, Network)>,
}

/// The bytes of one body; released when dropped.
#[derive(Debug)]
pub(crate) struct Reservation<'b> {
    budget: &'b BodyBudget,
    network: Network,
    bytes: usize,
    number: u64,
    /// While the body is read: cancelled when its memory is revoked.
    revoked: Option<CancellationToken>,
}

/// The budget is exhausted, or the reservation was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl BodyBudget {
    /// A budget of `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default(), released: Notify::new() }
    }

    /// An empty reservation for one body of a caller in this network.
    pub(crate) fn reserve(&self, network: Network) -> Reservation<'_> {
        Reservation { budget: self, network, bytes: 0, number: 0, revoked: None }
    }
}

impl Reservation<'_> {
    /// Extends the reservation to `bytes`. Waits until revoked bodies are dropped.
    pub(crate) async fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if bytes <= UNCOUNTED_BYTES.max(self.bytes) {
            return Ok(());
        }
        loop {
            let released = self.budget.released.notified();
            if self.try_grow(bytes)? {
                return Ok(());
            }
            match &self.revoked {
                None => released.await,
                Some(revoked) => tokio::select! {
                    () = released => {}
                    () = revoked.cancelled() => return Err(Exhausted),
                },
            }
        }
    }

    /// Extends the reservation, or returns `false` if revoked bodies still hold the bytes.
    fn try_grow(&mut self, bytes: usize) -> Result<bool, Exhausted> {
        let mut state = self.budget.state.lock();
        if self.revoked.as_ref().is_some_and(CancellationToken::is_cancelled) {
            return Err(Exhausted);
        }
        let more = bytes - self.bytes;
        while state.held + more > self.budget.bytes_max + state.revoked {
            state.revoke_largest(self.network, bytes, more)?;
        }
        if state.held + more > self.budget.bytes_max {
            return Ok(false);
        }
        let revoked = match self.revoked.take() {
            Some(revoked) => {
                state.leave(self.network, self.bytes, self.number);
                revoked
            }
            None => {
                state.next += 1;
                self.number = state.next;
                CancellationToken::new()
            }
        };
        state.enter(self.network, bytes, self.number, revoked.clone());
        (self.bytes, self.revoked) = (bytes, Some(revoked));
        Ok(true)
    }

    /// Cancelled when this body is revoked; `None` while nothing is reserved.
    pub(crate) fn revoked(&self) -> Option<&CancellationToken> {
        self.revoked.as_ref()
    }

    /// Notes that the body is complete and will be verified next: from now on it is not revoked.
    pub(crate) fn complete(&mut self) -> Result<(), Exhausted> {
        let Some(revoked) = self.revoked.take() else {
            return Ok(());
        };
        let mut state = self.budget.state.lock();
        if revoked.is_cancelled() {
            self.revoked = Some(revoked);
            return Err(Exhausted);
        }
        state.leave(self.network, self.bytes, self.number);
        state.held += self.bytes;
        Ok(())
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut state = self.budget.state.lock();
        match &self.revoked {
            Some(revoked) if revoked.is_cancelled() => {
                state.held -= self.bytes;
                state.revoked -= self.bytes;
            }
            Some(_) => state.leave(self.network, self.bytes, self.number),
            None => state.held -= self.bytes,
        }
        drop(state);
        frontgate_memory::freed(self.bytes);
        self.budget.released.notify_waiters();
    }
}

impl State {
    /// Revokes the largest body of the network that would hold most; fails if that is the requesting body itself.
    fn revoke_largest(&mut self, network: Network, bytes: usize, more: usize) -> Result<(), Exhausted> {
        let own = self.totals.get(&network).copied().unwrap_or_default() + more;
        let (total, largest) = *self.largest.last().ok_or(Exhausted)?;
        let victims = if own >= total { network } else { largest };
        let mut readers = self.readers.range((victims, 0, 0)..=(victims, usize::MAX, u64::MAX));
        let (&(_, held, number), revoked) = readers.next_back().ok_or(Exhausted)?;
        if victims == network && held <= bytes {
            return Err(Exhausted);
        }
        revoked.cancel();
        METRICS.unverified_bodies_revoked.inc();
        self.leave(victims, held, number);
        self.held += held;
        self.revoked += held;
        Ok(())
    }

    fn enter(&mut self, network: Network, bytes: usize, number: u64, revoked: CancellationToken) {
        self.held += bytes;
        self.readers.insert((network, bytes, number), revoked);
        self.total(network, |total| total + bytes);
    }

    fn leave(&mut self, network: Network, bytes: usize, number: u64) {
        if self.readers.remove(&(network, bytes, number)).is_some() {
            self.held -= bytes;
            self.total(network, |total| total - bytes);
        }
    }

    fn total(&mut self, network: Network, change: impl FnOnce(usize) -> usize) {
        let old = self.totals.remove(&network).unwrap_or_default();
        self.largest.remove(&(old, network));
        let new = change(old);
        if new > 0 {
            self.totals.insert(network, new);
            self.largest.insert((new, network));
        }
    }
}

#[cfg(test)]
mod tests;
