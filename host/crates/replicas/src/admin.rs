//! Operators' view of the replicas: lists them, and retires one whose machine is gone.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use frontgate_audit::{Actor, NewAction};
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{Shared, values};
use serde::Serialize;

use crate::rows::bury_gone;

/// A replica in a list.
#[derive(Debug, Serialize)]
pub struct ReplicaSummary {
    /// Row id.
    pub id: i64,
    /// Name from its configuration, or its host's name.
    pub name: String,
    /// `up` or `leaving`.
    pub state: String,
    /// Milliseconds since its last beat, by the clock of the database.
    pub beat_age_ms: i64,
    /// Milliseconds since it started.
    pub uptime_ms: i64,
    /// Version of its program.
    pub program: String,
    /// Digest of the settings that must be equal everywhere.
    pub config: String,
    /// Its live plugins, with the digests of their files.
    pub plugins: BTreeMap<String, String>,
    /// The parts that it keeps, such as `acme/twilio`.
    pub keeps: Vec<String>,
    /// Number of deliveries that it has leased.
    pub leases: u64,
}

/// Returns all replicas that have not ended.
///
/// # Errors
///
/// Fails if the database cannot be read, or if it is a SQLite file.
pub fn list(settings: &frontgate_store::Settings) -> anyhow::Result<Vec<ReplicaSummary>> {
    if !settings.is_shared() {
        bail!("store.url is a SQLite file, which only one gateway uses; several replicas need Postgres");
    }
    Ok(Shared::open(settings)?.read(read)?)
}

/// Reads all replicas that have not ended.
///
/// # Errors
///
/// Fails if the database cannot be read. A SQLite file has no replicas.
pub fn read(transaction: &Transaction<'_>) -> sql::Result<Vec<ReplicaSummary>> {
    let select = "SELECT id, name, state, beat_ms, started_ms, program, config, plugins,
                        (SELECT count(*) FROM deliveries WHERE lease IS NOT NULL AND replica = replicas.id) AS leases,
                        (SELECT string_agg(CASE WHEN part = 'house' THEN part ELSE tenant || '/' || part END, ' '
                                           ORDER BY tenant, part)
                         FROM keepers WHERE replica = replicas.id) AS keeps
                      FROM replicas WHERE state <> 'ended' ORDER BY id";
    let now: i64 = transaction.value("SELECT now_ms()", values![])?;
    transaction.rows(select, values![], |row: &Row<'_>| {
        let keeps: Option<String> = row.named("keeps")?;
        Ok(ReplicaSummary {
            id: row.named("id")?,
            name: row.named("name")?,
            state: row.named("state")?,
            beat_age_ms: now - row.named::<i64>("beat_ms")?,
            uptime_ms: now - row.named::<i64>("started_ms")?,
            program: row.named("program")?,
            config: row.named("config")?,
            plugins: serde_json::from_str(&row.named::<String>("plugins")?).unwrap_or_default(),
            keeps: keeps.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            leases: row.named("leases")?,
        })
    })
}

/// Declares a replica ended whose machine is known to be gone, so that its deliveries go on at once. Returns its id.
///
/// # Errors
///
/// Fails if no replica has this name or id, or several have the name.
pub fn retire(settings: &frontgate_store::Settings, name: &str, actor: &Actor) -> anyhow::Result<i64> {
    let all = list(settings)?;
    let matching: Vec<&ReplicaSummary> =
        all.iter().filter(|replica| replica.name == name || replica.id.to_string() == name).collect();
    let replica = match matching.as_slice() {
        [] => bail!("replica `{name}` not found; see `frontgate replicas list`"),
        [one] => *one,
        several => {
            let ids: Vec<String> = several.iter().map(|replica| replica.id.to_string()).collect();
            bail!("several replicas have the name `{name}`; choose one of the ids {}", ids.join(", "))
        }
    };
    let retire = |transaction: &Transaction<'_>| {
        let was_alive = bury_gone(transaction, replica.id)?;
        let object = format!("replica {} ({})", replica.name, replica.id);
        let new = NewAction {
            before: Some(&replica.state),
            after: Some("ended"),
            ..NewAction::new(actor, "retire", &object)
        };
        frontgate_audit::append(transaction, &new)?;
        Ok::<_, sql::Error>(was_alive)
    };
    let was_alive = Shared::open(settings)?.write(&Scope::Rows, retire).context("failed to retire the replica")?;
    if !was_alive {
        bail!("replica {} has ended already", replica.id);
    }
    Ok(replica.id)
}
