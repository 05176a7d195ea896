//! The row of a tenant's source: its cursors, its numbers, and what happened last.

use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::values;

/// A team's id and the identities of its workers.
pub(crate) type Team = (String, Vec<String>);

/// What is stored about the source of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    pub(crate) id: i64,
    /// Name of the plugin.
    pub plugin: String,
    pub(crate) settings: String,
    /// Digest of the plugin and of the conversion that made the last enumeration.
    pub version: String,
    /// Whether an enumeration with these settings has ended.
    pub is_ready: bool,
    /// Where changes continue; empty before the first enumeration has ended.
    pub cursor: Vec<u8>,
    /// Where the running enumeration continues.
    pub sweep_cursor: Vec<u8>,
    /// Number of the running enumeration; 0 if none runs. The same as `generation` until the customers that it did not
    /// find are removed.
    pub sweeping: i64,
    pub(crate) generation: i64,
    pub(crate) seq: i64,
    pub(crate) floor_seq: i64,
    pub(crate) next_n: i64,
    /// Number of customers.
    pub live: i64,
    /// Customers that the last enumeration did not find, and whose removal waits for an operator.
    pub held: i64,
    /// Number of all customers according to the source.
    pub total: Option<i64>,
    pub(crate) teams: String,
    /// Time of the last successful run, by the clock of the database, in milliseconds since 1970.
    pub synced_ms: Option<i64>,
    /// Time of the last complete enumeration.
    pub swept_ms: Option<i64>,
    /// Time of the last failure, if no run has succeeded since.
    pub failed_ms: Option<i64>,
    /// Failures since the last success.
    pub failures: i64,
    /// The last failure.
    pub failure: Option<String>,
}

const COLUMNS: &str = "id, plugin, settings, version, is_ready, cursor, sweep_cursor, sweeping, generation, seq,
    floor_seq, next_n, live, held, total, teams, synced_ms, swept_ms, failed_ms, failures, failure";

impl SourceRow {
    fn read(row: &Row<'_>) -> sql::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            plugin: row.get(1)?,
            settings: row.get(2)?,
            version: row.get(3)?,
            is_ready: row.get(4)?,
            cursor: row.get(5)?,
            sweep_cursor: row.get(6)?,
            sweeping: row.get(7)?,
            generation: row.get(8)?,
            seq: row.get(9)?,
            floor_seq: row.get(10)?,
            next_n: row.get(11)?,
            live: row.get(12)?,
            held: row.get(13)?,
            total: row.get(14)?,
            teams: row.get(15)?,
            synced_ms: row.get(16)?,
            swept_ms: row.get(17)?,
            failed_ms: row.get(18)?,
            failures: row.get(19)?,
            failure: row.get(20)?,
        })
    }

    /// Returns the teams and their workers.
    pub(crate) fn teams(&self) -> Vec<Team> {
        serde_json::from_str(&self.teams).unwrap_or_default()
    }

    /// Returns whether an enumeration has ended, and customers that it did not find are being removed.
    pub fn is_removing(&self) -> bool {
        self.sweeping > 0 && self.sweeping == self.generation
    }

    /// Returns the number that marks rows which the source reports now.
    pub(crate) fn current(&self) -> i64 {
        self.sweeping.max(self.generation)
    }
}

/// Reads the source of a tenant.
pub(crate) fn read(read: &Transaction<'_>, tenant: &str) -> sql::Result<Option<SourceRow>> {
    let select = format!("SELECT {COLUMNS} FROM customer_sources WHERE tenant = ?1");
    read.row(&select, values![tenant], SourceRow::read)
}

/// Reads or creates the source of a tenant. Another plugin, or other settings of it, make the stored customers unusable
/// until they are enumerated again, since they may show too much. Another version starts an enumeration.
pub(crate) fn prepare(
    transaction: &Transaction<'_>,
    tenant: &str,
    plugin: &str,
    settings: &str,
    version: &str,
) -> sql::Result<SourceRow> {
    let Some(known) = read(transaction, tenant)? else {
        let insert = "INSERT INTO customer_sources (tenant, plugin, settings, version, sweeping)
                      VALUES (?1, ?2, ?3, ?4, 1)";
        transaction.execute(insert, values![tenant, plugin, settings, version])?;
        return read(transaction, tenant)?.ok_or(sql::Error::NoRow);
    };
    let is_same = known.plugin == plugin && known.settings == settings;
    if is_same && known.version == version {
        return Ok(known);
    }
    // A cursor belongs to one version of one plugin.
    let update = "UPDATE customer_sources
                  SET plugin = ?2, settings = ?3, version = ?4, is_ready = ?5, cursor = ?6, sweep_cursor = ?6,
                    sweeping = ?7, held = 0
                  WHERE id = ?1";
    let (is_ready, empty) = (known.is_ready && is_same, Vec::<u8>::new());
    let values = values![known.id, plugin, settings, version, is_ready, empty, known.current() + 1];
    transaction.execute(update, values)?;
    read(transaction, tenant)?.ok_or(sql::Error::NoRow)
}

/// Starts an enumeration, unless one runs. `restart`: a running one begins again, since its cursor has expired.
pub(crate) fn begin_sweep(transaction: &Transaction<'_>, tenant: &str, restart: bool) -> sql::Result<SourceRow> {
    let known = read(transaction, tenant)?.ok_or(sql::Error::NoRow)?;
    if known.sweeping == 0 || known.is_removing() || restart {
        let update = "UPDATE customer_sources SET sweeping = ?2, sweep_cursor = ?3 WHERE id = ?1";
        transaction.execute(update, values![known.id, known.current() + 1, Vec::<u8>::new()])?;
    }
    read(transaction, tenant)?.ok_or(sql::Error::NoRow)
}

/// Records a successful run.
pub(crate) fn succeeded(transaction: &Transaction<'_>, tenant: &str) -> sql::Result<()> {
    let update = "UPDATE customer_sources SET synced_ms = ?2, failed_ms = NULL, failures = 0, failure = NULL
                  WHERE tenant = ?1";
    transaction.execute(update, values![tenant, transaction.now_ms()]).map(drop)
}

/// Records a failed run.
pub(crate) fn failed(transaction: &Transaction<'_>, tenant: &str, reason: &str) -> sql::Result<()> {
    let update = "UPDATE customer_sources SET failed_ms = ?2, failures = failures + 1, failure = ?3 WHERE tenant = ?1";
    transaction.execute(update, values![tenant, transaction.now_ms(), reason]).map(drop)
}
