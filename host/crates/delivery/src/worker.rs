//! Takes one delivery after the other, for each tenant apart: claim, make, settle.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frontgate_net::Client;
use frontgate_store::crash;
use frontgate_tenants::{Plugins, Tenant};
use frontgate_twilio_rest::ConversationsApi;
use futures_util::FutureExt as _;
use metrics::counter;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::budget::Budget;
use super::busy::Busy;
use super::front::Front;
use super::job::{Delivery, Kind, Settlement, State};
use super::store::Store;
use super::store::queue::{Change, Keep, Next};
use super::verdict;
use super::work::Workshop;

/// How often the queue is looked at though nobody said that anything is due: an operator's command
/// does not.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long after a failure of the store it is tried again.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// How often old rows are deleted, and how long others have in between.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

/// Sections of the configuration that workers go by.
#[derive(Clone, Copy)]
pub struct Settings<'c> {
    /// `[delivery]`.
    pub delivery: &'c super::Settings,
    /// `[store]`.
    pub store: &'c frontgate_store::Settings,
    /// `[tenants]`.
    pub tenants: &'c BTreeMap<String, frontgate_tenants::Settings>,
}

/// Works on the deliveries of all tenants until `stop`; those that were begun then are finished. An
/// error is a fault: nothing is delivered any more.
pub async fn work(
    settings: Settings<'_>,
    tenants: &[Arc<Tenant>],
    plugins: &Arc<Plugins>,
    store: &Arc<Store>,
    stop: CancellationToken,
) -> Result<(), JoinError> {
    let client = Arc::new(Client::new(&settings.delivery.client()));
    let mut workers = JoinSet::new();
    for tenant in tenants {
        let twilio = &settings.tenants[&*tenant.name].twilio;
        let fronts = tenant.front.iter();
        let fronts = fronts.map(|(name, app)| (name.clone(), Arc::new(Front::new(app, &client)))).collect();
        let workshop = Workshop {
            fronts,
            tenant: Arc::clone(tenant),
            plugins: Arc::clone(plugins),
            store: Arc::clone(store),
            rest: ConversationsApi::new(twilio, &client),
            budget: Budget::new(settings.delivery.requests_per_second_max),
            limits: settings.delivery.clone(),
            stop: stop.clone(),
        };
        let workshop = Arc::new(workshop);
        // A routing never waits for a place that another kind holds, nor does what a customer wrote.
        // Where the last app was taken out, what is open is still brought to its end.
        let has_front = !tenant.front.is_empty() || store.has_open_for_front(&tenant.name).await;
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_front() || has_front) {
            let (workshop, begun) = (Arc::clone(&workshop), TaskTracker::new());
            workers.spawn(Worker { workshop, kind, begun, busy: Arc::default() }.run(stop.clone()));
        }
    }
    let keep = Keep {
        events: Duration::from_millis(settings.store.events_keep_ms),
        deliveries: Duration::from_millis(settings.store.deliveries_keep_ms),
        messages: Duration::from_millis(settings.store.messages_keep_ms),
        conversations: Duration::from_millis(settings.store.conversations_keep_ms),
    };
    workers.spawn(prune(Arc::clone(store), keep, stop));
    while let Some(ended) = workers.join_next().await {
        ended?;
    }
    Ok(())
}

/// One tenant's, for one kind.
struct Worker {
    workshop: Arc<Workshop>,
    kind: Kind,
    begun: TaskTracker,
    busy: Arc<Busy>,
}

