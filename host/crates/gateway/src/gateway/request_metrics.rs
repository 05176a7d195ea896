//! Metrics of requests, by tenant and callback.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use frontgate_telemetry::metrics::{Counter, Histogram, METRICS, TENANTS, labels};
use parking_lot::RwLock;

/// Tenant and name of a callback. Both are names of the configuration, or absent.
type Key = (Option<Arc<str>>, &'static str);

/// Metrics by tenant and callback. Each metric is looked up only once, because a lookup by labels costs more than an
/// increment.
static ALL: LazyLock<RwLock<HashMap<Key, Arc<RequestMetrics>>>> = LazyLock::new(RwLock::default);

/// Metrics of one callback of one tenant.
pub(super) struct RequestMetrics {
    tenant: Arc<str>,
    callback: &'static str,
    answered: Counter,
    seconds: Histogram,
    deadline_share: Histogram,
}

impl RequestMetrics {
    /// Returns the metrics of a callback.
    pub(super) fn of(tenant: Option<&Arc<str>>, callback: &'static str) -> Arc<Self> {
        let key = (tenant.cloned(), callback);
        if let Some(found) = ALL.read().get(&key) {
            return Arc::clone(found);
        }
        let new = Arc::new(Self::new(TENANTS.label(tenant.map(|tenant| &**tenant)), callback));
        Arc::clone(ALL.write().entry(key).or_insert(new))
    }

    fn new(tenant: Arc<str>, callback: &'static str) -> Self {
        let answered = labels::Request { tenant: Arc::clone(&tenant), callback, code: OK };
        let seconds = labels::TenantCallback { tenant: Arc::clone(&tenant), callback };
        Self {
            answered: METRICS.requests.get_or_create_owned(&answered),
            seconds: METRICS.request_seconds.get_or_create_owned(&seconds),
            deadline_share: METRICS.request_deadline_share.get_or_create_owned(&labels::Callback { callback }),
            tenant,
            callback,
        }
    }

    /// Counts a request by its result.
    pub(super) fn count(&self, code: &'static str) {
        if code == OK {
            self.answered.inc();
            return;
        }
        let labels = labels::Request { tenant: Arc::clone(&self.tenant), callback: self.callback, code };
        METRICS.requests.get_or_create(&labels).inc();
    }

    /// Adds the duration of a request. `deadline` is `None` if its path matched no route.
    pub(super) fn took(&self, elapsed: Duration, deadline: Option<Duration>) {
        self.seconds.observe(elapsed.as_secs_f64());
        if let Some(deadline) = deadline.filter(|deadline| !deadline.is_zero()) {
            self.deadline_share.observe(elapsed.as_secs_f64() / deadline.as_secs_f64());
        }
    }
}

/// Code of a request without an error.
const OK: &str = "ok";
