//! Answers from the index: lists, searches, customers' pages, and who has an address.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use frontgate_contract::bindings::crm::{CustomerPage, ListRequest, Position as Start};
use frontgate_contract::bindings::plugin_types::{Customer, CustomerSummary};
use frontgate_customer_search::{Position, Query, SEARCH_BUDGET_BYTES, SortKey};
use frontgate_store::StoreError;
use tokio::task::spawn_blocking;

use crate::memory::Snapshot;
use crate::rows::read;
use crate::tenant::{PageLookup, TenantCustomers};
use crate::{addresses, token};

/// Bytes of text that a search scans at once, a tenth of a millisecond. A longer one continues on a thread that may
/// block.
const SEARCH_INLINE_BYTES: u64 = 1 << 20;

impl TenantCustomers {
    /// Returns whether a token was made by an index, not by a plugin.
    pub fn is_own_token(request: &ListRequest) -> bool {
        matches!(&request.position, Start::Token(token) if token::is_own(token))
    }

    /// Lists or searches customers that a worker may see.
    ///
    /// # Errors
    ///
    /// Fails if the names cannot be read.
    pub async fn list(&self, request: ListRequest) -> Result<CustomerPage, StoreError> {
        let empty = CustomerPage { customers: Vec::new(), next_page_token: None };
        let Some(snapshot) = self.snapshot.load_full() else { return Ok(empty) };
        let ListRequest { worker, page_size, position, query } = request;
        let query = query.unwrap_or_default();
        let after = match position {
            Start::First => None,
            Start::Token(token) => match token::read(&token, &query) {
                None => return Ok(empty),
                place => place,
            },
            Start::After(id) => match self.place(snapshot.source.id, &worker, id).await? {
                None => return Ok(empty),
                place => place,
            },
        };
        let audiences = snapshot.audiences(&worker);
        let limit = usize::try_from(page_size).unwrap_or(usize::MAX);
        let page = if query.is_empty() {
            snapshot.index.list(&audiences, after.as_ref(), limit)
        } else {
            let (searched, parsed) = (Arc::clone(&snapshot), Query::parse(&query));
            let search = move |budget| searched.index.search(&audiences, &parsed, after.as_ref(), limit, budget);
            let page = search(SEARCH_INLINE_BYTES);
            if page.is_exhausted {
                spawn_blocking(move || search(SEARCH_BUDGET_BYTES)).await.map_err(|_| StoreError::Closed)?
            } else {
                page
            }
        };
        let next_page_token = page.next.as_ref().map(|position| token::write(position, &query));
        let rows: Vec<u32> = page.rows.iter().map(|position| position.n).collect();
        let found = self.summaries(&snapshot, &worker, &rows).await?;
        let last = rows.iter().zip(&found).rev().find_map(|(n, found)| Some((*n, found.as_ref()?)));
        if let Some((n, last)) = last {
            self.ends.note(&worker, &last.customer_id, n);
        }
        let customers = found.into_iter().flatten().map(|summary| CustomerSummary::clone(&summary)).collect();
        Ok(CustomerPage { customers, next_page_token })
    }

    /// Returns a customer's page.
    ///
    /// # Errors
    ///
    /// Fails if the page cannot be read.
    pub async fn page(&self, worker: &str, id: &str) -> Result<PageLookup, StoreError> {
        let Some(snapshot) = self.snapshot.load_full() else { return Ok(PageLookup::Unknown) };
        let Some(stored) = self.stored_page(snapshot.source.id, id).await? else { return Ok(PageLookup::Unknown) };
        if !snapshot.sees(worker, &stored.audiences) {
            return Ok(PageLookup::Hidden);
        }
        // A source reports every change, so a page is as old as the last successful run.
        let age_ms = self.age_ms(stored.fetched_ms.max(snapshot.source.synced_ms.unwrap_or_default()));
        Ok(PageLookup::Found { page: stored, age_ms })
    }

