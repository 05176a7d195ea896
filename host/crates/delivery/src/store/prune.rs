//! Retention: deletes old rows, in small writes so that other writes wait only briefly.
//!
//! Dead deliveries wait for an operator and are never deleted.

use std::time::Duration;

use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Origin, values};

use super::front::oauth::{prune_grants, prune_logins};
use super::quotas::DELIVERIES;
use super::{Store, StoreError};

/// Maximum number of rows that one write deletes from a table.
const ROWS_MAX: u32 = 500;

/// Maximum bytes of payloads that one write deletes, since `secure_delete` overwrites every byte.
const BYTES_MAX: i64 = 4 * 1024 * 1024;

/// Retention times of the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    events: Duration,
    deliveries: Duration,
    messages: Duration,
    conversations: Duration,
    actions: Duration,
}

impl Retention {
    pub(crate) fn new(settings: &frontgate_store::Settings) -> Self {
        Self {
            events: Duration::from_millis(settings.events_keep_ms),
            deliveries: Duration::from_millis(settings.deliveries_keep_ms),
            messages: Duration::from_millis(settings.messages_keep_ms),
            conversations: Duration::from_millis(settings.conversations_keep_ms),
            actions: Duration::from_millis(settings.actions_keep_ms),
        }
    }
}

impl Store {
    /// Deletes some of the rows whose retention has ended; returns whether more may be left.
    pub(crate) async fn prune(&self, keep: Retention) -> Result<bool, StoreError> {
        let kept_bytes = self.limits.kept_bytes;
        self.database
            .write(Origin::internal(), Scope::Rows, move |transaction| {
                let before = |age: Duration| {
                    transaction.now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
                };
                let events = prune_events(transaction, before(keep.events))?;
                let ended = prune_ended(transaction, before(keep.deliveries))?;
                let excess = prune_excess(transaction, kept_bytes)?;
                let messages = prune_messages(transaction, before(keep.messages))?;
                let conversations = prune_conversations(transaction, before(keep.conversations))?;
                let turns = prune_turns(transaction, before(keep.deliveries))?;
                let logins = prune_logins(transaction)?;
                let grants = prune_grants(transaction)?;
                let actions = frontgate_audit::prune(transaction, before(keep.actions), ROWS_MAX)? == ROWS_MAX as usize;
                Ok(events || ended || excess || messages || conversations || turns || logins || grants || actions)
            })
            .await
    }
}

fn prune_events(transaction: &Transaction<'_>, before: i64) -> sql::Result<bool> {
    let select = "SELECT tenant, identity, octet_length(answer) FROM events WHERE time_ms < ?1 LIMIT ?2";
    let old = transaction.rows(select, values![before, ROWS_MAX], |row| {
        Ok(((row.get::<String>(0)?, row.get::<String>(1)?), row.get(2)?))
    })?;
    let delete = "DELETE FROM events WHERE tenant = ?1 AND identity = ?2";
    delete_some(old, |(tenant, identity)| transaction.execute(delete, values![tenant, identity]).map(drop))
}

