//! Queue of writes for the threads that write: a share and lanes for each tenant, served round-robin.
//!
//! A full share delays its tenant alone. Progress of stored deliveries is never rejected.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::error::{Overload, StoreError};
use super::origin::{Origin, Purpose};
use super::settings::Settings;
use super::write::QueuedWrite;

/// Writes that a tenant may queue even if `store.queue_max` is reached. A few busy tenants therefore cannot lock out
/// the others.
const RESERVED: usize = 16;

/// Divisor for the part of a tenant's share that imports and state may use; the rest is reserved for events.
const BULK_PART: usize = 2;

/// Number of lanes of a share, one for each purpose.
const LANES: usize = 4;

/// The limits of the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    all: usize,
    tenant: usize,
    tenant_bytes: usize,
    channel: usize,
}

impl Limits {
    pub(super) fn new(config: &Settings) -> Self {
        Self {
            all: config.queue_max,
            tenant: config.queue_per_tenant_max,
            tenant_bytes: config.queue_bytes_per_tenant_max,
            channel: config.queue_per_channel_max,
        }
    }
}

/// The result of waiting for a write.
pub(super) enum Next<W> {
    /// The next write.
    Work(W),
    /// No write arrived within the time.
    Nothing,
    /// The queue is closed.
    Closed,
}

/// The queue between the callers and the writer.
pub(super) struct Queue<W = QueuedWrite> {
    limits: Limits,
    inner: Mutex<Inner<W>>,
    filled: Condvar,
}

struct Inner<W> {
    /// Tenants with queued writes.
    tenants: HashMap<Arc<str>, Share<W>>,
    /// The same tenants in round-robin order.
    turns: VecDeque<Arc<str>>,
    /// Queued writes, and those of them that `store.queue_max` limits.
    len: usize,
    counted: usize,
    closed: bool,
}

/// Queued writes of one tenant.
struct Share<W> {
    lanes: [VecDeque<(Origin, W)>; LANES],
    counted: Load,
    /// The part of `counted` that is state and imports.
    bulk: Load,
    channels: HashMap<i64, usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    writes: usize,
    bytes: usize,
}

impl Load {
    /// Returns whether a limit is reached. The last write may exceed it, so that any size can be accepted.
    fn is_full(self, writes: usize, bytes: usize) -> bool {
        self.writes >= writes || self.bytes >= bytes
    }

    fn add(&mut self, bytes: usize) {
        self.writes += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: usize) {
        self.writes -= 1;
        self.bytes -= bytes;
    }
}

impl<W> Default for Share<W> {
    fn default() -> Self {
        let (counted, bulk) = (Load::default(), Load::default());
        Self { lanes: std::array::from_fn(|_| VecDeque::new()), counted, bulk, channels: HashMap::new() }
    }
}

impl<W> Share<W> {
    fn rejection(&self, origin: &Origin, all: usize, limits: &Limits) -> Option<Overload> {
        if origin.purpose == Purpose::Progress {
            return None;
        }
        if self.counted.is_full(limits.tenant, limits.tenant_bytes) {
            return Some(Overload::Tenant);
        }
        if all >= limits.all && self.counted.writes >= RESERVED.min(limits.tenant) {
            return Some(Overload::Queue);
        }
        let part = |limit: usize| (limit / BULK_PART).max(1);
        if origin.purpose.is_bulk() && self.bulk.is_full(part(limits.tenant), part(limits.tenant_bytes)) {
            return Some(Overload::Tenant);
        }
        match origin.purpose {
            Purpose::Import { channel } if self.channels.get(&channel).is_some_and(|had| *had >= limits.channel) => {
                Some(Overload::Channel)
            }
            _ => None,
        }
    }

    fn push(&mut self, origin: Origin, work: W) {
        if origin.purpose != Purpose::Progress {
            self.counted.add(origin.bytes);
        }
        if origin.purpose.is_bulk() {
            self.bulk.add(origin.bytes);
        }
        if let Purpose::Import { channel } = origin.purpose {
            *self.channels.entry(channel).or_default() += 1;
        }
        self.lanes[origin.purpose.lane()].push_back((origin, work));
    }

