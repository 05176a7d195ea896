//! The operators' pages: `/livez`, `/readyz`, `/statusz` and `/metrics`. Requests to them change nothing.

mod gauges;
mod host;
pub(crate) mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use frontgate_config::Config;
use frontgate_console_access::Access;
use frontgate_customers::Customers;
use frontgate_delivery::job::State;
use frontgate_delivery::store::{Counts, StoreError};
use frontgate_delivery::{RateLimits, Store};
use frontgate_rollouts::Rollouts;
use frontgate_runtime::{Engine, Registry};
use frontgate_state::{Buckets, Usage};
use frontgate_store::Waiting;
use frontgate_telemetry::REFUSALS;
use frontgate_telemetry::metrics::{self, METRICS, labels};
use frontgate_tenants::coverage;
use frontgate_tls::{Certificates, Expiry};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tracing::warn;

/// Serves the operators' pages.
pub(crate) struct AdminPages {
    config: ArcSwap<Config>,
    /// Receipt of the last reload of the configuration, if any.
    configured: ArcSwapOption<frontgate_config::receipt::Receipt>,
    engine: Arc<Engine>,
    registry: Arc<Registry>,
    store: Arc<Store>,
    waiting: Waiting,
    buckets: Arc<Buckets>,
    rollouts: Option<Arc<Rollouts>>,
    customers: Arc<Customers>,
    rate_limits: Arc<RateLimits>,
    access: Arc<Access>,
    /// Certificate of the public listener; `None` without TLS.
    certificates: Option<Arc<Certificates>>,
    /// Tenants that have gauges in the metrics.
    counted: Mutex<BTreeSet<String>>,
    started: Instant,
    loading: AtomicBool,
    draining: AtomicBool,
}

/// What the pages show.
pub(crate) struct Sources {
    pub(crate) config: Arc<Config>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<Store>,
    pub(crate) waiting: Waiting,
    pub(crate) buckets: Arc<Buckets>,
    /// What the replicas agree on; `None` if plugins come from the folder.
    pub(crate) rollouts: Option<Arc<Rollouts>>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) rate_limits: Arc<RateLimits>,
    /// Sessions of the console.
    pub(crate) access: Arc<Access>,
    /// Certificate of the public listener; `None` without TLS.
    pub(crate) certificates: Option<Arc<Certificates>>,
}

impl AdminPages {
    /// Creates the pages of a gateway that is not ready before [`AdminPages::loaded`].
    pub(crate) fn new(sources: Sources) -> Self {
        let Sources {
            config,
            engine,
            registry,
            store,
            waiting,
            buckets,
            rollouts,
            customers,
            rate_limits,
            access,
            certificates,
        } = sources;
        Self {
            config: ArcSwap::new(config),
            configured: ArcSwapOption::empty(),
            engine,
            registry,
            store,
            waiting,
            buckets,
            rollouts,
            customers,
            rate_limits,
            access,
            certificates,
            counted: Mutex::default(),
            started: Instant::now(),
            loading: AtomicBool::new(true),
            draining: AtomicBool::new(false),
        }
    }

    /// Marks the plugins as loaded, which makes the gateway ready.
    pub(crate) fn loaded(&self) {
        self.loading.store(false, Ordering::Relaxed);
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&self, config: Arc<Config>) {
        self.config.store(config);
    }

    /// Reads the certificate of the public listener again. The configuration's checks have read it before, so it is
    /// valid unless it changed in between.
    pub(crate) async fn reload_certificate(&self) {
        let Some(certificates) = &self.certificates else { return };
        if let Err(error) = certificates.reload().await {
            warn!(
                event = "tls.certificate_rejected",
                "changed certificate rejected, previous certificate stays in use: {error:#}"
            );
        }
    }

    /// Returns when the certificate of the public listener expires; `None` without one.
    pub(crate) fn certificate_expiry(&self) -> Option<Expiry> {
        self.certificates.as_ref().map(|certificates| certificates.expiry())
    }

    /// Stores the receipt of a reload.
    pub(crate) fn note(&self, receipt: frontgate_config::receipt::Receipt) {
        self.configured.store(Some(Arc::new(receipt)));
    }

