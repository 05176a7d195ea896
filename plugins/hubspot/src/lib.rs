//! Customers from HubSpot's CRM: its contacts, and its owners, who are Frontline's workers.
//!
//! # What an operator configures
//!
//! In HubSpot, make a private app (Settings > Integrations > Private Apps) with the scopes
//! `crm.objects.contacts.read` and `crm.objects.owners.read`, and put its access token into the environment.
//!
//! ```toml
//! [tenants.demo.roles]
//! crm = ["hubspot"]
//!
//! [plugins.named.hubspot]
//! outbound = ["https://api.hubapi.com"]
//! # Who is which owner is kept here for a while, which saves a request each time.
//! state = true
//!
//! # The private app's token. The gateway puts it into requests; the plugin never sees it.
//! [[plugins.named.hubspot.bound_secrets]]
//! to = "https://api.hubapi.com"
//! header = "authorization"
//! value = "Bearer {token}"
//! secrets = { token = { env = "HUBSPOT_TOKEN" } }
//!
//! # All of these can be left out.
//! [plugins.named.hubspot.config]
//! # The HubSpot account's number, for links to its records: what stands after /contacts/ in the browser. And where
//! # people use HubSpot, which differs by region, such as "https://app-eu1.hubspot.com".
//! portal = "1234567"
//! app = "https://app.hubspot.com"
//! # A worker sees contacts of their own and those of nobody; false: everybody sees all.
//! own_customers_only = true
//! # For numbers that are written without a country code. Without it: what HubSpot takes the contact's country for.
//! country = "US"
//! # Properties with numbers, the preferred one first.
//! phone = "mobilephone, phone"
//! whatsapp = "hs_whatsapp_phone_number"
//! # A property with the absolute URL of a picture. Without one, there are no pictures.
//! avatar = "photo_url"
//! # How long it is kept who is which owner, in seconds.
//! owners_keep_s = 600
//! # Where the API is.
//! api = "https://api.hubapi.com"
//!
//! # The block of text on a customer's page: properties, by their internal names.
//! [plugins.named.hubspot.config.details]
//! title = "HubSpot"
//! properties = "company, jobtitle, city, country, lifecyclestage"
//!
//! # What they are called there. Others are called as HubSpot does internally.
//! [plugins.named.hubspot.config.labels]
//! jobtitle = "Job title"
//! lifecyclestage = "Stage"
//!
//! # More links on a customer's page: a label, and a URL with properties in braces.
//! [plugins.named.hubspot.config.links]
//! Shop = "https://shop.example.com/customers?email={email}"
//!
//! # Workers who log in to HubSpot under another address than to Frontline.
//! [plugins.named.hubspot.config.workers]
//! "ana@example.org" = "ana.lind@hubspot-login.example.org"
//! ```
//!
//! # What a worker sees
//!
//! Contacts in the order of their record ids, the oldest first: no other property is different for each contact, so
//! by no other can a list go on where it ended, whatever was added, changed or archived meanwhile. It has no end at
//! HubSpot's ten thousand results, since each page is a search of its own for larger ids. A page of more than 200
//! is several requests; where the second one fails or time runs short, the page is shorter.
//!
//! The search box looks where HubSpot's own does: names, e-mail, company, and numbers without their country code.
//! HubSpot needs some moments to find a new contact.
//!
//! # What goes wrong
//!
//! | HubSpot | role's error |
//! |---|---|
//! | any limit of requests (429), 5xx, no answer in time | `unavailable`, which says which limit, and when to come again |
//! | the token has expired, is wrong (401), or lacks a scope (403) | `failed`, which says what to do |
//! | a contact that is not there, or is another owner's | `not-found` |
//!
//! HubSpot takes five searches a second for the whole account. HubSpot's own words are not logged, since they can
//! have customers' data in them; its `correlationId` is, which its support asks for.

mod api;
mod contact;
mod list;
mod owners;
mod phone;
mod refusal;
mod search;
mod settings;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result, address};

use crate::contact::Contact;
use crate::settings::Settings;

/// The plugin.
pub struct HubSpot;

frontgate_sdk::export!(HubSpot: crm);

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