    fn pop(&mut self) -> Option<(Origin, W)> {
        let (origin, work) = self.lanes.iter_mut().find_map(VecDeque::pop_front)?;
        if origin.purpose != Purpose::Progress {
            self.counted.remove(origin.bytes);
        }
        if origin.purpose.is_bulk() {
            self.bulk.remove(origin.bytes);
        }
        if let Purpose::Import { channel } = origin.purpose
            && let Some(waiting) = self.channels.get_mut(&channel)
        {
            *waiting -= 1;
            if *waiting == 0 {
                self.channels.remove(&channel);
            }
        }
        Some((origin, work))
    }

    fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }
}

impl<W> Queue<W> {
    pub(super) fn new(limits: Limits) -> Self {
        let inner = Inner { tenants: HashMap::new(), turns: VecDeque::new(), len: 0, counted: 0, closed: false };
        Self { limits, inner: Mutex::new(inner), filled: Condvar::new() }
    }

    /// Adds a write, unless a limit is reached.
    pub(super) fn push(&self, origin: Origin, work: W) -> Result<(), StoreError> {
        let mut inner = self.inner.lock();
        let Inner { tenants, turns, len, counted, closed } = &mut *inner;
        if *closed {
            return Err(StoreError::Closed);
        }
        let is_counted = origin.purpose != Purpose::Progress;
        if let Some(share) = tenants.get_mut(&origin.tenant) {
            if let Some(overload) = share.rejection(&origin, *counted, &self.limits) {
                return Err(overload.into());
            }
            share.push(origin, work);
        } else {
            // A tenant without queued writes may always use its reserved part.
            let tenant = Arc::clone(&origin.tenant);
            turns.push_back(Arc::clone(&tenant));
            tenants.entry(tenant).or_default().push(origin, work);
        }
        *len += 1;
        *counted += usize::from(is_counted);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// Returns the limit that would reject a write at this moment, if any.
    pub(super) fn rejection(&self, origin: &Origin) -> Option<Overload> {
        let inner = self.inner.lock();
        inner.tenants.get(&origin.tenant)?.rejection(origin, inner.counted, &self.limits)
    }

    /// Takes the next write in round-robin order, if any.
    pub(super) fn next(&self) -> Option<W> {
        self.inner.lock().next()
    }

    /// Returns the number of queued writes.
    pub(super) fn len(&self) -> usize {
        self.inner.lock().len
    }

    /// Takes the next write in round-robin order, waiting at most `longest`.
    pub(super) fn wait(&self, longest: Duration) -> Next<W> {
        let mut inner = self.inner.lock();
        let is_idle = |inner: &mut Inner<W>| inner.turns.is_empty() && !inner.closed;
        self.filled.wait_while_for(&mut inner, is_idle, longest);
        match inner.next() {
            Some(work) => Next::Work(work),
            None if inner.closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    /// Returns the number of queued writes of each tenant.
    pub(super) fn waiting(&self) -> HashMap<Arc<str>, usize> {
        let inner = self.inner.lock();
        let count = |share: &Share<W>| share.lanes.iter().map(VecDeque::len).sum();
        inner.tenants.iter().map(|(tenant, share)| (Arc::clone(tenant), count(share))).collect()
    }

    /// Rejects further writes; queued writes are still executed.
    pub(super) fn close(&self) {
        self.inner.lock().closed = true;
        self.filled.notify_all();
    }

    /// Returns whether further writes are rejected.
    pub(super) fn is_closed(&self) -> bool {
        self.inner.lock().closed
    }

    /// Closes the queue and drops queued writes, because the writer has ended.
    pub(super) fn abandon(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let (tenants, _) = (std::mem::take(&mut inner.tenants), std::mem::take(&mut inner.turns));
        drop(inner);
        drop(tenants);
    }
}

impl<W> Inner<W> {
    fn next(&mut self) -> Option<W> {
        let tenant = self.turns.pop_front()?;
        let share = self.tenants.get_mut(&tenant)?;
        let taken = share.pop();
        if share.is_empty() {
            self.tenants.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        let (origin, work) = taken?;
        self.len -= 1;
        self.counted -= usize::from(origin.purpose != Purpose::Progress);
        Some(work)
    }
}

#[cfg(test)]
mod tests;
