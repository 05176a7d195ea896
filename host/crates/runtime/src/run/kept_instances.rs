//! Instances that are kept between calls, for plugins whose instances are reused.
//!
//! An instance belongs to one tenant, one version of a plugin and one set of grants. The gateway drops it:
//! - after `plugins.reuse.calls_max` calls, after [`AGE_MAX`], and after [`IDLE_MAX`] without a call;
//! - when its memory has grown by more than [`GROWTH_BYTES_MAX`] since its start, or it keeps more than
//!   [`HANDLES_MAX`] handles;
//! - when a call did not return an answer, reached a memory limit, or its writes were not committed;
//! - when the granted folder was replaced.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::folder::OpenFolder;
use super::live_instance::LiveInstance;
use super::store::{CallStore, Places};
use crate::caller::TenantShare;
use crate::settings::Reuse;

/// Interval between two sweeps for idle instances.
const SWEEP: Duration = Duration::from_secs(1);

/// Maximum age of an instance, which limits how long it can hold what it has read.
const AGE_MAX: Duration = Duration::from_secs(600);

/// Time after its last call for which an instance is kept.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Maximum growth of an instance's memory since its start. A plugin that keeps data of every call reaches it.
const GROWTH_BYTES_MAX: usize = 16 << 20;

/// Maximum number of handles that an instance keeps between calls. A language's runtime keeps a few, such as its
/// standard output; more are files and responses that the plugin forgot to close.
const HANDLES_MAX: usize = 32;

/// Maximum number of kept instances of one tenant.
pub(crate) const KEPT_PER_TENANT_MAX: usize = 16;

/// Idle instances of one plugin.
pub(crate) struct KeptInstances {
    /// `None` if each call has an instance of its own.
    pool: Option<Arc<Pool>>,
}

struct Pool {
    calls_max: u32,
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
    live: Box<LiveInstance>,
}

impl KeptInstances {
    pub(crate) fn new(places: &Arc<Semaphore>, is_reused: bool, settings: &Reuse) -> Self {
        let pool = || {
            let (calls_max, places) = (settings.calls_max, Arc::clone(places));
            Arc::new(Pool { calls_max, places, idle: Mutex::default() })
        };
        Self { pool: is_reused.then(pool) }
    }

    /// Takes an idle instance of a tenant that has this folder open.
    pub(crate) fn take(&self, tenant: &str, folder: Option<&OpenFolder>, now: Instant) -> Option<Box<LiveInstance>> {
        let pool = self.pool.as_ref()?;
        loop {
            // In a statement of its own, so that no instance is dropped while the lock is held.
            let unused = pool.idle.lock().instances.get_mut(tenant)?.pop()?;
            let data = unused.live.store.data();
            if now - data.life.created < AGE_MAX && data.has_open(folder) {
                return Some(unused.live);
            }
        }
    }

    /// Decides after a call whether its instance is kept, and reserves a place for it.
    pub(crate) fn reserve(&self, live: &mut LiveInstance, share: Option<&TenantShare>) -> bool {
        self.pool.as_ref().is_some_and(|pool| pool.reserve(live.store.data_mut(), share))
    }

    /// Keeps an instance that has a place.
    pub(crate) fn keep(&self, tenant: Arc<str>, live: Box<LiveInstance>) {
        let Some(pool) = &self.pool else { return };
        let mut idle = pool.idle.lock();
        idle.instances.entry(tenant).or_default().push(Unused { since: Instant::now(), live });
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(pool)));
        }
    }
}

impl Pool {
    fn reserve(&self, data: &mut CallStore, share: Option<&TenantShare>) -> bool {
        data.life.calls += 1;
        let fits = data.life.calls < self.calls_max
            && data.life.created.elapsed() < AGE_MAX
            && data.memory.may_be_kept(GROWTH_BYTES_MAX)
            && data.table.iter_mut().count() <= HANDLES_MAX;
        if fits && data.life.places.is_none() {
            data.life.places = self.places(share);
        }
        fits && data.life.places.is_some()
    }

    /// Takes a place of the tenant, then one of the gateway.
    fn places(&self, share: Option<&TenantShare>) -> Option<Places> {
        let of_tenant = match share {
            Some(share) => Some(Arc::clone(&share.kept).try_acquire_owned().ok()?),
            None => None,
        };
        Some(Places { _of_tenant: of_tenant, _of_gateway: Arc::clone(&self.places).try_acquire_owned().ok()? })
    }
}

/// Drops idle instances until none are left or the plugin is dropped.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle.lock();
        let is_old = |unused: &mut Unused| unused.since.elapsed() >= IDLE_MAX;
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
