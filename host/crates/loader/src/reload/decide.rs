//! What goes live, what comes back, what stays: every change of the registry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_contract::Role;
use frontgate_contract::digest::Digest;
use frontgate_runtime::receipt::Changes;
use frontgate_runtime::registry::Outcome;
use frontgate_runtime::{Build, LoadedPlugin};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::command::{self, Command, Request, Waiting};
use super::probation::Failed;
use super::publish::Facts;
use super::{Finished, Reload};
use crate::attempt::{Attempt, Ready};
use crate::failure::Failure;

/// Why an operator's rollback was done, as long as nobody says more.
const BY_OPERATOR: &str = "an operator went back to the version before";

/// A version that an operator went back to.
pub(super) struct Revival {
    name: String,
    result: Result<LoadedPlugin, Failure>,
    took: Duration,
    answer: oneshot::Sender<command::Result>,
}

impl Reload {
    /// Swaps, or keeps what is live.
    pub(super) fn swap(&mut self, attempt: Attempt) {
        let Attempt { name, seen, digest, manifest, result, instead, took } = attempt;
        if self.acted.get(&name) != Some(&seen) {
            // The file was removed in the meantime.
            return;
        }
        let before = self.registry.get(&name);
        let changes = manifest.map(|new| Changes::new(before.as_ref().map(|live| &live.manifest), &new));
        if let Some(last) = instead.filter(|_| before.is_none()) {
            self.put(Arc::new(last));
        }
        let outcome = match result {
            // It is live, or it came back after one that was not usable.
            Ok(None) => Outcome::Live,
            Ok(Some(ready)) => match self.lost(&ready.live) {
                Some(role) => Outcome::Kept(format!("it does not answer the role {role}, which a tenant relies on")),
                None => {
                    self.go_live(ready, before.clone());
                    Outcome::Live
                }
            },
            Err(failure) => self.failed(&name, failure),
        };
        let last = self.registry.receipts().get(&name).cloned();
        let swapped = before.as_ref().map(|live| live.digest) != digest;
        let told = last.is_some_and(|last| last.digest == digest && last.outcome == outcome);
        if told && !(outcome == Outcome::Live && swapped) {
            return;
        }
        let after = self.registry.get(&name).map(|live| live.digest);
        let before = before.map(|live| live.digest);
        let facts = Facts { digest, before, after, changes: changes.unwrap_or_default(), took };
        self.publisher.note(&name, outcome, facts);
    }

    fn go_live(&mut self, ready: Ready, before: Option<Arc<LoadedPlugin>>) {
        let live = Arc::new(ready.live);
        self.probations.end(&live.name);
        if let Some(old) = before {
            self.probations.begin(&live, old, &self.loader.terms().plugins().probation);
        }
        if live.build == Build::Quick {
            let optimise = Arc::clone(&self.loader).optimise(Arc::clone(&live), ready.wasm.clone());
            self.attempts.spawn(async { Finished::Optimised(Box::new(optimise.await)) });
        }
        self.records.live(&live.name, live.digest, &live.manifest, Some(ready.wasm));
        self.put(live);
    }

    /// The same version, better compiled, takes over. Nothing about it is decided anew.
    pub(super) fn optimised(&mut self, built: Result<LoadedPlugin, Failure>) {
        match built {
            Ok(mut live) => {
                let quick = self.registry.get(&live.name).filter(|quick| quick.digest == live.digest);
                if let Some(quick) = quick.filter(|quick| quick.build == Build::Quick) {
                    let (name, digest) = (Arc::clone(&live.name), live.digest.short());
                    // Its probation goes on.
                    live.health = Arc::clone(&quick.health);
                    self.put(Arc::new(live));
                    info!(
                        event = "plugin.optimized",
                        plugin = &*name,
                        digest,
                        "optimized build of plugin `{name}` took over"
                    );
                }
            }
            Err(failure) => warn!(
                event = "plugin.optimization_failed",
                "optimized build failed; keeping the quick build: {failure}"
            ),
        }
    }

    fn failed(&mut self, name: &str, failure: Failure) -> Outcome {
        if failure.may_pass() {
            self.troubled.insert(name.to_owned());
        }
        match (failure, self.registry.get(name)) {
            (Failure::Waits(reason), _) => Outcome::Waiting(reason),
            (Failure::PassedOver(reason), _) => Outcome::RolledBack(reason),
            (failure, Some(_)) => Outcome::Kept(failure.to_string()),
            (failure, None) => Outcome::Refused(failure.to_string()),
        }
    }

    /// A role that would be lost: the live version answers it, and some tenant names the plugin for it.
    fn lost(&self, new: &LoadedPlugin) -> Option<Role> {
        let old = self.registry.get(&new.name)?;
        let lost = old.roles().into_iter().filter(|role| !new.roles().contains(role));
        lost.into_iter().find(|role| self.loader.terms().is_named(&new.name, *role))
    }

