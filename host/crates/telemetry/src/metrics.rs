//! All metric families of the process, and their text for Prometheus.
//!
//! [`METRICS`] has a field for each family. `docs/operate/metrics.md` lists the same families; a test compares the two.
//! The text is Prometheus' own format, not OpenMetrics: the latter gives the counter `frontgate_deliveries_total` and
//! the gauge `frontgate_deliveries` the same family name.

mod histogram;
pub mod labels;
mod process;
mod registration;
mod tenants;

use std::sync::LazyLock;

use prometheus_client::encoding::prometheus_text;
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
pub use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use self::histogram::Bounds;
pub use self::histogram::{Histogram, Histograms};
pub use self::registration::Entry;
use self::registration::Registration;
pub use self::tenants::{TENANTS, TENANTS_MAX, TenantLabels};

/// Bounds of request times, up to the deadlines of the platforms.
const SECONDS: Bounds = Bounds(&[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 3.0, 6.0]);

/// Bounds of the share of a deadline that a request took.
const SHARES: Bounds = Bounds(&[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]);

/// Bounds of plugin times: most calls end within microseconds.
const PLUGIN_SECONDS: Bounds =
    Bounds(&[0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0]);

/// Bounds of the memory of a call.
const BYTES: Bounds =
    Bounds(&[262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 33_554_432.0, 67_108_864.0, 268_435_456.0]);

/// Bounds of counts within a call.
const COUNTS: Bounds = Bounds(&[0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0]);

/// The metrics of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// One field for each family, and the registry that encodes them.
#[allow(missing_docs, reason = "Metrics::new gives the help text of each field")]
pub struct Metrics {
    pub acme_orders: Family<labels::Outcome, Counter>,
    pub admin_refused: Counter,
    pub config_reloads: Family<labels::Outcome, Counter>,
    pub console_sessions: Gauge,
    pub console_tails: Gauge,
    pub connection_errors: Counter,
    pub connections: Gauge,
    pub connections_evicted: Family<labels::Limit, Counter>,
    pub connections_refused: Counter,
    pub customer_age: Family<labels::Tenant, Gauge>,
    pub customer_answers: Family<labels::CustomerAnswer, Counter>,
    pub customer_bytes: Family<labels::Tenant, Gauge>,
    pub customer_runs: Family<labels::CustomerRun, Counter>,
    pub customers: Family<labels::Tenant, Gauge>,
    pub deliveries: Family<labels::Deliveries, Gauge>,
    pub delivery_oldest: Family<labels::Deliveries, Gauge>,
    pub delivery_attempts: Family<labels::Delivery, Counter>,
    pub front_calls_left: Family<labels::FrontApp, Gauge>,
    pub journal_dropped: Counter,
    pub journal_rows: Counter,
    pub log_dropped: Counter,
    pub plugin_breaker_open: Family<labels::Plugin, Gauge>,
    pub plugin_calls: Family<labels::Call, Counter>,
    pub plugin_cpu: Histograms<labels::Plugin>,
    pub plugin_files_left_out: Gauge,
    pub plugin_folder_looks: Counter,
    pub plugin_generations: Gauge,
    pub plugin_host_calls: Histograms<labels::Plugin>,
    pub plugin_instances: Family<labels::Instance, Counter>,
    pub plugin_memory: Histograms<labels::Plugin>,
    pub plugin_outbound: Family<labels::Outbound, Counter>,
    pub plugin_places_free: Gauge,
    pub plugin_queue: Histograms<labels::Plugin>,
    pub plugin_records_damaged: Gauge,
    pub plugin_reloads: Family<labels::Outcome, Counter>,
    pub plugin_run: Histograms<labels::Plugin>,
    pub plugin_start: Histograms<labels::Plugin>,
    pub plugin_waiting: Family<labels::Plugin, Gauge>,
    pub plugins_live: Gauge,
    pub ready: Gauge,
    pub refusal_lines_omitted: Counter,
    pub request_deadline_share: Histograms<labels::Callback>,
    pub request_seconds: Histograms<labels::TenantCallback>,
    pub requests: Family<labels::Request, Counter>,
    pub state_bytes: Family<labels::State, Gauge>,
    pub state_keys: Family<labels::State, Gauge>,
    pub store_disk_level: Gauge,
    pub bell_rings: Counter,
    pub plugin_replicas_behind: Family<labels::Plugin, Gauge>,
    pub replicas: Gauge,
    pub replicas_buried: Gauge,
    pub replica_keeps: Family<labels::Part, Gauge>,
    pub store_reconnects: Counter,
    pub store_refused: Family<labels::Refused, Counter>,
    pub store_unclear: Counter,
    pub store_waiting: Family<labels::Tenant, Gauge>,
    pub tls_certificate_expires: Family<labels::Source, Gauge>,
    pub tls_handshakes: Family<labels::Outcome, Counter>,
    pub unverified_bodies_revoked: Counter,
    pub verified: Family<labels::Verified, Counter>,
    registry: Registry,
    entries: Vec<Entry>,
}

