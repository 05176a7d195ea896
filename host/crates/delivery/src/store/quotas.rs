//! Quotas: limit the data of each tenant, and of each channel's provider, in the database.
//!
//! Triggers update the counts behind the view `shares` within the same transaction, so a check costs one lookup.

use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::{Overload, values};

/// The `channel` of the row that counts all deliveries of a tenant.
pub(super) const DELIVERIES: i64 = 0;
/// The `channel` of the row that counts all events of a tenant.
pub(super) const EVENTS: i64 = -1;

/// Divisor for the part of a tenant's quota that providers may use; the rest is reserved for platforms' events.
const IMPORTS_PART: u64 = 2;

/// A number of rows, and the bytes of their payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Number of rows.
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
    pub(super) waiting: Size,
    pub(super) kept_bytes: u64,
    pub(super) events_bytes: u64,
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
    pub(super) fn delivery(self, read: &Transaction<'_>, tenant: &str) -> sql::Result<Result<(), Overload>> {
        let is_full = waiting(read, tenant, DELIVERIES)?.reaches(self.waiting);
        Ok(if is_full { Err(Overload::TenantWaiting) } else { Ok(()) })
    }

    /// Checks whether another event of a tenant may be stored.
    pub(super) fn event(self, read: &Transaction<'_>, tenant: &str) -> sql::Result<Result<(), Overload>> {
        let bytes = share(read, tenant, EVENTS, "0, kept_bytes")?.bytes;
        Ok(if bytes >= self.events_bytes { Err(Overload::TenantEvents) } else { Ok(()) })
    }

    /// Checks whether a channel's provider may enqueue imports, within `most` for the channel.
    pub(super) fn import(
        self,
        read: &Transaction<'_>,
        tenant: &str,
        channel: i64,
        most: Size,
    ) -> sql::Result<Result<(), Overload>> {
        if waiting(read, tenant, channel)?.reaches(most) {
            return Ok(Err(Overload::ChannelWaiting));
        }
        let is_full = waiting(read, tenant, DELIVERIES)?.reaches(self.waiting.part(IMPORTS_PART));
        Ok(if is_full { Err(Overload::TenantWaiting) } else { Ok(()) })
    }
}

fn waiting(read: &Transaction<'_>, tenant: &str, channel: i64) -> sql::Result<Size> {
    share(read, tenant, channel, "waiting, waiting_bytes")
}

fn share(read: &Transaction<'_>, tenant: &str, channel: i64, columns: &str) -> sql::Result<Size> {
    let select = format!("SELECT {columns} FROM shares WHERE tenant = ?1 AND channel = ?2");
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    let size = |row: &Row<'_>| Ok(Size { rows: number(row.get(0)?), bytes: number(row.get(1)?) });
    Ok(read.row(&select, values![tenant, channel], size)?.unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use frontgate_store::Shared;
    use frontgate_store::sql::Scope;

    use super::*;

    /// Inserts deliveries of a tenant in a state, with ten bytes each.
    pub(in crate::store) fn filled(database: &mut Shared, tenant: &str, state: &str, rows: i64) {
        let fill = |transaction: &Transaction<'_>| {
            (0..rows).try_for_each(|turn| {
                let insert = "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state,
                            created_ms, since_ms, changed_ms, channel)
                          VALUES (?1, 'front-import', '-', '-', '0123456789', '-', 'ready', 1, 1, ?2, 7) RETURNING id";
                let id: i64 = transaction.value(insert, values![tenant, turn])?;
                transaction.execute("UPDATE deliveries SET state = ?2 WHERE id = ?1", values![id, state]).map(drop)
            })
        };
        database.write(&Scope::Rows, fill).expect("rows");
    }

    pub(in crate::store) fn database(folder: &std::path::Path) -> Shared {
        let url = format!("sqlite:{}", folder.join("test.db").display());
        let config = frontgate_store::Settings { url, ..frontgate_store::Settings::default() };
        let database = frontgate_store::Database::open(&config).expect("a database");
        drop(database);
        Shared::open(&config).expect("a connection")
    }

    fn limits(rows: u64) -> Limits {
        Limits { waiting: Size { rows, bytes: 1_000_000 }, kept_bytes: 25, events_bytes: 100 }
    }

    const ANY: Size = Size { rows: 1_000, bytes: 1_000_000 };

    #[test]
    fn dead_deliveries_use_quota_until_an_operator_decides() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut database = database(folder.path());
        filled(&mut database, "a", "dead", 3);
        let import =
            |database: &Shared, most| database.read(|read| limits(100).import(read, "a", 7, most)).expect("an answer");
        assert_eq!(import(&database, Size { rows: 3, ..ANY }), Err(Overload::ChannelWaiting));
        assert_eq!(import(&database, Size { bytes: 30, ..ANY }), Err(Overload::ChannelWaiting));
        assert_eq!(import(&database, Size { rows: 4, bytes: 31 }), Ok(()));
        let cancel =
            |transaction: &Transaction<'_>| transaction.execute("UPDATE deliveries SET state = 'cancelled'", values![]);
        database.write(&Scope::Rows, cancel).expect("rows");
        assert_eq!(import(&database, Size { rows: 1, bytes: 1 }), Ok(()));
    }

    #[test]
    fn imports_leave_half_of_the_tenants_quota_to_events() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut database = database(folder.path());
        filled(&mut database, "a", "ready", 5);
        let limits = limits(10);
        let import = |database: &Shared, tenant, channel| {
            database.read(|read| limits.import(read, tenant, channel, ANY)).expect("an answer")
        };
        let delivery =
            |database: &Shared, tenant| database.read(|read| limits.delivery(read, tenant)).expect("an answer");
        assert_eq!(import(&database, "a", 8), Err(Overload::TenantWaiting));
        assert_eq!(delivery(&database, "a"), Ok(()));
        assert_eq!(import(&database, "b", 9), Ok(()));
        filled(&mut database, "a", "unknown", 5);
        assert_eq!(delivery(&database, "a"), Err(Overload::TenantWaiting));
        assert_eq!(delivery(&database, "b"), Ok(()));
    }

    /// Returns the steps of SQLite's plan for a query with this number of parameters.
    fn plan(database: &Shared, query: &str, parameters: usize) -> String {
        let values = vec![&1_i64 as &dyn sql::Value; parameters];
        let plan = |read: &Transaction<'_>| {
            read.rows(&format!("EXPLAIN QUERY PLAN {query}"), &values, |row| row.get::<String>(3))
        };
        database.read(plan).expect("a plan").join("; ")
    }

    #[test]
    fn claims_and_wake_ups_read_indexes_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = database(folder.path());
        let due =
            "state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2 AND channel NOT IN (1, 2)";
        for (query, parameters) in [
            (format!("SELECT id FROM deliveries WHERE {due} AND due_ms <= ?3 ORDER BY due_ms, id LIMIT 1"), 3),
            (format!("SELECT min(due_ms) FROM deliveries WHERE {due}"), 2),
        ] {
            let plan = plan(&database, &query, parameters);
            assert!(plan.contains("USING COVERING INDEX deliveries_due"), "{plan}");
        }
        let paused = "SELECT id FROM deliveries WHERE channel = ?1 AND state = 'ready' AND lease IS NULL
                        AND plan IS NULL AND due_ms > ?2 AND kind IN ('front-import', 'front-status')";
        let plan = plan(&database, paused, 2);
        assert!(plan.contains("INDEX deliveries_paused (channel=? AND due_ms>?)"), "{plan}");
    }
}
