//! The tables of buckets: reads them, and commits either all writes of a call or no write.

use frontgate_store::sql::{self, Key, Row, Transaction};
use frontgate_store::values;

use super::write_buffer::{Base, Change};
use super::{Bucket, Size, Usage, Value};

/// Maximum number of rows that one write deletes, so that other writes wait only briefly.
const EXPIRE_MAX: u32 = 500;

const BUCKET: &str = "(SELECT id FROM state_buckets WHERE plugin = ?1 AND tenant = ?2)";

/// The reason why the writes of a call were not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The bucket would exceed its limits.
    Full,
    /// A key that the call swapped or incremented now has another version.
    Changed,
}

/// Returns the value of a key, unless it has expired.
pub(super) fn get(read: &Transaction<'_>, bucket: &Bucket, key: &str, now: i64) -> sql::Result<Option<Value>> {
    let select = format!(
        "SELECT value, version, expires_ms FROM state_entries
         WHERE bucket = {BUCKET} AND key = ?3 AND (expires_ms IS NULL OR expires_ms > ?4)"
    );
    let value = |row: &Row<'_>| {
        let version = row.get::<i64>(1)?;
        Ok(Value { bytes: row.get(0)?, version: version.cast_unsigned(), expires_ms: row.get(2)? })
    };
    read.row(&select, values![bucket.plugin, bucket.tenant, Key(key), now], value)
}

