//! Search in the text of a segment.

use std::ops::Range;

use crate::dead::Dead;
use crate::query::{Alternative, Query};
use crate::run::Segment;

/// What a look at a row costs beside its bytes, in bytes scanned.
const CANDIDATE_BYTES: u64 = 64;

/// The rows of a page: all, or those that a query finds.
pub(crate) enum Filter<'a> {
    All,
    /// The alternatives of a query, each with its leading word.
    Query(Vec<(&'a Alternative, usize)>),
}

impl<'a> Filter<'a> {
    /// Returns the filter for a query, given some of the text to search.
    pub(crate) fn query(query: &'a Query, sample: &[u8]) -> Self {
        Self::Query(query.alternatives.iter().map(|alternative| (alternative, alternative.lead(sample))).collect())
    }

    /// Returns the first live entry that passes, and adds the bytes that were scanned.
    pub(crate) fn first(
        &self,
        segment: &Segment<'_>,
        dead: &Dead,
        mut entries: Range<usize>,
        scanned: &mut u64,
    ) -> Option<usize> {
        let Self::Query(alternatives) = self else {
            return entries.find(|entry| !dead.contains(segment.ranks[*entry]));
        };
        let mut found = None;
        for (alternative, lead) in alternatives {
            if let Some(entry) = alternative.first(*lead, segment, dead, entries.clone(), scanned) {
                found = Some(entry);
                entries.end = entry;
            }
        }
        found
    }
}

impl Alternative {
    fn first(
        &self,
        lead: usize,
        segment: &Segment<'_>,
        dead: &Dead,
        entries: Range<usize>,
        scanned: &mut u64,
    ) -> Option<usize> {
        let first = &self.words[lead];
        let (mut entry, end) = (entries.start, segment.start(entries.end));
        let mut at = segment.start(entry);
        while let Some(skipped) = first.finder.find(&segment.text[at..end]) {
            let hit = at + skipped;
            *scanned += skipped as u64 + CANDIDATE_BYTES;
            entry = segment.entry_at(entry, hit);
            let start = segment.start(entry);
            let row = &segment.text[start..segment.start(entry + 1)];
            at = start + row.len();
            if dead.contains(segment.ranks[entry]) {
                continue;
            }
            if !first.is_placed(row, hit - start) {
                at = hit + 1;
                continue;
            }
            *scanned += (row.len() * (self.words.len() - 1)) as u64;
            if self.words.iter().enumerate().all(|(at, word)| at == lead || word.is_in(row)) {
                return Some(entry);
            }
        }
        *scanned += (end - at) as u64;
        None
    }
}
