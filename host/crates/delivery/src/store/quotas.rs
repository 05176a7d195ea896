//! What a tenant, and a channel's provider, may leave in the database: looked up in `store_shares`, which the
//! same transaction keeps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use frontgate_store::{Origin, Overload};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use tokio::sync::Semaphore;

use super::{Store, StoreError};

/// All of a tenant's deliveries.
const DELIVERIES: i64 = 0;
/// All of a tenant's events.
const EVENTS: i64 = -1;

/// Providers may leave one part in so many of what their tenant may: the rest is for events of the platforms.
const IMPORTS_PART: u64 = 2;

/// How long a channel that has its share is refused without another look. Room comes with deliveries, which
/// take longer.
const REFUSED_FOR: Duration = Duration::from_millis(250);

/// Rows that one write deletes, and bytes of what they tell, which are overwritten: others wait meanwhile.
const PRUNE_MAX: u32 = 500;
const PRUNE_BYTES_MAX: i64 = 4 * 1024 * 1024;

/// A number of rows, and bytes of what they tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Size {
    fn reaches(self, most: Self) -> bool {
        self.rows >= most.rows || self.bytes >= most.bytes
    }

    fn part(self, part: u64) -> Self {
        Self { rows: (self.rows / part).max(1), bytes: (self.bytes / part).max(1) }
    }
}

/// What each tenant may leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    waiting: Size,
    kept_bytes: u64,
    events_bytes: u64,
}

impl Limits {
    pub(super) fn new(config: &frontgate_store::Settings) -> Self {
        Self {
            waiting: Size { rows: config.waiting_per_tenant_max, bytes: config.waiting_bytes_per_tenant_max },
            kept_bytes: config.deliveries_keep_bytes_per_tenant_max,
            events_bytes: config.events_bytes_per_tenant_max,
        }
    }

    /// Whether a tenant may leave another delivery.
    pub(super) fn delivery(self, connection: &Connection, tenant: &str) -> rusqlite::Result<Result<(), Overload>> {
        let is_full = waiting(connection, tenant, DELIVERIES)?.reaches(self.waiting);
        Ok(if is_full { Err(Overload::TenantWaiting) } else { Ok(()) })
    }

    /// Whether another event of a tenant may be remembered.
    pub(super) fn event(self, connection: &Connection, tenant: &str) -> rusqlite::Result<Result<(), Overload>> {
        let bytes = share(connection, tenant, EVENTS, "0, kept_bytes")?.bytes;
        Ok(if bytes >= self.events_bytes { Err(Overload::TenantEvents) } else { Ok(()) })
    }

    /// Whether a channel's provider may leave something.
    pub(super) fn import(
        self,
        connection: &Connection,
        tenant: &str,
        channel: i64,
        most: Size,
    ) -> rusqlite::Result<Result<(), Overload>> {
        if waiting(connection, tenant, channel)?.reaches(most) {
            return Ok(Err(Overload::ChannelWaiting));
        }
        let is_full = waiting(connection, tenant, DELIVERIES)?.reaches(self.waiting.part(IMPORTS_PART));
        Ok(if is_full { Err(Overload::TenantWaiting) } else { Ok(()) })
    }
}

fn waiting(connection: &Connection, tenant: &str, channel: i64) -> rusqlite::Result<Size> {
    share(connection, tenant, channel, "waiting, waiting_bytes")
}

fn share(connection: &Connection, tenant: &str, channel: i64, columns: &str) -> rusqlite::Result<Size> {
    let select = format!("SELECT {columns} FROM store_shares WHERE tenant = ?1 AND channel = ?2");
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    let size = |row: &Row<'_>| Ok(Size { rows: number(row.get(0)?), bytes: number(row.get(1)?) });
    let found = connection.prepare_cached(&select)?.query_row(params![tenant, channel], size).optional()?;
    Ok(found.unwrap_or_default())
}

/// Forgets events that are older than that; says whether there may be more.
pub(super) fn prune_events(transaction: &Transaction<'_>, before: i64) -> rusqlite::Result<bool> {
    let select = "SELECT tenant, identity, octet_length(answer) FROM events WHERE time_ms < ?1 LIMIT ?2";
    let mut select = transaction.prepare_cached(select)?;
    let row = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let old = select.query_map(params![before, PRUNE_MAX], row)?;
    let old: Vec<((String, String), i64)> = old.collect::<Result<_, _>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM events WHERE tenant = ?1 AND identity = ?2")?;
    prune(old, |(tenant, identity)| delete.execute([tenant, identity]).map(drop))
}

