//! The end of an enumeration: customers that it did not find are removed, unless they are implausibly many.

use frontgate_store::sql::{self, Transaction};
use frontgate_store::values;

use super::apply::Writer;
use super::source;

/// Removals that never wait for an operator.
const ALWAYS_REMOVED: i64 = 20;
/// A larger part of all customers waits for an operator: one of this many.
const PART_HELD: i64 = 10;
/// Customers that one transaction removes.
const REMOVED_AT_ONCE: i64 = if cfg!(test) { 2 } else { 500 };
/// How long removed customers are known, so that a page can continue after them.
const GONE_KEPT_MS: i64 = if cfg!(test) { 0 } else { 7 * 86_400_000 };

/// The end of an enumeration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepEnd {
    /// So many customers were not found, and are to be removed.
    Remove(i64),
    /// So many were not found that an operator has to confirm their removal.
    Held(i64),
    /// The enumeration was started again meanwhile.
    Superseded,
}

/// Ends the running enumeration, if it is still this one. Its last cursor is where changes continue.
pub(crate) fn finish(
    transaction: &Transaction<'_>,
    tenant: &str,
    sweeping: i64,
    cursor: &[u8],
) -> sql::Result<SweepEnd> {
    let Some(source) = source::read(transaction, tenant)?.filter(|source| source.sweep_cursor == cursor) else {
        return Ok(SweepEnd::Superseded);
    };
    if source.generation == sweeping {
        // An earlier run of this write ended it.
        let missing = missing(transaction, source.id, sweeping)?;
        return Ok(if source.held > 0 { SweepEnd::Held(source.held) } else { SweepEnd::Remove(missing) });
    }
    if source.sweeping != sweeping {
        return Ok(SweepEnd::Superseded);
    }
    let (missing, all) = (missing(transaction, source.id, sweeping)?, source.live);
    let found = all - missing;
    let is_held = missing > ALWAYS_REMOVED.max(all / PART_HELD) || missing > 0 && found == 0;
    let held = if is_held { missing } else { 0 };
    let update = "UPDATE customer_sources
                  SET generation = ?2, sweeping = ?6, is_ready = ?3, cursor = sweep_cursor, swept_ms = ?4, held = ?5
                  WHERE id = ?1";
    // Until the removals are done, so that a run after a crash does the rest.
    let left = if is_held || missing == 0 { 0 } else { sweeping };
    transaction.execute(update, values![source.id, sweeping, true, transaction.now_ms(), held, left])?;
    Ok(if is_held { SweepEnd::Held(missing) } else { SweepEnd::Remove(missing) })
}

fn missing(transaction: &Transaction<'_>, source: i64, generation: i64) -> sql::Result<i64> {
    let count = "SELECT count(*) FROM customers WHERE source = ?1 AND generation < ?2 AND gone_ms IS NULL";
    transaction.value(count, values![source, generation])
}

/// Removes some of the customers that the last enumeration did not find, in the order of their numbers, after the number
/// `after`; returns the last number if more may be left. `confirmed`: also if their removal waits for an operator.
pub(crate) fn remove_missing(
    transaction: &Transaction<'_>,
    tenant: &str,
    after: i64,
    confirmed: bool,
) -> sql::Result<Option<i64>> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(None) };
    if source.held > 0 && !confirmed {
        return Ok(None);
    }
    let select = "SELECT n FROM customers
                  WHERE source = ?1 AND n > ?2 AND generation < ?3 AND gone_ms IS NULL ORDER BY n LIMIT ?4";
    let values = values![source.id, after, source.generation, REMOVED_AT_ONCE];
    let rows: Vec<i64> = transaction.rows(select, values, |row| row.get(0))?;
    let mut writer = Writer::new(transaction, &source);
    writer.mark_gone(&rows)?;
    let is_more = rows.len() as i64 == REMOVED_AT_ONCE;
    let held = if is_more { source.held } else { 0 };
    let sweeping = if source.is_removing() && !is_more { 0 } else { source.sweeping };
    let update = "UPDATE customer_sources SET seq = ?2, held = ?3, live = ?4, sweeping = ?5 WHERE id = ?1";
    let live = source.live - i64::try_from(rows.len()).unwrap_or_default();
    transaction.execute(update, values![source.id, writer.seq, held, live, sweeping])?;
    Ok(rows.last().copied().filter(|_| is_more))
}

/// Deletes what is left of customers that were removed long ago; returns whether more may be left.
pub(crate) fn prune(transaction: &Transaction<'_>, tenant: &str) -> sql::Result<bool> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(false) };
    let select = "SELECT n, seq FROM customers WHERE source = ?1 AND gone_ms < ?2 ORDER BY seq LIMIT ?3";
    let before = transaction.now_ms() - GONE_KEPT_MS;
    let rows = transaction.rows(select, values![source.id, before, REMOVED_AT_ONCE], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
    })?;
    for (n, _) in &rows {
        transaction.execute("DELETE FROM customers WHERE source = ?1 AND n = ?2", values![source.id, n])?;
    }
    if let Some(last) = rows.iter().map(|(_, seq)| *seq).max() {
        let update = "UPDATE customer_sources SET floor_seq = ?2 WHERE id = ?1 AND floor_seq < ?2";
        transaction.execute(update, values![source.id, last])?;
    }
    Ok(rows.len() as i64 == REMOVED_AT_ONCE)
}
