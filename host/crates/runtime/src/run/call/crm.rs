//! The questions of the CRM role.

use frontgate_contract::bindings::crm::{CustomerPage, ListRequest};
use frontgate_contract::bindings::plugin_types::Customer;

use super::{Call, ask};
use crate::error::CallError;

impl Call<'_> {
    /// A page of the customers that a worker may see.
    pub async fn list_customers(self, request: ListRequest) -> Result<CustomerPage, CallError> {
        ask!(self, crm.call_list_customers(&request))
    }

    /// One customer with everything.
    pub async fn get_customer(self, worker: String, customer_id: String) -> Result<Customer, CallError> {
        ask!(self, crm.call_get_customer(&worker, &customer_id))
    }

    /// The customer behind an address.
    pub async fn find_customer(self, address: String) -> Result<Option<Customer>, CallError> {
        ask!(self, crm.call_find_customer(&address))
    }
}
