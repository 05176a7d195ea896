//! Customers from HubSpot: contacts, and owners, who are Frontline's workers. Frontline's calls become entries there, and
//! the gateway can keep the contacts in its index.
//!
//! # Configuration
//!
//! Create a private app in HubSpot (Settings > Integrations > Private Apps) with the scopes `crm.objects.contacts.read`
//! and `crm.objects.owners.read`, and put its access token into the environment. To log calls, the app also needs
//! `crm.objects.contacts.write`.
//!
//! ```toml
//! [tenants.demo.roles]
//! crm = ["hubspot"]
//! # Optional: logs calls.
//! calls = ["hubspot"]
//! # Optional: lists and searches from the gateway's index.
//! crm-source = ["hubspot"]
//!
//! [plugins.named.hubspot]
//! outbound = ["https://api.hubapi.com"]
//! # Caches owners, which saves a request in each call, and remembers logged calls.
//! state = true
//!
//! # The private app's token. The gateway adds it to requests; the plugin never sees it.
//! [[plugins.named.hubspot.bound_secrets]]
//! to = "https://api.hubapi.com"
//! header = "authorization"
//! value = "Bearer {token}"
//! secrets = { token = { env = "HUBSPOT_TOKEN" } }
//!
//! # All of these are optional.
//! [plugins.named.hubspot.config]
//! # For links to records: the number of the HubSpot account, which is the part after /contacts/ in the browser, and the
//! # URL of HubSpot's app, which differs by region, such as "https://app-eu1.hubspot.com".
//! portal = "1234567"
//! app = "https://app.hubspot.com"
//! # A worker sees their own contacts and those without an owner; false: every worker sees all.
//! own_customers_only = true
//! # The country of numbers without a country code. By default: the country that HubSpot assumes for the contact.
//! country = "US"
//! # Properties with numbers, the preferred one first.
//! phone = "mobilephone, phone"
//! whatsapp = "hs_whatsapp_phone_number"
//! # A property with the absolute URL of a picture. By default: no pictures.
//! avatar = "photo_url"
//! # The property of calls with unique values that holds the call's SID. By default: none.
//! call_sid_property = "frontline_call_sid"
//! # Seconds for which owners are cached.
//! owners_keep_s = 600
//! # The API's URL.
//! api = "https://api.hubapi.com"
//!
//! # The text block on a customer's page: properties, by their internal names.
//! [plugins.named.hubspot.config.details]
//! title = "HubSpot"
//! properties = "company, jobtitle, city, country, lifecyclestage"
//!
//! # Labels of properties; by default, HubSpot's internal names.
//! [plugins.named.hubspot.config.labels]
//! jobtitle = "Job title"
//! lifecyclestage = "Stage"
//!
//! # Additional links on a customer's page: a label, and a URL with properties in braces.
//! [plugins.named.hubspot.config.links]
//! Shop = "https://shop.example.com/customers?email={email}"
//!
//! # Workers with different addresses in Frontline and HubSpot.
//! [plugins.named.hubspot.config.workers]
//! "ana@example.org" = "ana.lind@hubspot-login.example.org"
//! ```
//!
//! # Lists and searches
//!
//! Contacts are sorted by record id, the oldest first. No other property is unique for each contact, so only this order
//! survives additions, changes and archiving between pages. Each page is a search for larger ids, so that the list
//! continues beyond HubSpot's limit of ten thousand results. A page of more than 200 contacts takes several requests;
//! if a later one fails or time runs short, the page is shorter.
//!
//! The search box searches the same properties as HubSpot's own: names, e-mail, company, and numbers without their
//! country code. HubSpot finds a new contact only after some moments.
//!
//! # Calls
//!
//! An entry has the call's time, direction, status, length, numbers and recording, the worker as its owner, and the
//! contact with the customer's number. Without such a contact, or such an owner, the entry has none.
//!
//! Each call has one entry. The plugin looks for an entry with the call's SID before it creates one:
//!
//! | settings | where the plugin looks | when a second entry is possible |
//! |---|---|---|
//! | `call_sid_property` | the record with this unique value | never: HubSpot rejects it |
//! | `state = true` | its store, for a day, and the search | after a lost answer of HubSpot, within the search's delay |
//! | none | the search by `hs_call_external_id` | after any repetition within the search's delay |
//!
//! HubSpot's search finds a new entry only after some seconds, and the gateway repeats a failed call sooner.
//!
//! # The gateway's index
//!
//! With the role `crm-source`, the gateway keeps the contacts in its index. A cursor holds times of HubSpot, which are
//! those of its header `Date`, and the last contact:
//!
//! | part of a run | request | continues |
//! |---|---|---|
//! | all contacts | search by `hs_object_id` | after the last id |
//! | changed contacts | search by `lastmodifieddate`, from 60 s before the last run to the first answer of this run | after the last id |
//! | archived contacts | list with `archived=true` | with HubSpot's cursor |
//!
//! - A run continues by id, so that HubSpot's limit of 10,000 results and bulk changes, whose contacts all have the same
//!   time, neither stop nor repeat it. HubSpot's search lags behind changes; therefore 60 seconds are read again.
//! - The search still finds deleted contacts for some moments. Up to 100 changed contacts are therefore read by id, which
//!   does not lag behind; a larger run is a bulk change and is not.
//! - Archived contacts have no time by which HubSpot lists them. Reading them takes one request for each 100, and is
//!   repeated after 30 seconds for each request: up to 100 archived contacts in every run, 10,000 every 50 minutes.
//! - Each owner is a team: the workers with the owner's address. Teams are reported in each run, so that a changed or
//!   deactivated owner changes no contact.
//! - Webhooks report changes at once: creation, changed properties, deletion, deletion for privacy, merging, restoring.
//!   HubSpot signs them with the app's client secret, which is the webhook key `hubspot`:
//!   `webhook_keys = { hubspot = { env = "HUBSPOT_CLIENT_SECRET" } }` in `[plugins.named.hubspot]`.
//! - Contacts that were deleted for privacy are in no list. Without webhooks, the gateway's next enumeration finds them.
//! - If HubSpot's answer exceeds `outbound_response_bytes_max`, half as many contacts are asked for.
//!
//! # Errors
//!
//! | HubSpot | role's error |
//! |---|---|
//! | any limit of requests (429), 5xx, timeout | `unavailable`, with the limit and the time to retry after |
//! | an entry that HubSpot rejects (400) | `failed`, with HubSpot's category |
//! | the token has expired, is wrong (401), or lacks a scope (403) | `failed`, with the fix |
//! | a contact that does not exist, or has another owner | `not-found` |
//!
//! For the index, 429 is `busy`, for the time that HubSpot names or its limit implies, and 401 and 403 are `forbidden`.
//!
//! HubSpot allows five searches per second for the whole account. The plugin does not log HubSpot's messages, which
//! can contain customers' data. The log contains the `correlationId`, which HubSpot's support asks for.

