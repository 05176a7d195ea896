//! Functions of the CRM role.

use frontgate_contract::bindings::crm::{CustomerPage, ListRequest};
use frontgate_contract::bindings::plugin_types::Customer;

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Lists customers that a worker may see, one page at a time.
    pub async fn list_customers(self, request: ListRequest) -> Result<CustomerPage, CallError> {
        invoke!(self, crm.call_list_customers(&request))
    }

    /// Returns one customer with all details.
    pub async fn get_customer(self, worker: String, customer_id: String) -> Result<Customer, CallError> {
        invoke!(self, crm.call_get_customer(&worker, &customer_id))
    }

    /// Finds the customer with an address.
    pub async fn find_customer(self, address: String) -> Result<Option<Customer>, CallError> {
        invoke!(self, crm.call_find_customer(&address))
    }
}
