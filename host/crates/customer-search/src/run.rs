//! A run: rows that never change, in list order, with the texts of each audience side by side.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::dead::Dead;
use crate::row::Audience;

/// Immutable rows, sorted by key and number. A row's *rank* is its place among them.
///
/// All offsets are 32 bits wide, since a run's weight is limited ([`crate::RUN_BYTES_MAX`]).
#[derive(Debug, Default)]
pub(crate) struct Run {
    keys: Box<[u8]>,
    /// Where each row's key starts, and the end of the last one.
    key_starts: Box<[u32]>,
    numbers: Box<[u32]>,
    audiences: Box<[Audience]>,
    /// Where each audience's entries start, and the end of the last one's.
    segment_starts: Box<[u32]>,
    /// The rank of each entry's row.
    ranks: Box<[u32]>,
    /// Where each entry's text starts, and the end of the last one.
    text_starts: Box<[u32]>,
    text: Box<[u8]>,
}

/// What one audience sees of a run, in list order.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) ranks: &'a [u32],
    /// Where the text of each entry starts in `text`, and the end of the last one.
    starts: &'a [u32],
    /// The run's text.
    pub(crate) text: &'a [u8],
}

impl Segment<'_> {
    /// Returns where the text of an entry starts; for the number of entries, where the last one ends.
    pub(crate) fn start(&self, entry: usize) -> usize {
        self.starts[entry] as usize
    }

    /// Returns the entry whose text has a byte: the same entry as `from`, or a later one.
    pub(crate) fn entry_at(&self, from: usize, byte: usize) -> usize {
        let starts = &self.starts[from..];
        // Most are near: the bound doubles, then the last doubling is searched.
        let mut bound = 1;
        while bound < starts.len() && starts[bound] as usize <= byte {
            bound *= 2;
        }
        let (low, high) = (bound / 2, bound.min(starts.len()));
        from + low + starts[low..high].partition_point(|start| *start as usize <= byte) - 1
    }
}

impl Run {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn key_bytes(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn entries(&self) -> usize {
        self.ranks.len()
    }

    pub(crate) fn place(&self, rank: u32) -> (&[u8], u32) {
        let at = rank as usize;
        (&self.keys[self.key_starts[at] as usize..self.key_starts[at + 1] as usize], self.numbers[at])
    }

    /// Returns the first rank whose place is not `less`.
    fn first(&self, is_less: impl Fn(Ordering) -> bool, place: (&[u8], u32)) -> u32 {
        let (mut low, mut high) = (0, self.numbers.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_less(self.place(middle).cmp(&place)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(crate) fn first_after(&self, place: (&[u8], u32)) -> u32 {
        self.first(Ordering::is_le, place)
    }

    pub(crate) fn find(&self, place: (&[u8], u32)) -> Option<u32> {
        let rank = self.first(Ordering::is_lt, place);
        (rank < self.numbers.len() as u32 && self.place(rank) == place).then_some(rank)
    }

    pub(crate) fn audiences(&self) -> &[Audience] {
        &self.audiences
    }

    /// Returns the segment of the audience at a place of [`Self::audiences`].
    fn segment_at(&self, at: usize) -> Segment<'_> {
        let (first, end) = (self.segment_starts[at] as usize, self.segment_starts[at + 1] as usize);
        Segment { ranks: &self.ranks[first..end], starts: &self.text_starts[first..=end], text: &self.text }
    }

    pub(crate) fn segment(&self, audience: Audience) -> Option<Segment<'_>> {
        self.audiences.binary_search(&audience).ok().map(|at| self.segment_at(at))
    }

    /// Returns the segments of audiences that are sorted.
    pub(crate) fn segments(&self, audiences: &[Audience]) -> impl Iterator<Item = Segment<'_>> {
        let mut from = 0;
        audiences.iter().filter_map(move |audience| {
            from += self.audiences[from..].partition_point(|other| other < audience);
            (self.audiences.get(from) == Some(audience)).then(|| self.segment_at(from))
        })
    }

    /// Returns the bytes that count towards the limit of a run.
    pub(crate) fn weight(&self) -> usize {
        self.keys.len() + self.text.len() + self.ranks.len() * ENTRY_BYTES
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.keys.len()
            + self.text.len()
            + size_of_val::<[Audience]>(&self.audiences)
            + size_of_val::<[u32]>(&self.key_starts)
            + size_of_val::<[u32]>(&self.numbers)
            + size_of_val::<[u32]>(&self.segment_starts)
            + size_of_val::<[u32]>(&self.ranks)
            + size_of_val::<[u32]>(&self.text_starts)
    }
}

/// Bytes of an entry beside its text.
pub(crate) const ENTRY_BYTES: usize = 2 * size_of::<u32>();

/// A run in an index, with the rows that are dead by now.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) run: Arc<Run>,
    pub(crate) dead: Arc<Dead>,
}

