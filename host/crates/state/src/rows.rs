//! The tables of buckets: reads, and commits of all writes of a call or none.

use frontgate_store::in_savepoint;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::write_buffer::{Base, Change};
use super::{Bucket, Size, Usage, Value};

/// Rows that one write deletes, so that other writes wait for a moment only.
const EXPIRE_MAX: u32 = 500;

const BUCKET: &str = "(SELECT id FROM state_buckets WHERE plugin = ?1 AND tenant = ?2)";

/// Why the writes of a call were not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The bucket would exceed its limits.
    Full,
    /// A key that was swapped or incremented has another version.
    Changed,
}

/// Returns the value of a key, unless it has expired.
pub(super) fn get(connection: &Connection, bucket: &Bucket, key: &str, now: i64) -> rusqlite::Result<Option<Value>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT value, version, expires_ms FROM state_entries
         WHERE bucket = {BUCKET} AND key = ?3 AND (expires_ms IS NULL OR expires_ms > ?4)"
    ))?;
    let value = |row: &Row<'_>| {
        let version: i64 = row.get(1)?;
        Ok(Value { bytes: row.get(0)?, version: version.cast_unsigned(), expires_ms: row.get(2)? })
    };
    select.query_row(params![&*bucket.plugin, &*bucket.tenant, key, now], value).optional()
}

/// Returns the first keys after `after`, in order.
pub(super) fn keys(
    connection: &Connection,
    bucket: &Bucket,
    after: Option<&str>,
    most: usize,
    now: i64,
) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT key FROM state_entries
         WHERE bucket = {BUCKET} AND (?3 IS NULL OR key > ?3) AND (expires_ms IS NULL OR expires_ms > ?4)
         ORDER BY key LIMIT ?5"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    select.query_map(params![&*bucket.plugin, &*bucket.tenant, after, now, most], |row| row.get(0))?.collect()
}

/// Returns the size of a bucket without expired entries.
pub(super) fn size(connection: &Connection, bucket: &Bucket, now: i64) -> rusqlite::Result<Size> {
    let select = "SELECT keys, bytes FROM state_buckets WHERE plugin = ?1 AND tenant = ?2";
    let both = |row: &Row<'_>| Ok(Size { keys: row.get(0)?, bytes: row.get(1)? });
    let names = params![&*bucket.plugin, &*bucket.tenant];
    let all = connection.prepare_cached(select)?.query_row(names, both).optional()?.unwrap_or_default();
    let mut select = connection.prepare_cached(&format!(
        "SELECT count(*), coalesce(sum(octet_length(key) + octet_length(value)), 0)
         FROM state_entries WHERE bucket = {BUCKET} AND expires_ms <= ?3"
    ))?;
    let gone = select.query_row(params![&*bucket.plugin, &*bucket.tenant, now], both)?;
    Ok(all - gone)
}

/// Returns the size of the entry of each key.
pub(super) fn sizes(
    connection: &Connection,
    bucket: &Bucket,
    keys: Vec<String>,
    now: i64,
) -> rusqlite::Result<Vec<(String, Size)>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT octet_length(key) + octet_length(value) FROM state_entries
         WHERE bucket = {BUCKET} AND key = ?3 AND (expires_ms IS NULL OR expires_ms > ?4)"
    ))?;
    let mut size = |key: String| {
        let names = params![&*bucket.plugin, &*bucket.tenant, key, now];
        let bytes = select.query_row(names, |row| row.get(0)).optional()?;
        Ok((key, bytes.map_or_else(Size::default, |bytes| Size { keys: 1, bytes })))
    };
    keys.into_iter().map(&mut size).collect()
}

/// Commits all writes of a call, or none.
pub(super) fn write(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    changes: &[Change],
    most: Size,
    now: i64,
) -> rusqlite::Result<Result<(), Conflict>> {
    match in_savepoint(transaction, |transaction| write_all(transaction, bucket, changes, most, now)) {
        Ok(()) => Ok(Ok(())),
        Err(Undo::Conflict(conflict)) => Ok(Err(conflict)),
        Err(Undo::Database(error)) => Err(error),
    }
}

