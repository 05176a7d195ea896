//! Pages of the list and of searches.

use crate::SortKey;
use crate::index::Index;
use crate::query::Query;
use crate::row::{Audience, Position};
use crate::walk::{Step, Walk};

/// The usual budget of a search: six times the text of a million customers, at most some 100 milliseconds.
pub const SEARCH_BUDGET_BYTES: u64 = 512 << 20;

/// A page of customers, in list order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows, each once. Their numbers are the customers'.
    pub rows: Vec<Position>,
    /// Where the next page begins: after this position. None at the end.
    pub next: Option<Position>,
    /// The search used up its budget: further rows may match, though the page is not full.
    pub is_exhausted: bool,
}

impl Index {
    /// Returns the customers after a position that one of the audiences sees.
    #[must_use]
    pub fn list(&self, audiences: &[Audience], after: Option<&Position>, limit: usize) -> Page {
        self.page(audiences, None, after, limit, u64::MAX)
    }

    /// Returns the customers after a position that one of the audiences sees and the query finds.
    ///
    /// The budget is in bytes of text scanned, see [`SEARCH_BUDGET_BYTES`]. Each call gets further by at least one row.
    #[must_use]
    pub fn search(
        &self,
        audiences: &[Audience],
        query: &Query,
        after: Option<&Position>,
        limit: usize,
        budget: u64,
    ) -> Page {
        if query.is_empty() {
            return Page::default();
        }
        self.page(audiences, Some(query), after, limit, budget)
    }

    fn page(
        &self,
        audiences: &[Audience],
        query: Option<&Query>,
        after: Option<&Position>,
        limit: usize,
        budget: u64,
    ) -> Page {
        let mut page = Page::default();
        if limit == 0 {
            return page;
        }
        let mut audiences = audiences.to_vec();
        audiences.sort_unstable();
        audiences.dedup();
        let position = |(key, n): (&[u8], u32)| Position { key: SortKey::from_bytes(key), n };
        let mut walk = Walk::new(self, &audiences, query, after, budget);
        loop {
            match walk.step() {
                Step::Row(_) if page.rows.len() == limit => {
                    page.next = page.rows.last().cloned();
                    return page;
                }
                Step::Row(place) => page.rows.push(position(place)),
                Step::End => return page,
                Step::Exhausted(done) => {
                    page.next = done.map(position);
                    page.is_exhausted = true;
                    return page;
                }
            }
        }
    }
}
