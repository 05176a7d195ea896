//! What the delivery keeps in the database: events that were accepted, and the queue. Everything here
//! is about one owner of the file; [`desk`] is for operators, beside it.

pub mod queue_admin;
mod events;
pub mod front;
pub(super) mod queue;
mod quotas;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
pub use frontgate_store::StoreError;
use frontgate_store::{Database, Origin, schema};
use tokio::sync::Notify;

pub use self::events::{Accepted, Told};
pub use self::quotas::Size;

/// Events and deliveries.
pub struct Store {
    database: Arc<Database>,
    /// For each tenant, what is told when something may have become due.
    due: Mutex<HashMap<String, Arc<Notify>>>,
    /// For messages of teammates, who waits to hear what becomes of them.
    waiting: front::Waiting,
    limits: quotas::Limits,
    providers: quotas::Providers,
}

impl Store {
    /// Puts in order what a process before this one left unfinished.
    pub async fn open(database: &Arc<Database>, config: &frontgate_store::Settings) -> anyhow::Result<Self> {
        let left = database.write(Origin::own(), |transaction| queue::recover(transaction)).await;
        let left = left.context("putting the database in order")?;
        if left > 0 {
            tracing::info!("{left} deliveries were cut off when the gateway last ended; they go on");
        }
        let (database, limits) = (Arc::clone(database), quotas::Limits::new(config));
        let (due, waiting, providers) = (Mutex::default(), Mutex::default(), quotas::Providers::default());
        Ok(Self { database, due, waiting, limits, providers })
    }

    /// What is told when something of a tenant may have become due.
    pub(super) fn due(&self, tenant: &str) -> Arc<Notify> {
        let mut all = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(tenant.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests;