    /// Marks the gateway as draining, which makes it unready.
    pub(crate) fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Answers one request.
    pub(crate) async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let named = host::check(request.version(), request.uri(), request.headers(), &self.config.load().admin.hosts);
        if let Err(refusal) = named {
            return refused(refusal, self.config.load().server.refusal_lines_per_second_max);
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed: use GET\n");
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "alive\n"),
            "/readyz" => self.ready(),
            "/statusz" => self.status().await,
            "/metrics" => self.metrics().await,
            _ => text(StatusCode::NOT_FOUND, "unknown path: use /livez, /readyz, /statusz or /metrics\n"),
        }
    }

    /// Returns the state of the gateway, as `/statusz` has it.
    pub(crate) async fn snapshot(&self) -> status::Status {
        status::Status::new(self, self.deliveries().await, self.state_usage().await, self.customers().await)
    }

    /// Returns the plugins, without reading the database.
    pub(crate) fn plugins(&self) -> BTreeMap<String, status::Plugin> {
        status::plugins(self)
    }

    /// Returns the names of the configured tenants.
    pub(crate) fn tenant_names(&self) -> Vec<String> {
        self.config.load().tenants.keys().cloned().collect()
    }

    /// Returns whether `/readyz` returns 200.
    pub(crate) fn is_ready(&self) -> bool {
        self.reasons().is_empty()
    }

    /// Returns the reasons why the gateway is not ready.
    pub(crate) fn reasons(&self) -> Vec<String> {
        if self.draining.load(Ordering::Relaxed) {
            return vec!["the gateway is shutting down".to_owned()];
        }
        if self.loading.load(Ordering::Relaxed) {
            return vec!["the plugins are being loaded".to_owned()];
        }
        coverage::unanswered(&self.registry, &self.config.load().tenants)
    }

    /// Returns one sentence for each plugin whose circuit breaker is open.
    fn open_breakers(&self) -> Vec<String> {
        let live = self.registry.live();
        let open = live.iter().filter_map(|(name, live)| Some((name, live.breaker_open_for()?)));
        open.map(|(name, time)| format!("plugin {name}: failed repeatedly, breaker open for {} ms", time.as_millis()))
            .collect()
    }

    fn ready(&self) -> Response<Full<Bytes>> {
        let (reasons, resting) = (self.reasons(), self.open_breakers());
        if reasons.is_empty() {
            // Open breakers do not make this instance unready, because other instances would fail in the same way.
            return text(
                StatusCode::OK,
                ["ready".to_owned()].into_iter().chain(resting).collect::<Vec<_>>().join("\n") + "\n",
            );
        }
        text(StatusCode::SERVICE_UNAVAILABLE, [reasons, resting].concat().join("\n") + "\n")
    }

    /// Returns the number of deliveries by tenant and state; `None` if the database cannot be read.
    async fn deliveries(&self) -> Option<Counts> {
        let counted = self.store.counts().await;
        let failed = |error: &StoreError| {
            warn!(event = "admin.deliveries_not_counted", "failed to count deliveries: {error}");
        };
        counted.inspect_err(failed).ok()
    }

    /// Returns the sizes of plugin state; `None` if the database cannot be read.
    async fn state_usage(&self) -> Option<Vec<Usage>> {
        let kept = self.buckets.usage().await;
        kept.inspect_err(|error| warn!(event = "admin.state_not_counted", "failed to count plugin state: {error}")).ok()
    }

    async fn status(&self) -> Response<Full<Bytes>> {
        let status = self.snapshot().await;
        let body = serde_json::to_vec_pretty(&status).expect("a status has no map keys that are no text");
        with_type("application/json", StatusCode::OK, body)
    }

    /// Sets the gauges of every tenant and state. Gauges of removed tenants and empty states become 0.
    fn count_deliveries(&self, deliveries: &Counts) {
        let config = self.config.load();
        let mut counted = self.counted.lock();
        counted.extend(config.tenants.keys().cloned());
        for tenant in counted.iter() {
            let states = deliveries.get(tenant).filter(|_| config.tenants.contains_key(tenant));
            for state in State::ALL {
                let number = states.and_then(|states| states.get(&state)).copied().unwrap_or_default();
                let labels = labels::Deliveries { tenant: tenant.as_str().into(), state: state.name() };
                METRICS.deliveries.get_or_create(&labels).set(count(number));
            }
        }
    }

    /// Sets the gauges of waiting writes, by tenant.
    fn count_writes(&self) {
        let waiting = self.waiting.by_tenant();
        for tenant in self.config.load().tenants.keys() {
            let number = waiting.get(&**tenant).copied().unwrap_or_default();
            let labels = labels::Tenant { tenant: tenant.as_str().into() };
            METRICS.store_waiting.get_or_create(&labels).set(count(number));
        }
    }

    /// Sets the gauges about other gateways.
    fn count_replicas(&self) {
        let replica = self.store.replica();
        METRICS.replicas.set(count(replica.peers().len()));
        METRICS.replicas_buried.set(count(replica.buried()));
        METRICS.replica_keeps.clear();
        for (tenant, part) in replica.kept() {
            let labels = labels::Part { tenant: (*tenant).into(), part: part.name() };
            METRICS.replica_keeps.get_or_create(&labels).set(1);
        }
        METRICS.plugin_replicas_behind.clear();
        for (name, rollout) in self.rollouts.iter().flat_map(|rollouts| rollouts.current().as_ref().clone()) {
            let behind = self.rollouts.as_ref().map_or(0, |rollouts| rollouts.behind(&name, &rollout).len());
            METRICS.plugin_replicas_behind.get_or_create(&labels::Plugin { plugin: name.into() }).set(count(behind));
        }
    }

    /// Sets the gauges of the indexes of customers.
    fn count_customers(&self) {
        METRICS.customers.clear();
        METRICS.customer_age.clear();
        METRICS.customer_bytes.clear();
        for customers in self.customers.all() {
            let labels = labels::Tenant { tenant: Arc::clone(customers.tenant()) };
            let (number, bytes) = customers.size();
            METRICS.customers.get_or_create(&labels).set(count(number));
            METRICS.customer_bytes.get_or_create(&labels).set(count(bytes));
            if let Some(synced) = customers.source().and_then(|source| source.synced_ms) {
                METRICS.customer_age.get_or_create(&labels).set(count(customers.age_ms(synced) / 1_000));
            }
        }
    }

    /// Returns the state of every index, as far as it can be read.
    async fn customers(&self) -> Vec<frontgate_customers::Status> {
        let mut all = Vec::new();
        for customers in self.customers.all() {
            all.extend(customers.status(false).await);
        }
        all
    }

    /// Sets the gauges and returns the text of `/metrics`.
    async fn metrics(&self) -> Response<Full<Bytes>> {
        self.count_deliveries(&self.deliveries().await.unwrap_or_default());
        for kept in self.state_usage().await.unwrap_or_default() {
            let labels = labels::State { plugin: kept.plugin.into(), tenant: kept.tenant.into() };
            METRICS.state_keys.get_or_create(&labels).set(count(kept.size.keys));
            METRICS.state_bytes.get_or_create(&labels).set(count(kept.size.bytes));
        }
        self.count_writes();
        self.count_replicas();
        self.count_customers();
        self.set_gauges().await;
        if let Some(Expiry { seconds, source }) = self.certificate_expiry() {
            METRICS.tls_certificate_expires.get_or_create(&labels::Source { source }).set(seconds);
        }
        METRICS.plugin_places_free.set(count(self.engine.places_free()));
        METRICS.plugin_generations.set(count(self.registry.generations()));
        METRICS.plugins_live.set(count(self.registry.live().len()));
        match spawn_blocking(|| METRICS.render()).await {
            Ok(text) => with_type(metrics::CONTENT_TYPE, StatusCode::OK, text),
            Err(error) => {
                warn!(event = "admin.metrics_failed", "failed to write the metrics: {error}");
                text(StatusCode::INTERNAL_SERVER_ERROR, "failed to write the metrics\n")
            }
        }
    }
}

fn refused(refusal: host::Refusal, lines_per_second_max: u32) -> Response<Full<Bytes>> {
    METRICS.admin_refused.inc();
    if REFUSALS.admit(lines_per_second_max) {
        warn!(
            event = "admin.host_rejected",
            "admin request rejected: unknown Host header; add the name to admin.hosts"
        );
    }
    match refusal {
        host::Refusal::Ambiguous => text(StatusCode::BAD_REQUEST, "send exactly one Host header\n"),
        host::Refusal::Unknown => text(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown host: use an address, localhost, or a name of admin.hosts in config.toml\n",
        ),
    }
}

/// Converts a count to a gauge value.
fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    with_type("text/plain; charset=utf-8", status, body)
}

pub(crate) fn with_type(kind: &'static str, status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