/// Ends the savepoint without its writes.
enum Undo {
    Conflict(Conflict),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Undo {
    fn from(error: rusqlite::Error) -> Self {
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
        if let Some(base) = change.base
            && is_changed(transaction, id, &change.key, base, now)?
        {
            return Err(Undo::Conflict(Conflict::Changed));
        }
        apply(transaction, id, change)?;
    }
    let after = bucket_size(transaction, id)?;
    if !after.grew_past(most, before) {
        return Ok(());
    }
    transaction.execute("DELETE FROM state_entries WHERE bucket = ?1 AND expires_ms <= ?2", [id, now])?;
    let is_full = bucket_size(transaction, id)?.grew_past(most, before);
    if is_full { Err(Undo::Conflict(Conflict::Full)) } else { Ok(()) }
}

fn apply(transaction: &Transaction<'_>, id: i64, change: &Change) -> rusqlite::Result<()> {
    let Some(value) = &change.value else {
        let mut delete = transaction.prepare_cached("DELETE FROM state_entries WHERE bucket = ?1 AND key = ?2")?;
        return delete.execute(params![id, change.key]).map(drop);
    };
    let mut insert = transaction.prepare_cached(
        "INSERT INTO state_entries (bucket, key, value, version, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version, expires_ms = excluded.expires_ms",
    )?;
    insert.execute(params![id, change.key, value.bytes, value.version.cast_signed(), value.expires_ms]).map(drop)
}

/// Returns whether a key differs from what a swap or an increment read. An expired key does not exist.
fn is_changed(transaction: &Transaction<'_>, id: i64, key: &str, base: Base, now: i64) -> rusqlite::Result<bool> {
    let mut select = transaction
        .prepare_cached("SELECT version, expires_ms <= ?3 FROM state_entries WHERE bucket = ?1 AND key = ?2")?;
    let found = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, Option<bool>>(1)?));
    let found = select.query_row(params![id, key, now], found).optional()?;
    Ok(match (base.0, found) {
        (Some(version), Some((there, _))) => version != there,
        (None, Some((_, expired))) => expired != Some(true),
        (Some(_), None) => true,
        (None, None) => false,
    })
}

fn id(transaction: &Transaction<'_>, bucket: &Bucket) -> rusqlite::Result<i64> {
    let names = params![&*bucket.plugin, &*bucket.tenant];
    let insert = "INSERT INTO state_buckets (plugin, tenant) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    transaction.prepare_cached(insert)?.execute(names)?;
    let select = "SELECT id FROM state_buckets WHERE plugin = ?1 AND tenant = ?2";
    transaction.prepare_cached(select)?.query_row(names, |row| row.get(0))
}

/// Returns the size of a bucket, expired entries included.
fn bucket_size(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<Size> {
    let mut select = transaction.prepare_cached("SELECT keys, bytes FROM state_buckets WHERE id = ?1")?;
    select.query_row([id], |row| Ok(Size { keys: row.get(0)?, bytes: row.get(1)? }))
}

/// Returns the size of every bucket.
pub(super) fn usage(connection: &Connection) -> rusqlite::Result<Vec<Usage>> {
    let mut select = connection.prepare_cached("SELECT plugin, tenant, keys, bytes FROM state_buckets")?;
    let usage = |row: &Row<'_>| {
        let size = Size { keys: row.get(2)?, bytes: row.get(3)? };
        Ok(Usage { plugin: row.get(0)?, tenant: row.get(1)?, size })
    };
    select.query_map([], usage)?.collect()
}

/// Returns whether an entry has expired.
pub(super) fn has_expired(connection: &Connection, now: i64) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM state_entries WHERE expires_ms <= ?1 LIMIT 1")?;
    select.exists([now])
}

/// Deletes some expired entries; returns whether more may be left.
pub(super) fn delete_expired(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<bool> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM state_entries WHERE (bucket, key) IN (
           SELECT bucket, key FROM state_entries WHERE expires_ms <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now, EXPIRE_MAX])? == EXPIRE_MAX as usize)
}
