//! Follows what the replicas agree on, with `plugins.source = "store"`: runs the agreed versions, offers new files, and
//! stores decisions.
//!
//! The database is the truth. A file in the folder is only an offer, and a removed file removes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_contract::digest::Digest;
use frontgate_rollouts::{Offered, Rollout, Rollouts, Snapshot};
use frontgate_runtime::LoadedPlugin;
use frontgate_runtime::receipt::{Changes, Outcome, Receipt};
use frontgate_store::StoreError;
use tokio::sync::watch;
use tracing::info;

use super::Reload;
use super::decisions::Decision;
use super::publish::ReceiptFields;
use super::task::TaskResult;
use crate::attempt::Candidate;
use crate::bytes::too_large;
use crate::failure::Failure;
use crate::folder::FileState;
use crate::records::Record;

/// What this replica knows of the agreement.
pub(super) struct Agreement {
    pub(super) rollouts: Arc<Rollouts>,
    changes: watch::Receiver<Arc<Snapshot>>,
    /// Serial of each name as last applied.
    serials: BTreeMap<String, i64>,
    /// Versions that could not be loaded here, by name, and whether a retry can succeed.
    pub(super) failed: BTreeMap<String, (Digest, bool)>,
    /// Names of files that another decision can make usable.
    unused: BTreeSet<String>,
    /// Names with decisions that are not in the database yet. Until then, the database asks for the wrong version.
    pub(super) deciding: BTreeMap<String, usize>,
    /// Files that were in the folder at the start. They offer no version that the replicas know: an old image that is
    /// started again must not bring back its plugins.
    initial: BTreeMap<String, FileState>,
}

/// An offer of a version that was tried here.
pub(super) struct Offer {
    candidate: Candidate,
    before: Option<Arc<LoadedPlugin>>,
    changes: Changes,
    took: Duration,
    result: Result<Offered, StoreError>,
}

/// The result of loading the version that the replicas agree on.
pub(super) struct Followed {
    name: String,
    digest: Digest,
    result: Result<LoadedPlugin, Failure>,
    took: Duration,
}

impl Agreement {
    pub(super) fn new(rollouts: Arc<Rollouts>) -> Self {
        let changes = rollouts.changes();
        Self {
            rollouts,
            changes,
            serials: BTreeMap::new(),
            failed: BTreeMap::new(),
            unused: BTreeSet::new(),
            deciding: BTreeMap::new(),
            initial: BTreeMap::new(),
        }
    }

    /// Records the files that are in the folder at the start.
    pub(super) fn start(&mut self, files: &BTreeMap<String, FileState>) {
        self.initial.clone_from(files);
    }

    /// Returns whether a file offers its version even if the replicas know it: it was put there meanwhile.
    pub(super) fn is_new(&self, name: &str, seen: &FileState) -> bool {
        self.initial.get(name) != Some(seen)
    }

    /// Forgets failures, so that the versions are loaded again: all of them, or those for which a retry can succeed.
    pub(super) fn forget_failures(&mut self, all: bool) {
        self.failed.retain(|_, (_, is_temporary)| !all && !*is_temporary);
    }

    pub(super) fn rollout(&self, name: &str) -> Option<Arc<Rollout>> {
        self.changes.borrow().get(name).cloned()
    }

    /// Returns the version that this replica has to run.
    fn wanted(&self, name: &str) -> Option<Digest> {
        self.rollout(name)?.wanted(self.rollouts.replica())
    }

    /// Handles the end of storing one decision about a name.
    pub(super) fn decided(&mut self, name: &str) {
        if let Some(count) = self.deciding.get_mut(name) {
            *count -= 1;
            self.deciding.retain(|_, count| *count > 0);
        }
    }

    /// Returns the size of a version.
    fn bytes(&self, name: &str, digest: Digest) -> u64 {
        let rollout = self.rollout(name);
        let version = rollout.iter().flat_map(|rollout| &rollout.versions).find(|version| version.digest == digest);
        version.map_or(0, |version| version.manifest.bytes as u64)
    }

    /// Returns whether a version is on trial at this replica.
    pub(super) fn is_my_trial(&self, name: &str, digest: Digest) -> bool {
        let trial = self.rollout(name).and_then(|rollout| rollout.trial);
        trial.is_some_and(|trial| trial.digest == digest && trial.replica == self.rollouts.replica())
    }
}

