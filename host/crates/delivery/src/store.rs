//! The tables of the delivery queue: accepted events, deliveries, Front channels and their messages.
//!
//! [`Store`] is the gateway's own access. [`queue_admin`] is for operators' commands, which open the database whether or
//! not a gateway is running.

mod actions;
mod calls;
mod events;
pub mod front;
mod provider_gate;
mod prune;
pub(super) mod queue;
pub mod queue_admin;
mod quotas;
mod rows;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use frontgate_replicas::Replica;
pub use frontgate_store::StoreError;
use frontgate_store::sql::{Scope, Transaction};
use frontgate_store::{Bell, Database, NO_TENANT, Origin};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

pub use self::events::{Accepted, StoredAnswer};
use self::provider_gate::ProviderGate;
pub(super) use self::prune::Retention;
pub use self::quotas::Size;
pub use self::rows::{Counts, recover};

/// Interval at which a gateway that shares its database looks for leases of ended replicas, and for its own leases that
/// no worker knows.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Interval at which it looks for answers of awaited messages, in case a hint was lost.
const ANSWER_INTERVAL: Duration = Duration::from_millis(200);

/// The gateway's access to events and deliveries.
pub struct Store {
    database: Arc<Database>,
    replica: Arc<Replica>,
    /// Tells other gateways of changes; `None` if there are none.
    bell: Option<Bell>,
    /// The signal of each tenant, notified when a delivery may have become due.
    due: Mutex<HashMap<String, Arc<Notify>>>,
    /// The signal of each awaited message, notified when its delivery is settled.
    watchers: front::Watchers,
    /// Channels of each tenant whose messages could not be sent, and that are to be checked.
    suspects: front::Suspects,
    /// Leases that workers of this process hold.
    leases: Mutex<HashSet<String>>,
    limits: quotas::Limits,
    providers: ProviderGate,
    replay_turns: front::ReplayTurns,
}

