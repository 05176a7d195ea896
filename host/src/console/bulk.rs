//! Changes of many deliveries: a preview, then a task with progress that a person can stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use frontgate_audit::Actor;
use frontgate_console_access::Right;
use frontgate_console_pages::mask_text;
use frontgate_console_pages::pages::{Bulk, BulkPreview, BulkProgress};
use frontgate_delivery::Store;
use frontgate_delivery::job::State;
use frontgate_delivery::store::StoreError;
use frontgate_delivery::store::queue_admin::{Change, DeliveryFilter, Preview};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::answers::{Answer, Refusal};
use super::{Call, Console, answers, deliveries, page};

/// Maximum number of changes that are remembered.
const JOBS_MAX: usize = 50;

/// Writes that one change has in the store's queue.
const WRITES_MAX: usize = 32;

/// Changes of many deliveries, in progress and finished.
#[derive(Default)]
pub(super) struct BulkJobs {
    jobs: Mutex<BTreeMap<u64, Arc<Job>>>,
    last: AtomicU64,
}

pub(super) struct Job {
    change: Change,
    /// The tenant of the deliveries; `None` for several.
    tenant: Option<String>,
    total: u64,
    changed: AtomicU64,
    rejected: AtomicU64,
    is_stopped: AtomicBool,
    is_finished: AtomicBool,
    error: Mutex<Option<String>>,
}

impl Job {
    /// Returns the progress for a page.
    pub(super) fn progress(&self, id: u64) -> Bulk {
        Bulk {
            id,
            change: self.change.name(),
            total: self.total,
            changed: self.changed.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            is_finished: self.is_finished.load(Ordering::Relaxed),
            is_stopped: self.is_stopped.load(Ordering::Relaxed),
            error: self.error.lock().clone(),
        }
    }

    /// Changes all deliveries, some at a time.
    async fn run(self: Arc<Self>, store: Arc<Store>, actor: Actor, ids: Vec<i64>) {
        let mut ids = ids.into_iter();
        let mut writes = JoinSet::new();
        loop {
            while writes.len() < WRITES_MAX && !self.is_stopped.load(Ordering::Relaxed) {
                let Some(id) = ids.next() else { break };
                let (store, actor, change) = (Arc::clone(&store), actor.clone(), self.change);
                writes.spawn(async move { store.change_delivery(&actor, id, change, None).await });
            }
            let Some(written) = writes.join_next().await else { break };
            match written {
                Ok(Ok(_)) => _ = self.changed.fetch_add(1, Ordering::Relaxed),
                Ok(Err(StoreError::Rejected(_))) => _ = self.rejected.fetch_add(1, Ordering::Relaxed),
                Ok(Err(error)) => {
                    *self.error.lock() = Some(format!("Stopped: {error}."));
                    self.is_stopped.store(true, Ordering::Relaxed);
                }
                Err(_) => {
                    *self.error.lock() = Some("Stopped: a change failed unexpectedly.".to_owned());
                    self.is_stopped.store(true, Ordering::Relaxed);
                }
            }
        }
        self.is_finished.store(true, Ordering::Relaxed);
    }
}

impl BulkJobs {
    fn add(&self, job: &Arc<Job>) -> u64 {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut jobs = self.jobs.lock();
        jobs.insert(id, Arc::clone(job));
        while jobs.len() > JOBS_MAX {
            jobs.pop_first();
        }
        id
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Job>> {
        self.jobs.lock().get(&id).cloned()
    }
}

pub(super) fn named(change: Option<&str>) -> Result<Change, Refusal> {
    match change {
        Some("retry") => Ok(Change::Retry),
        Some("cancel") => Ok(Change::Cancel),
        _ => Err(Refusal::Invalid("Choose retry or cancel.".to_owned())),
    }
}

impl Console {
    /// Returns what a change of all deliveries of a filter would do.
    pub(super) async fn previewed(&self, filter: &DeliveryFilter, change: Change) -> Result<Preview, Refusal> {
        if filter.states.is_empty() {
            return Err(Refusal::Invalid("Choose a state.".to_owned()));
        }
        let most = self.sources.access.settings().bulk_max;
        Ok(self.sources.store.preview(filter.clone(), change, most).await?)
    }

    /// Returns the filter of a person's change.
    fn bulk_filter(call: &Call) -> Result<DeliveryFilter, Refusal> {
        let filter = Self::filter(call)?;
        if filter.tenant.is_some() || call.session.tenants.is_none() {
            return Ok(filter);
        }
        Err(Refusal::Invalid("Choose a tenant.".to_owned()))
    }

