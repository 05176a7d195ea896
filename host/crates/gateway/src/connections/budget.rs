//! Memory for bodies of requests that are not verified yet. Bytes are taken as they arrive and given back when the
//! request is verified or ends. When there are none left, the network that holds most gives way, and in it the request
//! that holds most: one caller cannot keep the others from sending.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use frontgate_telemetry::metrics::METRICS;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Network;

/// Bytes of a body that are not counted: nearly every callback fits, and takes no lock. The number of connections that
/// were not verified limits what these come to.
pub const FREE_BYTES: usize = 8 * 1024;

/// What unverified bodies may hold in memory, all together.
#[derive(Debug)]
pub struct Budget {
    bytes_max: usize,
    state: Mutex<State>,
    /// Bytes were given back that a reader may wait for.
    released: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Taken, also by bodies that are complete, and by those that gave way until they are gone.
    held: usize,
    /// What those that gave way will give back.
    coming: usize,
    next: u64,
    /// Bodies that are being read: network, bytes, number.
    readers: BTreeMap<(Network, usize, u64), CancellationToken>,
    /// What the readers of each network hold.
    totals: HashMap<Network, usize>,
    largest: BTreeSet<(usize, Network)>,
}

/// What one body holds; given back when it is dropped.
#[derive(Debug)]
pub struct Hold<'b> {
    budget: &'b Budget,
    network: Network,
    bytes: usize,
    number: u64,
    /// While the body is read: ends when it has to give way.
    revoked: Option<CancellationToken>,
}

/// No bytes are left, or they are needed elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default(), released: Notify::new() }
    }

    /// For one body of a caller from this network; nothing is taken yet.
    pub fn hold(&self, network: Network) -> Hold<'_> {
        Hold { budget: self, network, bytes: 0, number: 0, revoked: None }
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold<'_> {
    /// Takes as much more as is needed to hold so many bytes. Waits for a body that gives way to be gone.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if bytes <= FREE_BYTES.max(self.bytes) {
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

    /// Whether the bytes were there.
    fn try_grow(&mut self, bytes: usize) -> Result<bool, Exhausted> {
        let mut state = self.budget.lock();
        if self.revoked.as_ref().is_some_and(CancellationToken::is_cancelled) {
            return Err(Exhausted);
        }
        let more = bytes - self.bytes;
        while state.held + more > self.budget.bytes_max + state.coming {
            state.give_way(self.network, bytes, more)?;
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

    /// Ends when this body has to give way; none while it has taken nothing.
    pub fn revoked(&self) -> Option<&CancellationToken> {
        self.revoked.as_ref()
    }

    /// The body is complete, and is verified next: until then it no longer gives way.
    pub fn complete(&mut self) -> Result<(), Exhausted> {
        let Some(revoked) = self.revoked.take() else {
            return Ok(());
        };
        let mut state = self.budget.lock();
        if revoked.is_cancelled() {
            self.revoked = Some(revoked);
            return Err(Exhausted);
        }
        state.leave(self.network, self.bytes, self.number);
        state.held += self.bytes;
        Ok(())
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut state = self.budget.lock();
        match &self.revoked {
            Some(revoked) if revoked.is_cancelled() => {
                state.held -= self.bytes;
                state.coming -= self.bytes;
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
    /// Takes bytes from the largest body of the network that would hold most; fails if that is the one that asks.
    fn give_way(&mut self, network: Network, bytes: usize, more: usize) -> Result<(), Exhausted> {
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
        self.coming += held;
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
