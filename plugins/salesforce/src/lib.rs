//! Customers from Salesforce: contacts, and their owners, who are Frontline's workers. The gateway can keep the contacts
//! in its index.
//!
//! `docs/operate/salesforce.md` describes how to connect an org, and names the source of each of Salesforce's facts.
//!
//! # Configuration
//!
//! ```toml
//! [tenants.demo.roles]
//! crm = ["salesforce"]
//! # Recommended: lists and searches from the gateway's index.
//! crm-source = ["salesforce"]
//!
//! [plugins.named.salesforce]
//! outbound = ["https://MYDOMAIN.my.salesforce.com"]
//! # Caches users, which saves a request in each run of the index.
//! state = true
//!
//! # The gateway gets and renews the access token; the plugin never sees it.
//! [[plugins.named.salesforce.bound_secrets]]
//! to = "https://MYDOMAIN.my.salesforce.com"
//! paths = ["/services/data/"]
//! header = "authorization"
//! value = "Bearer {token}"
//!
//! [plugins.named.salesforce.bound_secrets.oauth]
//! grant = "client-credentials"
//! token_url = "https://MYDOMAIN.my.salesforce.com/services/oauth2/token"
//! client_id = "the consumer key"
//! client_secret = { env = "SALESFORCE_CLIENT_SECRET" }
//!
//! [plugins.named.salesforce.config]
//! # Required: the org's My Domain URL.
//! instance = "https://MYDOMAIN.my.salesforce.com"
//! # All of these are optional. The version of the REST API.
//! api_version = "62.0"
//! # A worker sees their own contacts; false: every worker sees all.
//! own_customers_only = true
//! # Who sees contacts of inactive users and queues: "hidden", which is no worker, or "everyone".
//! unowned = "hidden"
//! # The field of users with the worker's identity, such as "Username" or "FederationIdentifier".
//! owner_field = "Email"
//! # The country of numbers without a country code. By default: such numbers are not used.
//! country = "US"
//! # Fields with numbers, the preferred one first.
//! phone_fields = "MobilePhone, Phone, HomePhone, OtherPhone"
//! # By default: no WhatsApp numbers.
//! whatsapp_fields = "WhatsApp__c"
//! # A field with the absolute URL of a picture. By default: no pictures.
//! avatar_field = "Picture__c"
//! # The field with the customer's company; "": none.
//! company_field = "Account.Name"
//! # Seconds for which users are cached.
//! users_keep_s = 600
//!
//! # The text block on a customer's page: fields, by their API names.
//! [plugins.named.salesforce.config.details]
//! title = "Salesforce"
//! fields = "Account.Name, Title, Department, MailingCity, MailingCountry"
//!
//! # Labels of fields; by default, their API names in words.
//! [plugins.named.salesforce.config.labels]
//! "MailingCity" = "City"
//!
//! # Additional links on a customer's page: a label, and a URL with fields in braces.
//! [plugins.named.salesforce.config.links]
//! Shop = "https://shop.example.com/customers?email={Email}"
//!
//! # Workers with different identities in Frontline and Salesforce.
//! [plugins.named.salesforce.config.workers]
//! "ana@example.org" = "ana.lind@login.example.org"
//! ```
//!
//! # Queries
//!
//! Every request is a SOQL query. Its rows are in the order of their ids, and the next query asks for larger ids. No
//! other field is unique, so only this order survives additions, changes and removals between pages. Salesforce's own
//! cursor (`nextRecordsUrl`) is not used: it expires, and its rows are those of the time of the query. If Salesforce
//! returns fewer rows than asked for (`done` is false), the next query continues after the last one.
//!
//! Texts from outside become part of a query only as escaped literals, ids only if their checksum is right.
//!
//! | question | condition |
//! |---|---|
//! | a worker's contacts | `Owner.Email` is the worker's identity, and the owner is active |
//! | a search for words | each word is part of name, e-mail address or company |
//! | a search for three or more digits | the digits are in a number in this order; the plugin compares them without gaps |
//! | who has a number | the digits of the number are in a number in this order; the plugin compares the whole number |
//!
//! Numbers are compared as text, because Salesforce stores them as people write them. Salesforce's search (SOSL) is not
//! used: its index lags, and finds other notations of North American numbers only. A search for a part of a text reads
//! all contacts of the org, so a large org needs the index of the gateway.
//!
//! # The gateway's index
//!
//! A cursor holds times of Salesforce, which are those of its header `Date`, and the last contact:
//!
//! | part of a run | query | continues |
//! |---|---|---|
//! | all contacts | `query` | after the last id |
//! | changed, deleted and merged contacts | `queryAll` by `SystemModstamp`, from 10 minutes before the last run to the first answer of this run | after the last id |
//!
//! - A run continues by id within a fixed time, so that any number of contacts may have the same time, as after an
//!   import. A contact that changes during a run is reported by this run or the next one.
//! - A change has the time of its statement, and becomes visible when its transaction ends, up to 10 minutes later.
//!   Therefore 10 minutes are read again.
//! - A deleted contact is in the recycle bin, and has the time of its deletion. A merged contact is deleted. After 10 days
//!   without a run, all contacts are read again, since the recycle bin keeps 15 days.
//! - Contacts that were deleted for good are in no answer. The gateway's next enumeration finds them.
//! - Each user is a team: the workers with the user's identity, none for an inactive user. Teams are reported in each
//!   run, so that a changed or deactivated user changes no contact.
//! - With `unowned = "everyone"`, contacts of a user who is deactivated become visible by the gateway's hourly enumeration.
//! - If Salesforce's answer exceeds `outbound_response_bytes_max`, or takes longer than `outbound_timeout_ms`, half as
//!   many contacts are asked for.
//!
//! # Errors
//!
//! | Salesforce | role's error |
//! |---|---|
//! | a limit of requests, 5xx, a locked row, a timeout | `unavailable` |
//! | the access token is rejected, a permission or a field is missing | `failed`, with the fix |
//! | a rejected query, an unknown resource | `failed`, with the setting to check |
//! | a contact that does not exist, or has another owner | `not-found` |
//!
//! For the index, a limit of requests is `busy`, and a missing permission is `forbidden`. The plugin does not log
//! Salesforce's messages, which can contain customers' data, but error codes and names of fields.

mod api;
mod contact;
mod cursor;
mod list;
mod refusal;
mod settings;
mod soql;
mod source;
mod users;

use frontgate_sdk::{
    ChangeAnswer, Crm, CrmSource, Customer, CustomerPage, Error, ListRequest, Result, SourceCustomer, SourceFacts,
    address,
};

use crate::contact::Contact;
use crate::settings::Settings;

/// The plugin.
pub struct Salesforce;

frontgate_sdk::export!(Salesforce: crm, crm_source);

impl Crm for Salesforce {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        list::page(&Settings::read()?, &request)
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        let settings = Settings::read()?;
        if !soql::is_id(customer_id) {
            return Err(Error::NotFound);
        }
        Ok(Contact::get(&settings, worker, customer_id)?.customer(&settings))
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        let number = address::number(address);
        if !address::is_e164(number) {
            return Ok(None);
        }
        let settings = Settings::read()?;
        let contact = contact::by_number(&settings, number)?;
        Ok(contact.map(|contact| contact.customer(&settings)))
    }
}

impl CrmSource for Salesforce {
    fn facts() -> Result<SourceFacts> {
        source::facts()
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        source::changes(since, limit)
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        source::fetch(ids)
    }
}