/// Waits for a change of the agreement; forever without one.
pub(super) async fn changed(agreement: &mut Option<Agreement>) {
    let is_open = match agreement {
        Some(agreement) => agreement.changes.changed().await.is_ok(),
        None => false,
    };
    if !is_open {
        std::future::pending::<()>().await;
    }
}

impl Reload {
    /// Reads the agreement for the first time, and starts to load the agreed versions.
    pub(super) async fn begin_to_follow(&mut self) -> Result<(), StoreError> {
        if let Some(agreement) = &self.agreement {
            agreement.rollouts.refresh().await?;
        }
        self.follow_all();
        Ok(())
    }

    /// Applies changes of the agreement, and starts to load the versions that this replica has to run.
    pub(super) fn follow_all(&mut self) {
        let Some(agreement) = &mut self.agreement else { return };
        let snapshot = Arc::clone(&agreement.changes.borrow_and_update());
        for (name, rollout) in snapshot.iter() {
            if agreement.serials.insert(name.clone(), rollout.serial) != Some(rollout.serial) {
                self.records.set(name, Record::of_rollout(rollout));
                // The file may be usable now: its version was allowed, or another trial has ended.
                if agreement.unused.remove(name) && self.attempted.contains_key(name) {
                    self.retry_now.insert(name.clone());
                }
            }
        }
        self.registry.set_versions(self.records.versions());
        for name in snapshot.keys() {
            self.follow(name);
        }
    }

    fn follow(&mut self, name: &str) {
        let Some(agreement) = &self.agreement else { return };
        let (wanted, current) = (agreement.wanted(name), self.registry.get(name));
        if wanted == current.as_ref().map(|live| live.digest)
            || agreement.deciding.contains_key(name)
            || self.running.contains_key(name)
        {
            return;
        }
        let Some(digest) = wanted else { return self.remove_live(name) };
        if agreement.failed.get(name).is_some_and(|(failed, _)| *failed == digest) {
            return;
        }
        if let Some(old) = self.probations.old(name).filter(|old| old.digest == digest) {
            // The version before the one on probation is still in memory.
            return self.run_agreed(old, Duration::ZERO);
        }
        let (loader, key) = (Arc::clone(&self.loader), name.to_owned());
        let (name, bytes) = (key.clone(), agreement.bytes(name, digest));
        let load = async move {
            let began = Instant::now();
            let result = match too_large(bytes, loader.config().plugins().file_bytes_max) {
                Some(failure) => Err(failure),
                None => loader.restore(&name, digest).await,
            };
            TaskResult::Followed(Box::new(Followed { name, digest, result, took: began.elapsed() }))
        };
        self.running.insert(key, self.attempts.spawn(load));
    }

    /// Returns whether the agreed version of a name is still to be loaded here.
    pub(super) fn is_following(&self, name: &str) -> bool {
        let Some(agreement) = &self.agreement else { return false };
        agreement.wanted(name).is_some_and(|wanted| {
            let has_failed = agreement.failed.get(name).is_some_and(|(failed, _)| *failed == wanted);
            !has_failed && self.registry.get(name).is_none_or(|live| live.digest != wanted)
        })
    }

    /// Handles the result of loading an agreed version.
    pub(super) fn followed(&mut self, Followed { name, digest, result, took }: Followed) {
        if self.agreement.as_ref().and_then(|agreement| agreement.wanted(&name)) != Some(digest) {
            return;
        }
        let failure = match result {
            Ok(live) => match self.lost_role(&live) {
                Some(role) => Failure::lost_role(role),
                None => return self.run_agreed(Arc::new(live), took),
            },
            Err(failure) => failure,
        };
        let Some(agreement) = &mut self.agreement else { return };
        agreement.failed.insert(name.clone(), (digest, failure.is_temporary()));
        if agreement.is_my_trial(&name, digest) && !failure.is_temporary() {
            self.decide(&name, digest, Decision::Withdraw(failure.to_string()));
        }
        let before = self.registry.get(&name).map(|live| live.digest);
        let outcome = match before {
            Some(_) => Outcome::Kept(failure.to_string()),
            None => Outcome::Refused(failure.to_string()),
        };
        let fields = ReceiptFields { digest: Some(digest), before, after: before, took, ..ReceiptFields::default() };
        self.publisher.add(&name, outcome, fields);
    }