impl Store {
    /// Opens the store of a gateway that has the database for itself, and recovers deliveries that were leased when the
    /// previous process ended.
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
        Ok(Self::new(database, settings, Replica::alone(), None))
    }

    /// Opens the store of a gateway that shares its database. Leases of other gateways stay theirs until those are
    /// declared ended.
    pub async fn open_shared(
        database: &Arc<Database>,
        settings: &frontgate_store::Settings,
        replica: Arc<Replica>,
        bell: Bell,
    ) -> anyhow::Result<Arc<Self>> {
        let store = Arc::new(Self::new(database, settings, replica, Some(bell)));
        store.release_ended().await.context("failed to release the deliveries of ended replicas")?;
        tokio::spawn(Arc::clone(&store).sweep());
        tokio::spawn(Arc::clone(&store).listen());
        tokio::spawn(Arc::clone(&store).poll());
        Ok(store)
    }

    fn new(
        database: &Arc<Database>,
        settings: &frontgate_store::Settings,
        replica: Arc<Replica>,
        bell: Option<Bell>,
    ) -> Self {
        Self {
            database: Arc::clone(database),
            replica,
            bell,
            due: Mutex::default(),
            watchers: Mutex::default(),
            suspects: front::Suspects::default(),
            leases: Mutex::default(),
            limits: quotas::Limits::new(settings),
            providers: ProviderGate::default(),
            replay_turns: front::ReplayTurns::default(),
        }
    }

    /// Returns this process among the gateways of the database.
    pub fn replica(&self) -> &Arc<Replica> {
        &self.replica
    }

    /// Returns the current time by the clock of the database, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        self.database.now_ms()
    }

    /// Returns for how long no hint of another gateway could be received, if that is unusually long.
    pub fn bell_silent_for(&self) -> Option<Duration> {
        self.bell.as_ref()?.silent_for()
    }

    /// Counts the deliveries of each tenant in each state.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.database.read(NO_TENANT, rows::counts).await
    }

    /// Returns the age of the oldest delivery of each tenant in each of [`State::OPEN`](crate::job::State::OPEN), in
    /// seconds.
    pub async fn oldest(&self) -> Result<Counts, StoreError> {
        self.database.read(NO_TENANT, rows::oldest).await
    }

    /// Notifies the workers of a tenant, here and in other gateways, that a delivery may have become due.
    pub(super) fn notify_due(&self, tenant: &str) {
        self.due_signal(tenant).notify_waiters();
        if let Some(bell) = &self.bell {
            bell.ring(format!("due {tenant}"));
        }
    }

    /// Tells other gateways that the delivery of a message was settled.
    fn ring_message(&self, message: i64) {
        if let Some(bell) = &self.bell {
            bell.ring(format!("message {message}"));
        }
    }

    /// Receives the hints of other gateways.
    async fn listen(self: Arc<Self>) {
        let Some(mut hints) = self.bell.as_ref().map(Bell::listen) else { return };
        loop {
            match hints.recv().await {
                Ok(hint) => match hint.split_once(' ') {
                    Some(("due", tenant)) => self.due_signal(tenant).notify_waiters(),
                    Some(("message", id)) => id.parse().into_iter().for_each(|id| self.notify_watchers(id)),
                    _ => {}
                },
                // Missed hints are only late: everyone who waits for one also looks at intervals.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Looks for answers of awaited messages at intervals.
    async fn poll(self: Arc<Self>) {
        loop {
            tokio::time::sleep(ANSWER_INTERVAL).await;
            self.poll_watchers().await;
        }
    }

    /// Releases leases of ended replicas whenever one was declared ended, and at intervals also leases of this process
    /// that no worker knows: those of claims whose answer was lost.
    async fn sweep(self: Arc<Self>) {
        let mut changes = self.replica.changes();
        let mut unknown = HashSet::new();
        loop {
            // The sender lives as long as the replica.
            let is_due = tokio::time::timeout(SWEEP_INTERVAL, changes.changed()).await.is_err();
            if let Err(error) = self.release_ended().await {
                tracing::warn!(event = "delivery.sweep_failed", "failed to release deliveries, retrying: {error}");
            }
            if is_due {
                match self.release_orphans(&unknown).await {
                    Ok(found) => unknown = found,
                    Err(error) => {
                        tracing::warn!(
                            event = "delivery.sweep_failed",
                            "failed to release deliveries, retrying: {error}"
                        );
                    }
                }
            }
        }
    }

    async fn release_ended(&self) -> Result<(), StoreError> {
        let released = self.database.write(Origin::internal(), Scope::Rows, rows::release_ended).await?;
        if !released.is_empty() {
            tracing::info!(
                event = "delivery.released",
                count = released.len(),
                "{} deliveries of ended replicas released",
                released.len()
            );
        }
        released.iter().collect::<HashSet<_>>().into_iter().for_each(|tenant| self.notify_due(tenant));
        Ok(())
    }

    /// Releases own leases that no worker knew at the previous look either, and returns those that are unknown now. A
    /// claim that was just committed is known a moment later.
    async fn release_orphans(&self, before: &HashSet<String>) -> Result<HashSet<String>, StoreError> {
        let Some(id) = self.replica.id() else { return Ok(HashSet::new()) };
        let leases = self.database.read(NO_TENANT, move |read| rows::leases(read, id)).await?;
        let unknown: HashSet<String> = {
            let held = self.leases.lock();
            leases.into_iter().filter(|lease| !held.contains(lease)).collect()
        };
        for lease in unknown.intersection(before) {
            let lease = lease.clone();
            let write = move |transaction: &Transaction<'_>| rows::release_orphan(transaction, &lease);
            if let Some(tenant) = self.database.write(Origin::internal(), Scope::Rows, write).await? {
                self.notify_due(&tenant);
            }
        }
        Ok(unknown)
    }

    /// Returns the signal of a tenant, which is notified when a delivery may have become due.
    pub(super) fn due_signal(&self, tenant: &str) -> Arc<Notify> {
        Arc::clone(self.due.lock().entry(tenant.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests;