    /// Returns the customer with an address of Twilio, regardless of who sees the customer.
    ///
    /// # Errors
    ///
    /// Fails if the customer cannot be read.
    pub async fn find(&self, address: &str) -> Result<Option<Customer>, StoreError> {
        let Some(snapshot) = self.snapshot.load_full() else { return Ok(None) };
        if let Some(found) = self.found.get(address) {
            return Ok(Some(Customer::clone(&found)));
        }
        let Some(key) = addresses::key(address) else { return Ok(None) };
        let (before, source) = (*self.changed.borrow(), snapshot.source.id);
        let mut found = self.database.read(&self.tenant, move |read| read::find(read, source, &key)).await?;
        if found.len() > 1 {
            self.answers.ambiguous.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(found.swap_remove(0).customer));
        }
        let Some(found) = found.pop().map(|page| Arc::new(page.customer)) else { return Ok(None) };
        self.found.insert(address.to_owned(), Arc::clone(&found));
        // A customer that was read before a change must not stay.
        if *self.changed.borrow() != before {
            self.found.remove(address);
        }
        Ok(Some(Arc::unwrap_or_clone(found)))
    }

    /// Returns a customer as stored, regardless of who sees it.
    ///
    /// # Errors
    ///
    /// Fails if the customer cannot be read.
    pub async fn stored(&self, id: &str) -> Result<Option<Arc<read::StoredPage>>, StoreError> {
        match self.source() {
            Some(source) => self.stored_page(source.id, id).await,
            None => Ok(None),
        }
    }

    /// Returns the place at which a worker's page ended with a customer, else the customer's place.
    async fn place(&self, source: i64, worker: &str, id: String) -> Result<Option<Position>, StoreError> {
        let end = self.ends.of(worker, &id);
        let place = self.database.read(&self.tenant, move |read| read::place(read, source, &id, end)).await?;
        Ok(place.map(|(key, n): (Vec<u8>, u32)| Position { key: SortKey::from_bytes(&key), n }))
    }

    async fn stored_page(&self, source: i64, id: &str) -> Result<Option<Arc<read::StoredPage>>, StoreError> {
        if let Some(page) = self.pages.get(id) {
            return Ok(Some(page));
        }
        let (before, key) = (*self.changed.borrow(), id.to_owned());
        let found = self.database.read(&self.tenant, move |read| read::page(read, source, &key)).await?;
        let page = found.map(Arc::new);
        if let Some(page) = &page {
            self.pages.insert(id.to_owned(), Arc::clone(page));
            // A page that was read before a change must not stay.
            if *self.changed.borrow() != before {
                self.pages.remove(id);
            }
        }
        Ok(page)
    }

    /// Returns the names of rows, in this order; `None` for rows that have gone meanwhile, or that a change which this
    /// gateway has not followed yet has hidden from the worker.
    async fn summaries(
        &self,
        snapshot: &Snapshot,
        worker: &str,
        rows: &[u32],
    ) -> Result<Vec<Option<Arc<CustomerSummary>>>, StoreError> {
        let mut found: Vec<Option<Arc<CustomerSummary>>> = rows.iter().map(|n| self.summaries.get(n)).collect();
        let missing: Vec<u32> = rows.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(n, _)| *n).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let (before, source) = (*self.changed.borrow(), snapshot.source.id);
        let read = self.database.read(&self.tenant, move |read| read::summaries(read, source, &missing)).await?;
        for row in &read {
            let is_newer = row.seq > snapshot.seq;
            if is_newer && !snapshot.sees(worker, &row.audiences()) {
                continue;
            }
            if let Some(at) = rows.iter().position(|n| *n == row.n) {
                found[at] = Some(Arc::clone(&row.summary));
            }
            if !is_newer {
                self.summaries.insert(row.n, Arc::clone(&row.summary));
            }
        }
        if *self.changed.borrow() != before {
            read.iter().for_each(|row| drop(self.summaries.remove(&row.n)));
        }
        Ok(found)
    }
}
