//! Gauges that are set when `/metrics` is read: what waits, what is paused, and who looks.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontgate_delivery::job::State;
use frontgate_runtime::registry::Outcome;
use frontgate_telemetry::metrics::{METRICS, TENANTS, labels};
use tracing::warn;

use super::{AdminPages, count};

impl AdminPages {
    /// Sets all gauges of this module.
    pub(super) async fn set_gauges(&self) {
        METRICS.ready.set(i64::from(self.is_ready()));
        self.measure_deliveries().await;
        self.count_plugins();
        self.count_front_calls();
        self.count_sessions().await;
    }

    /// Sets the age of the oldest open delivery of each tenant. Tenants that share a label share the highest age.
    async fn measure_deliveries(&self) {
        let oldest = match self.store.oldest().await {
            Ok(oldest) => oldest,
            Err(error) => {
                warn!(event = "admin.deliveries_not_counted", "failed to read the age of deliveries: {error}");
                return;
            }
        };
        let mut ages: BTreeMap<(Arc<str>, State), u64> = BTreeMap::new();
        for tenant in self.config.load().tenants.keys() {
            for state in State::OPEN {
                let age = oldest.get(tenant).and_then(|states| states.get(&state)).copied().unwrap_or_default();
                let highest = ages.entry((TENANTS.label(Some(tenant)), state)).or_default();
                *highest = age.max(*highest);
            }
        }
        METRICS.delivery_oldest.clear();
        for ((tenant, state), age) in ages {
            let labels = labels::Deliveries { tenant, state: state.name() };
            METRICS.delivery_oldest.get_or_create(&labels).set(count(age));
        }
    }

    fn count_plugins(&self) {
        METRICS.plugin_breaker_open.clear();
        for (name, live) in self.registry.live().iter() {
            let labels = labels::Plugin { plugin: name.as_str().into() };
            METRICS.plugin_breaker_open.get_or_create(&labels).set(i64::from(live.breaker_open_for().is_some()));
        }
        METRICS.plugin_waiting.clear();
        for (name, receipt) in self.registry.receipts().iter() {
            let is_waiting = matches!(receipt.outcome, Outcome::Waiting(_));
            let labels = labels::Plugin { plugin: name.as_str().into() };
            METRICS.plugin_waiting.get_or_create(&labels).set(i64::from(is_waiting));
        }
    }

    fn count_front_calls(&self) {
        METRICS.front_calls_left.clear();
        for (tenant, app, left) in self.rate_limits.front_calls_left() {
            let labels = labels::FrontApp { tenant: TENANTS.label(Some(&tenant)), app: app.into() };
            METRICS.front_calls_left.get_or_create(&labels).set(count(left));
        }
    }

    async fn count_sessions(&self) {
        match self.access.sessions().await {
            Ok(sessions) => _ = METRICS.console_sessions.set(count(sessions.len())),
            Err(error) => {
                warn!(event = "admin.sessions_not_counted", "failed to count the console's sessions: {error}")
            }
        }
    }
}
