//! Reads single customers again from their source, one request for each customer at a time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_customers::TenantCustomers;
use frontgate_runtime::{CallError, CallRecords, Deadlines};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use super::unread;
use crate::invoker::{PluginInvoker, first_live};

/// Customers that are read again in the background at the same time; further ones are read at the next question.
const BACKGROUND_MAX: usize = 4;
/// Time limit of a read in the background.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for which a customer that the source does not have is not asked for again.
const MISSING_KEPT: Duration = Duration::from_secs(60);
/// Customers whose absence is remembered.
const MISSING_MAX: usize = 10_000;

type Key = (Arc<str>, String);

/// Customers that are being read, and customers that the source does not have.
pub(crate) struct Refreshes {
    running: Mutex<HashMap<Key, Weak<tokio::sync::Mutex<()>>>>,
    missing: Mutex<HashMap<Key, Instant>>,
    background: Arc<Semaphore>,
}

impl Default for Refreshes {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            missing: Mutex::default(),
            background: Arc::new(Semaphore::new(BACKGROUND_MAX)),
        }
    }
}

impl Refreshes {
    fn lock(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut running = self.running.lock();
        running.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = running.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        running.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }

    fn is_missing(&self, key: &Key) -> bool {
        self.missing.lock().get(key).is_some_and(|since| since.elapsed() < MISSING_KEPT)
    }

    fn note_missing(&self, key: Key) {
        let mut missing = self.missing.lock();
        if missing.len() >= MISSING_MAX {
            missing.retain(|_, since| since.elapsed() < MISSING_KEPT);
        }
        if missing.len() < MISSING_MAX {
            missing.insert(key, Instant::now());
        }
    }
}

impl PluginInvoker {
    /// Reads a customer from the source into the index. A read of the same customer that is in progress is awaited.
    pub(super) async fn refresh(&self, index: &Arc<TenantCustomers>, id: &str) -> Result<(), CallError> {
        let (refreshes, key) = (&self.plugins.refreshes, (Arc::clone(&self.tenant.name), id.to_owned()));
        if refreshes.is_missing(&key) {
            return Ok(());
        }
        let lock = refreshes.lock(&key);
        let before = *index.changes().borrow();
        let held = lock.try_lock();
        let waited = held.is_err();
        let _held = match held {
            Ok(held) => held,
            Err(_) => lock.lock().await,
        };
        if waited && *index.changes().borrow() != before {
            // The read that was in progress has stored the customer.
            return Ok(());
        }
        let plugins = self.tenant.roles.plugins(Role::CrmSource);
        let plugin = first_live(&self.plugins.registry, plugins, Role::CrmSource)?;
        let (ids, after) = (vec![id.to_owned()], index.last_change());
        let customers = self.call(&plugin, Role::CrmSource).fetch_customers(ids.clone()).await?;
        if customers.is_empty() {
            refreshes.note_missing(key);
        }
        index.apply_fetched(&ids, customers, after).await.map_err(unread)?;
        Ok(())
    }

    /// Reads a customer again after the answer, unless that is in progress or too many are.
    pub(super) fn refresh_later(&self, index: &Arc<TenantCustomers>, id: &str) {
        let key = (Arc::clone(&self.tenant.name), id.to_owned());
        if self.plugins.refreshes.lock(&key).try_lock().is_err() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.plugins.refreshes.background).try_acquire_owned() else { return };
        let until = Instant::now() + BACKGROUND_TIMEOUT;
        let deadlines = Deadlines { queue: until, answer: until };
        let invoker = self.plugins.invoker(&self.tenant, &self.caller.request, deadlines, CallRecords::default());
        let (index, id) = (Arc::clone(index), id.to_owned());
        tokio::spawn(async move {
            if let Err(error) = invoker.refresh(&index, &id).await {
                debug!("failed to read a customer's page again: {error}");
            }
            drop(permit);
        });
    }
}
