//! Quotas: how much a tenant, and a channel's provider, may leave in the database.
//!
//! Triggers keep the counts in `store_shares` within the same transaction, so a check costs one lookup.

use frontgate_store::Overload;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// The `channel` of the row that counts all deliveries of a tenant.
pub(super) const DELIVERIES: i64 = 0;
/// The `channel` of the row that counts all events of a tenant.
const EVENTS: i64 = -1;

/// Providers may use one part in this many of a tenant's quota; the rest is reserved for events of the platforms.
const IMPORTS_PART: u64 = 2;

/// A number of rows, and the bytes of their payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: u64,
    /// Bytes of payloads.
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

/// The quotas of each tenant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    waiting: Size,
    pub(super) kept_bytes: u64,
    events_bytes: u64,
}

impl Limits {
    pub(super) fn new(settings: &frontgate_store::Settings) -> Self {
        Self {
            waiting: Size { rows: settings.waiting_per_tenant_max, bytes: settings.waiting_bytes_per_tenant_max },
            kept_bytes: settings.deliveries_keep_bytes_per_tenant_max,
            events_bytes: settings.events_bytes_per_tenant_max,
        }
    }

    /// Checks whether a tenant may enqueue another delivery.
    pub(super) fn delivery(self, connection: &Connection, tenant: &str) -> rusqlite::Result<Result<(), Overload>> {
        let is_full = waiting(connection, tenant, DELIVERIES)?.reaches(self.waiting);
        Ok(if is_full { Err(Overload::TenantWaiting) } else { Ok(()) })
    }

    /// Checks whether another event of a tenant may be stored.
    pub(super) fn event(self, connection: &Connection, tenant: &str) -> rusqlite::Result<Result<(), Overload>> {
        let bytes = share(connection, tenant, EVENTS, "0, kept_bytes")?.bytes;
        Ok(if bytes >= self.events_bytes { Err(Overload::TenantEvents) } else { Ok(()) })
    }

    /// Checks whether a channel's provider may enqueue imports, within `most` for the channel.
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Inserts deliveries of a tenant in a state, with ten bytes each.
    pub(in crate::store) fn filled(connection: &Connection, tenant: &str, state: &str, rows: i64) {
        for turn in 0..rows {
            let insert = "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state,
                            created_ms, since_ms, changed_ms, channel)
                          VALUES (?1, 'front-import', '-', '-', '0123456789', '-', 'ready', 1, 1, ?2, 7)";
            connection.execute(insert, params![tenant, turn]).expect("a row");
            let update = "UPDATE deliveries SET state = ?2 WHERE id = ?1";
            connection.execute(update, params![connection.last_insert_rowid(), state]).expect("a row");
        }
    }

    pub(in crate::store) fn database(folder: &std::path::Path) -> Connection {
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
    fn dead_deliveries_use_quota_until_an_operator_decides() {
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
    fn imports_leave_half_of_the_tenants_quota_to_events() {
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

    /// The plan of a query, step by step.
    fn plan(connection: &Connection, query: &str) -> String {
        let mut select = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("a query");
        let columns = select.parameter_count();
        let rows = select.query_map(rusqlite::params_from_iter(vec![1; columns]), |row| row.get::<_, String>(3));
        rows.expect("a plan").collect::<Result<Vec<_>, _>>().expect("rows").join("; ")
    }

    #[test]
    fn claims_and_wake_ups_read_indexes_only() {
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
}
