//! One run: what notifications named, changes since the cursor, and the running enumeration.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_contract::bindings::crm_source::Batch;
use frontgate_customers::{CursorKind, Fence, SourceRow, SweepEnd, TenantCustomers, Write};
use frontgate_replicas::{Part, Replica};
use frontgate_telemetry::metrics::{METRICS, labels};
use tracing::{error, info};

use crate::failure::Failure;
use crate::source::{Changes, CustomerSource, FETCHED_MAX, stored};

/// Batches without customers and with the same cursor, after which a source is considered to be stuck.
const EMPTY_MAX: u32 = 3;
/// Enumerations that a source may start again within one run, since its cursor expired.
const RESTARTS_MAX: u32 = 3;
/// Longest time between two enumerations of a source that does not report removals or who sees a customer.
const ENUMERATE_UNREPORTED_MS: u64 = 3_600_000;

/// One run of one tenant.
pub(crate) struct Run<'r> {
    pub(crate) customers: &'r Arc<TenantCustomers>,
    pub(crate) source: CustomerSource,
    pub(crate) replica: &'r Arc<Replica>,
    /// Whether an operator or a notification demands an enumeration.
    pub(crate) enumerate: bool,
    /// Whether a batch was written, so that a failure behind it is a first one.
    pub(crate) has_progress: bool,
}

/// How reading changes ended.
enum Caught {
    /// Everything up to now is in the index.
    Up,
    /// The source cannot continue from the cursor.
    Expired,
}

