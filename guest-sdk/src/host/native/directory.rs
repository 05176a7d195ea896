//! The tenant's CRM: a list of customers.

use std::cell::RefCell;

use crate::address;
use crate::bindings::plugin_types::{Customer, Error};

thread_local! {
    static CUSTOMERS: RefCell<Vec<Customer>> = const { RefCell::new(Vec::new()) };
}

/// Replaces all customers.
pub(crate) fn set(customers: Vec<Customer>) {
    CUSTOMERS.set(customers);
}

pub(crate) fn get_customer(worker: &str, customer_id: &str) -> Result<Customer, Error> {
    let is_visible = |customer: &&Customer| customer.worker.as_deref().is_none_or(|owner| owner == worker);
    CUSTOMERS.with_borrow(|all| {
        let found = all.iter().filter(is_visible).find(|customer| customer.customer_id == customer_id);
        found.cloned().ok_or(Error::NotFound)
    })
}

pub(crate) fn find_customer(address: &str) -> Result<Option<Customer>, Error> {
    let number = address::number(address);
    let has_number = |customer: &&Customer| {
        let mut channels = customer.channels.iter();
        channels.any(|channel| address::number(&channel.value) == number)
    };
    CUSTOMERS.with_borrow(|all| Ok(all.iter().find(has_number).cloned()))
}

/// Does nothing: native tests have no index.
pub(crate) fn refresh(_: &[String]) -> Result<(), Error> {
    Ok(())
}