impl Worker {
    async fn run(self, stop: CancellationToken) {
        let limits = &self.workshop.limits;
        let places = Arc::new(Semaphore::new(limits.at_once_max));
        let longest = Duration::from_millis(limits.retry_longest_ms);
        let apps = self.workshop.fronts.values();
        let per_channel = apps.map(|front| front.app.at_once_per_channel_max).min().unwrap_or(usize::MAX);
        let store = Arc::clone(&self.workshop.store);
        let tenant = Arc::clone(&self.workshop.tenant.name);
        let something_due = store.due(&tenant);
        loop {
            let place = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place.expect("nobody closes it"),
            };
            let mut due = pin!(something_due.notified());
            due.as_mut().enable();
            let pause = match store.claim(&tenant, self.kind, longest, &self.busy.full(per_channel)).await {
                Ok(Next::Delivery(delivery)) => {
                    crash::point("claimed");
                    let (workshop, busy) = (Arc::clone(&self.workshop), Arc::clone(&self.busy));
                    busy.add(delivery.channel);
                    self.begun.spawn(async move {
                        make(&workshop, &delivery).await;
                        busy.remove(delivery.channel);
                        drop(place);
                    });
                    continue;
                }
                Ok(Next::In(pause)) => pause.min(LOOK_INTERVAL),
                Ok(Next::Nothing) => LOOK_INTERVAL,
                Err(error) => {
                    warn!(tenant = &*tenant, "deliveries wait: {error}");
                    STORE_PAUSE
                }
            };
            drop(place);
            tokio::select! {
                () = stop.cancelled() => break,
                () = due => {}
                () = self.busy.freed.notified() => {}
                () = sleep(pause) => {}
            }
        }
        self.begun.close();
        self.begun.wait().await;
    }
}

/// Makes one delivery and writes down what became of it, however long that takes.
async fn make(workshop: &Workshop, delivery: &Arc<Delivery>) {
    let made = AssertUnwindSafe(workshop.make(delivery)).catch_unwind().await;
    let settlement = match made {
        Ok(Ok(settlement)) => settlement,
        // What was decided could not be written down, so nothing was sent.
        Ok(Err(error)) => {
            Settlement::Again { after: None, reason: format!("the store: {error}"), waits_for_plugin: false }
        }
        Err(_) => {
            let reason = "a fault of the gateway; its text is on standard error".to_owned();
            Settlement::Unknown { reason, asked: true, after: None }
        }
    };
    let change = verdict::change(&workshop.limits, delivery, settlement);
    loop {
        match workshop.store.settle(&workshop.tenant.name, delivery, change.clone()).await {
            Ok(true) => break report(workshop, delivery, &change),
            Ok(false) => break warn!(delivery = delivery.id, "delivery {} was this worker's no more", delivery.id),
            Err(error) => {
                warn!(delivery = delivery.id, "what became of delivery {} is not on disk yet: {error}", delivery.id)
            }
        }
        sleep(STORE_PAUSE).await;
    }
    crash::point("settled");
}

/// One line and one metric for each time a delivery was worked on.
fn report(workshop: &Workshop, delivery: &Delivery, change: &Change) {
    let (state, tenant, kind) = (change.state.name(), &*workshop.tenant.name, delivery.kind.name());
    let labels = [("callback", kind), ("state", state)];
    counter!("frontgate_deliveries_total", &labels).increment(1);
    let (id, request, attempts) = (delivery.id, &*delivery.request, delivery.attempts);
    let event = &*delivery.name;
    match (change.state, &change.reason) {
        (State::Sent, _) => info!(request, tenant, delivery = id, event, attempts, "delivery {id} of {kind} is made"),
        (_, reason) => warn!(
            request,
            tenant,
            delivery = id,
            event,
            attempts,
            state,
            "delivery {id} of {kind} is {state}: {}",
            reason.as_deref().unwrap_or("-")
        ),
    }
}

/// Forgets what is old, a little at a time.
async fn prune(store: Arc<Store>, keep: Keep, stop: CancellationToken) {
    loop {
        let pause = match store.prune(keep).await {
            Ok(true) => PRUNE_PAUSE,
            Ok(false) => PRUNE_INTERVAL,
            Err(error) => {
                warn!("old deliveries are not deleted: {error}");
                PRUNE_INTERVAL
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}
