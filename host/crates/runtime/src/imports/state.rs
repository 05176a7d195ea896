//! `state`: the plugin's key-value state for the tenant of the call.

use std::sync::Arc;

use frontgate_contract::bindings::plugin_types::Error;
use frontgate_contract::bindings::state::{Entry, Host, StateError};
use frontgate_state::settings::StateLimits;
use frontgate_state::{Bucket, Buckets};
use frontgate_state::{JointWrites, Refusal, Session, SessionOptions};
use tokio::time::Instant;
use wasmtime::component::HasData;

use crate::actions::ActionQueue;
use crate::run::output::Output;

/// Host side of the import `state` for one call.
pub(crate) struct StateHost<'a> {
    /// `None` if the operator did not grant any state.
    pub(crate) limits: Option<&'a StateLimits>,
    /// The store and the call's deadline; `None` during a trial start, which has no tenant.
    pub(crate) buckets: Option<(&'a Arc<Buckets>, Instant)>,
    /// Output of the call, which names the plugin, the tenant and the request.
    pub(crate) output: &'a Output,
    /// Session, opened by the first function that the plugin calls.
    pub(crate) session: &'a mut Option<Box<Session>>,
}

impl HasData for StateHost<'static> {
    type Data<'a> = StateHost<'a>;
}

impl Host for StateHost<'_> {
    async fn get(&mut self, key: String) -> Result<Option<Entry>, StateError> {
        self.record(&key).await;
        let value = self.session()?.get(&key).await.map_err(state_error)?;
        Ok(value.map(|value| Entry { value: value.bytes, version: value.version }))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, seconds: Option<u32>) -> Result<(), StateError> {
        self.session()?.set(key, value, seconds).await.map_err(state_error)
    }

    async fn swap(
        &mut self,
        key: String,
        version: Option<u64>,
        value: Vec<u8>,
        seconds: Option<u32>,
    ) -> Result<bool, StateError> {
        self.record(&key).await;
        self.session()?.swap(key, version, value, seconds).await.map_err(state_error)
    }

    async fn increment(&mut self, key: String, by: i64, seconds: Option<u32>) -> Result<i64, StateError> {
        self.record(&key).await;
        self.session()?.increment(key, by, seconds, i64::MIN).await.map_err(state_error)
    }

    async fn delete(&mut self, key: String) -> Result<(), StateError> {
        self.session()?.delete(key).await.map_err(state_error)
    }
}

impl StateHost<'_> {
    /// Records in a dry run that keys were listed, which a test case cannot repeat.
    pub(super) fn record_list(&self) {
        if let Some(dry_run) = self.output.caller().dry_run() {
            dry_run.cut(self.output.plugin());
        }
    }

    /// Records the value of a key in a dry run.
    pub(super) async fn record(&mut self, key: &str) {
        let Some(dry_run) = self.output.caller().dry_run() else { return };
        let (dry_run, plugin) = (Arc::clone(dry_run), Arc::clone(self.output.plugin()));
        let Ok(session) = self.session() else { return };
        if !session.has_written(key)
            && let Ok(Some(value)) = session.get(key).await
        {
            dry_run.add_state(&plugin, key, &value.bytes);
        }
    }

    /// Returns the session of the plugin and the tenant.
    pub(super) fn session(&mut self) -> Result<&mut Session, StateError> {
        let limits = self.limits.ok_or(StateError::NotGranted)?;
        let (buckets, deadline) = self.buckets.ok_or(StateError::Unavailable)?;
        Ok(self.session.get_or_insert_with(|| {
            let caller = self.output.caller();
            let bucket = Bucket { plugin: self.output.plugin().clone(), tenant: caller.tenant.clone() };
            let request = caller.request.clone();
            Box::new(Session::open(buckets, SessionOptions { bucket, limits: limits.clone(), request, deadline }))
        }))
    }
}

/// Converts a refusal of the store.
pub(super) fn state_error(refusal: Refusal) -> StateError {
    match refusal {
        Refusal::TooLarge => StateError::TooLarge,
        Refusal::Full => StateError::Full,
        Refusal::NotANumber => StateError::NotANumber,
        Refusal::Unavailable => StateError::Unavailable,
    }
}

/// What a call leaves behind if it succeeds.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) session: Option<Box<Session>>,
    /// Actions that the call asks for.
    pub(crate) actions: Option<Actions>,
}

/// The actions of a call, and where they are accepted.
pub(crate) struct Actions {
    pub(crate) queue: Arc<dyn ActionQueue>,
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) tenant: Arc<str>,
    pub(crate) writes: Arc<dyn JointWrites>,
}

/// Commits state and actions of a successful call before the caller receives its answer. Fails the call if the commit
/// fails.
pub(crate) async fn commit<R>(
    effects: Effects,
    outcome: wasmtime::Result<Result<R, Error>>,
) -> wasmtime::Result<Result<R, Error>> {
    if !matches!(outcome, Ok(Ok(_))) {
        return outcome;
    }
    let Effects { session, actions } = effects;
    let joint = actions.as_ref().map(|actions| Arc::clone(&actions.writes));
    let committed = match (session, joint, &actions) {
        (Some(session), joint, _) => session.commit(joint).await,
        (None, Some(joint), Some(actions)) => actions.buckets.commit_alone(&actions.tenant, joint).await,
        _ => Ok(()),
    };
    match committed {
        Ok(()) => {
            if let Some(actions) = actions {
                actions.queue.accepted(&actions.tenant);
            }
            outcome
        }
        // This is not an error of the plugin, which has returned `ok`.
        Err(error) => Err(error.into()),
    }
}
