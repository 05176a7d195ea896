//! The `directory` import of plugins in other roles, implemented by nested calls of the tenant's CRM plugin.

use std::sync::{Arc, OnceLock};

use frontgate_contract::Role;
use frontgate_contract::bindings::plugin_types::{Customer, Error};
use frontgate_customers::{PageLookup, StoreError, TenantCustomers};
use frontgate_runtime::{Call, CallError, Directory, LoadedPlugin, Lookup, OuterCall};
use frontgate_telemetry::brief;
use tracing::warn;

use crate::Tenant;
use crate::customers::{self, Source};
use crate::invoker::{Plugins, first_live};

/// Looks up customers of one tenant during one call.
pub(crate) struct TenantDirectory {
    plugins: Arc<Plugins>,
    tenant: Arc<Tenant>,
    /// CRM plugin, chosen by the first lookup so that all lookups of a call use the same version.
    crm: OnceLock<Option<Arc<LoadedPlugin>>>,
}

impl TenantDirectory {
    pub(crate) fn new(plugins: &Arc<Plugins>, tenant: &Arc<Tenant>) -> Self {
        Self { plugins: Arc::clone(plugins), tenant: Arc::clone(tenant), crm: OnceLock::new() }
    }

    fn crm(&self) -> Result<&Arc<LoadedPlugin>, Error> {
        let find = || first_live(&self.plugins.registry, self.tenant.roles.plugins(Role::Crm), Role::Crm).ok();
        let crm = self.crm.get_or_init(find).as_ref();
        crm.ok_or_else(|| Error::Unavailable("no live plugin has the role crm".to_owned()))
    }
}

impl TenantDirectory {
    /// Returns the index, if it answers.
    fn index(&self, question: &'static str) -> Result<Option<Arc<TenantCustomers>>, Error> {
        match customers::choose(&self.plugins, &self.tenant, question, false) {
            Ok(Source::Index(index, _)) => Ok(Some(index)),
            Ok(Source::Plugin(_)) => Ok(None),
            Err(error) => Err(Error::Unavailable(error.detail().map_or_else(|| error.to_string(), Into::into))),
        }
    }
}

/// Returns the error of an index that cannot be read.
fn unread(error: StoreError) -> Error {
    Error::Unavailable(format!("failed to read the index of customers: {error}"))
}

impl Directory for TenantDirectory {
    fn get_customer<'d>(&'d self, call: OuterCall<'d>, worker: String, customer_id: String) -> Lookup<'d, Customer> {
        Box::pin(async move {
            if let Some(index) = self.index("page")? {
                return match index.page(&worker, &customer_id).await.map_err(unread)? {
                    PageLookup::Found { page, .. } => Ok(page.customer.clone()),
                    PageLookup::Hidden | PageLookup::Unknown => Err(Error::NotFound),
                };
            }
            let crm = self.crm()?;
            let found = Call::nested(&self.plugins.engine, crm, call).get_customer(worker, customer_id).await;
            found.map_err(|error| failed(crm, call, error))
        })
    }

    fn find_customer<'d>(&'d self, call: OuterCall<'d>, address: String) -> Lookup<'d, Option<Customer>> {
        Box::pin(async move {
            if let Some(index) = self.index("find")? {
                return index.find(&address).await.map_err(unread);
            }
            let crm = self.crm()?;
            let found = Call::nested(&self.plugins.engine, crm, call).find_customer(address).await;
            found.map_err(|error| failed(crm, call, error))
        })
    }

    fn refresh<'d>(&'d self, call: OuterCall<'d>, customer_ids: Vec<String>) -> Lookup<'d, ()> {
        Box::pin(async move {
            let Some(index) = self.plugins.customers.of(&self.tenant.name) else { return Ok(()) };
            let names = self.tenant.roles.plugins(Role::CrmSource);
            let source = first_live(&self.plugins.registry, names, Role::CrmSource);
            let source = source.map_err(|error| Error::Unavailable(error.to_string()))?;
            let after = index.last_change();
            let fetching = Call::nested(&self.plugins.engine, &source, call).fetch_customers(customer_ids.clone());
            let customers = fetching.await.map_err(|error| failed(&source, call, error))?;
            index.apply_fetched(&customer_ids, customers, after).await.map(drop).map_err(unread)
        })
    }
}

/// Converts an error for the calling plugin, and logs the outcome of the nested call for the operator.
fn failed(crm: &LoadedPlugin, call: OuterCall<'_>, error: CallError) -> Error {
    let converted = match error {
        CallError::NotFound => return Error::NotFound,
        CallError::Forbidden(text) => return Error::Forbidden(text),
        CallError::Invalid(text) => return Error::Invalid(text),
        CallError::Unavailable(text) => return Error::Unavailable(text),
        CallError::Failed(text) => return Error::Failed(text),
        CallError::Busy(_)
        | CallError::BreakerOpen
        | CallError::OutOfTime(_)
        | CallError::NotCommitted { retryable: true, .. } => Error::Unavailable(format!("CRM call failed: {error}")),
        _ => Error::Failed(format!("CRM call failed: {error}")),
    };
    let (name, detail) = (&*crm.name, error.detail().map(|detail| format!(": {}", brief(&detail))).unwrap_or_default());
    warn!(
        event = "directory.lookup_failed",
        request = &*call.caller.request,
        tenant = &*call.caller.tenant,
        plugin = name,
        "nested call of CRM plugin `{name}` failed: {error}{detail}",
    );
    converted
}
