//! Rows on their way into runs: collected in any order, then sorted.

use crate::merge::RUN_BYTES_MAX;
use crate::row::{Audience, ROW_AUDIENCES_MAX, ROW_TEXT_BYTES_MAX, Row};
use crate::run::{ENTRY_BYTES, Run, RunBuilder};
use crate::searched_text::cut;

/// Collected rows, in few buffers.
#[derive(Default)]
pub(crate) struct Staged {
    rows: Vec<StagedRow>,
    keys: Vec<u8>,
    text: Vec<u8>,
    audiences: Vec<Audience>,
}

/// Where a row's parts end; they start where those of the row before end.
struct StagedRow {
    n: u32,
    key_end: usize,
    text_end: usize,
    audiences_end: usize,
}

impl Staged {
    /// Adds a row. Of rows with one position, the last is kept.
    pub(crate) fn push(&mut self, row: &Row<'_>) {
        let before = self.audiences.len();
        let audiences = &row.audiences[..row.audiences.len().min(ROW_AUDIENCES_MAX)];
        if audiences.is_empty() {
            return;
        }
        self.audiences.extend_from_slice(audiences);
        self.audiences[before..].sort_unstable();
        self.keys.extend_from_slice(row.key.as_bytes());
        let text = cut(row.text, ROW_TEXT_BYTES_MAX).0;
        self.text.extend_from_slice(text.as_bytes());
        // A match never spans two rows, since no query contains a line break.
        if !text.ends_with('\n') {
            self.text.push(b'\n');
        }
        self.rows.push(StagedRow {
            n: row.n,
            key_end: self.keys.len(),
            text_end: self.text.len(),
            audiences_end: self.audiences.len(),
        });
    }

    fn start<T: Default>(&self, at: usize, end: impl Fn(&StagedRow) -> T) -> T {
        at.checked_sub(1).map_or_else(T::default, |before| end(&self.rows[before]))
    }

    fn place(&self, at: usize) -> (&[u8], u32) {
        let row = &self.rows[at];
        (&self.keys[self.start(at, |row| row.key_end)..row.key_end], row.n)
    }

    fn text(&self, at: usize) -> &[u8] {
        &self.text[self.start(at, |row| row.text_end)..self.rows[at].text_end]
    }

    fn audiences(&self, at: usize) -> &[Audience] {
        &self.audiences[self.start(at, |row| row.audiences_end)..self.rows[at].audiences_end]
    }

    fn weight(&self, at: usize) -> usize {
        self.place(at).0.len() + self.audiences(at).len() * (self.text(at).len() + ENTRY_BYTES)
    }

    /// Returns the rows as runs, each within the limit of bytes.
    pub(crate) fn into_runs(self) -> Vec<Run> {
        self.into_runs_within(RUN_BYTES_MAX)
    }

    pub(crate) fn into_runs_within(self, bytes_max: usize) -> Vec<Run> {
        let order = self.order();
        let mut runs = Vec::new();
        let (mut first, mut weight) = (0, 0);
        for (index, at) in order.iter().enumerate() {
            let row = self.weight(*at);
            if weight + row > bytes_max && index > first {
                runs.push(self.run(&order[first..index]));
                (first, weight) = (index, 0);
            }
            weight += row;
        }
        if first < order.len() {
            runs.push(self.run(&order[first..]));
        }
        runs
    }

    /// Returns the rows in list order.
    fn order(&self) -> Vec<usize> {
        // The first bytes of the keys decide most comparisons without a look at the keys themselves.
        let beginning = |key: &[u8]| {
            let mut bytes = [0; 8];
            let length = key.len().min(8);
            bytes[..length].copy_from_slice(&key[..length]);
            u64::from_be_bytes(bytes)
        };
        let mut order: Vec<(u64, usize)> = (0..self.rows.len()).map(|at| (beginning(self.place(at).0), at)).collect();
        order.sort_unstable_by(|(a, at), (b, other)| {
            a.cmp(b).then_with(|| self.place(*at).cmp(&self.place(*other))).then_with(|| other.cmp(at))
        });
        order.dedup_by(|(_, next), (_, kept)| self.place(*next) == self.place(*kept));
        order.into_iter().map(|(_, at)| at).collect()
    }

    fn run(&self, order: &[usize]) -> Run {
        let mut entries = Vec::new();
        let (mut keys, mut text) = (0, 0);
        for (rank, at) in (0_u32..).zip(order) {
            keys += self.place(*at).0.len();
            let audiences = self.audiences(*at);
            for (index, audience) in audiences.iter().enumerate() {
                if index == 0 || audiences[index - 1] != *audience {
                    entries.push((*audience, rank));
                    text += self.text(*at).len();
                }
            }
        }
        entries.sort_unstable();
        let mut run = RunBuilder::with_capacity(order.len(), keys, entries.len(), text);
        for at in order {
            let (key, n) = self.place(*at);
            run.row(key, n);
        }
        let mut last = None;
        for (audience, rank) in entries {
            if last != Some(audience) {
                run.segment(audience);
                last = Some(audience);
            }
            run.entry(rank, self.text(order[rank as usize]));
        }
        run.finish()
    }
}