    /// The file is gone, and the plugin with it.
    pub(super) fn remove(&mut self, name: &str) {
        self.acted.remove(name);
        self.stop(name);
        let before = self.registry.get(name).map(|live| live.digest);
        self.registry.remove(name);
        self.probations.end(name);
        self.records.removed(name);
        self.publisher.note(name, Outcome::Removed, Facts { before, ..Facts::default() });
        self.show();
    }

    /// Ends an attempt that has become pointless; the file is tried again, if it is still there.
    fn stop(&mut self, name: &str) {
        if let Some(attempt) = self.running.remove(name) {
            attempt.abort();
            self.again.insert(name.to_owned());
        }
    }

    /// Takes back what failed on probation.
    pub(super) fn decide(&mut self) {
        for Failed { name, old, reason } in self.probations.decide(&self.loader.terms().plugins().probation) {
            self.go_back(&name, old, &reason, Duration::ZERO);
        }
        self.show();
    }

    /// An earlier version answers again, and what answered until now is not tried any more.
    fn go_back(&mut self, name: &str, old: Arc<LoadedPlugin>, reason: &str, took: Duration) {
        let Some(withdrawn) = self.registry.get(name) else { return };
        self.probations.end(name);
        self.records.pass_over(name, withdrawn.digest, reason);
        self.records.live(name, old.digest, &old.manifest, None);
        let facts = Facts {
            digest: Some(withdrawn.digest),
            before: Some(withdrawn.digest),
            after: Some(old.digest),
            changes: Changes::new(Some(&withdrawn.manifest), &old.manifest),
            took,
        };
        self.put(old);
        self.publisher.note(name, Outcome::RolledBack(reason.to_owned()), facts);
    }

    /// Does what an operator asks. A reload of anything else begins here, too.
    pub(super) fn obey(&mut self, Request { command, answer }: Request) {
        match command {
            Command::Reload => {
                let receipts = self.registry.receipts();
                let standing = receipts.values().filter(|receipt| receipt.outcome.reason().is_some());
                self.again.extend(standing.map(|receipt| receipt.plugin.clone()));
                self.waiting.push(Waiting { answer, receipts: Vec::new() });
            }
            Command::Configure(config) => self.configure(&config, answer),
            Command::Rollback { name, digest } => self.roll_back(&name, digest.as_deref(), answer),
            Command::Allow { name, digest } => match self.allowed(&name, digest.as_deref()) {
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
        // What is being tried is tried again afterwards, with what is decided now.
        self.stop(name);
        let (loader, name) = (Arc::clone(&self.loader), name.to_owned());
        let revived = name.clone();
        let revival = async move {
            let (name, began) = (revived, Instant::now());
            let result = loader.revive(&name, target).await;
            Finished::Revived(Box::new(Revival { name, result, took: began.elapsed(), answer }))
        };
        self.running.insert(name.clone(), self.attempts.spawn(revival));
        self.show();
    }

    /// Ends an operator's rollback.
    pub(super) fn revived(&mut self, Revival { name, result, took, answer }: Revival) {
        match result {
            Ok(live) => {
                self.go_back(&name, Arc::new(live), BY_OPERATOR, took);
                self.waiting.push(Waiting { answer, receipts: Vec::new() });
            }
            Err(failure) => {
                let _ = answer.send(Err(format!("that version of plugin `{name}` cannot come back: {failure}")));
            }
        }
    }

    /// Which bytes an operator means to allow.
    fn allowed(&self, name: &str, digits: Option<&str>) -> Result<Digest, String> {
        let last = self.registry.receipts().get(name).cloned();
        let waits = last.filter(|last| matches!(last.outcome, Outcome::Waiting(_) | Outcome::RolledBack(_)));
        let waits = waits.and_then(|last| last.digest);
        let Some(digits) = digits else {
            return waits.ok_or_else(|| format!("no version of plugin `{name}` waits to be allowed"));
        };
        let known = waits.filter(|digest| digest.starts_with(digits));
        let known = known.or_else(|| self.records.of(name).passed_over_like(digits));
        known.or_else(|| digits.parse().ok()).ok_or_else(|| {
            format!("no version of plugin `{name}` that waits begins with {digits}; write the whole digest of another")
        })
    }

    fn allow(&mut self, name: &str, digest: Digest, answer: oneshot::Sender<command::Result>) {
        self.records.allow(name, digest);
        let live = self.registry.get(name).map(|live| live.digest);
        let facts = Facts { digest: Some(digest), before: live, after: live, ..Facts::default() };
        self.publisher.note(name, Outcome::Allowed, facts);
        // It is looked at as if it had just been dropped.
        self.stop(name);
        self.again.insert(name.to_owned());
        self.waiting.push(Waiting { answer, receipts: Vec::new() });
    }
}
