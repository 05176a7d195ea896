//! Customers from a file, such as an export of a CRM or a spreadsheet.
//!
//! Every call checks the file, so that changes take effect at once. A warm instance reads it once.

mod customers;
mod page;
mod phone;
mod row;
mod search;
mod settings;
mod table;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result, address};

use crate::customers::Customers;
use crate::row::Row;

/// The plugin.
pub struct Directory;

frontgate_sdk::export!(Directory: crm);

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
