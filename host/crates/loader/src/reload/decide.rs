//! Applies results of attempts and commands: activates, keeps, rolls back and removes versions. The module `publish`
//! logs each change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use frontgate_contract::Role;
use frontgate_contract::digest::Digest;
use frontgate_runtime::receipt::{Changes, Outcome};

use frontgate_runtime::{Build, LoadedPlugin};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::Reload;
use super::command::{self, Command, Request, Waiting};
use super::probation::Ended;
use super::publish::ReceiptFields;
use super::task::{Restored, TaskResult};
use crate::attempt::{Attempt, Candidate};
use crate::failure::Failure;

/// The reason in the receipt of an operator's rollback.
const BY_OPERATOR: &str = "requested by an operator";

impl Reload {
    /// Activates the version of an attempt, or keeps the live version.
    pub(super) fn apply(&mut self, attempt: Attempt) {
        let Attempt { name, seen, digest, manifest, result, restored, took } = attempt;
        if self.attempted.get(&name) != Some(&seen) {
            // The file was removed in the meantime.
            return;
        }
        let before = self.registry.get(&name);
        let changes = manifest.map(|new| Changes::new(before.as_ref().map(|live| &live.manifest), &new));
        if let Some(last) = restored.filter(|_| before.is_none()) {
            self.activate(Arc::new(last));
        }
        let is_known = matches!(result, Err(Failure::Known(_)));
        let outcome = match result {
            // The file has the bytes of the live version, possibly after a file that was not usable.
            Ok(None) => Outcome::Live,
            Ok(Some(candidate)) => match self.lost_role(&candidate.live) {
                Some(role) => Outcome::Kept(Failure::lost_role(role).to_string()),
                None => {
                    if let Some(agreement) = &self.agreement {
                        let rollouts = Arc::clone(&agreement.rollouts);
                        return self.offer(&rollouts, candidate, changes.unwrap_or_default(), took);
                    }
                    self.go_live(candidate, before.clone());
                    Outcome::Live
                }
            },
            Err(failure) => self.outcome_of_failure(&name, failure),
        };
        if !is_known {
            self.note_unused(&name, &outcome);
        }
        let before = before.map(|live| live.digest);
        let fields = ReceiptFields { digest, before, after: None, changes: changes.unwrap_or_default(), took };
        self.report(&name, outcome, fields);
    }

    /// Adds the receipt of an attempt, unless the last one says the same. `after` is filled in.
    pub(super) fn report(&mut self, name: &str, outcome: Outcome, mut fields: ReceiptFields) {
        let last = self.registry.receipts().get(name).cloned();
        let swapped = fields.before != fields.digest;
        let already_reported = last.is_some_and(|last| last.digest == fields.digest && last.outcome == outcome);
        if already_reported && !(outcome == Outcome::Live && swapped) {
            return;
        }
        if let (Outcome::Waiting(reason), Some(digest)) = (&outcome, fields.digest) {
            self.wait_for_approval(name, digest, reason);
        }
        fields.after = self.registry.get(name).map(|live| live.digest);
        self.publisher.add(name, outcome, fields);
    }

    pub(super) fn go_live(&mut self, candidate: Candidate, before: Option<Arc<LoadedPlugin>>) {
        let live = Arc::new(candidate.live);
        self.probations.end(&live.name);
        self.observe(&live, before);
        if live.build == Build::Quick {
            let optimize = Arc::clone(&self.loader).optimize(Arc::clone(&live), candidate.wasm.clone());
            self.attempts.spawn(async {
                let (name, built) = optimize.await;
                TaskResult::Optimized(name, Box::new(built))
            });
        }
        self.records.live(&live.name, live.digest, &live.manifest, Some(candidate.wasm));
        self.activate(live);
    }

    /// Replaces the quick build of a version with its optimized build.
    pub(super) fn optimized(&mut self, name: &str, built: Result<LoadedPlugin, Failure>) {
        match built {
            Ok(mut live) => {
                let quick = self.registry.get(&live.name).filter(|quick| quick.digest == live.digest);
                if let Some(quick) = quick.filter(|quick| quick.build == Build::Quick) {
                    let digest = live.digest.short();
                    // The probation of the version continues.
                    live.health = Arc::clone(&quick.health);
                    self.activate(Arc::new(live));
                    info!(
                        event = "plugin.optimized",
                        plugin = name,
                        digest,
                        "optimized build of plugin `{name}` is live"
                    );
                }
            }
            Err(failure) => warn!(
                event = "plugin.optimization_failed",
                plugin = name,
                "optimized build of plugin `{name}` failed, keeping the slower quick build: {failure}"
            ),
        }
    }

