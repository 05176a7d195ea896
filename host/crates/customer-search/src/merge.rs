//! Merging of runs: which ones, and how large merges happen beside later changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::index::Index;
use crate::row::Audience;
use crate::run::{Run, RunBuilder, Slot};

/// Bytes of one run: keys, texts and entries. Larger sets of rows are several runs.
pub const RUN_BYTES_MAX: usize = 1 << 30;
/// Runs of one size class that are merged, and the ratio between two classes.
const RUNS_PER_CLASS: usize = 4;
/// A rank of no row.
const GONE: u32 = u32::MAX;

/// Returns the size class of a run, by the power of [`RUNS_PER_CLASS`].
fn class(run: &Run) -> u32 {
    run.len().max(1).ilog(RUNS_PER_CLASS)
}

/// Returns the places of runs to merge next, of those that are eligible.
///
/// - A run with more dead than live rows is rewritten alone.
/// - Otherwise all runs of the smallest class with enough runs are merged, as far as a run may hold them.
pub(crate) fn choose(slots: &[Slot], is_eligible: impl Fn(&Run) -> bool) -> Option<Vec<usize>> {
    let eligible = || slots.iter().enumerate().filter(|(_, slot)| is_eligible(&slot.run));
    if let Some((at, _)) = eligible().find(|(_, slot)| slot.dead.count() > slot.live()) {
        return Some(vec![at]);
    }
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, slot) in eligible() {
        classes.entry(class(&slot.run)).or_default().push(at);
    }
    classes.into_values().find_map(|mut places| {
        places.sort_by_key(|at| slots[*at].run.weight());
        let mut weight = 0;
        let fits = places.iter().take_while(|at| {
            weight += slots[**at].run.weight();
            weight <= RUN_BYTES_MAX
        });
        let count = fits.count();
        places.truncate(count);
        (count >= RUNS_PER_CLASS).then_some(places)
    })
}

/// Returns the live rows of runs as one run, or none if all are dead.
pub(crate) fn merge(sources: &[Slot]) -> Option<Run> {
    let sum = |count: fn(&Run) -> usize| sources.iter().map(|slot| count(&slot.run)).sum::<usize>();
    let mut merged = RunBuilder::with_capacity(
        sources.iter().map(Slot::live).sum(),
        sum(Run::key_bytes),
        sum(Run::entries),
        sum(Run::text_bytes),
    );
    let ranks = merge_rows(sources, &mut merged);
    let mut audiences: Vec<Audience> = sources.iter().flat_map(|slot| slot.run.audiences()).copied().collect();
    audiences.sort_unstable();
    audiences.dedup();
    let mut entries: Vec<(u32, usize, usize)> = Vec::new();
    for audience in audiences {
        let segments: Vec<_> = sources.iter().map(|slot| slot.run.segment(audience)).collect();
        entries.clear();
        for (source, segment) in segments.iter().enumerate() {
            let Some(segment) = segment else { continue };
            let new = segment.ranks.iter().map(|rank| ranks[source][*rank as usize]).enumerate();
            entries.extend(new.filter(|(_, rank)| *rank != GONE).map(|(entry, rank)| (rank, source, entry)));
        }
        // Sorted sources one behind the other: a stable sort merges them.
        entries.sort_by_key(|(rank, ..)| *rank);
        if entries.is_empty() {
            continue;
        }
        merged.segment(audience);
        for (rank, source, entry) in &entries {
            if let Some(segment) = segments[*source] {
                merged.entry(*rank, &segment.text[segment.start(*entry)..segment.start(*entry + 1)]);
            }
        }
    }
    let run = merged.finish();
    (run.len() > 0).then_some(run)
}

/// Adds the live rows in list order, and returns the new rank of each source's ranks.
fn merge_rows(sources: &[Slot], merged: &mut RunBuilder) -> Vec<Vec<u32>> {
    let mut ranks: Vec<Vec<u32>> = sources.iter().map(|slot| vec![GONE; slot.run.len()]).collect();
    let next_live = |source: usize, from: u32| {
        let slot: &Slot = &sources[source];
        (from..slot.run.len() as u32).find(|rank| !slot.dead.contains(*rank))
    };
    let mut heads: Vec<(usize, u32)> =
        (0..sources.len()).filter_map(|source| Some((source, next_live(source, 0)?))).collect();
    while let Some(first) = (0..heads.len()).min_by_key(|at| sources[heads[*at].0].run.place(heads[*at].1)) {
        let (source, rank) = heads[first];
        let (key, n) = sources[source].run.place(rank);
        ranks[source][rank as usize] = merged.row(key, n);
        match next_live(source, rank + 1) {
            Some(next) => heads[first].1 = next,
            None => drop(heads.swap_remove(first)),
        }
    }
    ranks
}

/// A merge of large runs that is due: [`MergePlan::run`] does it, on a thread that may block.
#[derive(Debug)]
pub struct MergePlan {
    pub(crate) sources: Vec<Slot>,
}

impl MergePlan {
    /// Returns the number of rows that the merge reads.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.sources.iter().map(|slot| slot.run.len()).sum()
    }

    /// Merges the runs as they were when the plan was made: less than a microsecond a row.
    #[must_use]
    pub fn run(self) -> Merged {
        let run = merge(&self.sources).map(Slot::new);
        Merged { sources: self.sources, run }
    }
}

/// A merged run, for [`Index::install`].
#[derive(Debug)]
pub struct Merged {
    sources: Vec<Slot>,
    run: Option<Slot>,
}

impl Merged {
    /// Returns the slots of an index with the merged run instead of its sources.
    ///
    /// Rows that died since are dead in the merged run. None if a source is not in the index, or is there in an earlier
    /// state.
    pub(crate) fn install(&self, slots: &[Slot]) -> Option<Vec<Slot>> {
        let mut merged = self.run.clone();
        for source in &self.sources {
            let current = slots.iter().find(|slot| Arc::ptr_eq(&slot.run, &source.run))?;
            for rank in current.dead.since(&source.dead)? {
                if let Some(merged) = &mut merged {
                    merged.kill(source.run.place(rank));
                }
            }
        }
        let is_source = |slot: &Slot| self.sources.iter().any(|source| Arc::ptr_eq(&source.run, &slot.run));
        Some(slots.iter().filter(|slot| !is_source(slot)).cloned().chain(merged).collect())
    }
}

impl Index {
    /// Returns whether [`Self::merge_plan`] has work.
    #[must_use]
    pub fn wants_merge(&self) -> bool {
        self.merge_choice().is_some()
    }

    /// Returns the merge of large runs that is due, or none. Making the plan takes microseconds.
    ///
    /// [`Self::apply`] never touches these runs, other than marking rows as dead.
    #[must_use]
    pub fn merge_plan(&self) -> Option<MergePlan> {
        let sources = self.merge_choice()?.into_iter().map(|at| self.slots()[at].clone()).collect();
        Some(MergePlan { sources })
    }

    fn merge_choice(&self) -> Option<Vec<usize>> {
        choose(self.slots(), |run| !self.merges_in_apply(run))
    }

    /// Returns this index with a merged run, and with all changes since its plan was made.
    ///
    /// None if its source runs are no longer here, or here in an earlier state: the merge is dropped and planned again.
    #[must_use]
    pub fn install(&self, merged: &Merged) -> Option<Self> {
        merged.install(self.slots()).map(|slots| self.with_slots(slots))
    }
}
