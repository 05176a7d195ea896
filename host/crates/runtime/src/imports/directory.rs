//! `directory`: the tenant's CRM, for plugins of the other roles. The CRM's plugin runs in a call of
//! its own, on places that only such calls take: callers that hold all other places cannot keep each
//! other waiting.

use std::sync::Arc;

use frontgate_contract::bindings::directory::Host;
use frontgate_contract::bindings::plugin_types::{Customer, Error};
use frontgate_telemetry::brief;
use tokio::time::Instant;
use tracing::warn;

use crate::error::CallError;
use crate::files::Files;
use crate::loaded_plugin::LoadedPlugin;
use crate::outbound::side_effects::SideEffects;
use crate::run::call::{Call, Caller, Deadlines};
use crate::run::engine::Engine;
use crate::run::store::CallStore;
use crate::run::usage::Usage;

/// What a plugin reaches through `directory`.
#[derive(Clone)]
pub enum Directory {
    /// The plugin that answers the tenant's CRM role.
    Crm(Arc<LoadedPlugin>),
    /// These customers, while an author tests a plugin.
    Made(Arc<[Customer]>),
    /// The tenant has no CRM, or none that is live.
    Absent,
    /// Nothing, since the CRM role itself is being answered.
    Refused,
}

/// What a running call needs to start another.
pub struct HostContext {
    pub(crate) engine: Arc<Engine>,
    pub(crate) deadline: Instant,
    pub(crate) directory: Directory,
    /// Files of the message that the call is about.
    pub(crate) files: Option<Arc<dyn Files>>,
    /// Where the call's requests leave a word of what may have come of them.
    pub(crate) traces: Option<Arc<SideEffects>>,
}

impl Host for CallStore {
    async fn get_customer(&mut self, worker: String, customer_id: String) -> Result<Customer, Error> {
        if let Some(made) = made(self) {
            // A worker sees customers of their own and of nobody.
            let sees = |customer: &&Customer| customer.worker.as_ref().is_none_or(|owner| *owner == worker);
            let found = made.iter().filter(sees).find(|customer| customer.customer_id == customer_id);
            return found.cloned().ok_or(Error::NotFound);
        }
        let nested = Nested::new(self)?;
        let result = nested.call().get_customer(worker, customer_id).await;
        result.map_err(|error| nested.failed(error))
    }

    async fn find_customer(&mut self, address: String) -> Result<Option<Customer>, Error> {
        if let Some(made) = made(self) {
            let has = |customer: &&Customer| customer.channels.iter().any(|channel| channel.value == address);
            return Ok(made.iter().find(has).cloned());
        }
        let nested = Nested::new(self)?;
        let result = nested.call().find_customer(address).await;
        result.map_err(|error| nested.failed(error))
    }
}

fn made(store: &CallStore) -> Option<Arc<[Customer]>> {
    match &store.reach.as_ref()?.directory {
        Directory::Made(customers) => Some(Arc::clone(customers)),
        _ => None,
    }
}

/// A call of the CRM's plugin from within another.
struct Nested {
    engine: Arc<Engine>,
    crm: Arc<LoadedPlugin>,
    caller: Caller,
    deadline: Instant,
    usage: Arc<Usage>,
}

impl Nested {
    fn new(store: &CallStore) -> Result<Self, Error> {
        let Some(reach) = &store.reach else {
            return Err(Error::Forbidden("a plugin's start reaches nothing".to_owned()));
        };
        let crm = match &reach.directory {
            Directory::Crm(crm) => Arc::clone(crm),
            Directory::Made(_) | Directory::Absent => {
                return Err(Error::Unavailable("no plugin answers the role crm".to_owned()));
            }
            Directory::Refused => {
                return Err(Error::Forbidden("the CRM role itself is being answered".to_owned()));
            }
        };
        let (engine, caller) = (Arc::clone(&reach.engine), store.output.caller().clone());
        Ok(Self { engine, crm, caller, deadline: reach.deadline, usage: Arc::clone(&store.usage) })
    }

    fn call(&self) -> Call<'_> {
        let deadlines = Deadlines { queue: self.deadline, answer: self.deadline };
        let call = Call::new(&self.engine, &self.crm, &self.caller, deadlines, Directory::Refused);
        call.within(&self.usage)
    }

    /// What the calling plugin is told. How the other one ended is for the operator.
    fn failed(&self, error: CallError) -> Error {
        let told = match error {
            CallError::NotFound => return Error::NotFound,
            CallError::Forbidden(text) => return Error::Forbidden(text),
            CallError::Invalid(text) => return Error::Invalid(text),
            CallError::Unavailable(text) => return Error::Unavailable(text),
            CallError::Failed(text) => return Error::Failed(text),
            CallError::Busy(_)
            | CallError::BreakerOpen
            | CallError::OutOfTime(_)
            | CallError::NotCommitted { passes: true, .. } => Error::Unavailable(format!("the CRM: {error}")),
            _ => Error::Failed(format!("the CRM: {error}")),
        };
        warn!(
            request = &*self.caller.request,
            tenant = &*self.caller.tenant,
            plugin = &*self.crm.name,
            "the CRM did not answer another plugin: {error}: {}",
            brief(&error.detail().unwrap_or_default()),
        );
        told
    }
}
