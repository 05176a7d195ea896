//! A generation consists of everything that is built from one configuration. A reload replaces the generation.
//! Callbacks and deliveries that have started finish with their own generation.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use frontgate_config::Config;
use frontgate_customer_sync as customer_sync;
use frontgate_customers::Customers;
use frontgate_delivery::job::State;
use frontgate_delivery::worker;
use frontgate_delivery::{RateLimits, Store};
use frontgate_gateway::Gateway;
use frontgate_recorder::Recorder;
use frontgate_store::now_ms;
use frontgate_tenants::Plugins;
use frontgate_tenants::Tenant;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// State that all generations share.
pub(super) struct Shared {
    pub(super) plugins: Arc<Plugins>,
    pub(super) store: Arc<Store>,
    pub(super) rate_limits: Arc<RateLimits>,
    pub(super) recorder: Arc<Recorder>,
}

/// Holds the current generation, and replaces it on a reload.
pub(crate) struct Generations {
    shared: Shared,
    gateway: ArcSwap<Gateway>,
    current: watch::Sender<Generation>,
}

#[derive(Clone)]
struct Generation {
    config: Arc<Config>,
    tenants: Vec<Arc<Tenant>>,
}

impl Generation {
    fn new(config: &Arc<Config>) -> Self {
        Self { config: Arc::clone(config), tenants: config.all_tenants() }
    }

    /// Gives the tenants of this configuration their customers. Those with the same settings keep their index.
    fn configure_customers(&self, shared: &Shared) {
        let settings = self.tenants.iter().map(|tenant| (&tenant.name, &self.config.tenants[&*tenant.name].customers));
        shared.plugins.customers().configure(settings);
    }

    fn gateway(&self, shared: &Shared) -> Gateway {
        let (plugins, store) = (Arc::clone(&shared.plugins), Arc::clone(&shared.store));
        let queue_timeout = Duration::from_millis(self.config.plugins.queue_timeout_ms);
        let (server, public_url) = (&self.config.server, self.config.public_url());
        let recorder = Arc::clone(&shared.recorder);
        Gateway::new(server, public_url, queue_timeout, self.tenants.clone(), plugins, store, recorder)
    }
}

impl Generations {
    pub(super) fn new(config: &Arc<Config>, shared: Shared) -> Self {
        let first = Generation::new(config);
        first.configure_customers(&shared);
        Self { gateway: ArcSwap::from_pointee(first.gateway(&shared)), current: watch::Sender::new(first), shared }
    }

    /// Returns what all generations share.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Returns a tenant of the current configuration.
    pub(crate) fn tenant(&self, name: &str) -> Option<Arc<Tenant>> {
        self.current.borrow().tenants.iter().find(|tenant| &*tenant.name == name).cloned()
    }

    /// Returns all tenants of the current configuration.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.current.borrow().tenants.clone()
    }

    /// Returns the customers of all tenants with an index.
    pub(super) fn customers(&self) -> &Arc<Customers> {
        self.shared.plugins.customers()
    }

    /// Returns the current configuration.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.current.borrow().config)
    }

    /// Returns the gateway of the current generation, for the next callback.
    pub(crate) fn gateway(&self) -> Arc<Gateway> {
        self.gateway.load_full()
    }

    /// Replaces the current generation by one that is built from `config`.
    pub(super) async fn replace(&self, config: &Arc<Config>) {
        let next = Generation::new(config);
        next.configure_customers(&self.shared);
        self.shared.recorder.configure(&config.recording, now_ms());
        self.gateway.store(Arc::new(next.gateway(&self.shared)));
        self.shared.store.replica().configure(config.tenant_names(), config.shared_digest());
        self.current.send_replace(next);
        self.warn_about_unknown_tenants().await;
    }

    /// Runs delivery workers until `stop`. When this returns an error, deliveries have stopped.
    pub(super) async fn deliver(self: Arc<Self>, stop: CancellationToken) -> Result<(), JoinError> {
        let mut generations = self.current.subscribe();
        let mut workers = JoinSet::new();
        while !stop.is_cancelled() {
            let Generation { config, tenants } = generations.borrow_and_update().clone();
            let (plugins, store) = (Arc::clone(&self.shared.plugins), Arc::clone(&self.shared.store));
            let (rate_limits, recorder) = (Arc::clone(&self.shared.rate_limits), Arc::clone(&self.shared.recorder));
            let current = stop.child_token();
            let (until, reading) = (current.clone(), current.clone());
            let (own, readers) = (tenants.clone(), Arc::clone(&plugins));
            let (replica, is_shared) = (Arc::clone(store.replica()), config.store.is_shared());
            workers.spawn(async move { customer_sync::work(&own, &readers, &replica, is_shared, reading).await });
            workers.spawn(async move {
                {
                    let settings =
                        worker::Settings { delivery: &config.delivery, store: &config.store, tenants: &config.tenants };
                    worker::work(settings, &tenants, &plugins, &store, &rate_limits, &recorder, until).await
                }
            });
            loop {
                tokio::select! {
                    _ = generations.changed() => break,
                    () = stop.cancelled() => break,
                    // The workers of an earlier generation have finished their deliveries.
                    Some(ended) = workers.join_next() => ended??,
                }
            }
            current.cancel();
        }
        while let Some(ended) = workers.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Warns about deliveries of renamed or removed tenants, because no worker processes them.
    pub(super) async fn warn_about_unknown_tenants(&self) {
        for (tenant, states) in self.shared.store.counts().await.unwrap_or_default() {
            let waiting: u64 = [State::Ready, State::Unknown].iter().filter_map(|state| states.get(state)).sum();
            if waiting > 0 && !self.config().tenants.contains_key(&tenant) {
                warn!(
                    event = "delivery.tenant_unknown",
                    tenant,
                    waiting,
                    "{waiting} deliveries wait for unknown tenant `{tenant}`; restore the tenant or cancel the \
                     deliveries"
                );
            }
        }
    }
}
