//! Budgets of the callbacks of tenants and of the plugins: captures, samples, and calls of new versions.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::names::NameHash;
use crate::record::{CallResult, PluginCall};
use crate::series::{Meter, Series, SeriesKey};

/// Seconds of unused captures that a burst may use.
const CAPTURE_BURST_SECONDS: u64 = 4;
/// Captures per second of requests that were not accepted. Any caller can send them.
const UNACCEPTED_CAPTURES_PER_SECOND_MAX: u32 = 1;
/// Records of each callback of each tenant that are kept each minute, whatever their outcome.
const SAMPLES_PER_MINUTE_MAX: u32 = 5;
/// Calls of a new version of a plugin that are kept.
const NEW_VERSION_CALLS_MAX: u32 = 20;
/// Versions of one plugin whose calls are counted. More than those that can be live at once.
const VERSIONS_MAX: usize = 8;

/// One callback of one tenant: its budgets and its series. Created by [`Recorder::callback`](crate::Recorder::callback).
#[derive(Debug)]
pub struct TenantCallback {
    /// Name of the tenant; `None` for requests without a route.
    pub(crate) tenant: Option<Arc<str>>,
    /// Name of the callback.
    pub(crate) callback: &'static str,
    /// `None` if there are too many series.
    pub(crate) meter: Option<Arc<Meter>>,
    accepted: Mutex<Bucket>,
    unaccepted: Mutex<Bucket>,
    samples: Mutex<Samples>,
}

impl TenantCallback {
    fn new(tenant: Option<Arc<str>>, callback: &'static str, series: &Series) -> Self {
        let name = tenant.clone().unwrap_or_else(|| "-".into());
        let meter = series.meter(SeriesKey::Callback { tenant: name, callback: callback.into() });
        Self {
            tenant,
            callback,
            meter,
            accepted: Mutex::default(),
            unaccepted: Mutex::default(),
            samples: Mutex::default(),
        }
    }

    /// Takes one capture from the budget; `false` if the budget is used up.
    pub(crate) fn take_capture(&self, now_ms: u64, is_accepted: bool, per_second_max: u32) -> bool {
        match is_accepted {
            true => self.accepted.lock().take(now_ms, per_second_max),
            false => self.unaccepted.lock().take(now_ms, UNACCEPTED_CAPTURES_PER_SECOND_MAX.min(per_second_max)),
        }
    }

    /// Returns whether a record is one of the samples of its minute.
    pub(crate) fn is_sample(&self, now_ms: u64) -> bool {
        let (mut samples, minute) = (self.samples.lock(), now_ms / 60_000);
        if samples.minute != minute {
            *samples = Samples { minute, count: 0 };
        }
        samples.count = samples.count.saturating_add(1);
        samples.count <= SAMPLES_PER_MINUTE_MAX
    }
}

/// A token bucket in thousandths of a token, so that time in milliseconds needs no fractions.
#[derive(Debug, Default)]
struct Bucket {
    /// Thousandths of a token that are used.
    used: u64,
    at_ms: u64,
}

impl Bucket {
    fn take(&mut self, now_ms: u64, per_second_max: u32) -> bool {
        let rate = u64::from(per_second_max);
        // A clock that was set back refills nothing.
        let refilled = now_ms.saturating_sub(self.at_ms).saturating_mul(rate);
        self.used = self.used.saturating_sub(refilled);
        self.at_ms = now_ms;
        let is_left = self.used + 1_000 <= rate * CAPTURE_BURST_SECONDS * 1_000;
        if is_left {
            self.used += 1_000;
        }
        is_left
    }
}

#[derive(Debug, Default)]
struct Samples {
    minute: u64,
    count: u32,
}

/// One plugin: its series, and the calls of its versions.
#[derive(Debug)]
pub(crate) struct PluginBudget {
    /// `None` if there are too many series.
    meter: Option<Arc<Meter>>,
    /// Digests of the last versions, each with the number of its calls.
    versions: Mutex<Vec<([u8; 32], u32)>>,
}

impl PluginBudget {
    fn new(plugin: &Arc<str>, series: &Series) -> Self {
        Self { meter: series.meter(SeriesKey::Plugin { plugin: Arc::clone(plugin) }), versions: Mutex::default() }
    }

    /// Adds a call to the series.
    pub(crate) fn count(&self, call: &PluginCall) {
        let result = call.result();
        if let Some(meter) = &self.meter {
            meter.add(call.took_us(), result == CallResult::Failed, result == CallResult::Refused);
        }
    }

    /// Returns whether a call is one of the first of its version.
    pub(crate) fn is_new_version(&self, call: &PluginCall) -> bool {
        let mut versions = self.versions.lock();
        if let Some((_, calls)) = versions.iter_mut().find(|(digest, _)| *digest == call.digest) {
            *calls = calls.saturating_add(1);
            return *calls <= NEW_VERSION_CALLS_MAX;
        }
        if versions.len() == VERSIONS_MAX {
            versions.remove(0);
        }
        versions.push((call.digest, 1));
        true
    }
}

/// All callbacks of tenants and all plugins that had a request. The configuration bounds their number.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    callbacks: Table<(Option<Arc<str>>, &'static str), TenantCallback>,
    plugins: Table<Arc<str>, PluginBudget>,
}

impl Budgets {
    pub(crate) fn callback(
        &self,
        tenant: Option<&Arc<str>>,
        callback: &'static str,
        series: &Series,
    ) -> Arc<TenantCallback> {
        let key = (tenant.cloned(), callback);
        get_or_create(&self.callbacks, &key, || TenantCallback::new(tenant.cloned(), callback, series))
    }

    pub(crate) fn plugin(&self, plugin: &Arc<str>, series: &Series) -> Arc<PluginBudget> {
        get_or_create(&self.plugins, plugin, || PluginBudget::new(plugin, series))
    }
}

type Table<K, V> = RwLock<HashMap<K, Arc<V>, NameHash>>;

fn get_or_create<K: Hash + Eq + Clone, V>(table: &Table<K, V>, key: &K, create: impl FnOnce() -> V) -> Arc<V> {
    if let Some(found) = table.read().get(key) {
        return Arc::clone(found);
    }
    Arc::clone(table.write().entry(key.clone()).or_insert_with(|| Arc::new(create())))
}
