//! Where pages ended: the row behind a customer's id, so that a page continues at the same place although the customer
//! has another name meanwhile.

use std::hash::{BuildHasher as _, RandomState};

use quick_cache::sync::Cache;

/// Ends of pages that are kept in memory. Behind others, a page continues at the customer's present place.
const ENDS_MAX: usize = 10_000;

/// The rows at which workers' pages ended. Without names and ids, which an operator may erase.
pub(crate) struct Ends {
    hasher: RandomState,
    rows: Cache<u64, u32>,
}

impl Default for Ends {
    fn default() -> Self {
        Self { hasher: RandomState::new(), rows: Cache::new(ENDS_MAX) }
    }
}

impl Ends {
    /// Notes that a page of a worker ended with a customer, which has this row.
    pub(crate) fn note(&self, worker: &str, id: &str, n: u32) {
        self.rows.insert(self.hasher.hash_one((worker, id)), n);
    }

    /// Returns the row of a customer with which a page of a worker ended.
    pub(crate) fn of(&self, worker: &str, id: &str) -> Option<u32> {
        self.rows.get(&self.hasher.hash_one((worker, id)))
    }
}
