//! A contact, and the customer made from it.

use std::collections::BTreeMap;

use frontgate_sdk::{Customer, CustomerSummary, Error, Result, http, warn};
use serde::Deserialize;

use crate::phone::{self, Country};
use crate::search::CONTACTS;
use crate::settings::Settings;
use crate::{api, owners};

/// The property with HubSpot's guess of the country of a contact's number.
const COUNTRY: &str = "hs_calculated_phone_number_country_code";
const OWNER: &str = "hubspot_owner_id";
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
        let mut seen = Vec::new();
        for property in all {
            if !seen.contains(&property) {
                seen.push(property);
            }
        }
        seen
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

    /// Returns the valid numbers of these properties in E.164, without duplicates.
    fn numbers<'p>(&self, properties: impl IntoIterator<Item = &'p str>, settings: &Settings) -> Vec<Option<String>> {
        let country = self.country(settings);
        let written = properties.into_iter().map(|name| self.value(name)).filter(|number| !number.is_empty());
        let mut numbers: Vec<Option<String>> = Vec::new();
        for number in written.map(|written| phone::e164(written, country)) {
            if number.is_none() || !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        numbers
    }

    pub(crate) fn has_number(&self, number: &str, settings: &Settings) -> bool {
        self.numbers(settings.numbers(), settings).iter().flatten().any(|known| known == number)
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
        let CustomerSummary { customer_id, display_name, avatar } = self.summary(settings);
        let mut customer = Customer { avatar, ..Customer::new(customer_id, display_name) };
        let numbers = |properties: &[String]| self.numbers(properties.iter().map(String::as_str), settings);
        let (phone, whatsapp) = (numbers(&settings.phone), numbers(&settings.whatsapp));
        let left_out = phone.iter().chain(&whatsapp).filter(|number| number.is_none()).count();
        if left_out > 0 {
            warn!("omitted {left_out} invalid phone numbers");
        }
        customer = phone.into_iter().flatten().fold(customer, Customer::sms);
        customer = whatsapp.into_iter().flatten().fold(customer, Customer::whatsapp);
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
        if let Some(owner) = self.owner() {
            customer.worker = owners::worker_of(settings, owner)?;
        }
        Ok(customer)
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
