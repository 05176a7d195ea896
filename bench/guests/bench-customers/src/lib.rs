//! The plugin that the benchmark measures. Its customers are generated.

use std::hint::black_box;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};

const FIRST: [&str; 10] = ["Ada", "Boris", "Chen", "Dora", "Emil", "Farah", "Gus", "Hana", "Ivo", "Jun"];
const LAST: [&str; 10] = ["Adler", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haas", "Ito", "Jansen"];

/// Worker without customers.
const NOBODY: &str = "nobody@example.org";

struct Customers;

frontgate_sdk::export!(Customers: crm);

impl Crm for Customers {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let count = if request.worker == NOBODY { 0 } else { request.page_size as usize };
        // Build complete records, although a page shows fewer fields, as real plugins do.
        Ok(CustomerPage::last((0..count).map(|number| black_box(customer(number)))))
    }

    fn get_customer(_worker: &str, customer_id: &str) -> Result<Customer> {
        let number: usize = customer_id.parse().map_err(|_| Error::NotFound)?;
        let url = format!("https://crm.example.com/customers/{number}");
        Ok(customer(number).link("CRM", url, "Open in CRM").details("About", "Tier: gold\nSince: 2019\nCity: Oslo"))
    }
}

fn customer(number: usize) -> Customer {
    let name = format!("{} {}", FIRST[number % 10], LAST[number / 10 % 10]);
    let phone = format!("+1202555{number:04}");
    Customer::new(number.to_string(), name).whatsapp(&phone).sms(phone)
}
