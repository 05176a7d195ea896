//! What the delivery keeps in the database: events that were accepted, and the queue. Everything here
//! is about one owner of the file; [`desk`] is for operators, beside it.

pub mod desk;
mod events;
pub mod front;
pub(super) mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::sync::Notify;

pub use self::events::{Accepted, Told};
pub use crate::store::StoreError;
use crate::store::{Database, schema};

/// Events and deliveries.
pub struct Store {
    database: Arc<Database>,
    /// For each tenant, what is told when something may have become due.
    due: Mutex<HashMap<String, Arc<Notify>>>,
    /// For messages of teammates, who waits to hear what becomes of them.
    waiting: front::Waiting,
}

impl Store {
    /// Puts in order what a process before this one left unfinished.
    pub async fn open(database: &Arc<Database>) -> anyhow::Result<Self> {
        let left = database.write(|transaction| queue::recover(transaction)).await;
        let left = left.context("putting the database in order")?;
        if left > 0 {
            tracing::info!("{left} deliveries were cut off when the gateway last ended; they go on");
        }
        Ok(Self { database: Arc::clone(database), due: Mutex::default(), waiting: Mutex::default() })
    }

    /// What is told when something of a tenant may have become due.
    pub(super) fn due(&self, tenant: &str) -> Arc<Notify> {
        let mut all = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(tenant.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests;
