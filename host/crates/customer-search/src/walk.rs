//! A walk through the entries of audiences in several runs, in list order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::index::Index;
use crate::query::Query;
use crate::row::{Audience, Position};
use crate::run::{Segment, Slot};
use crate::scan::Filter;

/// Entries that are looked at before other audiences have their turn. Doubled after each look without a match.
const ENTRIES_FIRST: usize = 64;
const ENTRIES_MAX: usize = 8_192;
/// Bytes of text that decide which word of a query is looked for first.
const SAMPLE_BYTES: usize = 8_192;

/// What one audience sees of one run, from the next entry on.
struct Lane<'a> {
    segment: Segment<'a>,
    next: usize,
    /// The next entry passes the filter; otherwise it and all behind it are unknown.
    is_match: bool,
    entries: usize,
}

/// The lanes of a run, the one with the lowest rank first.
struct RunLanes<'a> {
    slot: &'a Slot,
    lanes: Vec<Lane<'a>>,
    /// Next rank and lane.
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

/// The place of a run's first lane.
#[derive(PartialEq, Eq)]
struct Head<'a> {
    place: (&'a [u8], u32),
    run: usize,
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap's first is the lowest place.
        other.place.cmp(&self.place).then_with(|| other.run.cmp(&self.run))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(crate) struct Walk<'a> {
    filter: Filter<'a>,
    runs: Vec<RunLanes<'a>>,
    heads: BinaryHeap<Head<'a>>,
    budget: u64,
    scanned: u64,
    /// The last row that was looked at: all rows before it are done.
    done: Option<(&'a [u8], u32)>,
    emitted: Option<(&'a [u8], u32)>,
}

/// Returns some text from the middle of the longest lane.
fn sample<'a>(runs: &[RunLanes<'a>]) -> &'a [u8] {
    let lanes = runs.iter().flat_map(|lanes| &lanes.lanes);
    let Some(longest) = lanes.max_by_key(|lane| lane.segment.ranks.len() - lane.next) else { return &[] };
    let (segment, entries) = (longest.segment, longest.segment.ranks.len());
    let start = segment.start(longest.next + (entries - longest.next) / 2);
    &segment.text[start..segment.start(entries).min(start + SAMPLE_BYTES)]
}

/// A step of a walk.
pub(crate) enum Step<'a> {
    Row((&'a [u8], u32)),
    End,
    /// The budget is used up. All rows up to this one are done.
    Exhausted(Option<(&'a [u8], u32)>),
}

impl<'a> Walk<'a> {
    /// Begins a walk behind a position. The audiences are sorted and different.
    pub(crate) fn new(
        index: &'a Index,
        audiences: &[Audience],
        query: Option<&'a Query>,
        after: Option<&Position>,
        budget: u64,
    ) -> Self {
        let mut runs = Vec::new();
        for slot in index.slots() {
            let from = after.map_or(0, |position| slot.run.first_after((position.key.as_bytes(), position.n)));
            let mut lanes = Vec::new();
            for segment in slot.run.segments(audiences) {
                let next = segment.ranks.partition_point(|rank| *rank < from);
                if next < segment.ranks.len() {
                    lanes.push(Lane { segment, next, is_match: false, entries: ENTRIES_FIRST });
                }
            }
            let heap = (0_u32..).zip(&lanes).map(|(at, lane)| Reverse((lane.segment.ranks[lane.next], at))).collect();
            runs.push(RunLanes { slot, lanes, heap });
        }
        let filter = query.map_or(Filter::All, |query| Filter::query(query, sample(&runs)));
        let heads = runs.iter().enumerate().filter_map(|(run, lanes)| lanes.head(run)).collect();
        Self { filter, runs, heads, budget, scanned: 0, done: None, emitted: None }
    }

    /// Returns the next row that passes the filter, each once.
    pub(crate) fn step(&mut self) -> Step<'a> {
        while let Some(Head { place, run }) = self.heads.pop() {
            let lanes = &mut self.runs[run];
            let Some(Reverse((_, at))) = lanes.heap.pop() else { continue };
            let lane = &mut lanes.lanes[at as usize];
            if !lane.is_match {
                // A dead row and its replacement can have one place: the walk stops behind both.
                if self.scanned >= self.budget && self.done.is_some_and(|done| done < place) {
                    let scanned = lane.next.checked_sub(1).map(|entry| lanes.slot.run.place(lane.segment.ranks[entry]));
                    let done = self.done.map(|done| scanned.map_or(done, |scanned| scanned.max(done)));
                    return Step::Exhausted(done);
                }
                self.done = Some(place);
                lane.scan(lanes.slot, &self.filter, &mut self.scanned);
            }
            let is_row = lane.is_match && lanes.slot.run.place(lane.segment.ranks[lane.next]) == place;
            if is_row {
                self.done = Some(place);
                (lane.next, lane.is_match) = (lane.next + 1, false);
            }
            if let Some(rank) = lane.segment.ranks.get(lane.next) {
                lanes.heap.push(Reverse((*rank, at)));
            }
            self.heads.extend(lanes.head(run));
            if is_row && self.emitted != Some(place) {
                self.emitted = Some(place);
                return Step::Row(place);
            }
        }
        Step::End
    }
}

impl<'a> RunLanes<'a> {
    fn head(&self, run: usize) -> Option<Head<'a>> {
        let Reverse((rank, _)) = self.heap.peek()?;
        Some(Head { place: self.slot.run.place(*rank), run })
    }
}

impl Lane<'_> {
    /// Moves to the next entry that passes, or behind those that were looked at.
    fn scan(&mut self, slot: &Slot, filter: &Filter<'_>, scanned: &mut u64) {
        let end = self.segment.ranks.len().min(self.next + self.entries);
        match filter.first(&self.segment, &slot.dead, self.next..end, scanned) {
            Some(entry) => (self.next, self.is_match, self.entries) = (entry, true, ENTRIES_FIRST),
            None => (self.next, self.entries) = (end, ENTRIES_MAX.min(2 * self.entries)),
        }
    }
}
