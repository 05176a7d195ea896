//! Rings of records, bounded by memory and age, in one shard for each thread that records.
//!
//! A lock is held only to add a record, or to copy references to a few. A record's sequence number is assigned within
//! the lock of its shard, so each shard is in order, and a reader that has locked every shard has seen every number that
//! was assigned before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::record::Record;

/// Most shards. Further threads share them.
const SHARDS_MAX: usize = 16;

/// Number of the next thread that records.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

/// Limits of all rings together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Memory for all records, in bytes.
    pub(crate) memory_bytes_max: usize,
    /// Records that began before this time are not in the ring of recent records.
    pub(crate) recent_from_ms: u64,
    /// Records that began before this time have no content.
    pub(crate) content_from_ms: u64,
    /// Records that began before this time are removed.
    pub(crate) kept_from_ms: u64,
}

/// A ring of each shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RingName {
    /// Accepted requests.
    Recent,
    /// Records that are kept for longer.
    Kept,
    /// Requests that were not accepted. Any caller can send them, so they replace no others.
    Unaccepted,
}

impl RingName {
    pub(crate) const ALL: [Self; 3] = [Self::Recent, Self::Kept, Self::Unaccepted];

    /// Returns the ring's share of the memory, in eighths.
    fn eighths(self) -> usize {
        match self {
            Self::Recent => 4,
            Self::Kept => 3,
            Self::Unaccepted => 1,
        }
    }
}

/// All records.
#[derive(Debug)]
pub(crate) struct Rings {
    shards: Vec<Mutex<[Ring; RingName::ALL.len()]>>,
    /// Sequence number of the last record.
    last: AtomicU64,
}

impl Rings {
    /// Creates rings whose first record follows the number `before`.
    pub(crate) fn new(threads: usize, before: u64) -> Self {
        let shards = (0..threads.clamp(1, SHARDS_MAX)).map(|_| Mutex::default()).collect();
        Self { shards, last: AtomicU64::new(before) }
    }

    /// Adds a record, and returns its sequence number.
    pub(crate) fn add(&self, mut record: Record, bounds: Bounds) -> u64 {
        let (is_accepted, is_kept) = (record.facts.is_accepted, record.kept.is_some());
        let shard = &self.shards[THREAD.with(|thread| *thread) % self.shards.len()];
        let mut rings = shard.lock();
        let sequence = self.last.fetch_add(1, Ordering::AcqRel) + 1;
        record.sequence = sequence;
        let record = Arc::new(record);
        let most = |ring| self.bytes_max(ring, bounds);
        if !is_accepted {
            rings[RingName::Unaccepted as usize].push(record, most(RingName::Unaccepted));
            return sequence;
        }
        if is_kept {
            rings[RingName::Kept as usize].push(Arc::clone(&record), most(RingName::Kept));
        }
        rings[RingName::Recent as usize].push(record, most(RingName::Recent));
        sequence
    }

    /// Adds a record of an earlier start. Its number is below all numbers of this one.
    pub(crate) fn restore(&self, record: Record, bounds: Bounds) {
        let ring = if record.facts.is_accepted { RingName::Kept } else { RingName::Unaccepted };
        let shard = usize::try_from(record.sequence).unwrap_or_default() % self.shards.len();
        self.shards[shard].lock()[ring as usize].push(Arc::new(record), self.bytes_max(ring, bounds));
    }

    /// Removes old records and old content, and what exceeds the memory.
    pub(crate) fn expire(&self, bounds: Bounds) {
        for shard in &self.shards {
            let mut rings = shard.lock();
            for name in RingName::ALL {
                let ring = &mut rings[name as usize];
                let removed_before = if name == RingName::Recent { bounds.recent_from_ms } else { bounds.kept_from_ms };
                ring.remove_before(removed_before);
                ring.drop_content_before(bounds.content_from_ms);
                ring.shrink(self.bytes_max(name, bounds));
            }
        }
    }

    /// Returns the number of the last record.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    pub(crate) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Copies references to at most `max` records of a ring, those with the lowest numbers from `from` to `to`.
    pub(crate) fn first(&self, shard: usize, ring: RingName, from: u64, to: u64, max: usize) -> Vec<Arc<Record>> {
        let rings = self.shards[shard].lock();
        let records = &rings[ring as usize].records;
        let start = records.partition_point(|record| record.sequence < from);
        records.range(start..).take_while(|record| record.sequence <= to).take(max).cloned().collect()
    }

    /// Copies references to at most `max` records of a ring, those with the highest numbers up to `to`, highest first.
    pub(crate) fn last_of(&self, shard: usize, ring: RingName, to: u64, max: usize) -> Vec<Arc<Record>> {
        let rings = self.shards[shard].lock();
        let records = &rings[ring as usize].records;
        let end = records.partition_point(|record| record.sequence <= to);
        records.range(..end).rev().take(max).cloned().collect()
    }

    /// Returns the memory that records use, in bytes. A record in two rings is counted twice.
    pub(crate) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().iter().map(|ring| ring.bytes).sum::<usize>()).sum()
    }

    fn bytes_max(&self, ring: RingName, bounds: Bounds) -> usize {
        bounds.memory_bytes_max / 8 * ring.eighths() / self.shards.len()
    }
}

/// Records in the order of their numbers.
#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    /// Records at the start that have no content.
    without_content: usize,
}

impl Ring {
    fn push(&mut self, record: Arc<Record>, bytes_max: usize) {
        self.bytes += record.bytes;
        self.records.push_back(record);
        self.shrink(bytes_max);
    }

    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max && self.pop() {}
    }

    fn remove_before(&mut self, at_ms: u64) {
        while self.records.front().is_some_and(|record| record.facts.at_ms < at_ms) && self.pop() {}
    }

    fn pop(&mut self) -> bool {
        let Some(record) = self.records.pop_front() else { return false };
        self.bytes -= record.bytes;
        self.without_content = self.without_content.saturating_sub(1);
        true
    }

    fn drop_content_before(&mut self, at_ms: u64) {
        let old = |record: &Arc<Record>| record.facts.at_ms < at_ms;
        while let Some(record) = self.records.get_mut(self.without_content).filter(|record| old(record)) {
            if record.content.is_some() {
                // A reader, or another ring, may hold the record as it was.
                self.bytes -= Arc::make_mut(record).drop_content();
            }
            self.without_content += 1;
        }
    }
}
