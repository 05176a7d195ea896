//! Customers from any CRM with a JSON REST API, described by a mapping in a TOML file.
//!
//! # Configuration
//!
//! ```toml
//! [tenants.demo.roles]
//! crm = ["rest"]
//! crm-source = ["rest"]
//!
//! [tenants.demo.customers]
//! index = true
//!
//! [plugins.named.rest]
//! # The folder of the mapping.
//! files = "data/rest"
//! outbound = ["https://crm.example.com"]
//! # Caches owners, which saves a request in each call.
//! state = true
//!
//! # All settings of the plugin: the mapping's file in that folder.
//! [plugins.named.rest.config]
//! mapping = "mapping.toml"
//!
//! # The CRM's token. The gateway adds it to requests; the plugin never sees it.
//! [[plugins.named.rest.bound_secrets]]
//! to = "https://crm.example.com"
//! header = "authorization"
//! value = "Bearer {token}"
//! secrets = { token = { env = "CRM_TOKEN" } }
//! ```
//!
//! `docs/operate/rest.md` describes the keys of the mapping, presets for Airtable, Pipedrive, Zendesk and Zoho CRM, and
//! the errors in the log.
//!
//! # How changes are read
//!
//! A run asks for records that changed since the latest change of the run before (`>=`, and `sync.overlap_s` earlier). The
//! times are the CRM's: of records, or of its header `Date` for the beginning of an enumeration.
//!
//! - With pages by offset or number, and records sorted by time, the next request begins at the time of the last record.
//!   Pages are counted only within records of the same time, so that no change moves the others.
//! - Pages by offset begin with the last record of the page before. If another one is there, records have moved, and
//!   pages are read again from there back to that record.
//! - With `sync.sorted = false`, the next run begins with the time of this run's first answer.
//! - Each call reads one page; the cursor holds its place.

mod ask;
mod cursor;
mod live;
mod mapping;
mod owners;
mod page;
mod path;
mod record;
mod source;
mod template;
mod time;

use frontgate_sdk::{
    ChangeAnswer, Crm, CrmSource, Customer, CustomerPage, ListRequest, Result, SourceCustomer, SourceFacts,
};

use crate::mapping::Mapping;

/// The plugin.
pub struct Rest;

frontgate_sdk::export!(Rest: crm, crm_source);

impl Crm for Rest {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        live::list(&*Mapping::load()?, &request)
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        live::get(&*Mapping::load()?, worker, customer_id)
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        live::find(&*Mapping::load()?, address)
    }
}

impl CrmSource for Rest {
    fn facts() -> Result<SourceFacts> {
        Ok(source::facts(&*Mapping::load()?))
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        source::changes(&*Mapping::load()?, since, limit)
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        source::fetch(&*Mapping::load()?, &ids)
    }
}

/// Returns the names and texts of all presets.
pub fn presets() -> [(&'static str, &'static str); 4] {
    mapping::PRESETS
}