mod api;
mod calls;
mod contact;
mod cursor;
mod list;
mod owners;
mod refusal;
mod search;
mod settings;
mod source;
mod webhook;

use frontgate_sdk::{
    Call, Calls, ChangeAnswer, Crm, CrmSource, Customer, CustomerPage, Error, ListRequest, Notification,
    NotificationAnswer, Result, SourceCustomer, SourceFacts, address,
};

use crate::contact::Contact;
use crate::settings::Settings;

/// The plugin.
pub struct HubSpot;

frontgate_sdk::export!(HubSpot: crm, calls, crm_source);

impl Crm for HubSpot {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        list::page(&Settings::read()?, &request)
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        let settings = Settings::read()?;
        if !api::is_id(customer_id) {
            return Err(Error::NotFound);
        }
        let contact = Contact::get(&settings, customer_id)?;
        if settings.own_customers_only
            && let Some(owner) = contact.owner()
            && owners::id_of(&settings, worker)?.as_deref() != Some(owner)
        {
            return Err(Error::NotFound);
        }
        contact.customer(&settings)
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        let number = address::number(address);
        if !address::is_e164(number) {
            return Ok(None);
        }
        let settings = Settings::read()?;
        let contact = search::by_number(&settings, number)?;
        contact.map(|contact| contact.customer(&settings)).transpose()
    }
}

impl Calls for HubSpot {
    fn log_call(call: Call) -> Result<()> {
        calls::log(&Settings::read()?, &call)
    }
}

impl CrmSource for HubSpot {
    fn facts() -> Result<SourceFacts> {
        Ok(source::facts())
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        source::changes(since, limit)
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        source::fetch(ids)
    }

    fn notified(notification: Notification) -> Result<NotificationAnswer> {
        webhook::news(&notification)
    }
}