    pub(super) fn outcome_of_failure(&mut self, name: &str, failure: Failure) -> Outcome {
        if failure.is_temporary() {
            self.retry_later.insert(name.to_owned());
        }
        match (failure, self.registry.get(name)) {
            (Failure::NeedsApproval(reason), _) => Outcome::Waiting(reason),
            (Failure::Excluded(reason), _) => Outcome::RolledBack(reason),
            (failure, Some(_)) => Outcome::Kept(failure.to_string()),
            (failure, None) => Outcome::Refused(failure.to_string()),
        }
    }

    /// Returns a role that the live version has, the new version lacks, and a tenant assigns to this plugin.
    pub(super) fn lost_role(&self, new: &LoadedPlugin) -> Option<Role> {
        let old = self.registry.get(&new.name)?;
        let lost = old.roles().into_iter().filter(|role| !new.roles().contains(role));
        lost.into_iter().find(|role| self.loader.config().is_named(&new.name, *role))
    }

    /// Removes a plugin whose file is gone.
    pub(super) fn remove(&mut self, name: &str) {
        self.attempted.remove(name);
        self.stop(name);
        self.remove_live(name);
    }

    /// Removes the live version of a plugin.
    pub(super) fn remove_live(&mut self, name: &str) {
        let before = self.registry.get(name).map(|live| live.digest);
        self.registry.remove(name);
        self.probations.end(name);
        self.records.removed(name);
        self.publisher.add(name, Outcome::Removed, ReceiptFields { before, ..ReceiptFields::default() });
        self.publish_status();
    }

    /// Aborts a running attempt. The file is attempted again if it still exists.
    fn stop(&mut self, name: &str) {
        if let Some(attempt) = self.running.remove(name) {
            attempt.abort();
            self.retry_now.insert(name.to_owned());
        }
    }

    /// Rolls back versions that failed on probation.
    pub(super) fn end_probations(&mut self) {
        let config = self.loader.config();
        for Ended { name, digest, old, failure } in self.probations.decide(&config.plugins().probation) {
            match failure {
                Some(reason) => {
                    self.roll_back_to(&name, old, &reason, Duration::ZERO);
                    self.withdraw(&name, digest, &reason);
                }
                None => self.passed(&name, digest),
            }
        }
        self.publish_status();
    }

    /// Activates an earlier version, if any, and excludes the live version from further attempts.
    fn roll_back_to(&mut self, name: &str, old: Option<Arc<LoadedPlugin>>, reason: &str, took: Duration) {
        let Some(withdrawn) = self.registry.get(name) else { return };
        self.probations.end(name);
        self.records.exclude(name, withdrawn.digest, reason);
        let fields = ReceiptFields {
            digest: Some(withdrawn.digest),
            before: Some(withdrawn.digest),
            after: old.as_ref().map(|old| old.digest),
            changes: old.as_ref().map(|old| Changes::new(Some(&withdrawn.manifest), &old.manifest)).unwrap_or_default(),
            took,
        };
        match old {
            Some(old) => {
                self.records.live(name, old.digest, &old.manifest, None);
                self.activate(old);
            }
            None => self.registry.remove(name),
        }
        self.publisher.add(name, Outcome::RolledBack(reason.to_owned()), fields);
    }

    /// Starts a command. With several replicas, it first reads what the others have decided.
    pub(super) fn execute(&mut self, request: Request) {
        match &self.agreement {
            Some(agreement) => {
                let rollouts = Arc::clone(&agreement.rollouts);
                self.attempts.spawn(async move {
                    let read = rollouts.refresh().await;
                    TaskResult::Requested(Box::new((request, read)))
                });
            }
            None => self.execute_now(request),
        }
    }

