//! The role `crm`: customers, as the Frontline app shows them.

use crate::bindings::crm::Guest;
use crate::{Customer, CustomerPage, ListRequest, Result};

/// Answers the CRM callback, and names the customer behind an address.
///
/// ```
/// use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};
///
/// struct Nobody;
///
/// impl Crm for Nobody {
///     fn list_customers(_: ListRequest) -> Result<CustomerPage> {
///         Ok(CustomerPage::empty())
///     }
///
///     fn get_customer(_worker: &str, _customer_id: &str) -> Result<Customer> {
///         Err(Error::NotFound)
///     }
/// }
///
/// assert_eq!(Nobody::find_customer("+12025550107"), Ok(None));
/// ```
pub trait Crm {
    /// A page of the customers that this worker may see. What follows after a customer that was
    /// listed must always be found; an unknown position gives an empty page.
    fn list_customers(request: ListRequest) -> Result<CustomerPage>;

    /// One customer with everything; [`Error::NotFound`](crate::Error::NotFound) where this worker
    /// may not see it.
    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer>;

    /// The customer behind `+12025550107` or `whatsapp:+12025550107`. Without an answer of its own a
    /// plugin knows nobody.
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
