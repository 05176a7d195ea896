//! The source of a tenant's customers: calls of its plugin, at the pace that the operator allows.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_contract::bindings::crm_source::{Batch, ChangeAnswer, SourceCustomer, SourceFacts};
use frontgate_runtime::{CallRecords, Deadlines, LoadedPlugin};
use frontgate_tenants::{PluginInvoker, Plugins, Tenant};
use tokio::time::{Instant, sleep_until};

use crate::failure::Failure;

/// Longest time that a call may wait for a slot and then take; the plugin's own limits are usually shorter.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Most customers, and most removed ids, of one batch.
const BATCH_ROWS_MAX: usize = 1_000;
/// Longest cursor in bytes.
const CURSOR_BYTES_MAX: usize = 4_096;
/// Most customers that one call fetches.
pub(crate) const FETCHED_MAX: usize = 100;

/// The plugin that reports a tenant's customers, as long as one run lasts.
pub(crate) struct CustomerSource {
    invoker: PluginInvoker,
    pub(crate) plugin: Arc<LoadedPlugin>,
    pub(crate) facts: SourceFacts,
    /// Time between two calls.
    pause: Duration,
    /// When the next call may begin.
    next: Instant,
}

/// The answer to a question for changes.
pub(crate) enum Changes {
    Batch(Batch),
    Expired,
}

impl CustomerSource {
    /// Finds the plugin, and asks what it can do.
    pub(crate) async fn open(plugins: &Arc<Plugins>, tenant: &Arc<Tenant>, rate: u32) -> Result<Self, Failure> {
        let request: Arc<str> = uuid::Uuid::now_v7().to_string().into();
        let deadlines = Deadlines::within(CALL_TIMEOUT);
        let invoker = plugins.invoker(tenant, &request, deadlines, CallRecords::default());
        let plugin = invoker.plugin(Role::CrmSource)?;
        let facts = invoker.call(&plugin, Role::CrmSource).in_background().source_facts().await?;
        let limit = u32::try_from(BATCH_ROWS_MAX).unwrap_or(u32::MAX);
        if !(1..=limit).contains(&facts.batch_size) {
            return Err(Failure::Contract(format!("batch-size is {}, not 1 to {limit}", facts.batch_size)));
        }
        let pause = Duration::from_secs_f64(f64::from(facts.requests_per_call) / f64::from(rate.max(1)));
        Ok(Self { invoker, plugin, facts, pause, next: Instant::now() })
    }

    /// Asks for changes since a cursor as stored; an empty one stands for none.
    pub(crate) async fn changes(&mut self, cursor: &[u8]) -> Result<Changes, Failure> {
        let since = cursor.split_first().map(|(_, cursor)| cursor.to_vec());
        self.wait().await;
        let call = self.invoker.call(&self.plugin, Role::CrmSource).in_background();
        match call.customer_changes(since, self.facts.batch_size).await? {
            ChangeAnswer::Batch(batch) => check(batch).map(Changes::Batch),
            ChangeAnswer::CursorExpired => Ok(Changes::Expired),
            ChangeAnswer::Busy(millis) => Err(Failure::Busy(Duration::from_millis(millis.into()))),
        }
    }

    /// Fetches customers by id.
    pub(crate) async fn fetch(&mut self, ids: Vec<String>) -> Result<Vec<SourceCustomer>, Failure> {
        self.wait().await;
        let asked = ids.len();
        let call = self.invoker.call(&self.plugin, Role::CrmSource).in_background();
        let customers = call.fetch_customers(ids).await?;
        if customers.len() > asked {
            return Err(Failure::Contract(format!("fetch returned {} customers for {asked} ids", customers.len())));
        }
        Ok(customers)
    }

    /// Waits until the next call may begin, and gives it its own time.
    async fn wait(&mut self) {
        sleep_until(self.next).await;
        self.next = Instant::now() + self.pause;
        self.invoker.set_deadlines(Deadlines::within(CALL_TIMEOUT));
    }
}

/// Returns a cursor as stored, which is never empty.
pub(crate) fn stored(cursor: &[u8]) -> Vec<u8> {
    [&[1], cursor].concat()
}

fn check(batch: Batch) -> Result<Batch, Failure> {
    let problem = if batch.upserts.len() > BATCH_ROWS_MAX || batch.removals.len() > BATCH_ROWS_MAX {
        format!("a batch has more than {BATCH_ROWS_MAX} customers")
    } else if batch.next.len() > CURSOR_BYTES_MAX {
        format!("a cursor has more than {CURSOR_BYTES_MAX} bytes")
    } else {
        return Ok(batch);
    };
    Err(Failure::Contract(problem))
}
