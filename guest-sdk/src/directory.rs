//! The tenant's customers, for plugins of the other roles. The gateway answers from its index, if the tenant has one.
//! Otherwise a call runs the plugin that has the CRM role, within the time left to the calling plugin.
//!
//! ```
//! use frontgate_sdk::{Customer, directory, testing};
//!
//! testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107").owned_by("ana@example.org")]);
//! assert_eq!(directory::find_customer("+12025550107")?.unwrap().customer_id, "7");
//! assert_eq!(directory::find_customer("+12025550100")?, None);
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```

use crate::{Customer, Result, host};

/// Returns all details of one customer, or [`Error::NotFound`](crate::Error::NotFound) if this worker may not see it.
///
/// ```
/// use frontgate_sdk::{Customer, Error, directory, testing};
///
/// testing::customers([Customer::new("7", "Mora Lind").owned_by("ana@example.org")]);
/// assert_eq!(directory::get_customer("ana@example.org", "7")?.display_name, "Mora Lind");
/// assert_eq!(directory::get_customer("ben@example.org", "7"), Err(Error::NotFound));
/// # Ok::<(), Error>(())
/// ```
pub fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
    host::directory::get_customer(worker, customer_id)
}

/// Returns the customer with this address (`+12025550107` or `whatsapp:+12025550107`), if any.
///
/// ```
/// use frontgate_sdk::{Customer, directory, testing};
///
/// testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107")]);
/// assert!(directory::find_customer("whatsapp:+12025550107")?.is_some());
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn find_customer(address: &str) -> Result<Option<Customer>> {
    host::directory::find_customer(address)
}

/// Reads customers again from their source, so that all later answers show what this plugin has just written to the CRM.
/// At most 100 ids. Without an index there is nothing to do.
///
/// ```
/// use frontgate_sdk::directory;
///
/// # frontgate_sdk::testing::customers([]);
/// directory::refresh(["7"])?;
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn refresh<I: Into<String>>(customer_ids: impl IntoIterator<Item = I>) -> Result<()> {
    let ids: Vec<String> = customer_ids.into_iter().map(Into::into).collect();
    host::directory::refresh(&ids)
}