impl Run<'_> {
    /// Brings the index up to date.
    pub(crate) async fn execute(&mut self, ids: Vec<String>) -> Result<(), Failure> {
        let plugin = Arc::clone(&self.source.plugin);
        let (settings, digest) = (plugin.grants.digest().to_string(), plugin.digest.to_string());
        let mut row = self.customers.prepare(&plugin.name, &settings, &digest).await?;
        if row.is_removing() {
            // A run before ended during its removals.
            self.customers.remove_missing(false).await?;
            row = self.customers.prepare(&plugin.name, &settings, &digest).await?;
        }
        for ids in ids.chunks(FETCHED_MAX).filter(|_| row.is_ready) {
            let after = self.customers.last_change();
            let fetched = self.source.fetch(ids.to_vec()).await?;
            written(self.customers.apply_fetched(ids, fetched, after).await?)?;
        }
        if !row.cursor.is_empty() && matches!(self.catch_up(&row.cursor).await?, Caught::Expired) {
            row = self.customers.begin_sweep(false).await?;
        }
        if row.sweeping == 0 && self.is_enumeration_due(&row) {
            row = self.customers.begin_sweep(false).await?;
            self.enumerate = false;
        }
        if row.sweeping > 0 { self.enumerate(row).await } else { Ok(()) }
    }

    fn is_enumeration_due(&self, row: &SourceRow) -> bool {
        let facts = &self.source.facts;
        let mut interval = self.customers.settings().enumerate_interval_ms;
        if facts.is_incremental && !(facts.reports_removals && facts.reports_visibility) {
            interval = interval.min(ENUMERATE_UNREPORTED_MS);
        }
        let age = row.swept_ms.map_or(u64::MAX, |swept| self.customers.age_ms(swept));
        self.enumerate || age > interval
    }

    /// Reads all changes since a cursor.
    async fn catch_up(&mut self, cursor: &[u8]) -> Result<Caught, Failure> {
        let (mut cursor, mut empty) = (cursor.to_vec(), 0);
        loop {
            let Changes::Batch(batch) = self.source.changes(&cursor).await? else { return Ok(Caught::Expired) };
            let (is_empty, has_more) = (batch.upserts.is_empty() && batch.removals.is_empty(), batch.has_more);
            let next = stored(&batch.next);
            if !self.source.facts.is_incremental && (!is_empty || has_more) {
                // Such a source begins to enumerate whenever something has changed.
                return Ok(Caught::Expired);
            }
            check_progress(is_empty && has_more && next == cursor, &mut empty)?;
            self.apply(CursorKind::Changes, cursor, batch).await?;
            cursor = next;
            if !has_more {
                return Ok(Caught::Up);
            }
        }
    }

    /// Continues the running enumeration to its end. Changes are read in between, so that a long one delays nothing.
    async fn enumerate(&mut self, mut row: SourceRow) -> Result<(), Failure> {
        let interval = Duration::from_millis(self.customers.settings().interval_ms);
        let (mut caught_up, mut empty, mut restarts) = (Instant::now(), 0, 0);
        let mut cursor = row.sweep_cursor.clone();
        loop {
            let is_incremental = self.source.facts.is_incremental && !row.cursor.is_empty();
            if is_incremental && caught_up.elapsed() >= interval {
                // With an expired cursor, only the end of the enumeration brings the index up to date.
                if let Some(known) = self.customers.source().filter(|known| !known.cursor.is_empty())
                    && matches!(self.catch_up(&known.cursor).await?, Caught::Up)
                {
                    self.customers.note_run(None).await?;
                }
                caught_up = Instant::now();
            }
            let batch = match self.source.changes(&cursor).await? {
                Changes::Batch(batch) => batch,
                Changes::Expired if cursor.is_empty() || restarts == RESTARTS_MAX => {
                    return Err(Failure::Contract("an enumeration expires again and again".to_owned()));
                }
                Changes::Expired => {
                    restarts += 1;
                    row = self.customers.begin_sweep(true).await?;
                    cursor = row.sweep_cursor.clone();
                    continue;
                }
            };
            let (is_empty, has_more) = (batch.upserts.is_empty() && batch.removals.is_empty(), batch.has_more);
            let next = stored(&batch.next);
            check_progress(is_empty && has_more && next == cursor, &mut empty)?;
            self.apply(CursorKind::Sweep, cursor, batch).await?;
            cursor = next;
            if !has_more {
                return self.finish(row.sweeping, cursor).await;
            }
        }
    }

    async fn finish(&self, sweeping: i64, cursor: Vec<u8>) -> Result<(), Failure> {
        let tenant = self.customers.tenant();
        match self.customers.finish_sweep(sweeping, cursor).await? {
            SweepEnd::Superseded => return Err(Failure::Stopped),
            SweepEnd::Remove(removed) => {
                let customers = self.customers.source().map_or(0, |source| source.live);
                info!(
                    event = "customers.enumerated",
                    tenant = &**tenant,
                    customers,
                    removed,
                    "enumerated {customers} customers of tenant `{tenant}`, removed {removed}"
                );
            }
            SweepEnd::Held(held) => {
                let result = labels::CustomerRun { tenant: Arc::clone(tenant), result: "held" };
                METRICS.customer_runs.get_or_create(&result).inc();
                error!(
                    event = "customers.removals_held",
                    tenant = &**tenant,
                    held,
                    "the source of tenant `{tenant}` no longer reports {held} customers, which is implausible; they stay \
                     until `frontgate customers accept-removals {tenant}`"
                );
            }
        }
        self.customers.prune().await?;
        Ok(())
    }

    async fn apply(&mut self, kind: CursorKind, since: Vec<u8>, mut batch: Batch) -> Result<(), Failure> {
        // Another replica may have taken over. The turn is short, so that a part can be handed over at any time.
        let turn = self.replica.begin(self.customers.tenant(), Part::Customers).ok_or(Failure::Stopped)?;
        let fence = turn.replica.map(|replica| Fence { replica, fence: turn.fence });
        batch.next = stored(&batch.next);
        let batch = self.customers.convert(kind, since, batch, fence).await?;
        written(self.customers.apply(batch).await?)?;
        self.has_progress = true;
        Ok(())
    }
}

fn written(write: Write) -> Result<(), Failure> {
    match write {
        Write::Applied(_) => Ok(()),
        Write::Superseded => Err(Failure::Stopped),
        Write::Full => Err(Failure::Full),
    }
}

/// Fails if a source says that there is more, but does not continue.
fn check_progress(is_stuck: bool, empty: &mut u32) -> Result<(), Failure> {
    *empty = if is_stuck { *empty + 1 } else { 0 };
    if *empty < EMPTY_MAX {
        return Ok(());
    }
    Err(Failure::Contract("has-more is true, but the cursor stays the same".to_owned()))
}