impl Metrics {
    /// Every family, in the order of the page.
    fn new() -> Self {
        let mut all = Registration::default();
        let mut metrics = Self {
            requests: all.family(
                "frontgate_requests_total",
                "Requests by tenant, callback and result: `ok`, an error code, or `caller-gone`",
            ),
            request_seconds: all.histograms(
                "frontgate_request_seconds",
                SECONDS,
                "Time from receiving a request's headers to sending the response",
            ),
            request_deadline_share: all.histograms(
                "frontgate_request_deadline_share",
                SHARES,
                "Share of its deadline that a request took",
            ),
            verified: all
                .family("frontgate_verified_total", "Requests whose signature matched, by the key that signed them"),
            unverified_bodies_revoked: all.metric(
                "frontgate_unverified_bodies_revoked_total",
                "Unverified requests rejected because others needed the memory of their bodies",
            ),
            connections: all.metric("frontgate_connections", "Open connections of both listeners"),
            connections_evicted: all
                .family("frontgate_connections_evicted_total", "Connections closed to make room, by the limit reached"),
            connections_refused: all.metric(
                "frontgate_connections_refused_total",
                "Connections closed before their first request because all slots were used",
            ),
            connection_errors: all
                .metric("frontgate_connection_errors_total", "Connections that ended with an error or a timeout"),
            tls_handshakes: all.family(
                "frontgate_tls_handshakes_total",
                "TLS handshakes of the public listener by outcome: `done`, `failed`, `timeout`, or `challenge` of an ACME server",
            ),
            acme_orders: all.family(
                "frontgate_acme_orders_total",
                "Attempts to obtain a certificate by outcome: `done` or `failed`",
            ),
            tls_certificate_expires: all.family(
                "frontgate_tls_certificate_expires_seconds",
                "Time until the certificate of the public listener expires; negative after that",
            ),
            plugin_calls: all.family(
                "frontgate_plugin_calls_total",
                "Calls of plugins, for requests and for deliveries, by outcome: `answered`, an error code, or the limit reached",
            ),
            plugin_instances: all.family(
                "frontgate_plugin_instances_total",
                "Calls of plugins that were admitted, by instance: `fresh` or `reused`",
            ),
            plugin_queue: all.histograms(
                "frontgate_plugin_queue_seconds",
                PLUGIN_SECONDS,
                "Time that a call waits for a slot",
            ),
            plugin_start: all.histograms(
                "frontgate_plugin_start_seconds",
                PLUGIN_SECONDS,
                "Time from admission until the instance is ready",
            ),
            plugin_run: all.histograms(
                "frontgate_plugin_run_seconds",
                PLUGIN_SECONDS,
                "Time from admission to the end of a call",
            ),
            plugin_cpu: all.histograms("frontgate_plugin_cpu_seconds", PLUGIN_SECONDS, "CPU time of a call"),
            plugin_memory: all.histograms("frontgate_plugin_memory_bytes", BYTES, "Peak WebAssembly memory of a call"),
            plugin_host_calls: all.histograms(
                "frontgate_plugin_host_calls",
                COUNTS,
                "Calls from the plugin into the gateway during one call",
            ),
            plugin_outbound: all.family(
                "frontgate_plugin_outbound_total",
                "HTTP requests of plugins by result: `answered`, or the reason of the failure",
            ),
            plugin_places_free: all.metric("frontgate_plugin_places_free", "Free slots for plugin calls"),
            plugin_breaker_open: all.family(
                "frontgate_plugin_breaker_open",
                "1 while a plugin is not called because it failed repeatedly, otherwise 0",
            ),
            plugin_waiting: all
                .family("frontgate_plugin_waiting", "1 while a version of a plugin waits for approval, otherwise 0"),
            plugins_live: all.metric("frontgate_plugins_live", "Plugins that can be called"),
            plugin_generations: all.metric(
                "frontgate_plugin_generations",
                "Plugin versions in memory, including replaced ones with calls in flight",
            ),
            plugin_reloads: all
                .family("frontgate_plugin_reloads_total", "Attempts to load, roll back or remove a plugin, by outcome"),
            plugin_folder_looks: all.metric("frontgate_plugin_folder_looks_total", "Scans of the plugin folder"),
            plugin_files_left_out: all.metric(
                "frontgate_plugin_files_left_out",
                "Plugin files that are not loaded because of plugins.names_max",
            ),
            plugin_records_damaged: all.metric(
                "frontgate_plugin_records_damaged",
                "1 while the plugin records on disk are corrupt, otherwise 0",
            ),
            state_keys: all.family("frontgate_state_keys", "Keys in the state of a plugin"),
            state_bytes: all.family("frontgate_state_bytes", "Size of all keys and values in the state of a plugin"),
            customers: all.family("frontgate_customers", "Customers in the index of a tenant"),
            customer_age: all
                .family("frontgate_customer_age_seconds", "Time since the last successful run that read customers"),
            customer_bytes: all.family("frontgate_customer_bytes", "Memory of the index of a tenant"),
            customer_runs: all.family(
                "frontgate_customer_runs_total",
                "Runs that read customers, by result: `ok`, an error code, or `held`",
            ),
            customer_answers: all.family(
                "frontgate_customer_answers_total",
                "Answers about customers, by question and by who answered: `index`, `old-index` or `plugin`",
            ),
            deliveries: all.family("frontgate_deliveries", "Deliveries in the database, by state"),
            delivery_attempts: all
                .family("frontgate_deliveries_total", "Attempts of deliveries, by callback and resulting state"),
            delivery_oldest: all.family(
                "frontgate_delivery_oldest_seconds",
                "Age of the oldest delivery that has not ended, by state; 0 without one",
            ),
            front_calls_left: all.family(
                "frontgate_front_budget_remaining",
                "Calls to Front that the company of an app has left, while Front's last answer is valid",
            ),
            store_waiting: all.family("frontgate_store_waiting", "Database writes that wait for their commit"),
            store_refused: all
                .family("frontgate_store_refused_total", "Database writes rejected, by the limit reached"),
            replicas: all.metric("frontgate_replicas", "Live gateways on the same Postgres, including this one"),
            replicas_buried: all
                .metric("frontgate_replicas_buried", "Gateways that this one has declared ended since its start"),
            replica_keeps: all.family(
                "frontgate_replica_keeps",
                "1 if this gateway executes the deliveries of a tenant to a platform",
            ),
            plugin_replicas_behind: all.family(
                "frontgate_plugin_replicas_behind",
                "Gateways that run another version of a plugin than all have agreed on",
            ),
            bell_rings: all.metric("frontgate_bell_rings_total", "Hints to other gateways on the same Postgres"),
            store_reconnects: all.metric(
                "frontgate_store_reconnects_total",
                "Connections to Postgres that were lost or dropped during a write",
            ),
            store_unclear: all
                .metric("frontgate_store_unclear_total", "Commits whose answer was lost, so that the write ran again"),
            store_disk_level: all.metric(
                "frontgate_store_disk_level",
                "Free disk space: 0 enough, 1 imports are rejected, 2 all new data is rejected",
            ),
            config_reloads: all.family("frontgate_config_reloads_total", "Reloads of the configuration, by outcome"),
            ready: all.metric("frontgate_ready", "1 if `/readyz` answers 200, otherwise 0"),
            console_sessions: all.metric("frontgate_console_sessions", "People who are signed in to the console"),
            console_tails: all
                .metric("frontgate_console_tails", "Pages and commands that wait for new requests of this gateway"),
            admin_refused: all.metric(
                "frontgate_admin_refused_total",
                "Requests to the admin listener rejected because of their Host header",
            ),
            journal_rows: all
                .metric("frontgate_journal_rows_total", "Requests whose facts were written to the journal"),
            journal_dropped: all.metric(
                "frontgate_journal_dropped_total",
                "Recorded requests that were not written to the journal: removed from memory before, or not writable",
            ),
            log_dropped: all
                .metric("frontgate_log_dropped_total", "Log lines dropped because the log's buffer was full"),
            refusal_lines_omitted: all.metric(
                "frontgate_refusal_lines_omitted_total",
                "Log lines about unverified requests left out by server.refusal_lines_per_second_max",
            ),
            registry: Registry::default(),
            entries: Vec::new(),
        };
        let version = env!("CARGO_PKG_VERSION");
        all.version("frontgate_build_info", version, "Version of the program; the value is always 1");
        all.process();
        (metrics.registry, metrics.entries) = all.into_parts();
        metrics
    }

    /// The description of each family, in the order of the page.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The text of `/metrics`; its type is [`CONTENT_TYPE`]. Reads `/proc`, so call it on a blocking thread.
    pub fn render(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a string takes every text");
        text
    }
}

#[cfg(test)]
mod tests;
