//! Instances that are kept for the next call: for plugins that are costly to start, where the operator
//! chose so. One belongs to one tenant, one version of a plugin and one set of grants, and ends after
//! so many calls, after a while, when it has grown, and whenever a call did not end well.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::engine::Engine;
use super::store::CallStore;
use crate::loaded_plugin::LoadedPlugin;
use crate::settings::Instances as Choice;
use crate::settings::Warm as Settings;

/// Between two looks for instances that nobody has used for a while.
const SWEEP: Duration = Duration::from_secs(1);

/// What becomes of a plugin's instances after a call.
pub(crate) struct Instances {
    /// None where each call has its own.
    kept: Option<Arc<Kept>>,
}

struct Kept {
    settings: Settings,
    places: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// By tenant; the last one used is the first to be used again.
    all: HashMap<Arc<str>, Vec<Unused>>,
    swept: bool,
}

struct Unused {
    since: Instant,
    store: Store<CallStore>,
    instance: Instance,
}

/// The life of a store so far.
pub(crate) struct Life {
    made: Instant,
    calls: u32,
    place: Option<OwnedSemaphorePermit>,
}

impl Life {
    pub(super) fn begin() -> Self {
        Self { made: Instant::now(), calls: 0, place: None }
    }
}

impl Instances {
    pub(crate) fn new(engine: &Engine, choice: Choice, settings: &Settings) -> Self {
        let (settings, places) = (settings.clone(), Arc::clone(&engine.warm_places));
        let kept = || Arc::new(Kept { settings, places, idle: Mutex::default() });
        Self { kept: (choice == Choice::Warm).then(kept) }
    }

    /// One that was kept for this tenant.
    pub(super) fn take(&self, tenant: &str) -> Option<(Store<CallStore>, Instance)> {
        let kept = self.kept.as_ref()?;
        let mut idle = kept.lock();
        let Unused { store, instance, .. } = idle.all.get_mut(tenant)?.pop()?;
        drop(idle);
        Some((store, instance))
    }

    /// Keeps an instance, or gives its store back to be dropped.
    pub(super) fn give_back(
        plugin: &LoadedPlugin,
        tenant: Arc<str>,
        mut store: Store<CallStore>,
        instance: Instance,
        ended_well: bool,
    ) -> Option<Store<CallStore>> {
        let Some(kept) = plugin.instances.kept.as_ref().filter(|_| ended_well) else {
            return Some(store);
        };
        if !kept.may_keep(&mut store) {
            return Some(store);
        }
        let mut idle = kept.lock();
        let of_tenant = idle.all.entry(tenant).or_default();
        if of_tenant.len() >= kept.settings.per_tenant_max as usize {
            return Some(store);
        }
        of_tenant.push(Unused { since: Instant::now(), store, instance });
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(kept)));
        }
        None
    }
}

impl Kept {
    fn may_keep(&self, store: &mut Store<CallStore>) -> bool {
        let data = store.data_mut();
        data.life.calls += 1;
        let fits = data.life.calls < self.settings.calls_max
            && data.life.made.elapsed() < Duration::from_millis(self.settings.age_max_ms)
            && data.usage.memory_bytes.load(Ordering::Relaxed) <= self.settings.memory_bytes_max;
        if fits && data.life.place.is_none() {
            data.life.place = Arc::clone(&self.places).try_acquire_owned().ok();
        }
        fits && data.life.place.is_some()
    }

    /// Nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what nobody has used for a while, until there is nothing left or the plugin is gone.
async fn sweep(kept: Weak<Kept>) {
    loop {
        sleep(SWEEP).await;
        let Some(kept) = kept.upgrade() else { return };
        let longest = Duration::from_millis(kept.settings.idle_max_ms);
        let mut idle = kept.lock();
        let old = |unused: &mut Unused| unused.since.elapsed() >= longest;
        let old: Vec<_> = idle.all.values_mut().flat_map(|all| all.extract_if(.., old)).collect();
        idle.all.retain(|_, all| !all.is_empty());
        let done = idle.all.is_empty();
        idle.swept = !done;
        drop(idle);
        drop(old);
        if done {
            return;
        }
    }
}
