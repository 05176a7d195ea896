//! Customers from a CRM over HTTP. Workers see the contacts that they own in the CRM.

mod api;
mod contact;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Position, Result, address};

use crate::api::{Filter, Start};
use crate::contact::Contact;

/// The maximum number of CRM pages per call. The CRM's pages are smaller than the app's; the next call continues.
const PAGES_MAX: usize = 10;

struct SmallCrm;

frontgate_sdk::export!(SmallCrm: crm);

impl Crm for SmallCrm {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let filter = Filter { owner: &request.worker, query: request.query.as_deref() };
        let page_size = request.page_size as usize;
        let mut start = match request.position {
            Position::First => Start::First,
            Position::After(id) => Start::After(id),
            Position::Token(cursor) => Start::Cursor(cursor),
        };
        let mut customers = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = api::contacts(&filter, page_size - customers.len(), &start)?;
            customers.extend(page.contacts.into_iter().map(Contact::summary));
            let Some(cursor) = page.next_cursor else { return Ok(CustomerPage::last(customers)) };
            start = Start::Cursor(cursor);
            if customers.len() >= page_size {
                break;
            }
        }
        let page = CustomerPage::last(customers);
        Ok(match start {
            Start::Cursor(cursor) => page.then(cursor),
            Start::First | Start::After(_) => page,
        })
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        let contact = api::contact(customer_id)?;
        // The CRM returns every contact, so the plugin must check the owner.
        match contact.owner.as_deref() == Some(worker) {
            true => Ok(contact.customer()),
            false => Err(Error::NotFound),
        }
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        let number = address::number(address);
        if !address::is_e164(number) {
            return Ok(None);
        }
        let page = api::contacts_with(number)?;
        Ok(page.contacts.into_iter().next().map(Contact::customer))
    }
}