    pub(super) fn execute_now(&mut self, Request { command, answer }: Request) {
        match command {
            Command::Reload => {
                let receipts = self.registry.receipts();
                let standing = receipts.values().filter(|receipt| receipt.outcome.reason().is_some());
                self.retry_now.extend(standing.map(|receipt| receipt.plugin.clone()));
                if let Some(agreement) = &mut self.agreement {
                    agreement.forget_failures(true);
                }
                self.follow_all();
                self.waiting.push(Waiting { answer, receipts: Vec::new() });
            }
            Command::Configure(config) => self.configure(&config, answer),
            Command::Remove { name } => self.remove_for_all(&name, answer),
            Command::Rollback { name, digest: None } => {
                if let Some(answer) = self.withdraw_trial(&name, BY_OPERATOR, answer) {
                    self.roll_back(&name, None, answer);
                }
            }
            Command::Rollback { name, digest } => self.roll_back(&name, digest.as_deref(), answer),
            Command::Allow { name, digest } => match self.digest_to_allow(&name, digest.as_deref()) {
                Ok(digest) if self.agreement.is_some() => self.allow_for_all(&name, digest, answer),
                Ok(digest) => self.allow(&name, digest, answer),
                Err(refusal) => drop(answer.send(Err(refusal))),
            },
        }
    }

    fn roll_back(&mut self, name: &str, digits: Option<&str>, answer: oneshot::Sender<command::Result>) {
        if self.registry.get(name).is_none() {
            let _ = answer.send(Err(format!("plugin `{name}` is not live; put a usable file into the folder")));
            return;
        }
        let target = match self.records.of(name).target(digits) {
            Ok(target) => target,
            Err(refusal) => return drop(answer.send(Err(format!("plugin `{name}`: {refusal}")))),
        };
        // A running attempt is repeated after the rollback, so that it respects the new exclusion.
        self.stop(name);
        let (loader, name) = (Arc::clone(&self.loader), name.to_owned());
        let restored_name = name.clone();
        let rollouts = self.agreement.as_ref().map(|agreement| Arc::clone(&agreement.rollouts));
        let restore = async move {
            let (name, began) = (restored_name, Instant::now());
            let mut result = loader.restore(&name, target).await;
            if let (Ok(_), Some(rollouts)) = (&result, rollouts) {
                match rollouts.roll_back(&name, target, BY_OPERATOR).await {
                    Ok(true) => {}
                    Ok(false) => result = Err(Failure::Temporary(anyhow!("its bytes are no longer stored"))),
                    Err(error) => result = Err(Failure::Temporary(error.into())),
                }
            }
            TaskResult::Restored(Box::new(Restored { name, result, took: began.elapsed(), answer }))
        };
        self.running.insert(name.clone(), self.attempts.spawn(restore));
        self.publish_status();
    }

    /// Handles the result of loading a version for a rollback.
    pub(super) fn finish_rollback(&mut self, Restored { name, result, took, answer }: Restored) {
        match result {
            Ok(live) => {
                self.roll_back_to(&name, Some(Arc::new(live)), BY_OPERATOR, took);
                self.waiting.push(Waiting { answer, receipts: Vec::new() });
            }
            Err(failure) => {
                let _ =
                    answer.send(Err(format!("failed to restore the requested version of plugin `{name}`: {failure}")));
            }
        }
    }

    /// Resolves the digest that an operator allows.
    fn digest_to_allow(&self, name: &str, digits: Option<&str>) -> Result<Digest, String> {
        let last = self.registry.receipts().get(name).cloned();
        let waits = last.filter(|last| matches!(last.outcome, Outcome::Waiting(_) | Outcome::RolledBack(_)));
        let waits = waits.and_then(|last| last.digest);
        let waits = waits.or_else(|| self.waiting_for_approval(name));
        let Some(digits) = digits else {
            return waits.ok_or_else(|| format!("no version of plugin `{name}` waits to be allowed"));
        };
        let known = waits.filter(|digest| digest.starts_with(digits));
        let known = known.or_else(|| self.records.of(name).excluded_with_prefix(digits));
        known
            .or_else(|| digits.parse().ok())
            .ok_or_else(|| format!("no waiting version of plugin `{name}` matches {digits}; use the full digest"))
    }

    fn allow(&mut self, name: &str, digest: Digest, answer: oneshot::Sender<command::Result>) {
        self.records.allow(name, digest);
        let live = self.registry.get(name).map(|live| live.digest);
        let fields = ReceiptFields { digest: Some(digest), before: live, after: live, ..ReceiptFields::default() };
        self.publisher.add(name, Outcome::Allowed, fields);
        // The file is attempted again as if it were new.
        self.stop(name);
        self.retry_now.insert(name.to_owned());
        self.waiting.push(Waiting { answer, receipts: Vec::new() });
    }
}