    /// Runs the version that the replicas agree on, or that is on trial here.
    fn run_agreed(&mut self, live: Arc<LoadedPlugin>, took: Duration) {
        let (name, before) = (live.name.to_string(), self.registry.get(&live.name));
        let replaced = before.as_ref().map(|before| before.digest);
        // Its failure here is the reason for the change, or another replica's failure.
        let withdrawn = replaced
            .and_then(|digest| self.records.of(&name).excluded(digest).map(|reason| (digest, reason.to_owned())));
        let fields = ReceiptFields {
            digest: Some(withdrawn.as_ref().map_or(live.digest, |(digest, _)| *digest)),
            before: replaced,
            after: Some(live.digest),
            changes: Changes::new(before.as_ref().map(|before| &before.manifest), &live.manifest),
            took,
        };
        self.probations.end(&name);
        if withdrawn.is_none() {
            self.observe(&live, before);
        }
        self.activate(live);
        let outcome = withdrawn.map_or(Outcome::Live, |(_, reason)| Outcome::RolledBack(reason));
        self.publisher.add(&name, outcome, fields);
    }

    /// Starts the probation of a version. A version on trial here is live for all when its probation ends.
    pub(super) fn observe(&mut self, live: &Arc<LoadedPlugin>, before: Option<Arc<LoadedPlugin>>) {
        let limits = self.loader.config();
        let limits = &limits.plugins().probation;
        let is_trial = self.agreement.as_ref().is_some_and(|known| known.is_my_trial(&live.name, live.digest));
        if is_trial && limits.calls == 0 {
            self.decide(&live.name, live.digest, Decision::Promote);
        } else if is_trial || before.is_some() {
            self.probations.begin(live, before, limits);
        }
    }

    /// Offers a version that was tried here.
    pub(super) fn offer(&mut self, rollouts: &Arc<Rollouts>, candidate: Candidate, changes: Changes, took: Duration) {
        let name = candidate.live.name.to_string();
        let (rollouts, before) = (Arc::clone(rollouts), self.registry.get(&name));
        let offer = async move {
            let Candidate { live, wasm } = &candidate;
            let result = rollouts.offer(&live.name, live.digest, &live.manifest, wasm).await;
            TaskResult::Offered(Box::new(Offer { candidate, before, changes, took, result }))
        };
        self.running.insert(name, self.attempts.spawn(offer));
    }

    /// Handles the result of an offer.
    pub(super) fn offered(&mut self, Offer { candidate, before, changes, took, result }: Offer) {
        let Some(agreement) = &self.agreement else { return };
        let (name, digest) = (candidate.live.name.to_string(), candidate.live.digest);
        let outcome = match result {
            Ok(Offered::Trial | Offered::Live) => {
                self.go_live(candidate, before.clone());
                Outcome::Live
            }
            Ok(Offered::Busy(trial)) => {
                let (other, replica) = (trial.digest.short(), agreement.rollouts.name_of(trial.replica));
                let what = if trial.digest == digest { "it".to_owned() } else { format!("version {other}") };
                Outcome::Kept(format!("{what} is on trial at replica `{replica}`"))
            }
            Ok(Offered::Excluded(reason)) => Outcome::RolledBack(reason),
            Err(error) => self.outcome_of_failure(&name, Failure::Temporary(error.into())),
        };
        self.note_unused(&name, &outcome);
        let before = before.map(|live| live.digest);
        self.report(&name, outcome, ReceiptFields { digest: Some(digest), before, after: None, changes, took });
    }

    /// Remembers a file that was not used, until the next decision about its name.
    pub(super) fn note_unused(&mut self, name: &str, outcome: &Outcome) {
        if let Some(agreement) = &mut self.agreement
            && outcome.reason().is_some()
        {
            agreement.unused.insert(name.to_owned());
        }
    }

    /// Handles a removed file: the plugin stays live.
    pub(super) fn file_removed(&mut self, name: &str) {
        self.attempted.remove(name);
        self.retry_now.remove(name);
        if self.registry.get(name).is_some() {
            info!(
                event = "plugin.file_removed",
                plugin = name,
                "file of plugin `{name}` removed, the plugin stays live; to remove it: frontgate plugin remove {name}"
            );
        }
    }

    /// Stores receipts for the operators of all replicas.
    pub(super) async fn store_receipts(&self, receipts: &[Receipt]) -> anyhow::Result<()> {
        let Some(agreement) = self.agreement.as_ref().filter(|_| !receipts.is_empty()) else { return Ok(()) };
        let json = |receipt: &Receipt| serde_json::to_string(receipt).expect("names and numbers");
        let rows = receipts.iter().map(|receipt| (receipt.id.clone(), receipt.time_ms, json(receipt))).collect();
        Ok(agreement.rollouts.note(rows).await?)
    }
}
