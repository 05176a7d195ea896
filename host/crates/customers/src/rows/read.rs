//! Reads customers: changes for the index in memory, rows of a page, and single customers.

use std::sync::Arc;

use frontgate_contract::bindings::plugin_types::{Customer, CustomerSummary};
use frontgate_store::sql::{self, Row, Transaction, Value};
use frontgate_store::values;

use super::{KEYS_MAX, groups, places};
use crate::record;

/// Rows that one read returns for the index in memory.
pub(crate) const FOLLOWED_MAX: u32 = if cfg!(test) { 5 } else { 5_000 };

/// A row as the index in memory needs it.
pub(crate) struct IndexRow {
    pub(crate) n: u32,
    pub(crate) sort_key: Vec<u8>,
    pub(crate) searched: String,
    /// Empty if the customer is gone.
    pub(crate) audiences: Vec<String>,
    pub(crate) seq: i64,
    pub(crate) is_gone: bool,
}

/// A customer's page as stored.
#[derive(Debug, Clone)]
pub struct StoredPage {
    /// The customer.
    pub customer: Customer,
    /// Whether links and details are there.
    pub is_complete: bool,
    /// When the source reported it, by the clock of the database.
    pub fetched_ms: i64,
    pub(crate) audiences: Vec<String>,
}

impl StoredPage {
    /// Returns who sees the customer: `everyone`, workers, and teams.
    pub fn seen_by(&self) -> Vec<String> {
        self.audiences.iter().map(|audience| record::audience_name(audience)).collect()
    }
}

/// Returns rows after a change number, in the order of changes.
pub(crate) fn changes(read: &Transaction<'_>, source: i64, after: i64) -> sql::Result<Vec<IndexRow>> {
    let select = "SELECT n, sort_key, searched, audiences, seq, gone_ms FROM customers
                  WHERE source = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    read.rows(select, values![source, after, FOLLOWED_MAX], index_row)
}

/// Returns rows after a number, in the order of numbers, for the first load.
pub(crate) fn all(read: &Transaction<'_>, source: i64, after: i64) -> sql::Result<Vec<IndexRow>> {
    let select = "SELECT n, sort_key, searched, audiences, seq, gone_ms FROM customers
                  WHERE source = ?1 AND n > ?2 ORDER BY n LIMIT ?3";
    read.rows(select, values![source, after, FOLLOWED_MAX], index_row)
}

fn index_row(row: &Row<'_>) -> sql::Result<IndexRow> {
    Ok(IndexRow {
        n: u32::try_from(row.get::<i64>(0)?).map_err(|_| sql::Error::Column("not a customer's number"))?,
        sort_key: row.get(1)?,
        searched: row.get(2)?,
        audiences: serde_json::from_str(&row.get::<String>(3)?).unwrap_or_default(),
        seq: row.get(4)?,
        is_gone: row.get::<Option<i64>>(5)?.is_some(),
    })
}

/// The name of a row, and who sees it.
pub(crate) struct NamedRow {
    pub(crate) n: u32,
    pub(crate) summary: Arc<CustomerSummary>,
    /// Number of the row's last change.
    pub(crate) seq: i64,
    pub(crate) audiences: String,
}

impl NamedRow {
    /// Returns the row's audiences.
    pub(crate) fn audiences(&self) -> Vec<String> {
        serde_json::from_str(&self.audiences).unwrap_or_default()
    }
}

/// Returns rows of a list by their numbers.
pub(crate) fn summaries(read: &Transaction<'_>, source: i64, rows: &[u32]) -> sql::Result<Vec<NamedRow>> {
    let mut found = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(KEYS_MAX) {
        let numbers: Vec<i64> = chunk.iter().copied().map(i64::from).collect();
        let select = format!(
            "SELECT n, customer_id, name, avatar, seq, audiences FROM customers
             WHERE source = ?1 AND gone_ms IS NULL AND n IN ({})",
            places(1, numbers.len())
        );
        let mut values: Vec<&dyn Value> = vec![&source];
        values.extend(numbers.iter().map(|n| n as &dyn Value));
        found.extend(read.rows(&select, &values, |row| {
            let summary = CustomerSummary { customer_id: row.get(1)?, display_name: row.get(2)?, avatar: row.get(3)? };
            let n = u32::try_from(row.get::<i64>(0)?).unwrap_or_default();
            Ok(NamedRow { n, summary: Arc::new(summary), seq: row.get(4)?, audiences: row.get(5)? })
        })?);
    }
    Ok(found)
}

