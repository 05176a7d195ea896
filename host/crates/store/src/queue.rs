//! The writes that wait for the disk: a share of the queue for each tenant, lanes within it, and turns among
//! the tenants, so that a full share delays its owner alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::writer::Work;
use super::{Overload, StoreError};

/// Writes that a tenant may always add, however many writes of others wait: `store.queue_max` can be filled
/// by several tenants together, and must not lock out one that has hardly any.
const RESERVED: usize = 16;

/// Imports and state may take one part in so many of a tenant's share, so that platform events find room.
const BULK_PART: usize = 2;

/// What a write is for. Within a tenant's share the earlier kinds go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Progress of a delivery, or housekeeping: it makes room, and its number is bounded by the workers.
    Progress,
    /// What a platform sent, and what it is answered.
    Event,
    /// What a plugin keeps.
    State,
    /// What a channel's provider sent.
    Import {
        /// Ours.
        channel: i64,
    },
}

/// Lanes of a share, one for each purpose.
const LANES: usize = 4;

impl Purpose {
    fn lane(self) -> usize {
        match self {
            Self::Progress => 0,
            Self::Event => 1,
            Self::State => 2,
            Self::Import { .. } => 3,
        }
    }

    fn is_bulk(self) -> bool {
        matches!(self, Self::State | Self::Import { .. })
    }
}

/// Whose write it is, what it is for, and the bytes that it keeps in memory while it waits.
#[derive(Debug, Clone)]
pub struct Origin {
    tenant: Arc<str>,
    pub(super) purpose: Purpose,
    bytes: usize,
}

impl Origin {
    /// The gateway's own housekeeping.
    pub fn own() -> Self {
        Self::progress("")
    }

    /// Progress of what a tenant has stored already: a delivery, a channel that is connected, an answer to a message. It
    /// is never refused, and its number is bounded by what was accepted.
    pub fn progress(tenant: impl Into<Arc<str>>) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::Progress, bytes: 0 }
    }

    /// What a platform sent.
    pub fn event(tenant: impl Into<Arc<str>>, bytes: usize) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::Event, bytes }
    }

    /// What a plugin keeps.
    pub fn state(tenant: impl Into<Arc<str>>, bytes: usize) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::State, bytes }
    }

    /// What a channel's provider sent.
    pub fn import(tenant: impl Into<Arc<str>>, channel: i64, bytes: usize) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::Import { channel }, bytes }
    }

    pub(super) fn tenant(&self) -> &Arc<str> {
        &self.tenant
    }
}

/// The limits of the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    all: usize,
    tenant: usize,
    tenant_bytes: usize,
    channel: usize,
}

impl Limits {
    pub(super) fn new(config: &crate::Settings) -> Self {
        Self {
            all: config.queue_max,
            tenant: config.queue_per_tenant_max,
            tenant_bytes: config.queue_bytes_per_tenant_max,
            channel: config.queue_per_channel_max,
        }
    }
}

/// What the writer finds.
pub(super) enum Found<W> {
    /// The next write.
    Work(W),
    /// Nothing for a while.
    Nothing,
    /// The queue is closed.
    Closed,
}

/// The queue between everybody and the writer.
pub(super) struct Queue<W = Work> {
    limits: Limits,
    inner: Mutex<Inner<W>>,
    filled: Condvar,
}

struct Inner<W> {
    /// Those with something waiting.
    tenants: HashMap<Arc<str>, Share<W>>,
    /// The same, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    /// Writes that count against `store.queue_max`.
    counted: usize,
    closed: bool,
}

/// What waits of one tenant.
struct Share<W> {
    lanes: [VecDeque<(Origin, W)>; LANES],
    counted: Load,
    /// Of those, state and imports.
    bulk: Load,
    channels: HashMap<i64, usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    writes: usize,
    bytes: usize,
}

impl Load {
    /// The last write may be larger than the room that is left: each fits once.
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
    fn refusal(&self, origin: &Origin, all: usize, limits: &Limits) -> Option<Overload> {
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
        let inner = Inner { tenants: HashMap::new(), turns: VecDeque::new(), counted: 0, closed: false };
        Self { limits, inner: Mutex::new(inner), filled: Condvar::new() }
    }

    /// Adds a write, unless its tenant has its share.
    pub(super) fn push(&self, origin: Origin, work: W) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let Inner { tenants, turns, counted, closed } = &mut *inner;
        if *closed {
            return Err(StoreError::Closed);
        }
        let is_counted = origin.purpose != Purpose::Progress;
        if let Some(share) = tenants.get_mut(&origin.tenant) {
            if let Some(overload) = share.refusal(&origin, *counted, &self.limits) {
                return Err(overload.into());
            }
            share.push(origin, work);
        } else {
            // Without a write that waits it has its reserved part at least.
            let tenant = Arc::clone(&origin.tenant);
            turns.push_back(Arc::clone(&tenant));
            tenants.entry(tenant).or_default().push(origin, work);
        }
        *counted += usize::from(is_counted);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// Why a write would be refused at this moment, if it would.
    pub(super) fn refusal(&self, origin: &Origin) -> Option<Overload> {
        let inner = self.lock();
        inner.tenants.get(&origin.tenant)?.refusal(origin, inner.counted, &self.limits)
    }

    /// The next write, in its turn, if one waits.
    pub(super) fn next(&self) -> Option<W> {
        self.lock().next()
    }

    /// The same, once there is one, or nothing after this long.
    pub(super) fn wait(&self, longest: Duration) -> Found<W> {
        let is_idle = |inner: &mut Inner<W>| inner.turns.is_empty() && !inner.closed;
        let waited = self.filled.wait_timeout_while(self.lock(), longest, is_idle);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match inner.next() {
            Some(work) => Found::Work(work),
            None if inner.closed => Found::Closed,
            None => Found::Nothing,
        }
    }

    /// How many writes of each tenant wait.
    pub(super) fn waiting(&self) -> HashMap<Arc<str>, usize> {
        let inner = self.lock();
        let count = |share: &Share<W>| share.lanes.iter().map(VecDeque::len).sum();
        inner.tenants.iter().map(|(tenant, share)| (Arc::clone(tenant), count(share))).collect()
    }

    /// Takes nothing more. What waits is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Drops what waits: nothing is left that could write it.
    pub(super) fn abandon(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let (tenants, _) = (std::mem::take(&mut inner.tenants), std::mem::take(&mut inner.turns));
        drop(inner);
        drop(tenants);
    }

    /// Nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.counted -= usize::from(origin.purpose != Purpose::Progress);
        Some(work)
    }
}

#[cfg(test)]
mod tests;
