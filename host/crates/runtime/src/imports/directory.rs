//! `directory`: customers of the tenant's CRM, for plugins of the other roles.
//!
//! The caller of a plugin passes a [`Directory`]. The runtime has no implementation of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use frontgate_contract::bindings::directory::Host;
use frontgate_contract::bindings::plugin_types::{Customer, Error};
use frontgate_contract::json;
use tokio::time::Instant;
use wasmtime::component::HasData;

use crate::caller::Caller;
use crate::run::usage::Usage;

/// Looks up customers on behalf of a running call.
pub trait Directory: Send + Sync {
    /// Finds a customer that a worker may see. Fails with `NotFound` without such a customer.
    fn get_customer<'d>(&'d self, call: OuterCall<'d>, worker: String, customer_id: String) -> Lookup<'d, Customer>;

    /// Finds the customer with an address, such as a phone number.
    fn find_customer<'d>(&'d self, call: OuterCall<'d>, address: String) -> Lookup<'d, Option<Customer>>;

    /// Reads customers again from their source.
    fn refresh<'d>(&'d self, call: OuterCall<'d>, customer_ids: Vec<String>) -> Lookup<'d, ()>;
}

/// Most customers that one call reads again.
const REFRESHED_MAX: usize = 100;

/// The result of a lookup, with an error that the calling plugin receives.
pub type Lookup<'d, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'd>>;

/// The call that looks up a customer.
#[derive(Debug, Clone, Copy)]
pub struct OuterCall<'c> {
    /// Tenant and request of the call.
    pub caller: &'c Caller,
    /// Deadline of the call.
    pub deadline: Instant,
    /// Usage of the call, including processor time of nested calls.
    pub(crate) usage: &'c Arc<Usage>,
}

/// Host side of the import `directory` for one call.
pub(crate) struct DirectoryHost<'a> {
    /// `None` during a trial start.
    pub(crate) call: Option<OuterCall<'a>>,
    /// `None` in a call of the CRM role, which cannot look up customers in itself.
    pub(crate) directory: Option<&'a Arc<dyn Directory>>,
    /// Name of the plugin.
    pub(crate) plugin: &'a str,
}

impl HasData for DirectoryHost<'static> {
    type Data<'a> = DirectoryHost<'a>;
}

impl Host for DirectoryHost<'_> {
    async fn get_customer(&mut self, worker: String, customer_id: String) -> Result<Customer, Error> {
        let (directory, call) = self.access()?;
        let found = directory.get_customer(call, worker, customer_id).await;
        self.record(found.as_ref().ok());
        found
    }

    async fn find_customer(&mut self, address: String) -> Result<Option<Customer>, Error> {
        let (directory, call) = self.access()?;
        let found = directory.find_customer(call, address).await;
        self.record(found.as_ref().ok().and_then(Option::as_ref));
        found
    }

    async fn refresh(&mut self, customer_ids: Vec<String>) -> Result<(), Error> {
        let (directory, call) = self.access()?;
        if customer_ids.len() > REFRESHED_MAX {
            return Err(Error::Invalid(format!("more than {REFRESHED_MAX} customers to read again")));
        }
        if call.caller.dry_run().is_some() {
            return Ok(());
        }
        directory.refresh(call, customer_ids).await
    }
}

impl<'a> DirectoryHost<'a> {
    /// Records a customer in a dry run.
    fn record(&self, customer: Option<&Customer>) {
        let dry_run = self.call.and_then(|call| call.caller.dry_run());
        if let (Some(dry_run), Some(customer)) = (dry_run, customer) {
            dry_run.add_customer(self.plugin, json::json(customer));
        }
    }

    fn access(&self) -> Result<(&'a dyn Directory, OuterCall<'a>), Error> {
        let call =
            self.call.ok_or_else(|| Error::Forbidden("directory not available during plugin startup".to_owned()))?;
        let directory = self.directory.ok_or_else(|| Error::Forbidden("the CRM role has no directory".to_owned()))?;
        Ok((&**directory, call))
    }
}
