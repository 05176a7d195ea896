//! Reads the rings of all shards as one list, in the order of sequence numbers.

use std::sync::Arc;

use crate::filter::Filter;
use crate::record::Record;
use crate::rings::{RingName, Rings};

/// Records that are copied under one lock.
const CHUNK_RECORDS: usize = 128;

/// One answer to a reader that follows the records.
#[derive(Debug)]
pub struct Page {
    /// Matching records in ascending order.
    pub records: Vec<Arc<Record>>,
    /// Requests in the range that are not available any longer, whether or not they would match.
    pub skipped: u64,
    /// Number to continue after.
    pub next: u64,
    /// Whether the number belongs to an earlier start of the gateway, whose records are gone. `skipped` then counts only
    /// requests of this start.
    pub is_after_restart: bool,
}

/// Direction of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

/// All rings as one list.
struct Merged<'r> {
    rings: &'r Rings,
    direction: Direction,
    cursors: Vec<Cursor>,
    end: u64,
}

/// Position in the ring of one shard.
struct Cursor {
    shard: usize,
    ring: RingName,
    /// Next sequence number to read; `None` at the end.
    position: Option<u64>,
    /// Records that were copied and not yet returned, in reading order.
    chunk: std::vec::IntoIter<Arc<Record>>,
    head: Option<Arc<Record>>,
}

impl<'r> Merged<'r> {
    /// Lists the records from `from` to `end`.
    fn ascending(rings: &'r Rings, from: u64, end: u64) -> Self {
        Self::new(rings, Direction::Ascending, from, end)
    }

    /// Lists all records up to `from`, the newest first.
    fn descending(rings: &'r Rings, from: u64) -> Self {
        Self::new(rings, Direction::Descending, from, 0)
    }

    fn new(rings: &'r Rings, direction: Direction, from: u64, end: u64) -> Self {
        let shards = 0..rings.shard_count();
        let all = shards.flat_map(|shard| RingName::ALL.map(|ring| (shard, ring)));
        let cursors = all.map(|(shard, ring)| Cursor {
            shard,
            ring,
            position: Some(from),
            chunk: Vec::new().into_iter(),
            head: None,
        });
        let mut merged = Self { rings, direction, cursors: cursors.collect(), end };
        for at in 0..merged.cursors.len() {
            merged.advance(at);
        }
        merged
    }

    /// Replaces the head of a cursor by its next record.
    fn advance(&mut self, at: usize) {
        let cursor = &mut self.cursors[at];
        cursor.head = cursor.chunk.next();
        let Some(position) = cursor.position.filter(|_| cursor.head.is_none()) else { return };
        let chunk = match self.direction {
            Direction::Ascending => self.rings.first(cursor.shard, cursor.ring, position, self.end, CHUNK_RECORDS),
            Direction::Descending => self.rings.last_of(cursor.shard, cursor.ring, position, CHUNK_RECORDS),
        };
        let last = chunk.last().filter(|_| chunk.len() == CHUNK_RECORDS).map(|record| record.sequence);
        cursor.position = last.and_then(|last| match self.direction {
            Direction::Ascending => last.checked_add(1),
            Direction::Descending => last.checked_sub(1),
        });
        cursor.chunk = chunk.into_iter();
        cursor.head = cursor.chunk.next();
    }
}

impl Iterator for Merged<'_> {
    type Item = Arc<Record>;

    fn next(&mut self) -> Option<Arc<Record>> {
        let heads = self.cursors.iter().filter_map(|cursor| cursor.head.as_ref().map(|head| head.sequence));
        let next = match self.direction {
            Direction::Ascending => heads.min(),
            Direction::Descending => heads.max(),
        }?;
        let mut found = None;
        for at in 0..self.cursors.len() {
            if self.cursors[at].head.as_ref().is_some_and(|head| head.sequence == next) {
                found = self.cursors[at].head.take();
                self.advance(at);
            }
        }
        found
    }
}

/// Returns the records after a number, up to the last one at the time of the call.
pub(crate) fn after(rings: &Rings, first: u64, sequence: u64, filter: &Filter, max: usize) -> Page {
    // The end is read before any shard is locked, so each number up to the end was added before its shard is read.
    let end = rings.last();
    let is_after_restart = (sequence != 0 && sequence < first) || sequence > end;
    let start = if is_after_restart { first } else { sequence.max(first) };
    let mut page = Page { records: Vec::new(), skipped: 0, next: end, is_after_restart };
    let mut found = 0;
    for record in Merged::ascending(rings, start + 1, end) {
        found += 1;
        if !filter.matches(&record) {
            continue;
        }
        page.records.push(record);
        if page.records.len() >= max {
            page.next = page.records.last().map_or(end, |last| last.sequence);
            break;
        }
    }
    page.skipped = page.next - start - found;
    page
}

/// Returns the newest matching records, the newest first.
pub(crate) fn newest(rings: &Rings, matches: impl Fn(&Record) -> bool, max: usize) -> Vec<Arc<Record>> {
    Merged::descending(rings, rings.last()).filter(|record| matches(record)).take(max).collect()
}
