//! Memory budget for the bodies of requests that are not verified yet.
//!
//! Bytes are reserved as they arrive, and released when the request is verified or ends. When the budget is exhausted,
//! the largest body of the network with the most reserved bytes is revoked. So one caller cannot block the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontgate_telemetry::metrics::METRICS;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::network::Network;

/// Size up to which a body is not counted, in bytes. Nearly every callback fits and takes no lock. The limit of
/// unverified connections bounds the sum of uncounted bytes.
pub(crate) const UNCOUNTED_BYTES: usize = 8 * 1024;

/// The memory that all unverified bodies share.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    bytes_max: usize,
    state: Mutex<State>,
    /// Notified when bytes are released.
    released: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Reserved bytes, including complete bodies, and revoked bodies until they are dropped.
    held: usize,
    /// Part of `held` that belongs to revoked bodies, and is released when they are dropped.
    revoked: usize,
    next: u64,
    /// Bodies that are being read, by network, size in bytes and number.
    readers: BTreeMap<(Network, usize, u64), CancellationToken>,
    /// Bytes of the bodies that are being read, by network.
    totals: HashMap<Network, usize>,
    largest: BTreeSet<(usize, Network)>,
}

/// Reserved bytes of one body; released when dropped.
#[derive(Debug)]
pub(crate) struct Reservation<'b> {
    budget: &'b BodyBudget,
    network: Network,
    bytes: usize,
    number: u64,
    /// Token that is cancelled when the memory is revoked; `None` unless the body is being read.
    revoked: Option<CancellationToken>,
}

/// The budget is exhausted, or the reservation was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl BodyBudget {
    /// Creates a budget of `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default(), released: Notify::new() }
    }

    /// Creates an empty reservation for one body of a caller in this network.
    pub(crate) fn reserve(&self, network: Network) -> Reservation<'_> {
        Reservation { budget: self, network, bytes: 0, number: 0, revoked: None }
    }
}

impl Reservation<'_> {
    /// Extends the reservation to `bytes`. Waits while revoked bodies still use the memory.
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

    /// Extends the reservation. Returns `false` while revoked bodies still use the memory.
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

    /// Returns the token that is cancelled when this body is revoked; `None` unless the body is being read.
    pub(crate) fn revoked(&self) -> Option<&CancellationToken> {
        self.revoked.as_ref()
    }

    /// Marks the body as complete. The body is verified next, and can no longer be revoked.
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
    /// Revokes the largest body of the network with the most bytes. Fails if that body is the requesting one.
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
