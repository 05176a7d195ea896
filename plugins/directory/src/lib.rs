//! Customers from a file: what a small business exports from its CRM or keeps in a spreadsheet.
//!
//! Every call reads the file anew, so a change of it shows at once.

mod customers;
mod page;
mod phone;
mod row;
mod search;
mod settings;
mod table;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result, address};

use crate::customers::Customers;
use crate::settings::Settings;

/// The plugin.
pub struct Directory;

frontgate_sdk::export!(Directory: crm);

impl Crm for Directory {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let settings = Settings::read()?;
        let customers = Customers::load(&settings)?;
        let mut rows = customers.of(&request.worker);
        if let Some(query) = &request.query {
            rows = search::search(rows, query, &settings);
        }
        Ok(page::page(rows, &settings, &request.position, request.page_size))
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        let settings = Settings::read()?;
        let customers = Customers::load(&settings)?;
        let mut rows = customers.of(worker).into_iter();
        let row = rows.find(|row| row.id(&settings) == customer_id).ok_or(Error::NotFound)?;
        Ok(row.customer(&settings))
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        let settings = Settings::read()?;
        let customers = Customers::load(&settings)?;
        let number = address::number(address);
        let row = customers.all().iter().find(|row| row.has_number(number, &settings));
        Ok(row.map(|row| row.customer(&settings)))
    }
}
