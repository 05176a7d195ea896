//! Writes batches of facts, and reads them for the console.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use frontgate_recorder::{Filter, Record, Recorder};
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError, now_ms, values};
use frontgate_telemetry::metrics::METRICS;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::addresses;
use crate::key::AddressKey;
use crate::stored::{self, StoredFacts};

/// Time between two batches.
const BATCH_INTERVAL: Duration = Duration::from_secs(1);
/// Records that are read at one time.
const READ_RECORDS: usize = 1_000;
/// Rows of one batch. Further records wait in memory; those that are removed there first are counted as dropped.
const BATCH_ROWS_MAX: usize = 5_000;
/// Rows that one batch deletes. More than a batch adds, so that the number decreases.
const PRUNED_ROWS_MAX: u64 = 10_000;
/// Records that a start reads back into memory.
const RESTORED_RECORDS: u32 = 10_000;
/// Age of those records.
const RESTORED_MS: u64 = 24 * 3_600_000;
/// Records of a conversation that its page shows.
const CONVERSATION_RECORDS_MAX: u32 = 500;
/// Conversations that a search returns.
const FOUND_MAX: u32 = 100;

const COLUMNS: &str = "sequence, id, at_ms, tenant, conversation, facts";

/// Limits of the file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows of the file.
    pub rows_max: u64,
    /// Time for which a row is kept.
    pub keep_ms: u64,
}

/// A conversation with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The tenant.
    pub tenant: String,
    /// Id of the conversation.
    pub conversation: String,
    /// Time of the last request with the address, in milliseconds since 1970.
    pub last_ms: i64,
}

/// The open file.
pub struct Journal {
    database: Database,
    key: AddressKey,
    limits: Limits,
    /// Number of the last record that was read.
    read: Mutex<u64>,
    is_failing: AtomicBool,
}

/// A row to be written.
struct NewRow {
    sequence: u64,
    id: Arc<str>,
    at_ms: u64,
    tenant: Option<Arc<str>>,
    conversation: Option<String>,
    facts: String,
    /// Digests of the addresses in the request.
    digests: Vec<Vec<u8>>,
}

impl Journal {
    /// Opens or creates the file and its key. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if another gateway uses the file, if it cannot be read, or if other users can change it.
    pub fn open(path: &Path, limits: Limits) -> anyhow::Result<Self> {
        let database = Database::open_journal(path)?;
        let key = AddressKey::open(path).context("failed to open the key of addresses")?;
        Ok(Self { database, key, limits, read: Mutex::new(0), is_failing: AtomicBool::new(false) })
    }

