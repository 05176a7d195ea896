//! A contact, and the customer made from it.

use std::collections::BTreeMap;

use crm_values::phone::{self, Country};
use frontgate_sdk::{Audience, Customer, CustomerSummary, Error, Result, SourceCustomer, http, warn};
use serde::Deserialize;

use crate::owners::Owners;
use crate::search::CONTACTS;
use crate::settings::Settings;
use crate::{api, owners};

/// The property with HubSpot's guess of the country of a contact's number.
const COUNTRY: &str = "hs_calculated_phone_number_country_code";
const OWNER: &str = "hubspot_owner_id";
/// The property with the time of the last change.
pub(crate) const MODIFIED: &str = "lastmodifieddate";
/// The property with the ids of merged contacts, separated by semicolons.
const MERGED: &str = "hs_merged_object_ids";
/// Digits of a time with milliseconds.
const TIME_DIGITS: usize = 17;
/// Properties that form the name.
const NAMES: [&str; 4] = ["firstname", "lastname", "company", "email"];

/// A contact with the requested properties.
#[derive(Debug, Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: String,
    /// The values by property. HubSpot writes null for empty properties.
    properties: BTreeMap<String, Option<String>>,
}

impl Settings {
    /// Returns the properties for a row of the list.
    pub(crate) fn list_properties(&self) -> Vec<&str> {
        NAMES.into_iter().chain(self.avatar.as_deref()).collect()
    }

    /// Returns the properties for a customer's page, without duplicates.
    pub(crate) fn properties(&self) -> Vec<&str> {
        let mut all = self.list_properties();
        all.extend([OWNER, COUNTRY]);
        all.extend(self.numbers());
        all.extend(self.details.properties.iter().map(String::as_str));
        all.extend(self.links.values().flat_map(|url| pieces(url)).filter_map(|(_, property)| property));
        unique(all)
    }

    /// Returns the properties for the gateway's index, without duplicates.
    pub(crate) fn source_properties(&self) -> Vec<&str> {
        let mut all = self.properties();
        all.extend([MODIFIED, MERGED]);
        unique(all)
    }
}

impl Contact {
    pub(crate) fn get(settings: &Settings, id: &str) -> Result<Self> {
        let url = settings.url(&format!("{CONTACTS}/{id}"));
        let properties = settings.properties();
        let request = properties.iter().fold(http::get(&url), |request, name| request.query("properties", name));
        api::find(request)?.ok_or(Error::NotFound)
    }

    /// Returns the value of a property, or an empty text if the property has no value.
    fn value(&self, property: &str) -> &str {
        self.properties.get(property).and_then(Option::as_deref).map(str::trim).unwrap_or_default()
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        Some(self.value(OWNER)).filter(|owner| !owner.is_empty())
    }

    fn country(&self, settings: &Settings) -> Option<Country> {
        settings.country.or_else(|| Country::named(self.value(COUNTRY)))
    }

