//! The version of each plugin that the gateways of a database agree on: bytes, decisions, and the rollout of new versions.
//!
//! The first replica to see a new file offers it: it stores the bytes and answers alone with the new version, on trial.
//! If the trial succeeds, the version is live for all replicas; if it fails, none of the others has run it. A replica
//! that ends during the trial is replaced by another one.
//!
//! - [`Rollouts`]: reads and changes what was agreed on. One task for each process reads it once a second.
//! - [`Rollout`]: the state of one plugin's name.
//!
//! Every change takes the same lock (`Scope::Rollouts`) and may run twice. The crate `loader` makes a
//! replica follow. See "Flow of a rollout" in ARCHITECTURE.md.

pub mod admin;
mod parts;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use frontgate_replicas::{Part, Replica};
use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// Time between two reads of the changes of other replicas.
const POLL: Duration = Duration::from_secs(1);

/// Number of replicas that may end during the trial of one version, before the version is taken for the cause.
const TRIALS_LOST_MAX: i64 = 3;

/// The state of one plugin's name.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    /// Grows with every change of the name, its versions and the decisions about them.
    pub serial: i64,
    /// The version that every replica runs, except for one with a trial.
    pub live: Option<Digest>,
    /// The version that one replica runs on trial.
    pub trial: Option<Trial>,
    /// The last version that waits for approval, with the reason.
    pub waiting: Option<(Digest, String)>,
    /// Versions that were offered, the latest live one last.
    pub versions: Vec<Version>,
    /// Versions that are not attempted again, with reasons.
    pub excluded: Vec<(Digest, String)>,
    /// Versions that an operator allowed.
    pub allowed: Vec<Digest>,
}

/// A version on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The version.
    pub digest: Digest,
    /// Row id of the replica that runs it; [`NO_REPLICA`] after it has left.
    pub replica: i64,
}

/// The row id of no replica.
const NO_REPLICA: i64 = 0;

/// A version that was offered.
#[derive(Debug, Clone)]
pub struct Version {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Declarations of the component.
    pub manifest: Manifest,
    /// Time at which it last became live, in milliseconds since 1970; `None` if it never was.
    pub live_ms: Option<i64>,
    /// Whether its bytes are still stored.
    pub is_stored: bool,
}

/// The result of an offer.
#[derive(Debug, PartialEq, Eq)]
pub enum Offered {
    /// The version is on trial at this replica.
    Trial,
    /// The version is live: no version was live before, or the replicas have already agreed on it.
    Live,
    /// Another trial has not ended.
    Busy(Trial),
    /// The version was rolled back, for this reason.
    Excluded(String),
}

/// Limits of what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Versions of each name whose bytes are stored, including the live one.
    pub versions_max: usize,
    /// Size of all stored versions in bytes.
    pub versions_bytes_max: u64,
    /// Number of receipts.
    pub receipts_max: usize,
}

/// All rollouts by the plugin's name.
pub type Snapshot = BTreeMap<String, Arc<Rollout>>;

/// Reads and changes what the replicas agree on.
pub struct Rollouts {
    database: Arc<Database>,
    replica: Arc<Replica>,
    limits: Limits,
    current: watch::Sender<Arc<Snapshot>>,
    /// Whether this process shuts down: it then begins no trial.
    is_leaving: AtomicBool,
}

impl Rollout {
    /// Returns the version that a replica runs.
    pub fn wanted(&self, replica: i64) -> Option<Digest> {
        self.trial.filter(|trial| trial.replica == replica).map(|trial| trial.digest).or(self.live)
    }

    /// Returns whether a version is on trial.
    pub fn is_on_trial(&self, digest: Digest) -> bool {
        self.trial.is_some_and(|trial| trial.digest == digest)
    }
}