    /// Shows what a change would do.
    pub(super) async fn preview(self: &Arc<Self>, call: Call, confirmed: Option<u64>) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let change = named(call.query("change").or(call.form("change")))?;
        let filter = Self::bulk_filter(&call)?;
        let preview = self.previewed(&filter, change).await?;
        Ok(page(call, "/deliveries", view(&filter, change, &preview, confirmed)))
    }

    /// Starts a change that a person has confirmed. If the number has changed since, it is shown again.
    pub(super) async fn start_bulk(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let change = named(call.form("change"))?;
        let filter = Self::bulk_filter(&call)?;
        let preview = self.previewed(&filter, change).await?;
        let confirmed: u64 = call.form("total").and_then(|total| total.parse().ok()).unwrap_or_default();
        if confirmed != count(&preview) {
            return self.preview(call, Some(confirmed)).await;
        }
        let (actor, reason) = (call.session.actor(), call.form("reason"));
        let id = self.begin_bulk(&actor, &filter, change, preview, reason).await?;
        Ok(Answer::Ready(answers::redirect(&format!("/deliveries/bulk/{id}"))))
    }

    /// Records a change of many deliveries, starts it, and returns its number.
    pub(super) async fn begin_bulk(
        &self,
        actor: &Actor,
        filter: &DeliveryFilter,
        change: Change,
        preview: Preview,
        reason: Option<&str>,
    ) -> Result<u64, StoreError> {
        let (store, total) = (&self.sources.store, count(&preview));
        let object = format!("{total} deliveries: {}", deliveries::query(filter));
        let action = format!("{} many", change.name());
        store.record_action(actor, filter.tenant.as_deref(), &action, &object, reason).await?;
        let job = Arc::new(Job {
            change,
            tenant: filter.tenant.clone(),
            total,
            changed: AtomicU64::default(),
            rejected: AtomicU64::default(),
            is_stopped: AtomicBool::default(),
            is_finished: AtomicBool::default(),
            error: Mutex::default(),
        });
        let id = self.bulk.add(&job);
        tokio::spawn(job.run(Arc::clone(store), actor.clone(), preview.ids));
        Ok(id)
    }

    pub(super) fn bulk_progress(self: &Arc<Self>, call: Call, id: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let (id, job) = self.job(&call, id)?;
        Ok(page(call, "/deliveries", BulkProgress { bulk: job.progress(id) }))
    }

    /// Stops a change after the writes that are in progress.
    pub(super) async fn stop_bulk(&self, call: &Call, id: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let (id, job) = self.job(call, id)?;
        job.is_stopped.store(true, Ordering::Relaxed);
        let (actor, tenant) = (call.session.actor(), job.tenant.as_deref());
        self.sources.store.record_action(&actor, tenant, "stop many", &format!("change {id}"), None).await?;
        Ok(Answer::Ready(answers::redirect(&format!("/deliveries/bulk/{id}"))))
    }

    /// Returns a change whose deliveries the person sees.
    fn job(&self, call: &Call, id: &str) -> Result<(u64, Arc<Job>), Refusal> {
        let id = id.parse().map_err(|_| Refusal::NotFound)?;
        let job = self.bulk.get(id).ok_or(Refusal::NotFound)?;
        match &job.tenant {
            Some(tenant) => call.needs_tenant(tenant)?,
            None => call.needs_all_tenants()?,
        }
        Ok((id, job))
    }
}

/// Returns a preview for a page.
pub(super) fn view(filter: &DeliveryFilter, change: Change, preview: &Preview, confirmed: Option<u64>) -> BulkPreview {
    let names = |counts: &BTreeMap<State, u64>| counts.iter().map(|(state, count)| (state.name(), *count)).collect();
    BulkPreview {
        change: change.name(),
        query: deliveries::query(filter),
        total: count(preview),
        is_limited: preview.is_limited,
        after: names(&preview.after),
        waiting: preview.waiting,
        rejected: names(&preview.rejected),
        confirmed,
        command: command(filter, change),
    }
}

/// Returns the command that does the same. A reason with personal data is not in it: `deliveries groups` prints it.
fn command(filter: &DeliveryFilter, change: Change) -> String {
    if filter.reason_group.as_deref().is_some_and(|reason| mask_text(reason) != reason) {
        return "frontgate deliveries groups".to_owned();
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut command = format!("frontgate deliveries {}", change.name());
    let reason = filter.reason_group.as_deref().map(|reason| format!(" --why {}", quoted(reason)));
    let tenant = filter.tenant.as_deref().map(|tenant| format!(" --tenant {tenant}"));
    command.extend([reason, tenant].into_iter().flatten());
    command.extend(filter.states.iter().map(|state| format!(" --state {state}")));
    command
}

pub(super) fn count(preview: &Preview) -> u64 {
    u64::try_from(preview.ids.len()).unwrap_or(u64::MAX)
}
