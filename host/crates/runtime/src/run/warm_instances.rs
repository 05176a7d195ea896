//! Instance reuse for plugins that are costly to start, if the operator enabled it.
//!
//! An instance belongs to one tenant, one version of a plugin and one set of grants. The gateway drops it:
//! - after `calls_max` calls, after `age_max_ms`, and after `idle_max_ms` without a call;
//! - when its memory has grown past `memory_bytes_max`;
//! - when a call did not return normally.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::store::CallStore;
use crate::settings::{Instances, Warm};

/// Interval between two sweeps for idle instances.
const SWEEP: Duration = Duration::from_secs(1);

/// Idle instances of one plugin.
pub(crate) struct WarmInstances {
    /// `None` if each call has an instance of its own.
    pool: Option<Arc<Pool>>,
}

struct Pool {
    settings: Warm,
    places: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Idle instances by tenant; the most recently used instance is reused first.
    instances: HashMap<Arc<str>, Vec<Unused>>,
    /// Whether a sweeper task runs.
    is_swept: bool,
}

struct Unused {
    since: Instant,
    store: Store<CallStore>,
    instance: Instance,
}

impl WarmInstances {
    pub(crate) fn new(places: &Arc<Semaphore>, reuse: Instances, settings: &Warm) -> Self {
        let pool = || {
            let (settings, places) = (settings.clone(), Arc::clone(places));
            Arc::new(Pool { settings, places, idle: Mutex::default() })
        };
        Self { pool: (reuse == Instances::Warm).then(pool) }
    }

    /// Takes an idle instance of a tenant.
    pub(crate) fn take(&self, tenant: &str) -> Option<(Store<CallStore>, Instance)> {
        let mut idle = self.pool.as_ref()?.idle.lock();
        let Unused { store, instance, .. } = idle.instances.get_mut(tenant)?.pop()?;
        Some((store, instance))
    }

    /// Keeps an instance, or returns its store, which the caller then drops.
    pub(crate) fn keep(
        &self,
        tenant: Arc<str>,
        mut store: Store<CallStore>,
        instance: Instance,
        ended_well: bool,
    ) -> Option<Store<CallStore>> {
        let Some(pool) = self.pool.as_ref().filter(|_| ended_well) else {
            return Some(store);
        };
        if !pool.may_keep(&mut store) {
            return Some(store);
        }
        let mut idle = pool.idle.lock();
        let of_tenant = idle.instances.entry(tenant).or_default();
        if of_tenant.len() >= pool.settings.per_tenant_max as usize {
            return Some(store);
        }
        of_tenant.push(Unused { since: Instant::now(), store, instance });
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(pool)));
        }
        None
    }
}

impl Pool {
    fn may_keep(&self, store: &mut Store<CallStore>) -> bool {
        let data = store.data_mut();
        let life = &mut data.life;
        life.calls += 1;
        let fits = life.calls < self.settings.calls_max
            && life.created.elapsed() < Duration::from_millis(self.settings.age_max_ms)
            && data.usage.memory_bytes.load(Ordering::Relaxed) <= self.settings.memory_bytes_max;
        if fits && life.place.is_none() {
            life.place = Arc::clone(&self.places).try_acquire_owned().ok();
        }
        fits && life.place.is_some()
    }
}

/// Drops idle instances until none are left or the plugin is dropped.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        let longest = Duration::from_millis(pool.settings.idle_max_ms);
        let mut idle = pool.idle.lock();
        let is_old = |unused: &mut Unused| unused.since.elapsed() >= longest;
        let old: Vec<_> = idle.instances.values_mut().flat_map(|all| all.extract_if(.., is_old)).collect();
        idle.instances.retain(|_, all| !all.is_empty());
        let done = idle.instances.is_empty();
        idle.is_swept = !done;
        drop(idle);
        drop(old);
        if done {
            return;
        }
    }
}
