//! The bitmap of a run's dead rows.

/// The ranks of rows that were changed or removed since their run was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dead {
    /// Empty while no row is dead.
    words: Vec<u64>,
    count: usize,
}

impl Dead {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn contains(&self, rank: u32) -> bool {
        self.words.get(rank as usize / 64).is_some_and(|word| word >> (rank % 64) & 1 == 1)
    }

    /// Marks a row of a run of `rows` rows.
    pub(crate) fn insert(&mut self, rank: u32, rows: usize) {
        if self.contains(rank) {
            return;
        }
        if self.words.is_empty() {
            self.words = vec![0; rows.div_ceil(64)];
        }
        self.words[rank as usize / 64] |= 1 << (rank % 64);
        self.count += 1;
    }

    /// Returns the ranks that are dead here and not in an earlier state, or none if it is not an earlier state.
    pub(crate) fn since(&self, earlier: &Self) -> Option<Vec<u32>> {
        let word = |words: &[u64], at: usize| words.get(at).copied().unwrap_or(0);
        if earlier.words.iter().enumerate().any(|(at, bits)| bits & !word(&self.words, at) != 0) {
            return None;
        }
        let mut ranks = Vec::with_capacity(self.count - earlier.count);
        for (at, bits) in (0_u32..).zip(&self.words) {
            let mut bits = bits & !word(&earlier.words, at as usize);
            while bits != 0 {
                ranks.push(at * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
        Some(ranks)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
