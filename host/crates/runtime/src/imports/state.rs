//! `state`: what the plugin keeps, for the tenant of the call.

use frontgate_contract::bindings::plugin_types::Error;
use frontgate_contract::bindings::state::{Entry, Host, StateError};
use frontgate_state::{Bucket, Refusal, Session, SessionOptions};

use crate::run::store::CallStore;

impl Host for CallStore {
    async fn get(&mut self, key: String) -> Result<Option<Entry>, StateError> {
        let value = session(self)?.get(&key).await.map_err(error)?;
        Ok(value.map(|value| Entry { value: value.bytes, version: value.version }))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, seconds: Option<u32>) -> Result<(), StateError> {
        session(self)?.set(key, value, seconds).await.map_err(error)
    }

    async fn swap(
        &mut self,
        key: String,
        version: Option<u64>,
        value: Vec<u8>,
        seconds: Option<u32>,
    ) -> Result<bool, StateError> {
        session(self)?.swap(key, version, value, seconds).await.map_err(error)
    }

    async fn increment(&mut self, key: String, by: i64, seconds: Option<u32>) -> Result<i64, StateError> {
        session(self)?.increment(key, by, seconds, i64::MIN).await.map_err(error)
    }

    async fn delete(&mut self, key: String) -> Result<(), StateError> {
        session(self)?.delete(key).await.map_err(error)
    }
}

/// A refusal in the contract's words.
pub(super) fn error(refusal: Refusal) -> StateError {
    match refusal {
        Refusal::TooLarge => StateError::TooLarge,
        Refusal::Full => StateError::Full,
        Refusal::NotANumber => StateError::NotANumber,
        Refusal::Unavailable => StateError::Unavailable,
    }
}

/// The bucket of the plugin and the tenant, opened when the call first asks for it.
pub(super) fn session(store: &mut CallStore) -> Result<&mut Session, StateError> {
    let limits = store.grants.state.as_ref().ok_or(StateError::NotGranted)?;
    // While a plugin is only tried, there is nobody for whom it could keep something.
    let reach = store.reach.as_ref().ok_or(StateError::Unavailable)?;
    let state = reach.engine.state.as_ref().ok_or(StateError::Unavailable)?;
    let session = store.state.get_or_insert_with(|| {
        let caller = store.output.caller();
        let bucket = Bucket { plugin: store.output.plugin().clone(), tenant: caller.tenant.clone() };
        let request = caller.request.clone();
        Box::new(Session::open(
            state,
            SessionOptions { bucket, limits: limits.clone(), request, deadline: reach.deadline },
        ))
    });
    Ok(session)
}

/// Commits what a call has kept if it has succeeded, before anybody hears its answer; without that there is
/// no answer.
pub(crate) async fn commit<R>(
    session: Option<Box<Session>>,
    outcome: wasmtime::Result<Result<R, Error>>,
) -> wasmtime::Result<Result<R, Error>> {
    let (Some(session), Ok(Ok(_))) = (session, &outcome) else {
        return outcome;
    };
    match session.commit().await {
        Ok(()) => outcome,
        // The plugin has said that it succeeded: this is not its word.
        Err(error) => Err(error.into()),
    }
}
