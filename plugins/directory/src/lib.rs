//! Customers from a file, such as an export of a CRM or a spreadsheet.
//!
//! Every call checks the file, so that changes take effect at once. A reused instance reads it once.
//!
//! # The gateway's index
//!
//! With the role `crm-source`, the gateway reads the file into its index, in batches. A batch reads only its own rows, so
//! that files may be larger than the plugin's memory. The first one looks for duplicate ids in the whole file.
//!
//! | file | `changes` |
//! |---|---|
//! | did not change since it was reported | an empty batch, after one look at length and modification time |
//! | changed since, or while it is being reported | `cursor-expired`: the gateway reads the whole file again |
//! | changes during a call | an error if the call has no cursor; nothing of the call is used |
//!
//! The source is incremental in this sense: with a cursor, it never reports what the gateway has. The enumeration after
//! `cursor-expired` finds removed customers and changed owners. `fetch` reads the file up to the customer.
//!
//! A write that changes neither length nor modification time goes unnoticed until the gateway's next enumeration.

mod cursor;
mod customers;
mod duplicates;
mod page;
mod phone;
mod row;
mod search;
mod settings;
mod source;
mod table;

use frontgate_sdk::{
    ChangeAnswer, Crm, CrmSource, Customer, CustomerPage, Error, ListRequest, Result, SourceCustomer, SourceFacts,
    address,
};

use crate::customers::Customers;
use crate::row::Row;

/// The plugin.
pub struct Directory;

frontgate_sdk::export!(Directory: crm, crm_source);

impl Crm for Directory {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let customers = Customers::load()?;
        let mut rows = customers.of(&request.worker);
        if let Some(query) = &request.query {
            rows = search::search(rows, query, &customers.settings);
        }
        Ok(page::page(rows, &customers.settings, &request.position, request.page_size))
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        let customers = Customers::load()?;
        let mut rows = customers.of(worker).into_iter();
        let row = rows.find(|row| row.id(&customers.settings) == customer_id).ok_or(Error::NotFound)?;
        Ok(row.customer(&customers.settings))
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        let customers = Customers::load()?;
        let number = address::number(address);
        let settings = &customers.settings;
        let has = |row: &&Row| row.has_number(number, settings) || row.has_identity(address, settings);
        let row = customers.all().iter().find(has);
        Ok(row.map(|row| row.customer(&customers.settings)))
    }
}

impl CrmSource for Directory {
    fn facts() -> Result<SourceFacts> {
        Ok(source::facts())
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        source::changes(since, limit)
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        source::fetch(ids)
    }
}
