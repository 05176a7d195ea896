//! HubSpot's search: filters and sorts contacts and calls.

use std::borrow::Cow;

use crm_values::phone;
use frontgate_sdk::Result;
use frontgate_sdk::http::{self, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::api;
use crate::contact::Contact;
use crate::settings::Settings;

/// The API resource of contacts.
pub(crate) const CONTACTS: &str = "objects/contacts";
/// HubSpot's limit on results of one request.
pub(crate) const PAGE_MAX: u32 = 200;
/// HubSpot's limit on groups of filters.
const GROUPS_MAX: usize = 5;
/// HubSpot's limit on the length of the search text.
const QUERY_CHARS_MAX: usize = 3_000;
/// The minimum number of digits in a phone number. Shorter digit sequences are searched as written.
const DIGITS_MIN: usize = 3;
/// The maximum number of inspected contacts with the same national number.
const NAMESAKES_MAX: u32 = 100;

/// A search request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Search<'s> {
    filter_groups: Vec<Group<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    sorts: [&'static str; 1],
    properties: Vec<&'s str>,
    limit: u32,
    /// Always 0: pages continue by record id instead.
    after: &'static str,
}

/// A group of filters, which must all match. If there are several groups, one group must match.
#[derive(Serialize)]
pub(crate) struct Group<'s> {
    filters: Vec<Filter<'s>>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter<'s> {
    property_name: Cow<'s, str>,
    operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'s, str>>,
}

/// The results of a search.
#[derive(Deserialize)]
pub(crate) struct Found<T = Contact> {
    pub(crate) results: Vec<T>,
    pub(crate) total: Option<u64>,
    #[serde(default)]
    paging: Paging,
}

#[derive(Default, Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

impl<T> Found<T> {
    /// Returns whether HubSpot has more results than it returned.
    pub(crate) fn has_more(&self) -> bool {
        self.paging.next.is_some()
    }

    /// Returns HubSpot's cursor of the next page.
    pub(crate) fn after(&self) -> Option<String> {
        self.paging.next.as_ref().map(|next| next.after.clone())
    }
}

impl<'s> Group<'s> {
    pub(crate) fn of(filters: impl IntoIterator<Item = Filter<'s>>) -> Self {
        Self { filters: filters.into_iter().collect() }
    }
}

impl<'s> Filter<'s> {
    pub(crate) fn is(property: impl Into<Cow<'s, str>>, value: impl Into<Cow<'s, str>>) -> Self {
        Self { property_name: property.into(), operator: "EQ", value: Some(value.into()) }
    }

    pub(crate) fn at_least(property: &'static str, value: impl Into<Cow<'s, str>>) -> Self {
        Self { property_name: property.into(), operator: "GTE", value: Some(value.into()) }
    }

    pub(crate) fn at_most(property: &'static str, value: impl Into<Cow<'s, str>>) -> Self {
        Self { property_name: property.into(), operator: "LTE", value: Some(value.into()) }
    }

    pub(crate) fn is_missing(property: &'static str) -> Self {
        Self { property_name: property.into(), operator: "NOT_HAS_PROPERTY", value: None }
    }

    /// Adds a filter for record ids greater than this one.
    pub(crate) fn after(id: impl Into<Cow<'s, str>>) -> Self {
        Self { property_name: "hs_object_id".into(), operator: "GT", value: Some(id.into()) }
    }
}

impl<'s> Search<'s> {
    /// Searches records that match any of these groups, sorted by record id.
    pub(crate) fn new(filter_groups: Vec<Group<'s>>, properties: Vec<&'s str>, limit: u32) -> Self {
        Self { filter_groups, query: None, sorts: ["hs_object_id"], properties, limit, after: "0" }
    }

    /// Adds the worker's search text.
    pub(crate) fn with(mut self, query: Option<&str>, settings: &Settings) -> Self {
        self.query = query.map(|query| words(query, settings));
        self
    }

    /// Sends the search for records of an API resource, such as [`CONTACTS`].
    pub(crate) fn ask<T: DeserializeOwned>(&self, objects: &str, settings: &Settings) -> Result<Found<T>> {
        api::ask(self.request(objects, settings))
    }

    /// Returns the request of the search.
    pub(crate) fn request(&self, objects: &str, settings: &Settings) -> Request {
        http::post(&settings.url(&format!("{objects}/search"))).json(self)
    }
}

/// Converts a query for HubSpot's search: removes the country code from numbers.
fn words(query: &str, settings: &Settings) -> String {
    let digits: String = query.chars().filter(char::is_ascii_digit).collect();
    let is_number = query.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c)) && digits.len() >= DIGITS_MIN;
    match is_number {
        true => phone::national(query, settings.country).unwrap_or(digits),
        false => query.chars().take(QUERY_CHARS_MAX).collect(),
    }
}

/// Returns the contact with this number, the oldest of several. HubSpot finds numbers in any notation, but without
/// their country, so the results are compared here.
pub(crate) fn by_number(settings: &Settings, number: &str) -> Result<Option<Contact>> {
    let national = phone::national(number, None).unwrap_or_default();
    let calculated = ["hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number"];
    let calculated =
        calculated.iter().filter(|_| !national.is_empty()).map(|name| Filter::is(*name, national.as_str()));
    let written = settings.numbers().map(|name| Filter::is(name, number));
    let filters: Vec<_> = calculated.chain(written).collect();
    for filters in filters.chunks(GROUPS_MAX) {
        let groups = filters.iter().map(|filter| Group::of([filter.clone()])).collect();
        let found: Found = Search::new(groups, settings.properties(), NAMESAKES_MAX).ask(CONTACTS, settings)?;
        let mut contacts = found.results.into_iter();
        if let Some(contact) = contacts.find(|contact| contact.has_number(number, settings)) {
            return Ok(Some(contact));
        }
    }
    Ok(None)
}
