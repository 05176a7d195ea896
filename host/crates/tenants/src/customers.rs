//! Answers about customers: from the index if it can answer, else from the plugin with the role `crm`.

mod refreshes;

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_contract::bindings::crm::{CustomerPage, ListRequest};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_customers::{PageLookup, Readiness, TenantCustomers};
use frontgate_runtime::{CallError, LoadedPlugin};
use frontgate_telemetry::metrics::{METRICS, labels};
use tokio::time::timeout_at;

pub(crate) use self::refreshes::Refreshes;
use crate::invoker::{PluginInvoker, Plugins, first_live};
use crate::tenant::Tenant;

/// Time before the deadline at which a page is answered as it is, although the source has not answered yet.
const RESERVE: Duration = Duration::from_secs(1);

/// Who answers a question about customers.
#[derive(Clone)]
pub enum AnsweredBy {
    /// The index.
    Index,
    /// An index that is too old, since no plugin can answer.
    OldIndex,
    /// The plugin with the role `crm`.
    Plugin(Arc<LoadedPlugin>),
}

impl AnsweredBy {
    /// Returns the name in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::OldIndex => "old-index",
            Self::Plugin(_) => "plugin",
        }
    }

    fn count(&self, tenant: &Arc<str>, question: &'static str) {
        let answer = labels::CustomerAnswer { tenant: Arc::clone(tenant), question, by: self.name() };
        METRICS.customer_answers.get_or_create(&answer).inc();
    }
}

/// What answers: the index, or a plugin.
pub(crate) enum Source {
    Index(Arc<TenantCustomers>, AnsweredBy),
    Plugin(Arc<LoadedPlugin>),
}

/// Chooses who answers questions about a tenant's customers.
pub(crate) fn choose(
    plugins: &Plugins,
    tenant: &Tenant,
    question: &'static str,
    is_dry: bool,
) -> Result<Source, CallError> {
    let plugin = || first_live(&plugins.registry, tenant.roles.plugins(Role::Crm), Role::Crm);
    let unavailable = |reason: &str| CallError::Unavailable(format!("the index of customers {reason}"));
    let chosen = match plugins.customers.of(&tenant.name) {
        None => Source::Plugin(plugin()?),
        Some(index) => match (index.readiness(), plugin()) {
            (Readiness::Ready, _) => Source::Index(index, AnsweredBy::Index),
            (Readiness::TooOld, Err(_)) if index.serves_too_old() => Source::Index(index, AnsweredBy::OldIndex),
            (_, Ok(plugin)) => Source::Plugin(plugin),
            (Readiness::TooOld, Err(_)) => return Err(unavailable("is too old")),
            (Readiness::NotReady, Err(_)) => return Err(unavailable("is not complete yet")),
        },
    };
    match &chosen {
        _ if is_dry => {}
        Source::Index(_, by) => by.count(&tenant.name, question),
        Source::Plugin(plugin) => AnsweredBy::Plugin(Arc::clone(plugin)).count(&tenant.name, question),
    }
    Ok(chosen)
}

impl PluginInvoker {
    /// Lists customers that a worker may see. `chosen` learns who answers, before the answer.
    ///
    /// # Errors
    ///
    /// Fails if neither the index nor a plugin can answer.
    pub async fn list_customers(
        &self,
        request: ListRequest,
        chosen: impl FnOnce(&AnsweredBy),
    ) -> Result<CustomerPage, CallError> {
        match choose(&self.plugins, &self.tenant, "list", self.is_dry())? {
            Source::Index(index, by) => {
                chosen(&by);
                index.list(request).await.map_err(unread)
            }
            Source::Plugin(plugin) => {
                chosen(&AnsweredBy::Plugin(Arc::clone(&plugin)));
                // The page before was the index's, which knows another order.
                if TenantCustomers::is_own_token(&request) {
                    return Ok(CustomerPage { customers: Vec::new(), next_page_token: None });
                }
                self.call(&plugin, Role::Crm).list_customers(request).await
            }
        }
    }

    /// Returns a customer's page. `chosen` learns who answers, before the answer.
    ///
    /// # Errors
    ///
    /// Fails with `NotFound` if the worker may not see the customer, or if neither index nor plugin can answer.
    pub async fn get_customer(
        &self,
        worker: String,
        customer_id: String,
        chosen: impl FnOnce(&AnsweredBy),
    ) -> Result<Customer, CallError> {
        match choose(&self.plugins, &self.tenant, "page", self.is_dry())? {
            Source::Index(index, by) => {
                chosen(&by);
                self.page_of_index(&index, &worker, &customer_id).await
            }
            Source::Plugin(plugin) => {
                chosen(&AnsweredBy::Plugin(Arc::clone(&plugin)));
                self.call(&plugin, Role::Crm).get_customer(worker, customer_id).await
            }
        }
    }

    /// Answers from the index. An old page is answered and read again afterwards. One without details, one of an index
    /// that is too old, and an unknown customer are read from the source first, as far as the deadline allows.
    async fn page_of_index(&self, index: &Arc<TenantCustomers>, worker: &str, id: &str) -> Result<Customer, CallError> {
        let known = match index.page(worker, id).await.map_err(unread)? {
            PageLookup::Hidden => return Err(CallError::NotFound),
            PageLookup::Found { page, age_ms } if page.is_complete && age_ms <= index.settings().too_old_ms => {
                if age_ms > index.settings().page_fresh_ms && !self.is_dry() {
                    self.refresh_later(index, id);
                }
                return Ok(page.customer.clone());
            }
            PageLookup::Found { page, .. } => Some(page.customer.clone()),
            PageLookup::Unknown => None,
        };
        if self.is_dry() {
            // Reading the customer again would change the index.
            return known.ok_or(CallError::NotFound);
        }
        let until = self.deadlines.answer.checked_sub(RESERVE).unwrap_or(self.deadlines.answer);
        // Without the source's answer, the index still has what is known.
        let _ = timeout_at(until, self.refresh(index, id)).await;
        match index.page(worker, id).await.map_err(unread)? {
            PageLookup::Found { page, .. } => Ok(page.customer.clone()),
            PageLookup::Hidden | PageLookup::Unknown => Err(CallError::NotFound),
        }
    }

    /// Returns the customer with an address, regardless of who sees the customer.
    ///
    /// # Errors
    ///
    /// Fails if neither the index nor a plugin can answer.
    pub async fn find_customer(&self, address: String) -> Result<Option<Customer>, CallError> {
        match choose(&self.plugins, &self.tenant, "find", self.is_dry())? {
            Source::Index(index, _) => index.find(&address).await.map_err(unread),
            Source::Plugin(plugin) => self.call(&plugin, Role::Crm).find_customer(address).await,
        }
    }
}

/// Returns the error of an index that cannot be read.
pub(crate) fn unread(error: impl std::fmt::Display) -> CallError {
    CallError::Unavailable(format!("failed to read the index of customers: {error}"))
}
