//! The tables `replicas` and `keepers`, which exist only on Postgres.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::values;

use crate::{Key, Pace, Part};

/// A row of `replicas` that has not ended.
#[derive(Debug, Clone)]
pub(crate) struct ReplicaRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) beat_ms: i64,
    pub(crate) state: String,
    pub(crate) tenants: BTreeSet<Arc<str>>,
    pub(crate) config: String,
    pub(crate) program: String,
    pub(crate) plugins: BTreeMap<String, String>,
    pub(crate) lease_ms: i64,
}

/// A row of `keepers`.
#[derive(Debug, Clone)]
pub(crate) struct KeeperRow {
    pub(crate) key: Key,
    pub(crate) replica: Option<i64>,
}

/// What a replica says about itself.
pub(crate) struct Own<'o> {
    pub(crate) name: &'o str,
    pub(crate) config: &'o str,
    pub(crate) tenants: &'o BTreeSet<Arc<str>>,
    pub(crate) plugins: &'o BTreeMap<String, String>,
    pub(crate) state: &'static str,
    pub(crate) lease_ms: u64,
}

/// Inserts a row for this start of the process, and returns its id.
pub(crate) fn insert(transaction: &Transaction<'_>, own: &Own<'_>) -> sql::Result<i64> {
    let insert = "INSERT INTO replicas (name, program, speaks, config, tenants, started_ms, beat_ms, state, lease_ms)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 'up', ?7) RETURNING id";
    let lease = i64::try_from(own.lease_ms).unwrap_or(i64::MAX);
    let (program, speaks) = (env!("CARGO_PKG_VERSION"), frontgate_store::postgres_version());
    transaction
        .value(insert, values![own.name, program, speaks, own.config, names(own.tenants), transaction.now_ms(), lease])
}

/// Writes a beat; returns whether the row is still alive.
pub(crate) fn beat(transaction: &Transaction<'_>, id: i64, own: &Own<'_>) -> sql::Result<bool> {
    let update = "UPDATE replicas SET beat_ms = ?2, state = ?3, tenants = ?4, config = ?5, plugins = ?6
                  WHERE id = ?1 AND state <> 'ended'";
    let plugins = serde_json::to_string(own.plugins).expect("texts");
    let values = values![id, transaction.now_ms(), own.state, names(own.tenants), own.config, plugins];
    Ok(transaction.execute(update, values)? == 1)
}

/// Returns all replicas that have not ended.
pub(crate) fn live(read: &Transaction<'_>) -> sql::Result<Vec<ReplicaRow>> {
    let select = "SELECT id, name, beat_ms, state, tenants, config, program, plugins, lease_ms FROM replicas
                  WHERE state <> 'ended' ORDER BY id";
    read.rows(select, values![], |row| {
        let tenants: Vec<String> = serde_json::from_str(&row.named::<String>("tenants")?).unwrap_or_default();
        Ok(ReplicaRow {
            id: row.named("id")?,
            name: row.named("name")?,
            beat_ms: row.named("beat_ms")?,
            state: row.named("state")?,
            tenants: tenants.into_iter().map(Arc::from).collect(),
            config: row.named("config")?,
            program: row.named("program")?,
            lease_ms: row.named("lease_ms")?,
            plugins: serde_json::from_str(&row.named::<String>("plugins")?).unwrap_or_default(),
        })
    })
}

/// Declares a replica ended whose beat has not changed; returns whether it was alive.
pub(crate) fn bury(transaction: &Transaction<'_>, id: i64, beat_ms: i64) -> sql::Result<bool> {
    let update = "UPDATE replicas SET state = 'ended' WHERE id = ?1 AND beat_ms = ?2 AND state <> 'ended'";
    Ok(transaction.execute(update, values![id, beat_ms])? == 1)
}

/// Declares a replica ended whose process is known to be gone; returns whether it was alive.
pub(crate) fn bury_gone(transaction: &Transaction<'_>, id: i64) -> sql::Result<bool> {
    let update = "UPDATE replicas SET state = 'ended', gone = TRUE WHERE id = ?1 AND state <> 'ended'";
    Ok(transaction.execute(update, values![id])? == 1)
}

/// Deletes rows of replicas that ended long ago and hold nothing.
pub(crate) fn forget(transaction: &Transaction<'_>, before_ms: i64) -> sql::Result<()> {
    let delete = "DELETE FROM replicas WHERE state = 'ended' AND beat_ms < ?1
                    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE lease IS NOT NULL AND replica = replicas.id)";
    transaction.execute(delete, values![before_ms]).map(drop)
}

/// Returns the keeper of each part.
pub(crate) fn keepers(read: &Transaction<'_>) -> sql::Result<Vec<KeeperRow>> {
    let all = read.rows("SELECT tenant, part, replica FROM keepers", values![], |row| {
        let key = key(&row.get::<String>(0)?, &row.get::<String>(1)?);
        let replica = row.get(2)?;
        Ok(key.map(|key| KeeperRow { key, replica }))
    })?;
    Ok(all.into_iter().flatten().collect())
}

/// Takes a part from `from`, if that is still its keeper; returns the number of the new term, and the pauses.
pub(crate) fn take(
    transaction: &Transaction<'_>,
    me: i64,
    key: &Key,
    from: Option<i64>,
) -> sql::Result<Option<(i64, Pace)>> {
    let insert = "INSERT INTO keepers (tenant, part, since_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    transaction.execute(insert, values![key.tenant, key.part.name(), transaction.now_ms()])?;
    let update = "UPDATE keepers SET replica = ?3, fence = fence + 1, since_ms = ?5
                  WHERE tenant = ?1 AND part = ?2 AND replica IS NOT DISTINCT FROM ?4
                  RETURNING fence, pace";
    let values = values![key.tenant, key.part.name(), me, from, transaction.now_ms()];
    transaction.row(update, values, |row: &Row<'_>| {
        Ok((row.get(0)?, serde_json::from_str(&row.get::<String>(1)?).unwrap_or_default()))
    })
}

/// Gives up a part.
pub(crate) fn let_go(transaction: &Transaction<'_>, me: i64, key: &Key, fence: i64, pace: &Pace) -> sql::Result<()> {
    let update = "UPDATE keepers SET replica = NULL, pace = ?5
                  WHERE tenant = ?1 AND part = ?2 AND replica = ?3 AND fence = ?4";
    transaction.execute(update, values![key.tenant, key.part.name(), me, fence, json(pace)]).map(drop)
}

/// Writes the pauses of a part.
pub(crate) fn set_pace(transaction: &Transaction<'_>, key: &Key, fence: i64, pace: &Pace) -> sql::Result<()> {
    let update = "UPDATE keepers SET pace = ?4 WHERE tenant = ?1 AND part = ?2 AND fence = ?3";
    transaction.execute(update, values![key.tenant, key.part.name(), fence, json(pace)]).map(drop)
}

fn json(pace: &Pace) -> String {
    serde_json::to_string(pace).expect("numbers")
}

fn names(tenants: &BTreeSet<Arc<str>>) -> String {
    let tenants: Vec<&str> = tenants.iter().map(|tenant| &**tenant).collect();
    serde_json::to_string(&tenants).expect("texts")
}

fn key(tenant: &str, part: &str) -> Option<Key> {
    let part =
        [Part::Twilio, Part::Front, Part::Customers, Part::House].into_iter().find(|known| known.name() == part)?;
    Some(Key { tenant: tenant.into(), part })
}
