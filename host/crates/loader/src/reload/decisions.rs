//! Decisions about versions: of this replica's probations, and of operators. They are stored in the database, and take
//! effect by following.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::digest::Digest;
use frontgate_rollouts::Rollouts;
use frontgate_runtime::receipt::Outcome;
use frontgate_store::StoreError;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::warn;

use super::Reload;
use super::command::{self, Request, Waiting};
use super::publish::ReceiptFields;
use super::task::TaskResult;

/// Time between two attempts to store a decision.
const RETRY: Duration = Duration::from_secs(1);

/// The result of storing an operator's decision.
pub(super) struct Commanded {
    name: String,
    /// The version and what was decided, for a receipt of this replica; `None` if following leaves one.
    decided: Option<(Digest, Outcome)>,
    result: Result<(), StoreError>,
    answer: oneshot::Sender<command::Result>,
}

/// A decision of this replica.
pub(super) enum Decision {
    Promote,
    Withdraw(String),
}

impl Reload {
    /// Handles a probation that ended without a failure.
    pub(super) fn passed(&mut self, name: &str, digest: Digest) {
        let rollout = self.agreement.as_ref().and_then(|known| known.rollout(name));
        if rollout.is_some_and(|rollout| rollout.is_on_trial(digest)) {
            self.decide(name, digest, Decision::Promote);
        }
    }

    /// Withdraws a version that failed here from all replicas.
    pub(super) fn withdraw(&mut self, name: &str, digest: Digest, reason: &str) {
        self.decide(name, digest, Decision::Withdraw(reason.to_owned()));
    }

    /// Stores a decision. Tries again until it is stored.
    pub(super) fn decide(&mut self, name: &str, digest: Digest, decision: Decision) {
        let Some(agreement) = &mut self.agreement else { return };
        *agreement.deciding.entry(name.to_owned()).or_default() += 1;
        let (rollouts, name) = (Arc::clone(&agreement.rollouts), name.to_owned());
        self.attempts.spawn(async move {
            loop {
                let stored = match &decision {
                    Decision::Promote => rollouts.promote(&name, digest).await,
                    Decision::Withdraw(reason) => rollouts.withdraw(&name, digest, reason).await,
                };
                let Err(error) = stored else { return TaskResult::Decided(name) };
                warn!(
                    event = "rollout.not_stored",
                    plugin = name,
                    "failed to store the decision about plugin `{name}`, retrying: {error}"
                );
                sleep(RETRY).await;
            }
        });
    }

    /// Handles the end of storing a decision.
    pub(super) fn decided(&mut self, name: &str) {
        if let Some(agreement) = &mut self.agreement {
            agreement.decided(name);
        }
    }

    /// Tells the other replicas of a version that waits for approval.
    pub(super) fn wait_for_approval(&self, name: &str, digest: Digest, reason: &str) {
        let Some(agreement) = &self.agreement else { return };
        let (rollouts, name, reason) = (Arc::clone(&agreement.rollouts), name.to_owned(), reason.to_owned());
        tokio::spawn(async move {
            // Without it, `frontgate plugin allow` works at this replica.
            if let Err(error) = rollouts.wait(&name, digest, &reason).await {
                warn!(
                    event = "rollout.not_stored",
                    plugin = name,
                    "failed to store the version of plugin `{name}` that waits: {error}"
                );
            }
        });
    }

    /// Returns the version that waits for approval at any replica.
    pub(super) fn waiting_for_approval(&self, name: &str) -> Option<Digest> {
        let rollout = self.agreement.as_ref().and_then(|agreement| agreement.rollout(name))?;
        rollout.waiting.as_ref().map(|(digest, _)| *digest)
    }

    /// Executes a command after the decisions of the other replicas were read.
    pub(super) fn requested(&mut self, (request, read): (Request, Result<(), StoreError>)) {
        match read {
            Ok(()) => {
                self.follow_all();
                self.execute_now(request);
            }
            Err(error) => drop(request.answer.send(Err(format!("failed to read the rollouts of plugins: {error}")))),
        }
    }

    /// Starts to store that an operator allows a version.
    pub(super) fn allow_for_all(&mut self, name: &str, digest: Digest, answer: oneshot::Sender<command::Result>) {
        self.command(name, Some((digest, Outcome::Allowed)), answer, move |rollouts, name| async move {
            rollouts.allow(&name, digest).await
        });
    }

    /// Starts to remove a plugin from all replicas.
    pub(super) fn remove_for_all(&mut self, name: &str, answer: oneshot::Sender<command::Result>) {
        let refusal = match &self.agreement {
            None => "plugins come from the folder: delete the file instead (plugins.source = \"folder\")".to_owned(),
            Some(known)
                if known.rollout(name).is_none_or(|rollout| rollout.live.is_none() && rollout.trial.is_none()) =>
            {
                format!("plugin `{name}` is not live")
            }
            Some(_) => {
                let remove = |rollouts: Arc<Rollouts>, name: String| async move { rollouts.remove(&name).await };
                return self.command(name, None, answer, remove);
            }
        };
        let _ = answer.send(Err(refusal));
    }

    /// Starts to withdraw the version that is on trial at any replica. Hands `answer` back when no version is.
    pub(super) fn withdraw_trial(
        &mut self,
        name: &str,
        reason: &'static str,
        answer: oneshot::Sender<command::Result>,
    ) -> Option<oneshot::Sender<command::Result>> {
        let trial = self.agreement.as_ref().and_then(|known| known.rollout(name)).and_then(|rollout| rollout.trial);
        let Some(trial) = trial else { return Some(answer) };
        // Where the version runs, following leaves the receipt.
        let is_here = self.registry.get(name).is_some_and(|live| live.digest == trial.digest);
        let decided = (!is_here).then(|| (trial.digest, Outcome::RolledBack(reason.to_owned())));
        self.command(name, decided, answer, move |rollouts, name| async move {
            rollouts.withdraw(&name, trial.digest, reason).await
        });
        None
    }

    fn command<F: Future<Output = Result<(), StoreError>> + Send + 'static>(
        &mut self,
        name: &str,
        decided: Option<(Digest, Outcome)>,
        answer: oneshot::Sender<command::Result>,
        work: impl FnOnce(Arc<Rollouts>, String) -> F + Send + 'static,
    ) {
        let Some(agreement) = &self.agreement else { return };
        let (rollouts, name) = (Arc::clone(&agreement.rollouts), name.to_owned());
        self.attempts.spawn(async move {
            let result = work(rollouts, name.clone()).await;
            TaskResult::Commanded(Box::new(Commanded { name, decided, result, answer }))
        });
    }

    /// Handles the result of storing an operator's decision. The change follows from the agreement.
    pub(super) fn commanded(&mut self, Commanded { name, decided, result, answer }: Commanded) {
        if let Err(error) = result {
            let _ = answer.send(Err(format!("failed to store the decision about plugin `{name}`: {error}")));
            return;
        }
        if let Some(agreement) = &mut self.agreement {
            agreement.failed.remove(&name);
        }
        if let Some((digest, outcome)) = decided {
            let live = self.registry.get(&name).map(|live| live.digest);
            let fields = ReceiptFields { digest: Some(digest), before: live, after: live, ..ReceiptFields::default() };
            self.publisher.add(&name, outcome, fields);
        }
        self.follow_all();
        self.waiting.push(Waiting { answer, receipts: Vec::new() });
    }
}
