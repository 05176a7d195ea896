//! The tables of the delivery queue: accepted events, deliveries, Front channels and their messages.
//!
//! [`Store`] is the gateway's own access, through the single writer of the database. [`queue_admin`] is for
//! operators' commands, which open the file whether or not a gateway is running.

mod events;
pub mod front;
mod provider_gate;
mod prune;
pub(super) mod queue;
pub mod queue_admin;
mod quotas;
mod rows;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
pub use frontgate_store::StoreError;
use frontgate_store::sql::Scope;
use frontgate_store::{Database, Origin};
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::events::{Accepted, StoredAnswer};
use self::provider_gate::ProviderGate;
pub(super) use self::prune::Retention;
pub use self::quotas::Size;

/// The gateway's access to events and deliveries.
pub struct Store {
    database: Arc<Database>,
    /// The signal of each tenant, notified when a delivery may have become due.
    due: Mutex<HashMap<String, Arc<Notify>>>,
    /// The signal of each awaited message, notified when its delivery is settled.
    watchers: front::Watchers,
    limits: quotas::Limits,
    providers: ProviderGate,
}

impl Store {
    /// Opens the store and recovers deliveries that were leased when the previous process ended.
    pub async fn open(database: &Arc<Database>, settings: &frontgate_store::Settings) -> anyhow::Result<Self> {
        let recovered = database.write(Origin::internal(), Scope::Rows, rows::recover).await;
        let recovered = recovered.context("failed to recover interrupted deliveries")?;
        if recovered > 0 {
            tracing::info!(
                event = "delivery.recovered",
                count = recovered,
                "{recovered} deliveries interrupted by a crash resumed"
            );
        }
        let (database, limits) = (Arc::clone(database), quotas::Limits::new(settings));
        let (due, watchers, providers) = (Mutex::default(), Mutex::default(), ProviderGate::default());
        Ok(Self { database, due, watchers, limits, providers })
    }

    /// Returns the signal of a tenant, which is notified when a delivery may have become due.
    pub(super) fn due_signal(&self, tenant: &str) -> Arc<Notify> {
        Arc::clone(self.due.lock().entry(tenant.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests;
