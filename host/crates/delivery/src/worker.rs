//! Workers: lease deliveries, execute them, and store the outcomes.
//!
//! Each tenant has one worker for each kind of delivery, so no kind and no tenant delays another.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frontgate_net::Client;
use frontgate_recorder::{PluginCall, Recorder};
use frontgate_replicas::Part;
use frontgate_store::{NO_TENANT, crash, now_ms};
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::Plugins;
use frontgate_tenants::Tenant;
use frontgate_twilio_rest::ConversationsApi;
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::channel_upkeep;
use super::concurrency::ChannelConcurrency;
use super::front_client::FrontClient;
use super::handlers::DeliveryContext;
use super::job::{Delivery, Kind, Outcome, State, Transition};
use super::rate_limits::RateLimits;
use super::retry_policy;
use super::store::queue::{self, Next, Wanted};
use super::store::{Retention, Store};

/// Interval of polling without a signal: an operator's command runs in another process and sends no signal.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of deliveries that one claim leases.
const CLAIM_MAX: usize = 16;

/// The pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Interval of retention runs, and the pause between two writes of one run.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

/// The sections of the configuration that workers use.
#[derive(Clone, Copy)]
pub struct Settings<'c> {
    /// `[delivery]`.
    pub delivery: &'c super::Settings,
    /// `[store]`.
    pub store: &'c frontgate_store::Settings,
    /// `[tenants]`.
    pub tenants: &'c BTreeMap<String, frontgate_tenants::Settings>,
}

/// Runs the workers of all tenants until `stop`, then finishes the deliveries in progress.
///
/// # Errors
///
/// Fails if a worker panics, which is a bug in the gateway: nothing is delivered afterwards.
pub async fn work(
    settings: Settings<'_>,
    tenants: &[Arc<Tenant>],
    plugins: &Arc<Plugins>,
    store: &Arc<Store>,
    rate_limits: &Arc<RateLimits>,
    recorder: &Arc<Recorder>,
    stop: CancellationToken,
) -> Result<(), JoinError> {
    let client = Arc::new(Client::new(&settings.delivery.client()));
    let mut workers = JoinSet::new();
    for tenant in tenants {
        let twilio = &settings.tenants[&*tenant.name].twilio;
        let replica = store.replica();
        let fronts = tenant.front.iter().map(|(name, app)| {
            let rate_limit = rate_limits.of_app(&tenant.name, name, app.calls_per_second_max);
            (name.clone(), Arc::new(FrontClient::new(app, &client, rate_limit, replica)))
        });
        let fronts = fronts.collect();
        let context = Arc::new(DeliveryContext {
            fronts,
            tenant: Arc::clone(tenant),
            plugins: Arc::clone(plugins),
            store: Arc::clone(store),
            rest: ConversationsApi::new(twilio, &client),
            rate_limit: rate_limits.of_tenant(&tenant.name, settings.delivery.requests_per_second_max),
            recorder: Arc::clone(recorder),
            limits: settings.delivery.clone(),
            stop: stop.clone(),
        });
        // The workers also end open deliveries of a removed app.
        let has_front = !tenant.front.is_empty() || store.has_open_for_front(&tenant.name).await;
        if !tenant.front.is_empty() {
            workers.spawn(channel_upkeep::work(Arc::clone(&context), Arc::clone(rate_limits), stop.clone()));
        }
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_front() || has_front) {
            let (context, tasks, rate_limits) = (Arc::clone(&context), TaskTracker::new(), Arc::clone(rate_limits));
            workers.spawn(Worker { context, kind, tasks, rate_limits, channels: Arc::default() }.run(stop.clone()));
        }
    }
    workers.spawn(prune(Arc::clone(store), Retention::new(settings.store), stop));
    while let Some(ended) = workers.join_next().await {
        ended?;
    }
    Ok(())
}

/// The worker of one tenant and kind.
struct Worker {
    context: Arc<DeliveryContext>,
    kind: Kind,
    /// Deliveries in progress.
    tasks: TaskTracker,
    rate_limits: Arc<RateLimits>,
    channels: Arc<ChannelConcurrency>,
}

