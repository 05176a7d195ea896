//! Admission control for a provider's requests, before its plugin is called.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use frontgate_store::{Origin, Overload};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{Store, StoreError};

/// Time for which a channel over quota is rejected without a lookup. Deliveries free quota more slowly.
const REJECTED_FOR: Duration = Duration::from_millis(250);

/// Channels that are rejected at present, and the permits of each channel.
#[derive(Default)]
pub(super) struct ProviderGate {
    rejected: Mutex<HashMap<i64, (Instant, Overload)>>,
    permits: Mutex<HashMap<i64, Weak<Semaphore>>>,
}

impl Store {
    /// Checks whether imports of a channel would be accepted at this moment.
    pub fn may_import(&self, tenant: &Arc<str>, channel: i64) -> Result<(), StoreError> {
        let mut rejected = self.providers.rejected.lock();
        if let Some((until, overload)) = rejected.get(&channel).copied() {
            if Instant::now() < until {
                overload.count(tenant);
                return Err(overload.into());
            }
            rejected.remove(&channel);
        }
        drop(rejected);
        self.database.would_accept(&Origin::import(Arc::clone(tenant), channel, 0))
    }

    /// Returns the permits of a channel's provider. A request holds one permit until its events are on disk.
    pub fn provider_permits(&self, channel: i64, most: usize) -> Arc<Semaphore> {
        let mut all = self.providers.permits.lock();
        if let Some(permits) = all.get(&channel).and_then(Weak::upgrade) {
            return permits;
        }
        all.retain(|_, permits| permits.strong_count() > 0);
        let permits = Arc::new(Semaphore::new(most));
        all.insert(channel, Arc::downgrade(&permits));
        permits
    }

    /// Counts a rejected write, and rejects further imports of its channel for a moment.
    pub(super) fn record_overload(&self, tenant: &str, channel: Option<i64>, overload: Overload) -> StoreError {
        overload.count(tenant);
        if let Some(channel) = channel {
            self.providers.rejected.lock().insert(channel, (Instant::now() + REJECTED_FOR, overload));
        }
        overload.into()
    }
}
