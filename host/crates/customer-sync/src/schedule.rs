//! When runs happen: at intervals, after a failure later and later, and at once when something triggers them.

use std::sync::Arc;
use std::time::Duration;

use frontgate_customers::{Customers, TenantCustomers};
use frontgate_replicas::{Part, Replica};
use frontgate_runtime::CallError;
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::{Plugins, Tenant};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::failure::Failure;
use crate::folder::WatchedFolder;
use crate::run::Run;
use crate::source::CustomerSource;

/// Pause after a first failure; it doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest pause after failures, and the pause after refused credentials.
const RETRY_LONGEST: Duration = Duration::from_secs(600);
/// Longest pause that a source can ask for.
const BUSY_LONGEST: Duration = Duration::from_secs(3_600);
/// How often a gateway reads what others have written.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);
/// Time in which several triggers start one run.
const TRIGGERS_COLLECTED: Duration = Duration::from_millis(50);

/// Runs the sources of all tenants with an index until `stop`.
///
/// # Errors
///
/// Fails if a task panics, which is a bug in the gateway.
pub async fn work(
    tenants: &[Arc<Tenant>],
    plugins: &Arc<Plugins>,
    replica: &Arc<Replica>,
    is_shared: bool,
    stop: CancellationToken,
) -> Result<(), JoinError> {
    let customers = Arc::clone(plugins.customers());
    let mut tasks = JoinSet::new();
    for tenant in tenants {
        let Some(customers) = customers.of(&tenant.name) else { continue };
        let schedule = Schedule {
            customers,
            tenant: Arc::clone(tenant),
            plugins: Arc::clone(plugins),
            replica: Arc::clone(replica),
            is_shared,
        };
        tasks.spawn(schedule.run(stop.clone()));
    }
    tasks.spawn(delete_others(customers, stop));
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

/// Deletes the customers of tenants whose index was switched off.
async fn delete_others(customers: Arc<Customers>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        deleted = customers.delete_others() => {
            if let Err(error) = deleted {
                warn!(event = "customers.not_deleted", "failed to delete customers of tenants without an index: {error}");
            }
        }
    }
}

/// The runs of one tenant.
struct Schedule {
    customers: Arc<TenantCustomers>,
    tenant: Arc<Tenant>,
    plugins: Arc<Plugins>,
    replica: Arc<Replica>,
    is_shared: bool,
}

impl Schedule {
    async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.forever() => {}
        }
    }

    async fn forever(&self) {
        self.follow().await;
        let mut folder = WatchedFolder::default();
        let (mut due, mut failures) = (Instant::now(), 0_u32);
        loop {
            if self.replica.begin(&self.tenant.name, Part::Customers).is_none() {
                // Another replica runs.
                sleep(FOLLOW_INTERVAL).await;
                self.follow().await;
                continue;
            }
            let pause = match self.one(&mut folder, &mut failures).await {
                Ok(()) => {
                    failures = 0;
                    self.count("ok");
                    spread(Duration::from_millis(self.customers.settings().interval_ms))
                }
                Err(failure) => {
                    self.count(failure.code());
                    let pause = pause(&failure, failures);
                    failures = failures.saturating_add(1);
                    self.note(&failure, pause).await;
                    pause
                }
            };
            due = (due + pause).max(Instant::now() + pause);
            self.wait_until(due).await;
        }
    }

    /// Waits for a time or a trigger, and follows what other gateways write meanwhile.
    async fn wait_until(&self, due: Instant) {
        loop {
            let next = if self.is_shared { due.min(Instant::now() + FOLLOW_INTERVAL) } else { due };
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.customers.triggered() => {
                    sleep(TRIGGERS_COLLECTED).await;
                    return;
                }
            }
            if next == due {
                return;
            }
            self.follow().await;
        }
    }

    /// Runs once. A failure behind a written batch is a first one, so that a large enumeration does not wait longer and
    /// longer.
    async fn one(&self, folder: &mut WatchedFolder, failures: &mut u32) -> Result<(), Failure> {
        let rate = self.customers.settings().requests_per_second;
        let source = CustomerSource::open(&self.plugins, &self.tenant, rate).await?;
        let (enumerate, ids) = self.customers.take_triggers();
        // Before the run, which may read the file while it changes.
        folder.set(source.plugin.grants.folder(), &self.customers);
        let mut run =
            Run { customers: &self.customers, source, replica: &self.replica, enumerate, has_progress: false };
        let executed = run.execute(ids).await;
        if run.has_progress {
            *failures = 0;
        }
        if executed.is_err() && run.enumerate {
            // The demanded enumeration has not begun.
            self.customers.demand_enumeration();
        }
        executed?;
        self.customers.note_run(None).await?;
        Ok(())
    }

    async fn follow(&self) {
        if let Err(error) = self.customers.follow().await {
            warn!(
                event = "customers.not_followed",
                tenant = &*self.tenant.name,
                "failed to read the index of customers of tenant `{}`, trying again: {error}",
                self.tenant.name
            );
        }
    }

    async fn note(&self, failure: &Failure, pause: Duration) {
        let (tenant, reason) = (&*self.tenant.name, failure.reason());
        if matches!(failure, Failure::Stopped) {
            debug!("run of tenant `{tenant}` stopped");
            return;
        }
        warn!(
            event = "customers.run_failed",
            tenant,
            code = failure.code(),
            "failed to read the customers of tenant `{tenant}`, next run in {} s: {reason}",
            pause.as_secs()
        );
        // The failure of the store itself is only in the log.
        if !matches!(failure, Failure::Store(_)) {
            let _ = self.customers.note_run(Some(reason)).await;
        }
    }

    fn count(&self, result: &'static str) {
        let run = labels::CustomerRun { tenant: Arc::clone(&self.tenant.name), result };
        METRICS.customer_runs.get_or_create(&run).inc();
    }
}

/// Returns the pause after a failure.
fn pause(failure: &Failure, failures: u32) -> Duration {
    match failure {
        Failure::Busy(pause) => (*pause).min(BUSY_LONGEST),
        Failure::Plugin(CallError::Forbidden(_)) | Failure::Full => RETRY_LONGEST,
        _ => spread(RETRY_FIRST.saturating_mul(1 << failures.min(16)).min(RETRY_LONGEST)),
    }
}

/// Returns a random time within a tenth of `pause`, so that tenants and gateways do not run together.
fn spread(pause: Duration) -> Duration {
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    let part = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    pause.mul_f64(0.9 + part / 5.0)
}
