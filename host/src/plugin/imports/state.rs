//! `state`: what the plugin keeps, for the tenant of the call.

use crate::bindings::plugin_types::Error;
use crate::bindings::state::{Entry, Host, StateError};
use crate::plugin::run::store::CallStore;
use crate::state::Bucket;
use crate::state::session::{Call, Refusal, Session};

impl Host for CallStore {
    async fn get(&mut self, key: String) -> Result<Option<Entry>, StateError> {
        let value = session(self)?.get(&key).await?;
        Ok(value.map(|value| Entry { value: value.bytes, version: value.version }))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, seconds: Option<u32>) -> Result<(), StateError> {
        Ok(session(self)?.set(key, value, seconds).await?)
    }

    async fn swap(
        &mut self,
        key: String,
        version: Option<u64>,
        value: Vec<u8>,
        seconds: Option<u32>,
    ) -> Result<bool, StateError> {
        Ok(session(self)?.swap(key, version, value, seconds).await?)
    }

    async fn increment(&mut self, key: String, by: i64, seconds: Option<u32>) -> Result<i64, StateError> {
        Ok(session(self)?.increment(key, by, seconds, i64::MIN).await?)
    }

    async fn delete(&mut self, key: String) -> Result<(), StateError> {
        Ok(session(self)?.delete(key).await?)
    }
}

impl From<Refusal> for StateError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooLarge => Self::TooLarge,
            Refusal::Full => Self::Full,
            Refusal::NoNumber => Self::NotANumber,
            Refusal::Unavailable => Self::Unavailable,
        }
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
        Box::new(Session::open(state, Call { bucket, limits: limits.clone(), request, deadline: reach.deadline }))
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