impl Worker {
    async fn run(self, stop: CancellationToken) {
        let limits = &self.context.limits;
        let permits = Arc::new(Semaphore::new(limits.at_once_max));
        // A later due time is an error of a clock, unless it is the wait for a request that may be on its way.
        let longest = Duration::from_millis(limits.retry_longest_ms).max(self.context.effect(self.kind));
        let apps = self.context.fronts.values();
        let per_channel = apps.map(|front| front.app.at_once_per_channel_max).min().unwrap_or(usize::MAX);
        let store = Arc::clone(&self.context.store);
        let replica = Arc::clone(store.replica());
        let (tenant, part) = (Arc::clone(&self.context.tenant.name), self.kind.part());
        let due_signal = store.due_signal(&tenant);
        let mut changes = replica.changes();
        let (mut floor, mut searched_all) = (queue::ALL, Instant::now());
        loop {
            let permit = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                permit = Arc::clone(&permits).acquire_owned() => permit.expect("the semaphore is never closed"),
            };
            let Some(turn) = replica.begin(&tenant, part) else {
                // Another replica works on this part.
                drop(permit);
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = changes.changed() => {}
                    () = sleep(POLL_INTERVAL) => {}
                }
                continue;
            };
            self.rate_limits.take_over(&store, &tenant, &turn, part);
            if searched_all.elapsed() >= POLL_INTERVAL {
                (floor, searched_all) = (queue::ALL, Instant::now());
            }
            // All leased deliveries could belong to the busiest channel.
            let of_channel = per_channel.saturating_sub(self.channels.most()).max(1);
            let more = permits.available_permits().min(CLAIM_MAX - 1).min(of_channel - 1);
            let wanted = Wanted {
                tenant: Arc::clone(&tenant),
                kind: self.kind,
                most: more + 1,
                longest,
                busy: self.channels.full(per_channel),
                floor,
                replica: turn.replica,
                fence: turn.fence,
            };
            let mut due = pin!(due_signal.notified());
            due.as_mut().enable();
            let pause = match store.claim(wanted).await {
                Ok(Next::Deliveries { all, floor: next }) => {
                    crash::point("claimed");
                    floor = next;
                    let turn = Arc::new(turn);
                    let mut permit = Some(permit);
                    for delivery in all {
                        // Only this task acquires permits, so as many are free as were counted.
                        let own = permit.take().or_else(|| Arc::clone(&permits).try_acquire_owned().ok());
                        let (context, channels) = (Arc::clone(&self.context), Arc::clone(&self.channels));
                        channels.add(delivery.channel);
                        let turn = Arc::clone(&turn);
                        self.tasks.spawn(async move {
                            execute(&context, &delivery).await;
                            channels.remove(delivery.channel);
                            drop((own, turn));
                        });
                    }
                    continue;
                }
                Ok(Next::In(pause)) => pause.min(POLL_INTERVAL),
                Ok(Next::Nothing) => POLL_INTERVAL,
                Err(error) => {
                    warn!(
                        event = "delivery.claim_failed",
                        tenant = &*tenant,
                        "failed to lease the next delivery, retrying: {error}"
                    );
                    STORE_PAUSE
                }
            };
            drop((permit, turn));
            tokio::select! {
                () = stop.cancelled() => break,
                () = due => floor = queue::ALL,
                () = self.channels.freed.notified() => {}
                () = sleep(pause) => {}
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Executes a delivery and stores its outcome, retrying until the store accepts it.
async fn execute(context: &DeliveryContext, delivery: &Arc<Delivery>) {
    let outcome = match AssertUnwindSafe(context.execute(delivery)).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        // The decision could not be stored, so nothing was sent.
        Ok(Err(error)) => {
            let reason = format!("failed to store the decision: {error}");
            Outcome::Retry { after: None, reason, waits_for_plugin: false }
        }
        Err(_) => {
            let reason = "internal error of the gateway; see standard error".to_owned();
            Outcome::Unknown { reason, asked: true, after: None }
        }
    };
    let calls = delivery.calls.take().into_iter().map(PluginCall::from).collect();
    context.recorder.record_attempt(delivery.id, delivery.attempts, calls, now_ms());
    let transition = retry_policy::transition(&context.limits, delivery, outcome);
    let (id, tenant) = (delivery.id, &*context.tenant.name);
    loop {
        match context.store.settle(tenant, delivery, transition.clone()).await {
            Ok(true) => break report(tenant, delivery, &transition),
            Ok(false) => {
                break warn!(
                    event = "delivery.lease_lost",
                    tenant,
                    delivery = id,
                    "lease on delivery {id} lost; outcome discarded"
                );
            }
            Err(error) => {
                warn!(
                    event = "delivery.settle_failed",
                    tenant,
                    delivery = id,
                    "failed to persist outcome of delivery {id}, retrying: {error}"
                );
            }
        }
        sleep(STORE_PAUSE).await;
    }
    crash::point("settled");
}

/// Writes the log line and increments the metric of an attempt.
fn report(tenant: &str, delivery: &Delivery, transition: &Transition) {
    let (state, kind) = (transition.state.name(), delivery.kind.name());
    METRICS.delivery_attempts.get_or_create(&labels::Delivery { callback: kind, state }).inc();
    let (id, request, attempts, name) = (delivery.id, &*delivery.request, delivery.attempts, &*delivery.name);
    let event = match transition.state {
        State::Ready if transition.is_waiting => {
            let reason = transition.reason.as_deref().unwrap_or("-");
            return debug!(event = "delivery.waiting", request, tenant, delivery = id, "delivery {id} waits: {reason}");
        }
        State::Sent => {
            return info!(
                event = "delivery.sent",
                request,
                tenant,
                delivery = id,
                name,
                attempts,
                state,
                "delivery {id} of {kind} is sent"
            );
        }
        // A worker sets neither `Leased` nor `Cancelled`.
        State::Ready | State::Leased | State::Cancelled => "delivery.retry_scheduled",
        State::Unknown => "delivery.outcome_unknown",
        State::Failed => "delivery.failed",
        State::Dead => "delivery.gave_up",
    };
    let reason = transition.reason.as_deref().unwrap_or("-");
    let text = match transition.state {
        State::Unknown => format!("outcome of delivery {id} ({kind}) unknown: {reason}"),
        State::Failed => format!("delivery {id} ({kind}) failed permanently: {reason}"),
        State::Dead => format!("gave up on delivery {id} ({kind}): {reason}"),
        _ => format!("delivery {id} ({kind}) failed, retrying: {reason}"),
    };
    warn!(event, request, tenant, delivery = id, name, attempts, state, "{text}");
}

/// Deletes old rows, a few at a time, until `stop`.
async fn prune(store: Arc<Store>, keep: Retention, stop: CancellationToken) {
    loop {
        // Of several gateways, one prunes.
        let turn = store.replica().begin(&NO_TENANT.into(), Part::House);
        let pruned = if turn.is_some() { store.prune(keep).await } else { Ok(false) };
        let pause = match pruned {
            Ok(true) => PRUNE_PAUSE,
            Ok(false) => PRUNE_INTERVAL,
            Err(error) => {
                warn!(event = "store.prune_failed", "failed to delete old rows: {error}");
                PRUNE_INTERVAL
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}