    /// Returns the numbers of these properties in E.164 without duplicates, and those that are not valid.
    fn numbers<'p>(
        &self,
        properties: impl IntoIterator<Item = &'p str>,
        settings: &Settings,
    ) -> (Vec<String>, Vec<String>) {
        let country = self.country(settings);
        let (mut numbers, mut invalid) = (Vec::new(), Vec::new());
        for written in properties.into_iter().map(|name| self.value(name)).filter(|number| !number.is_empty()) {
            match phone::e164(written, country) {
                Some(number) if numbers.contains(&number) => {}
                Some(number) => numbers.push(number),
                None => invalid.push(written.to_owned()),
            }
        }
        (numbers, invalid)
    }

    pub(crate) fn has_number(&self, number: &str, settings: &Settings) -> bool {
        self.numbers(settings.numbers(), settings).0.iter().any(|known| known == number)
    }

    /// Returns the display name. Contacts without a name get the company, the e-mail address or the id.
    fn name(&self) -> String {
        let name = format!("{} {}", self.value("firstname"), self.value("lastname"));
        let others = ["company", "email"].map(|property| self.value(property));
        let name = [name.trim()].into_iter().chain(others).find(|name| !name.is_empty());
        name.map_or_else(|| format!("Contact {}", self.id), str::to_owned)
    }

    pub(crate) fn summary(&self, settings: &Settings) -> CustomerSummary {
        let summary = CustomerSummary::new(&self.id, self.name());
        match settings.avatar.as_deref().map(|property| self.value(property)) {
            None | Some("") => summary,
            Some(url) => summary.avatar(url),
        }
    }

    pub(crate) fn customer(&self, settings: &Settings) -> Result<Customer> {
        let (mut customer, invalid) = self.read(settings);
        if !invalid.is_empty() {
            warn!("omitted {} invalid phone numbers", invalid.len());
        }
        if let Some(owner) = self.owner() {
            customer.worker = owners::worker_of(settings, owner)?;
        }
        Ok(customer)
    }

    /// Returns the customer for the gateway's index. An owner is a team there, so that a changed address of an owner
    /// changes no customer.
    pub(crate) fn source_customer(&self, settings: &Settings, owners: &Owners) -> SourceCustomer {
        let (mut customer, invalid) = self.read(settings);
        let owner = self.owner();
        customer.worker = owner.and_then(|owner| owners.worker_of(settings, owner)).map(str::to_owned);
        let source = SourceCustomer::new(customer);
        let mut source = match owner.filter(|_| settings.own_customers_only) {
            Some(owner) => source.seen_by([Audience::team(owner)]),
            None => source.seen_by_everyone(),
        };
        let filled = |property: &str| Some(self.value(property).to_owned()).filter(|text| !text.is_empty());
        source.company = filled("company");
        source.emails.extend(filled("email"));
        source.numbers = invalid;
        source.version = version(self.value(MODIFIED));
        source
    }

    /// Returns the ids of contacts that were merged into this one.
    pub(crate) fn merged(&self) -> impl Iterator<Item = &str> {
        self.value(MERGED).split(';').map(str::trim).filter(|id| api::is_id(id) && *id != self.id)
    }

    /// Rejects a contact that is out of order, which could cause an endless loop.
    pub(crate) fn check_order(&self, last: &str) -> Result<()> {
        let number = |id: &str| id.parse::<u64>().ok();
        match number(&self.id) > number(last) {
            true => Ok(()),
            false => Err(Error::failed("HubSpot's results are not in the requested order")),
        }
    }

    /// Returns the customer without its owner, and numbers that are not valid.
    fn read(&self, settings: &Settings) -> (Customer, Vec<String>) {
        let CustomerSummary { customer_id, display_name, avatar } = self.summary(settings);
        let mut customer = Customer { avatar, ..Customer::new(customer_id, display_name) };
        let (phone, mut invalid) = self.numbers(settings.phone.iter().map(String::as_str), settings);
        let (whatsapp, more) = self.numbers(settings.whatsapp.iter().map(String::as_str), settings);
        invalid.extend(more);
        customer = phone.into_iter().fold(customer, Customer::sms);
        customer = whatsapp.into_iter().fold(customer, Customer::whatsapp);
        if let Some(url) = settings.record_url(&self.id) {
            customer = customer.link("HubSpot", url, "Open in HubSpot");
        }
        let email = self.value("email");
        if email.contains('@') {
            customer = customer.link("Mail", format!("mailto:{email}"), email);
        }
        for (label, url) in &settings.links {
            if let Some(url) = self.fill(url) {
                customer = customer.link(label, url, label);
            }
        }
        let lines: Vec<_> =
            settings.details.properties.iter().filter_map(|property| self.line(property, settings)).collect();
        if !lines.is_empty() {
            customer = customer.details(&settings.details.title, lines.join("\n"));
        }
        (customer, invalid)
    }

    fn line(&self, property: &str, settings: &Settings) -> Option<String> {
        let value = self.value(property);
        (!value.is_empty()).then(|| format!("{}: {value}", settings.label(property)))
    }

    /// Replaces the properties in a URL by their values. Returns `None` if a property has no value.
    fn fill(&self, url: &str) -> Option<String> {
        let mut filled = String::new();
        for (words, property) in pieces(url) {
            filled.push_str(words);
            if let Some(property) = property {
                let value = Some(self.value(property)).filter(|value| !value.is_empty())?;
                filled.push_str(&http::segment(value));
            }
        }
        Some(filled)
    }
}

/// Returns the digits of a time such as `2026-01-01T00:00:00.000Z` as a number, which grows with the time.
fn version(time: &str) -> Option<u64> {
    let digits: String = time.chars().filter(char::is_ascii_digit).take(TIME_DIGITS).collect();
    format!("{digits:0<TIME_DIGITS$}").parse().ok().filter(|version| *version > 0)
}

fn unique(all: Vec<&str>) -> Vec<&str> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// Splits a text at the properties in braces.
fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((words, tail)) = text.split_once('{') else { return Some((text, None)) };
        let Some((property, tail)) = tail.split_once('}') else { return Some((text, None)) };
        rest = Some(tail);
        Some((words, Some(property.trim())))
    })
}
