//! The questions of the CRM role.

use std::sync::Arc;

use super::{Caller, Deadlines, Outcome, run};
use crate::bindings::crm::{CustomerPage, Guest, ListRequest};
use crate::bindings::plugin_types::Customer;
use crate::error::Error;
use crate::plugin::engine::Engine;
use crate::plugin::live::Live;
use crate::plugin::store::CallStore;
use wasmtime::Store;
use wasmtime::component::Instance;

/// A page of the customers that a worker may see.
pub async fn list_customers(
    engine: &Engine,
    plugin: &Arc<Live>,
    caller: &Caller,
    deadlines: Deadlines,
    request: ListRequest,
) -> Result<CustomerPage, Error> {
    let live = Arc::clone(plugin);
    run(engine, plugin, caller, deadlines, async move |mut store, instance| {
        let answer = match role(&live, &mut store, &instance) {
            Ok(crm) => crm.call_list_customers(&mut store, &request).await,
            Err(error) => Err(error),
        };
        (store, answer)
    })
    .await
}

/// One customer with everything.
pub async fn get_customer(
    engine: &Engine,
    plugin: &Arc<Live>,
    caller: &Caller,
    deadlines: Deadlines,
    worker: String,
    customer_id: String,
) -> Result<Customer, Error> {
    let live = Arc::clone(plugin);
    run(engine, plugin, caller, deadlines, async move |mut store, instance| {
        let answer: Outcome<Customer> = match role(&live, &mut store, &instance) {
            Ok(crm) => crm.call_get_customer(&mut store, &worker, &customer_id).await,
            Err(error) => Err(error),
        };
        (store, answer)
    })
    .await
}

/// The role's functions in a fresh instance.
fn role(live: &Live, store: &mut Store<CallStore>, instance: &Instance) -> wasmtime::Result<Guest> {
    let indices = live.crm.as_ref();
    indices.ok_or_else(|| wasmtime::Error::msg("it does not answer the role crm"))?.load(store, instance)
}
