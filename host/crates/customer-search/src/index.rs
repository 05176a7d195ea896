//! The index: runs, and what changes do to them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::merge::{choose, merge};
use crate::row::{Change, Row};
use crate::run::{Run, Slot};
use crate::staged::Staged;

/// Rows of the largest run that [`Index::apply`] merges itself: four of them take some ten milliseconds.
pub const APPLY_MERGE_RUN_ROWS: usize = 4_095;

/// The list and the search index over the customers of a tenant.
///
/// A value: changes make a new index, which shares what is equal. Clones share everything.
#[derive(Clone)]
pub struct Index {
    /// The largest run first.
    slots: Arc<[Slot]>,
    /// [`APPLY_MERGE_RUN_ROWS`], less in tests.
    apply_merge_run_rows: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self { slots: Arc::default(), apply_merge_run_rows: APPLY_MERGE_RUN_ROWS }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("rows", &self.len()).field("runs", &self.runs()).finish()
    }
}

/// Collects rows of a first load, batch by batch.
#[derive(Default)]
pub struct Builder(Staged);

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Builder {
    /// Adds a row, in any order. Of rows with one position, the last is kept.
    pub fn push(&mut self, row: &Row<'_>) {
        self.0.push(row);
    }

    /// Sorts the rows: seconds for a million, on a thread that may block.
    #[must_use]
    pub fn finish(self) -> Index {
        Index::default().with_slots(self.0.into_runs().into_iter().map(Slot::new).collect())
    }
}

impl Index {
    /// Returns an index of these rows.
    #[must_use]
    pub fn build<'a>(rows: impl IntoIterator<Item = Row<'a>>) -> Self {
        let mut builder = Builder::default();
        rows.into_iter().for_each(|row| builder.push(&row));
        builder.finish()
    }

    pub(crate) fn with_slots(&self, mut slots: Vec<Slot>) -> Self {
        slots.sort_by_key(|slot| Reverse(slot.run.len()));
        Self { slots: slots.into(), ..*self }
    }

    #[cfg(test)]
    pub(crate) fn merging_in_apply(mut self, rows: usize) -> Self {
        self.apply_merge_run_rows = rows;
        self
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn merges_in_apply(&self, run: &Run) -> bool {
        run.len() <= self.apply_merge_run_rows
    }

    /// Returns the index after changes. Of several changes of a customer, the last decides.
    ///
    /// Changes that were applied before may be applied again. Cost: a look-up for each change, a copy of the bitmaps of
    /// dead rows, and merges of small runs.
    #[must_use]
    pub fn apply(&self, changes: &[Change<'_>]) -> Self {
        let mut slots = self.slots.to_vec();
        let mut kill = |place: (&[u8], u32)| slots.iter_mut().any(|slot| slot.kill(place));
        let mut added: BTreeMap<u32, &Row<'_>> = BTreeMap::new();
        for Change { old, new } in changes {
            if let Some(old) = old {
                kill((old.key.as_bytes(), old.n));
                added.remove(&old.n);
            }
            if let Some(row) = new {
                if old.as_ref().is_none_or(|old| (&old.key, old.n) != (row.key, row.n)) {
                    kill((row.key.as_bytes(), row.n));
                }
                added.insert(row.n, row);
            }
        }
        let mut staged = Staged::default();
        added.into_values().for_each(|row| staged.push(row));
        slots.extend(staged.into_runs().into_iter().map(Slot::new));
        slots.retain(|slot| slot.live() > 0);
        while let Some(places) = choose(&slots, |run| self.merges_in_apply(run)) {
            let (mut sources, mut rest) = (Vec::new(), Vec::new());
            for (at, slot) in slots.into_iter().enumerate() {
                if places.contains(&at) { sources.push(slot) } else { rest.push(slot) }
            }
            rest.extend(merge(&sources).map(Slot::new));
            slots = rest;
        }
        self.with_slots(slots)
    }

    /// Returns the number of customers that an audience sees.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.iter().map(Slot::live).sum()
    }

    /// Returns whether no audience sees a customer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of runs: each costs a page some hundred nanoseconds.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.slots.len()
    }

    /// Returns the bytes of memory of this index. Other indexes, made by changes, share most of them.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.run.memory_bytes() + slot.dead.memory_bytes()).sum()
    }
}