/// The same of deliveries that have ended.
pub(super) fn prune_deliveries(transaction: &Transaction<'_>, before: i64) -> rusqlite::Result<bool> {
    let select = "SELECT id, octet_length(payload) FROM deliveries
                  WHERE state IN ('sent', 'failed', 'cancelled') AND changed_ms < ?1 ORDER BY changed_ms LIMIT ?2";
    let mut select = transaction.prepare_cached(select)?;
    let old = select.query_map(params![before, PRUNE_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let old: Vec<(i64, i64)> = old.collect::<Result<_, _>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?;
    prune(old, |id| delete.execute([id]).map(drop))
}

/// The same, the oldest of a tenant that keeps more bytes than it may. What was given up waits for the operator,
/// and is not touched.
pub(super) fn prune_kept(transaction: &Transaction<'_>, limits: Limits) -> rusqlite::Result<bool> {
    let mut empty = transaction.prepare_cached("DELETE FROM store_shares WHERE channel > 0 AND waiting <= 0")?;
    empty.execute([])?;
    let most = i64::try_from(limits.kept_bytes).unwrap_or(i64::MAX);
    let mut select = transaction.prepare_cached(
        "SELECT tenant, kept_bytes - ?2 FROM store_shares WHERE channel = ?1 AND kept_bytes > ?2 LIMIT 1",
    )?;
    let found = select.query_row(params![DELIVERIES, most], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((tenant, mut excess)): Option<(String, i64)> = found else { return Ok(false) };
    let mut select = transaction.prepare_cached(
        "SELECT id, octet_length(payload) FROM deliveries INDEXED BY deliveries_ended
         WHERE state IN ('sent', 'failed', 'cancelled') AND tenant = ?1 ORDER BY changed_ms LIMIT ?2",
    )?;
    let old = select.query_map(params![tenant, PRUNE_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let old: Vec<(i64, i64)> = old.collect::<Result<_, _>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?;
    let old = old.into_iter().take_while(|(_, bytes)| {
        let is_needed = excess > 0;
        excess -= bytes;
        is_needed
    });
    prune(old.collect(), |id| delete.execute([id]).map(drop))?;
    Ok(true)
}

/// Deletes rows up to a number and their bytes, so that others' writes wait for a moment only; says whether
/// some are left, or may be.
fn prune<K>(rows: Vec<(K, i64)>, mut delete: impl FnMut(K) -> rusqlite::Result<()>) -> rusqlite::Result<bool> {
    let is_full = rows.len() >= PRUNE_MAX as usize;
    let mut bytes = 0;
    for (key, size) in rows {
        if bytes >= PRUNE_BYTES_MAX {
            return Ok(true);
        }
        delete(key)?;
        bytes += size;
    }
    Ok(is_full)
}

/// Which channels are refused for a moment, and how many requests of a provider are answered at one time.
#[derive(Default)]
pub(super) struct Providers {
    refused: Mutex<HashMap<i64, (Instant, Overload)>>,
    places: Mutex<HashMap<i64, Weak<Semaphore>>>,
}

impl Store {
    /// Whether a channel's provider need not be asked: what it tells would be refused.
    pub fn may_import(&self, tenant: &Arc<str>, channel: i64) -> Result<(), StoreError> {
        let mut refused = self.providers.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, overload)) = refused.get(&channel).copied() {
            if Instant::now() < until {
                overload.count(tenant);
                return Err(overload.into());
            }
            refused.remove(&channel);
        }
        drop(refused);
        self.database.would_take(&Origin::import(Arc::clone(tenant), channel, 0))
    }

    /// The places for requests of a channel's provider: they hold one until what they tell is on disk.
    pub fn provider_places(&self, channel: i64, most: usize) -> Arc<Semaphore> {
        let mut all = self.providers.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = all.get(&channel).and_then(Weak::upgrade) {
            return places;
        }
        all.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(most));
        all.insert(channel, Arc::downgrade(&places));
        places
    }

    /// Counts a refusal, and what it is good for.
    pub(super) fn overloaded(&self, tenant: &str, channel: Option<i64>, overload: Overload) -> StoreError {
        overload.count(tenant);
        if let Some(channel) = channel {
            let until = Instant::now() + REFUSED_FOR;
            self.providers.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, (until, overload));
        }
        overload.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with so many deliveries of a tenant in a state, of ten bytes each.
    fn filled(connection: &Connection, tenant: &str, state: &str, rows: i64) {
        for turn in 0..rows {
            let insert = "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state,
                            created_ms, since_ms, changed_ms, channel)
                          VALUES (?1, 'front-import', '-', '-', '0123456789', '-', 'ready', 1, 1, ?2, 7)";
            connection.execute(insert, params![tenant, turn]).expect("a row");
            let update = "UPDATE deliveries SET state = ?2 WHERE id = ?1";
            connection.execute(update, params![connection.last_insert_rowid(), state]).expect("a row");
        }
    }

    fn database(folder: &std::path::Path) -> Connection {
        let url = format!("sqlite:{}", folder.join("test.db").display());
        let config = frontgate_store::Settings { url, ..frontgate_store::Settings::default() };
        let database = frontgate_store::Database::open(&config).expect("a database");
        frontgate_store::schema::open_beside(database.path()).expect("a connection")
    }

    fn limits(rows: u64) -> Limits {
        Limits { waiting: Size { rows, bytes: 1_000_000 }, kept_bytes: 25, events_bytes: 100 }
    }

    const ANY: Size = Size { rows: 1_000, bytes: 1_000_000 };

    #[test]
    fn what_was_given_up_counts_until_the_operator_decides() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(folder.path());
        filled(&connection, "a", "dead", 3);
        let import = |most| limits(100).import(&connection, "a", 7, most).expect("an answer");
        assert_eq!(import(Size { rows: 3, ..ANY }), Err(Overload::ChannelWaiting));
        assert_eq!(import(Size { bytes: 30, ..ANY }), Err(Overload::ChannelWaiting));
        assert_eq!(import(Size { rows: 4, bytes: 31 }), Ok(()));
        connection.execute("UPDATE deliveries SET state = 'cancelled'", []).expect("rows");
        assert_eq!(import(Size { rows: 1, bytes: 1 }), Ok(()));
    }

    #[test]
    fn imports_leave_half_of_the_tenants_share_to_events() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(folder.path());
        filled(&connection, "a", "ready", 5);
        let limits = limits(10);
        assert_eq!(limits.import(&connection, "a", 8, ANY).expect("an answer"), Err(Overload::TenantWaiting));
        assert_eq!(limits.delivery(&connection, "a").expect("an answer"), Ok(()));
        assert_eq!(limits.import(&connection, "b", 9, ANY).expect("an answer"), Ok(()));
        filled(&connection, "a", "unknown", 5);
        assert_eq!(limits.delivery(&connection, "a").expect("an answer"), Err(Overload::TenantWaiting));
        assert_eq!(limits.delivery(&connection, "b").expect("an answer"), Ok(()));
    }

    #[test]
    fn one_write_deletes_no_more_than_so_many_bytes() {
        let mut deleted = Vec::new();
        let rows = [(1, PRUNE_BYTES_MAX - 1), (2, 10), (3, 10)];
        let delete = |row| {
            deleted.push(row);
            Ok(())
        };
        assert!(prune(rows.to_vec(), delete).expect("a deletion"));
        assert_eq!(deleted, [1, 2]);
        assert!(!prune(vec![(3, 10)], |_| Ok(())).expect("a deletion"));
    }

    /// What a query looks at, row by row.
    fn plan(connection: &Connection, query: &str) -> String {
        let mut select = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("a query");
        let columns = select.parameter_count();
        let rows = select.query_map(rusqlite::params_from_iter(vec![1; columns]), |row| row.get::<_, String>(3));
        rows.expect("a plan").collect::<Result<Vec<_>, _>>().expect("rows").join("; ")
    }

    #[test]
    fn claims_and_wakes_look_at_indexes_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(folder.path());
        let due =
            "state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2 AND channel NOT IN (1, 2)";
        for query in [
            format!("SELECT id FROM deliveries WHERE {due} AND due_ms <= ?3"),
            format!("SELECT min(due_ms) FROM deliveries WHERE {due}"),
        ] {
            let plan = plan(&connection, &query);
            assert!(plan.contains("USING COVERING INDEX deliveries_due"), "{plan}");
        }
        let paused = "SELECT id FROM deliveries WHERE channel = ?1 AND state = 'ready' AND lease IS NULL
                        AND plan IS NULL AND due_ms > ?2 AND kind IN ('front-import', 'front-status')";
        let plan = plan(&connection, paused);
        assert!(plan.contains("INDEX deliveries_paused (channel=? AND due_ms>?)"), "{plan}");
    }

    #[test]
    fn the_oldest_that_ended_go_first_and_only_of_who_keeps_too_much() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = database(folder.path());
        filled(&connection, "a", "sent", 2);
        filled(&connection, "b", "sent", 150);
        filled(&connection, "b", "dead", 5);
        let mut turns = 0;
        loop {
            let transaction = connection.transaction().expect("a transaction");
            let more = prune_kept(&transaction, limits(10)).expect("a deletion");
            transaction.commit().expect("a commit");
            turns += 1;
            if !more {
                break;
            }
        }
        let count = |tenant: &str, state: &str| {
            let select = "SELECT count(*) FROM deliveries WHERE tenant = ?1 AND state = ?2";
            connection.query_row(select, params![tenant, state], |row| row.get::<_, i64>(0)).expect("a number")
        };
        assert_eq!((count("a", "sent"), count("b", "dead")), (2, 5));
        assert!(turns == 2 && count("b", "sent") == 2, "{turns} {}", count("b", "sent"));
    }
}