impl Rollouts {
    /// Starts to read what was agreed on, once a second. The task ends with the last reference.
    pub fn start(database: &Arc<Database>, replica: &Arc<Replica>, limits: Limits) -> Arc<Self> {
        let (database, replica) = (Arc::clone(database), Arc::clone(replica));
        let rollouts = Arc::new(Self {
            database,
            replica,
            limits,
            current: watch::Sender::default(),
            is_leaving: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&rollouts);
        tokio::spawn(async move {
            let mut ticks = interval(POLL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut is_failing = false;
            while let Some(rollouts) = weak.upgrade() {
                let read = rollouts.poll().await;
                if let Err(error) = &read
                    && !is_failing
                {
                    warn!(event = "rollout.not_read", "failed to read the rollouts of plugins, retrying: {error}");
                }
                is_failing = read.is_err();
                drop(rollouts);
                ticks.tick().await;
            }
        });
        rollouts
    }

    /// Returns a receiver of changes, which has the current state.
    pub fn changes(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    /// Returns the current state.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.borrow())
    }

    /// Returns the row id of this replica.
    pub fn replica(&self) -> i64 {
        self.replica.id().unwrap_or_default()
    }

    /// Returns the name of a replica, or its row id if it has ended.
    pub fn name_of(&self, replica: i64) -> String {
        if replica == NO_REPLICA {
            return "none".to_owned();
        }
        let peers = self.replica.peers();
        peers.iter().find(|peer| peer.id == replica).map_or_else(|| replica.to_string(), |peer| peer.name.clone())
    }

    /// Returns the names of the replicas that run another version of a plugin than they should.
    pub fn behind(&self, name: &str, rollout: &Rollout) -> Vec<String> {
        let differs = |peer: &&frontgate_replicas::Peer| {
            peer.plugins.get(name).map(String::as_str)
                != rollout.wanted(peer.id).map(|digest| digest.short()).as_deref()
        };
        self.replica.peers().iter().filter(differs).map(|peer| peer.name.clone()).collect()
    }

    /// Reads what has changed.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read in time.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let known = self.current();
        let serials: BTreeMap<String, i64> = known.iter().map(|(name, known)| (name.clone(), known.serial)).collect();
        let changed = self.database.read(NO_TENANT, move |read| rows::changed(read, &serials)).await?;
        if !changed.is_empty() {
            self.current.send_modify(|current| {
                for (name, rollout) in changed {
                    let newer = current.get(&name).is_none_or(|known| known.serial < rollout.serial);
                    if newer {
                        Arc::make_mut(current).insert(name, Arc::new(rollout));
                    }
                }
            });
        }
        Ok(())
    }

    /// Also gives trials of ended replicas to this one, if it does the housekeeping.
    async fn poll(&self) -> Result<(), StoreError> {
        self.refresh().await?;
        let keeps_house = self.replica.kept().iter().any(|(_, part)| *part == Part::House);
        if !keeps_house || self.is_leaving.load(Ordering::Relaxed) {
            return Ok(());
        }
        let peers = self.replica.peers();
        let is_running = |id: i64| peers.iter().any(|peer| peer.id == id && peer.state == "up");
        let orphans: Vec<(String, Trial)> = self
            .current()
            .iter()
            .filter_map(|(name, rollout)| Some((name.clone(), rollout.trial?)))
            .filter(|(_, trial)| !is_running(trial.replica))
            .collect();
        for (name, trial) in orphans {
            let me = self.replica();
            self.change(&name, move |transaction, name| rows::adopt(transaction, name, trial, me, TRIALS_LOST_MAX))
                .await?;
        }
        Ok(())
    }

    /// Offers a version whose bytes this replica has tried. The bytes are stored first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn offer(
        &self,
        name: &str,
        digest: Digest,
        manifest: &Manifest,
        wasm: &Bytes,
    ) -> Result<Offered, StoreError> {
        parts::store(&self.database, digest, wasm).await?;
        let (me, limits, size) = (self.replica(), self.limits, wasm.len() as u64);
        let manifest = serde_json::to_string(manifest).expect("names and numbers");
        self.change(name, move |transaction, name| {
            let version = rows::NewVersion { digest, manifest: &manifest, size };
            let offered = rows::offer(transaction, name, &version, me)?;
            rows::trim(transaction, name, limits)?;
            Ok(offered)
        })
        .await
    }

    /// Returns the bytes of a version.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read, or if the bytes are missing or damaged.
    pub async fn bytes(&self, digest: Digest) -> anyhow::Result<Bytes> {
        parts::read(&self.database, digest).await
    }

    /// Makes the version on trial live for all. The trial may have been given to another replica meanwhile.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn promote(&self, name: &str, digest: Digest) -> Result<(), StoreError> {
        self.change(name, move |transaction, name| rows::promote(transaction, name, digest)).await
    }

    /// Excludes a version from further attempts. If it is on trial, the trial ends; if it is live, the version before it
    /// is live again.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn withdraw(&self, name: &str, digest: Digest, reason: &str) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        self.change(name, move |transaction, name| rows::withdraw(transaction, name, digest, &reason)).await
    }

    /// Makes an earlier version live for all, and excludes the live one. Returns whether its bytes are still stored.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn roll_back(&self, name: &str, to: Digest, reason: &str) -> Result<bool, StoreError> {
        let reason = reason.to_owned();
        self.change(name, move |transaction, name| rows::roll_back(transaction, name, to, &reason)).await
    }

    /// Records a version that waits for approval.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn wait(&self, name: &str, digest: Digest, reason: &str) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        self.change(name, move |transaction, name| rows::wait(transaction, name, digest, &reason)).await
    }

    /// Allows a version. If its bytes are stored and it is not live, its trial begins at this replica.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn allow(&self, name: &str, digest: Digest) -> Result<(), StoreError> {
        let me = self.replica();
        self.change(name, move |transaction, name| rows::allow(transaction, name, Trial { digest, replica: me })).await
    }

    /// Leaves the trials of this replica to the others: it shuts down for another reason than the plugin.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.is_leaving.store(true, Ordering::Relaxed);
        let me = self.replica();
        let mine = |(name, rollout): (&String, &Arc<Rollout>)| {
            rollout.trial.filter(|trial| trial.replica == me).map(|trial| (name.clone(), trial))
        };
        for (name, trial) in self.current().iter().filter_map(mine).collect::<Vec<_>>() {
            self.change(&name, move |transaction, name| rows::release(transaction, name, trial)).await?;
        }
        Ok(())
    }

    /// Removes a plugin from all replicas. Its versions stay known.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.change(name, rows::remove).await
    }

    /// Stores receipts: id, time in milliseconds since 1970, and the receipt as JSON.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written in time.
    pub async fn note(&self, receipts: Vec<(String, u64, String)>) -> Result<(), StoreError> {
        let (replica, max) = (self.name_of(self.replica()), self.limits.receipts_max);
        let write = move |transaction: &Transaction<'_>| rows::note(transaction, &replica, &receipts, max);
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await
    }

    /// Changes one name, and reads the result.
    async fn change<T: Send + 'static>(
        &self,
        name: &str,
        work: impl Fn(&Transaction<'_>, &str) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let name = name.to_owned();
        let write = move |transaction: &Transaction<'_>| work(transaction, &name);
        let result = self.database.write_in_time(Origin::internal(), Scope::Rollouts, write).await?;
        self.refresh().await?;
        Ok(result)
    }
}