/// Returns the first keys that follow `after`, in order.
pub(super) fn keys(
    read: &Transaction<'_>,
    bucket: &Bucket,
    after: Option<&str>,
    most: usize,
    now: i64,
) -> sql::Result<Vec<String>> {
    let select = format!(
        "SELECT key FROM state_entries
         WHERE bucket = {BUCKET} AND (?3 IS NULL OR key > ?3) AND (expires_ms IS NULL OR expires_ms > ?4)
         ORDER BY key LIMIT ?5"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    read.rows(&select, values![bucket.plugin, bucket.tenant, after.map(Key), now, most], |row| row.get(0))
}

/// Returns the size of a bucket without expired entries.
pub(super) fn size(read: &Transaction<'_>, bucket: &Bucket, now: i64) -> sql::Result<Size> {
    let select = "SELECT keys, bytes FROM bucket_sizes WHERE plugin = ?1 AND tenant = ?2";
    let both = |row: &Row<'_>| Ok(Size { keys: row.get(0)?, bytes: row.get(1)? });
    let all = read.row(select, values![bucket.plugin, bucket.tenant], both)?.unwrap_or_default();
    let select = format!(
        "SELECT count(*), CAST(coalesce(sum(octet_length(key) + octet_length(value)), 0) AS bigint)
         FROM state_entries WHERE bucket = {BUCKET} AND expires_ms <= ?3"
    );
    let gone = read.one(&select, values![bucket.plugin, bucket.tenant, now], both)?;
    Ok(all - gone)
}

/// Returns the size of the entry of each key.
pub(super) fn sizes(
    read: &Transaction<'_>,
    bucket: &Bucket,
    keys: &[String],
    now: i64,
) -> sql::Result<Vec<(String, Size)>> {
    let select = format!(
        "SELECT octet_length(key) + octet_length(value) FROM state_entries
         WHERE bucket = {BUCKET} AND key = ?3 AND (expires_ms IS NULL OR expires_ms > ?4)"
    );
    let size = |key: &String| {
        let bytes = read.row(&select, values![bucket.plugin, bucket.tenant, Key(key), now], |row| row.get(0))?;
        Ok((key.clone(), bytes.map_or_else(Size::default, |bytes| Size { keys: 1, bytes })))
    };
    keys.iter().map(size).collect()
}

/// Commits either all writes of a call or no write.
pub(super) fn write(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    changes: &[Change],
    most: Size,
    now: i64,
) -> sql::Result<Result<(), Conflict>> {
    match transaction.savepoint(|transaction| write_all(transaction, bucket, changes, most, now)) {
        Ok(()) => Ok(Ok(())),
        // An earlier run of this write may have succeeded, although the answer to its commit was lost.
        Err(Undo::Conflict(Conflict::Changed)) if is_written(transaction, bucket, changes)? => Ok(Ok(())),
        Err(Undo::Conflict(conflict)) => Ok(Err(conflict)),
        Err(Undo::Database(error)) => Err(error),
    }
}

/// Returns whether these changes are in the tables. Versions are random, and all changes are committed together, so one
/// version proves it.
fn is_written(read: &Transaction<'_>, bucket: &Bucket, changes: &[Change]) -> sql::Result<bool> {
    let select = format!("SELECT version FROM state_entries WHERE bucket = {BUCKET} AND key = ?3");
    for change in changes {
        if let Some(value) = &change.value {
            let values = values![bucket.plugin, bucket.tenant, Key(&change.key)];
            if read.row(&select, values, |row| row.get::<i64>(0))? == Some(value.version.cast_signed()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The error that rolls back the savepoint.
enum Undo {
    Conflict(Conflict),
    Database(sql::Error),
}

impl From<sql::Error> for Undo {
    fn from(error: sql::Error) -> Self {
        Self::Database(error)
    }
}

fn write_all(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    changes: &[Change],
    most: Size,
    now: i64,
) -> Result<(), Undo> {
    let id = id(transaction, bucket)?;
    let before = bucket_size(transaction, id)?;
    for change in changes {
        if !apply(transaction, id, change, now)? {
            return Err(Undo::Conflict(Conflict::Changed));
        }
    }
    let after = bucket_size(transaction, id)?;
    if !after.grew_past(most, before) {
        return Ok(());
    }
    transaction.execute("DELETE FROM state_entries WHERE bucket = ?1 AND expires_ms <= ?2", values![id, now])?;
    let is_full = bucket_size(transaction, id)?.grew_past(most, before);
    if is_full { Err(Undo::Conflict(Conflict::Full)) } else { Ok(()) }
}

/// Writes one change; returns whether the key was still as the call had read it.
///
/// The comparison is part of the statement, so that of two concurrent commits only one succeeds.
fn apply(transaction: &Transaction<'_>, id: i64, change: &Change, now: i64) -> sql::Result<bool> {
    let key = Key(&change.key);
    let Some(value) = &change.value else {
        let delete = "DELETE FROM state_entries WHERE bucket = ?1 AND key = ?2";
        return match change.base {
            None => transaction.execute(delete, values![id, key]).map(|_| true),
            Some(Base(Some(base))) => {
                let delete = format!("{delete} AND version = ?3");
                Ok(transaction.execute(&delete, values![id, key, base.cast_signed()])? == 1)
            }
            // An expired key does not exist, but its row may.
            Some(Base(None)) => {
                transaction.execute(&format!("{delete} AND expires_ms <= ?3"), values![id, key, now])?;
                let select = "SELECT NOT EXISTS (SELECT 1 FROM state_entries WHERE bucket = ?1 AND key = ?2)";
                transaction.value(select, values![id, key])
            }
        };
    };
    let (bytes, version, expires) = (&value.bytes, value.version.cast_signed(), value.expires_ms);
    let insert = "INSERT INTO state_entries (bucket, key, value, version, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT (bucket, key) DO UPDATE
                  SET value = excluded.value, version = excluded.version, expires_ms = excluded.expires_ms";
    let written = match change.base {
        None => transaction.execute(insert, values![id, key, bytes, version, expires])?,
        // An expired key does not exist.
        Some(Base(None)) => {
            let insert = format!("{insert} WHERE state_entries.expires_ms <= ?6");
            transaction.execute(&insert, values![id, key, bytes, version, expires, now])?
        }
        Some(Base(Some(base))) => {
            let update = "UPDATE state_entries SET value = ?3, version = ?4, expires_ms = ?5
                          WHERE bucket = ?1 AND key = ?2 AND version = ?6";
            transaction.execute(update, values![id, key, bytes, version, expires, base.cast_signed()])?
        }
    };
    Ok(written == 1)
}

fn id(transaction: &Transaction<'_>, bucket: &Bucket) -> sql::Result<i64> {
    let insert = "INSERT INTO state_buckets (plugin, tenant) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    transaction.execute(insert, values![bucket.plugin, bucket.tenant])?;
    let select = "SELECT id FROM state_buckets WHERE plugin = ?1 AND tenant = ?2";
    transaction.value(select, values![bucket.plugin, bucket.tenant])
}

/// Returns the size of a bucket, including expired entries.
fn bucket_size(transaction: &Transaction<'_>, id: i64) -> sql::Result<Size> {
    let select = "SELECT keys, bytes FROM bucket_sizes WHERE id = ?1";
    transaction.one(select, values![id], |row| Ok(Size { keys: row.get(0)?, bytes: row.get(1)? }))
}

/// Returns the size of every bucket.
pub(super) fn usage(read: &Transaction<'_>) -> sql::Result<Vec<Usage>> {
    let usage = |row: &Row<'_>| {
        let size = Size { keys: row.get(2)?, bytes: row.get(3)? };
        Ok(Usage { plugin: row.get(0)?, tenant: row.get(1)?, size })
    };
    read.rows("SELECT plugin, tenant, keys, bytes FROM bucket_sizes", values![], usage)
}

/// Returns whether an entry has expired.
pub(super) fn has_expired(read: &Transaction<'_>, now: i64) -> sql::Result<bool> {
    read.value("SELECT EXISTS (SELECT 1 FROM state_entries WHERE expires_ms <= ?1)", values![now])
}

/// Deletes some expired entries; returns whether more may be left.
pub(super) fn delete_expired(transaction: &Transaction<'_>, now: i64) -> sql::Result<bool> {
    let delete = "DELETE FROM state_entries WHERE (bucket, key) IN (
                    SELECT bucket, key FROM state_entries WHERE expires_ms <= ?1 LIMIT ?2)
                  AND expires_ms <= ?1";
    Ok(transaction.execute(delete, values![now, EXPIRE_MAX])? == EXPIRE_MAX as usize)
}