/// Returns the statement that reads present customers by their ids.
///
/// The ids are a table, and not a list behind `IN`: for a list, SQLite reads all rows of the source.
pub(crate) fn known_select(ids: usize) -> String {
    format!(
        "WITH asked (id) AS (VALUES {})
         SELECT c.customer_id, c.n, c.sort_key, c.digest, c.version FROM asked CROSS JOIN customers c
         WHERE c.source = ?1 AND c.customer_id = asked.id AND c.gone_ms IS NULL",
        groups(1, 1, ids)
    )
}

/// Returns the place in the list of a customer, who may be gone: of the row `end` if that is the customer's, else of the
/// present row, else of the last one.
pub(crate) fn place(
    read: &Transaction<'_>,
    source: i64,
    id: &str,
    end: Option<u32>,
) -> sql::Result<Option<(Vec<u8>, u32)>> {
    let end = end.map_or(-1, i64::from);
    for row in ["n = ?3", "gone_ms IS NULL AND n <> ?3", "gone_ms IS NOT NULL AND n <> ?3"] {
        let select = format!(
            "SELECT sort_key, n FROM customers WHERE source = ?1 AND customer_id = ?2 AND {row} ORDER BY n DESC LIMIT 1"
        );
        let found = read.row(&select, values![source, id, end], |row| {
            Ok((row.get::<Vec<u8>>(0)?, u32::try_from(row.get::<i64>(1)?).unwrap_or_default()))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

const PAGE: &str = "SELECT r.record, c.is_complete, c.fetched_ms, c.audiences
                    FROM customers c JOIN customer_records r ON r.source = c.source AND r.n = c.n
                    WHERE c.source = ?1 AND c.gone_ms IS NULL";

/// Returns a customer by id.
pub(crate) fn page(read: &Transaction<'_>, source: i64, id: &str) -> sql::Result<Option<StoredPage>> {
    let select = format!("{PAGE} AND c.customer_id = ?2");
    Ok(read.row(&select, values![source, id], stored)?.flatten())
}

/// Returns at most two customers with an address, complete ones first.
pub(crate) fn find(read: &Transaction<'_>, source: i64, address: &str) -> sql::Result<Vec<StoredPage>> {
    let select = format!(
        "{PAGE} AND c.n IN (SELECT n FROM customer_addresses WHERE source = ?1 AND address = ?2)
         ORDER BY c.is_complete DESC, c.n LIMIT 2"
    );
    Ok(read.rows(&select, values![source, address], stored)?.into_iter().flatten().collect())
}

fn stored(row: &Row<'_>) -> sql::Result<Option<StoredPage>> {
    let Some(customer) = record::customer(&row.get::<String>(0)?) else { return Ok(None) };
    let audiences = serde_json::from_str(&row.get::<String>(3)?).unwrap_or_default();
    Ok(Some(StoredPage { customer, is_complete: row.get(1)?, fetched_ms: row.get(2)?, audiences }))
}

/// Returns the number of customers with an unusable number, and some of their ids.
pub(crate) fn unknown_numbers(read: &Transaction<'_>, source: i64, ids_max: u32) -> sql::Result<(i64, Vec<String>)> {
    let filter = "FROM customers WHERE source = ?1 AND has_unknown_number = ?2 AND gone_ms IS NULL";
    let count = read.value(&format!("SELECT count(*) {filter}"), values![source, true])?;
    let select = format!("SELECT customer_id {filter} ORDER BY n LIMIT ?3");
    Ok((count, read.rows(&select, values![source, true, ids_max], |row| row.get(0))?))
}
