//! What starts a run before its time.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::tenant::TenantCustomers;

/// Reasons for a run that wait for it.
#[derive(Default)]
pub(crate) struct Triggers {
    run: Notify,
    enumerate: AtomicBool,
    /// Ids of customers that a notification named.
    ids: Mutex<Vec<String>>,
}

/// Ids that notifications may leave for the next run; further ones start a run instead.
const IDS_MAX: usize = 1_000;

impl TenantCustomers {
    /// Starts a run now. `enumerate`: of all customers.
    pub fn trigger(&self, enumerate: bool) {
        if enumerate {
            self.demand_enumeration();
        }
        self.triggers.run.notify_one();
    }

    /// Makes the next run enumerate all customers.
    pub fn demand_enumeration(&self) {
        self.triggers.enumerate.store(true, Ordering::Relaxed);
    }

    /// Leaves ids of changed customers for a run that starts now.
    pub fn trigger_ids(&self, ids: Vec<String>) {
        {
            let mut waiting = self.triggers.ids.lock();
            let new: Vec<String> = ids.into_iter().filter(|id| !waiting.contains(id)).collect();
            if waiting.len() + new.len() <= IDS_MAX {
                waiting.extend(new);
            }
        }
        self.triggers.run.notify_one();
    }

    /// Waits until a run is to start before its time.
    pub async fn triggered(&self) {
        self.triggers.run.notified().await;
    }

    /// Takes what triggered a run: whether all customers are to be enumerated, and ids to fetch.
    pub fn take_triggers(&self) -> (bool, Vec<String>) {
        let ids = mem::take(&mut *self.triggers.ids.lock());
        (self.triggers.enumerate.swap(false, Ordering::Relaxed), ids)
    }
}
