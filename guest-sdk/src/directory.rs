//! The CRM of the tenant, for plugins of the other roles: a call here runs the plugin that answers
//! the CRM role, within what is left of this call's own time.
//!
//! ```
//! use frontgate_sdk::{Customer, directory, testing};
//!
//! testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107").owned_by("ana@example.org")]);
//! assert_eq!(directory::find_customer("+12025550107")?.unwrap().customer_id, "7");
//! assert_eq!(directory::find_customer("+12025550100")?, None);
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```

use crate::{Customer, Result};

/// One customer with everything; [`Error::NotFound`](crate::Error::NotFound) where this worker may
/// not see it.
pub fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::directory::get_customer(worker, customer_id);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::get_customer(worker, customer_id);
}

/// The customer behind `+12025550107` or `whatsapp:+12025550107`, if any.
pub fn find_customer(address: &str) -> Result<Option<Customer>> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::directory::find_customer(address);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::find_customer(address);
}