impl Slot {
    pub(crate) fn new(run: Run) -> Self {
        Self { run: Arc::new(run), dead: Arc::default() }
    }

    pub(crate) fn live(&self) -> usize {
        self.run.len() - self.dead.count()
    }

    /// Marks a live row as dead, if it is here.
    pub(crate) fn kill(&mut self, place: (&[u8], u32)) -> bool {
        match self.run.find(place).filter(|rank| !self.dead.contains(*rank)) {
            Some(rank) => {
                Arc::make_mut(&mut self.dead).insert(rank, self.run.len());
                true
            }
            None => false,
        }
    }
}

/// Fills a run: first all rows by rank, then the entries of each audience.
#[derive(Default)]
pub(crate) struct RunBuilder {
    keys: Vec<u8>,
    key_starts: Vec<u32>,
    numbers: Vec<u32>,
    audiences: Vec<Audience>,
    segment_starts: Vec<u32>,
    ranks: Vec<u32>,
    text_starts: Vec<u32>,
    text: Vec<u8>,
}

impl RunBuilder {
    pub(crate) fn with_capacity(rows: usize, key_bytes: usize, entries: usize, text_bytes: usize) -> Self {
        Self {
            keys: Vec::with_capacity(key_bytes),
            key_starts: Vec::with_capacity(rows + 1),
            numbers: Vec::with_capacity(rows),
            ranks: Vec::with_capacity(entries),
            text_starts: Vec::with_capacity(entries + 1),
            text: Vec::with_capacity(text_bytes),
            ..Self::default()
        }
    }

    pub(crate) fn row(&mut self, key: &[u8], n: u32) -> u32 {
        self.key_starts.push(self.keys.len() as u32);
        self.keys.extend_from_slice(key);
        self.numbers.push(n);
        self.numbers.len() as u32 - 1
    }

    /// Begins the segment of an audience that is greater than all before.
    pub(crate) fn segment(&mut self, audience: Audience) {
        self.audiences.push(audience);
        self.segment_starts.push(self.ranks.len() as u32);
    }

    /// Adds an entry to the segment: a row with a rank greater than all before.
    pub(crate) fn entry(&mut self, rank: u32, text: &[u8]) {
        self.ranks.push(rank);
        self.text_starts.push(self.text.len() as u32);
        self.text.extend_from_slice(text);
    }

    pub(crate) fn finish(mut self) -> Run {
        self.key_starts.push(self.keys.len() as u32);
        self.segment_starts.push(self.ranks.len() as u32);
        self.text_starts.push(self.text.len() as u32);
        Run {
            keys: self.keys.into(),
            key_starts: self.key_starts.into(),
            numbers: self.numbers.into(),
            audiences: self.audiences.into(),
            segment_starts: self.segment_starts.into(),
            ranks: self.ranks.into(),
            text_starts: self.text_starts.into(),
            text: self.text.into(),
        }
    }
}