/// Deletes deliveries that ended before a time.
fn prune_ended(transaction: &Transaction<'_>, before: i64) -> sql::Result<bool> {
    let select = "SELECT id, octet_length(payload) FROM deliveries
                  WHERE state IN ('sent', 'failed', 'cancelled') AND changed_ms < ?1 ORDER BY changed_ms LIMIT ?2";
    let old = transaction.rows(select, values![before, ROWS_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
    delete_deliveries(transaction, old)
}

/// Deletes the oldest ended deliveries of a tenant that keeps more bytes than its quota.
fn prune_excess(transaction: &Transaction<'_>, kept_bytes: u64) -> sql::Result<bool> {
    let most = i64::try_from(kept_bytes).unwrap_or(i64::MAX);
    let select = "SELECT tenant, kept_bytes - ?2 FROM shares WHERE channel = ?1 AND kept_bytes > ?2 LIMIT 1";
    let found =
        transaction.row(select, values![DELIVERIES, most], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?;
    let Some((tenant, mut excess)) = found else { return Ok(false) };
    let select = "SELECT id, octet_length(payload) FROM deliveries INDEXED BY deliveries_ended
                  WHERE state IN ('sent', 'failed', 'cancelled') AND tenant = ?1 ORDER BY changed_ms LIMIT ?2";
    let old =
        transaction.rows(select, values![tenant, ROWS_MAX], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    let old = old.into_iter().take_while(|(_, bytes)| {
        let is_needed = excess > 0;
        excess -= bytes;
        is_needed
    });
    delete_deliveries(transaction, old.collect())?;
    Ok(true)
}

/// Deletes old messages that are settled. Other messages are kept, since open deliveries refer to them.
fn prune_messages(transaction: &Transaction<'_>, before: i64) -> sql::Result<bool> {
    let delete = "DELETE FROM front_messages WHERE id IN (
                    SELECT id FROM front_messages WHERE settled AND created_ms < ?1 LIMIT ?2)
                  AND settled AND created_ms < ?1";
    Ok(transaction.execute(delete, values![before, ROWS_MAX])? == ROWS_MAX as usize)
}

/// Deletes conversations without recent messages, with all their names.
fn prune_conversations(transaction: &Transaction<'_>, before: i64) -> sql::Result<bool> {
    let delete = "DELETE FROM front_conversations WHERE (channel, external_id) IN (
                    SELECT channel, external_id FROM front_conversations WHERE used_ms < ?1 LIMIT ?2)
                  AND used_ms < ?1
                  RETURNING channel, external_id";
    let deleted =
        transaction.rows(delete, values![before, ROWS_MAX], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    let delete = "DELETE FROM front_conversation_names WHERE channel = ?1 AND external_id = ?2";
    for (channel, id) in &deleted {
        transaction.execute(delete, values![channel, id])?;
    }
    Ok(deleted.len() == ROWS_MAX as usize)
}

/// Deletes counters of round robins that were not used recently. Such a list starts again with its first entry.
fn prune_turns(transaction: &Transaction<'_>, before: i64) -> sql::Result<bool> {
    let delete = "DELETE FROM turns WHERE (tenant, list) IN (
                    SELECT tenant, list FROM turns WHERE used_ms < ?1 LIMIT ?2)
                  AND used_ms < ?1";
    Ok(transaction.execute(delete, values![before, ROWS_MAX])? == ROWS_MAX as usize)
}

fn delete_deliveries(transaction: &Transaction<'_>, old: Vec<(i64, i64)>) -> sql::Result<bool> {
    // An operator may have reopened one of them meanwhile.
    let delete = "DELETE FROM deliveries WHERE id = ?1 AND state IN ('sent', 'failed', 'cancelled')";
    delete_some(old, |id| transaction.execute(delete, values![id]).map(drop))
}

/// Deletes rows until their bytes reach [`BYTES_MAX`]; returns whether more may be left.
fn delete_some<K>(rows: Vec<(K, i64)>, mut delete: impl FnMut(K) -> sql::Result<()>) -> sql::Result<bool> {
    let is_full = rows.len() >= ROWS_MAX as usize;
    let mut bytes = 0;
    for (key, size) in rows {
        if bytes >= BYTES_MAX {
            return Ok(true);
        }
        delete(key)?;
        bytes += size;
    }
    Ok(is_full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::quotas::tests::{database, filled};

    #[test]
    fn one_write_deletes_a_bounded_number_of_bytes() {
        let mut deleted = Vec::new();
        let rows = [(1, BYTES_MAX - 1), (2, 10), (3, 10)];
        let delete = |row| {
            deleted.push(row);
            Ok(())
        };
        assert!(delete_some(rows.to_vec(), delete).expect("a deletion"));
        assert_eq!(deleted, [1, 2]);
        assert!(!delete_some(vec![(3, 10)], |_| Ok(())).expect("a deletion"));
    }

    #[test]
    fn the_oldest_ended_deliveries_of_a_tenant_over_quota_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut database = database(folder.path());
        filled(&mut database, "a", "sent", 2);
        filled(&mut database, "b", "sent", 150);
        filled(&mut database, "b", "dead", 5);
        let mut turns = 1;
        while database.write(&Scope::Rows, |transaction| prune_excess(transaction, 25)).expect("a deletion") {
            turns += 1;
        }
        let count = |tenant: &str, state: &str| {
            let select = "SELECT count(*) FROM deliveries WHERE tenant = ?1 AND state = ?2";
            database.read(|read| read.value::<i64>(select, values![tenant, state])).expect("a number")
        };
        assert_eq!((count("a", "sent"), count("b", "dead")), (2, 5));
        assert!(turns == 2 && count("b", "sent") == 2, "{turns} {}", count("b", "sent"));
    }

    #[test]
    fn counters_of_unused_lists_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut database = database(folder.path());
        let insert = "INSERT INTO turns (tenant, list, count, used_ms) VALUES ('a', ?1, 7, ?2)";
        let kept = database.write(&Scope::Rows, |transaction| {
            transaction.execute(insert, values!["old", 5_i64])?;
            transaction.execute(insert, values!["used", 10_i64])?;
            prune_turns(transaction, 10)?;
            transaction.value::<String>("SELECT list FROM turns", values![])
        });
        assert_eq!(kept.expect("one list"), "used");
    }
}