    /// Puts the newest rows back into memory. The recorder must not have recorded yet.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub async fn restore(&self, recorder: &Recorder) -> Result<usize, StoreError> {
        let from = now_ms().saturating_sub(RESTORED_MS);
        let select = format!("SELECT {COLUMNS} FROM requests WHERE at_ms >= ?1 ORDER BY sequence DESC LIMIT ?2");
        let mut records = self.records(select, from, RESTORED_RECORDS).await?;
        records.reverse();
        let count = records.len();
        recorder.restore(records, now_ms());
        Ok(count)
    }

    async fn records(&self, select: String, from: u64, most: u32) -> Result<Vec<Record>, StoreError> {
        let read = move |read: &Transaction<'_>| read.rows(&select, values![signed(from), most], record);
        Ok(self.database.read(NO_TENANT, read).await?.into_iter().flatten().collect())
    }

    /// Writes a batch each second. Never returns.
    pub async fn run(self: Arc<Self>, recorder: Arc<Recorder>) {
        let mut ticks = interval(BATCH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.write(&recorder).await;
        }
    }

    /// Writes what was recorded since the last batch. A failure costs these rows, nothing else.
    pub async fn write(&self, recorder: &Recorder) {
        let mut read = self.read.lock().await;
        let (rows, skipped) = self.collect(recorder, &mut read);
        METRICS.journal_dropped.inc_by(skipped);
        if rows.is_empty() {
            return;
        }
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        match self.store(rows).await {
            Ok(()) => {
                METRICS.journal_rows.inc_by(count);
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    info!(event = "recording.journal_recovered", "facts of requests are written to the journal again");
                }
            }
            Err(reason) => {
                METRICS.journal_dropped.inc_by(count);
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    warn!(
                        event = "recording.journal_not_written",
                        "failed to write facts of requests to the journal, they are lost at a restart: {reason}"
                    );
                }
            }
        }
    }

    /// Returns new rows, and the number of records that were removed from memory before.
    fn collect(&self, recorder: &Recorder, read: &mut u64) -> (Vec<NewRow>, u64) {
        let (mut rows, mut skipped) = (Vec::new(), 0);
        while rows.len() < BATCH_ROWS_MAX {
            let page = recorder.after(*read, &Filter::default(), READ_RECORDS);
            skipped += page.skipped;
            *read = page.next;
            rows.extend(page.records.iter().filter(|record| record.kept.is_some()).map(|record| self.row(record)));
            if page.records.len() < READ_RECORDS {
                break;
            }
        }
        (rows, skipped)
    }

    fn row(&self, record: &Record) -> NewRow {
        let facts = &record.facts;
        let conversation = stored::conversation(facts).map(str::to_owned);
        // Without a conversation, an address leads nowhere; and any caller may send a request that is not accepted.
        let capture = record.content.as_ref().and_then(|content| content.capture.as_ref());
        let capture = capture.filter(|_| conversation.is_some() && facts.tenant.is_some() && facts.is_accepted);
        let found = capture.map(|capture| addresses::of_body(&capture.request)).unwrap_or_default();
        NewRow {
            sequence: record.sequence,
            id: Arc::clone(&facts.id),
            at_ms: facts.at_ms,
            tenant: facts.tenant.clone(),
            conversation,
            facts: serde_json::to_string(&StoredFacts::of(facts)).expect("facts have no map keys that are no text"),
            digests: found.iter().map(|address| self.key.digest(address)).collect(),
        }
    }

    async fn store(&self, rows: Vec<NewRow>) -> Result<(), String> {
        if self.database.is_space_low() {
            return Err("little free disk space".to_owned());
        }
        let limits = self.limits;
        let write = move |transaction: &Transaction<'_>| {
            rows.iter().try_for_each(|row| insert(transaction, row))?;
            prune(transaction, limits)
        };
        let written = self.database.write_unflushed(Origin::internal(), Scope::Rows, write).await;
        written.map_err(|error| error.to_string())
    }

    /// Returns the record of a request.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub async fn by_id(&self, id: &str) -> Result<Option<Record>, StoreError> {
        let id = id.to_owned();
        let select = format!("SELECT {COLUMNS} FROM requests WHERE id = ?1");
        let read = move |read: &Transaction<'_>| read.row(&select, values![id], record);
        Ok(self.database.read(NO_TENANT, read).await?.flatten())
    }

    /// Returns the newest records of a conversation, in ascending order.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub async fn by_conversation(&self, tenant: &str, conversation: &str) -> Result<Vec<Record>, StoreError> {
        let (tenant, conversation) = (tenant.to_owned(), conversation.to_owned());
        let select = format!(
            "SELECT {COLUMNS} FROM requests WHERE tenant = ?1 AND conversation = ?2 ORDER BY sequence DESC LIMIT ?3"
        );
        let read = move |read: &Transaction<'_>| {
            read.rows(&select, values![tenant, conversation, CONVERSATION_RECORDS_MAX], record)
        };
        let mut found: Vec<Record> = self.database.read(NO_TENANT, read).await?.into_iter().flatten().collect();
        found.reverse();
        Ok(found)
    }

    /// Returns the conversations with an address, the newest first. `address` is [`normalized`](crate::normalized).
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub async fn conversations(&self, address: &str, tenants: Option<&[String]>) -> Result<Vec<Found>, StoreError> {
        let digest = self.key.digest(address);
        let tenants: Vec<Option<String>> = match tenants {
            Some(tenants) => tenants.iter().cloned().map(Some).collect(),
            None => vec![None],
        };
        let select = "SELECT tenant, conversation, last_ms FROM addresses
                      WHERE digest = ?1 AND (?3 IS NULL OR tenant = ?3) ORDER BY last_ms DESC LIMIT ?2";
        let read = move |read: &Transaction<'_>| {
            let mut found = Vec::new();
            for tenant in &tenants {
                found.extend(read.rows(select, values![digest, FOUND_MAX, tenant], |row| {
                    Ok(Found { tenant: row.get(0)?, conversation: row.get(1)?, last_ms: row.get(2)? })
                })?);
            }
            Ok(found)
        };
        self.database.read(NO_TENANT, read).await
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn insert(transaction: &Transaction<'_>, row: &NewRow) -> sql::Result<()> {
    let NewRow { sequence, id, at_ms, tenant, conversation, facts, digests } = row;
    let insert = "INSERT INTO requests (sequence, id, at_ms, tenant, conversation, facts)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let (id, tenant_name) = (&**id, tenant.as_deref());
    transaction.execute(insert, values![signed(*sequence), id, signed(*at_ms), tenant_name, conversation, facts])?;
    let (Some(tenant), Some(conversation)) = (tenant_name, conversation) else { return Ok(()) };
    let insert = "INSERT INTO addresses (digest, tenant, conversation, last_ms) VALUES (?1, ?2, ?3, ?4)
                  ON CONFLICT (digest, tenant, conversation) DO UPDATE SET last_ms = excluded.last_ms";
    for digest in digests {
        transaction.execute(insert, values![digest, tenant, conversation, signed(*at_ms)])?;
    }
    Ok(())
}

/// Deletes old rows, and the oldest ones beyond the limit.
fn prune(transaction: &Transaction<'_>, limits: Limits) -> sql::Result<()> {
    let before = transaction.now_ms().saturating_sub(signed(limits.keep_ms));
    let most = signed(PRUNED_ROWS_MAX);
    for (table, key, time) in
        [("requests", "sequence", "at_ms"), ("addresses", "digest, tenant, conversation", "last_ms")]
    {
        let old =
            format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {time} < ?1 LIMIT ?2)");
        transaction.execute(&old, values![before, most])?;
        let count: i64 = transaction.value(&format!("SELECT count(*) FROM {table}"), values![])?;
        let beyond = count.saturating_sub(signed(limits.rows_max)).min(most);
        if beyond > 0 {
            let oldest =
                format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} ORDER BY {time} LIMIT ?1)");
            transaction.execute(&oldest, values![beyond])?;
        }
    }
    Ok(())
}

/// Returns the record of a row; `None` if another program wrote it in another format.
fn record(row: &Row<'_>) -> sql::Result<Option<Record>> {
    let facts: String = row.named("facts")?;
    let Ok(facts) = serde_json::from_str::<StoredFacts>(&facts) else { return Ok(None) };
    let key = (row.named("sequence")?, row.named("id")?, row.named("at_ms")?);
    Ok(Some(facts.record(key, row.named("tenant")?, row.named("conversation")?)))
}
