//! The role `crm`: customers, as the Frontline app shows them.

use crate::bindings::crm::Guest;
use crate::{Customer, CustomerPage, ListRequest, Result};

/// Answers the CRM callback, and finds customers by address.
///
/// ```
/// use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};
///
/// struct EmptyCrm;
///
/// impl Crm for EmptyCrm {
///     fn list_customers(_: ListRequest) -> Result<CustomerPage> {
///         Ok(CustomerPage::empty())
///     }
///
///     fn get_customer(_worker: &str, _customer_id: &str) -> Result<Customer> {
///         Err(Error::NotFound)
///     }
/// }
///
/// assert_eq!(EmptyCrm::find_customer("+12025550107"), Ok(None));
/// ```
pub trait Crm {
    /// Returns a page of the customers that this worker may see. A request for the page after any listed customer must
    /// succeed; for an unknown position, return an empty page.
    fn list_customers(request: ListRequest) -> Result<CustomerPage>;

    /// Returns all details of one customer, or [`Error::NotFound`](crate::Error::NotFound) if this worker may not see
    /// it.
    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer>;

    /// Returns the customer with this address (`+12025550107` or `whatsapp:+12025550107`). The default returns `None`.
    fn find_customer(address: &str) -> Result<Option<Customer>> {
        let _ = address;
        Ok(None)
    }
}

impl<T: Crm> Guest for T {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        T::list_customers(request)
    }

    fn get_customer(worker: String, customer_id: String) -> Result<Customer> {
        T::get_customer(&worker, &customer_id)
    }

    fn find_customer(address: String) -> Result<Option<Customer>> {
        T::find_customer(&address)
    }
}
