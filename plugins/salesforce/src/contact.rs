//! A contact, and the customer made from it.

use crm_values::phone::{self, Country};
use frontgate_sdk::{Audience, Customer, CustomerSummary, Error, SourceCustomer, http, warn};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::{self, Rows};
use crate::settings::Settings;
use crate::soql;

/// The object of customers.
pub(crate) const CONTACT: &str = "Contact";
/// The field with the time of the last change, also of a deletion.
pub(crate) const MODIFIED: &str = "SystemModstamp";
const OWNER_IS_ACTIVE: &str = "Owner.IsActive";
/// Most contacts that are compared with a number. Few others have all its digits in the same order.
const NAMESAKES_MAX: u32 = 100;
/// Digits of a time with milliseconds.
const TIME_DIGITS: usize = 17;

/// A contact with the requested fields.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(crate) struct Contact {
    pub(crate) id: String,
    /// The values by field. Those of related records are objects.
    fields: Map<String, Value>,
}

impl TryFrom<Map<String, Value>> for Contact {
    type Error = &'static str;

    fn try_from(fields: Map<String, Value>) -> Result<Self, Self::Error> {
        let id = fields.get("Id").and_then(Value::as_str).ok_or("missing field `Id`")?.to_owned();
        Ok(Self { id, fields })
    }
}

impl Settings {
    /// Returns the fields for a row of the list.
    pub(crate) fn list_fields(&self) -> Vec<&str> {
        unique(["Id", "Name"].into_iter().chain(self.avatar_field.as_deref()))
    }

    /// Returns the fields for a customer, without duplicates. `owner` is [`Settings::owner_path`].
    pub(crate) fn customer_fields<'s>(&'s self, owner: &'s str) -> Vec<&'s str> {
        let mut all = self.list_fields();
        all.extend(["Email", MODIFIED, "OwnerId", OWNER_IS_ACTIVE, owner]);
        all.extend(self.number_fields());
        all.extend(self.word_fields());
        all.extend(self.details.fields.iter().map(String::as_str));
        all.extend(self.links.values().flat_map(|url| pieces(url)).filter_map(|(_, field)| field));
        unique(all)
    }

    /// Returns the condition for contacts that a worker sees.
    pub(crate) fn seen_by(&self, worker: &str) -> Option<String> {
        let own = format!(
            "({} = {} AND {OWNER_IS_ACTIVE} = true)",
            self.owner_path(),
            soql::literal(self.workers.user_of(worker))
        );
        let unowned = self.shows_unowned().then(|| format!("{OWNER_IS_ACTIVE} != true"));
        self.own_customers_only.then(|| soql::any([own].into_iter().chain(unowned)))
    }
}

impl Contact {
    /// Returns the contact with this id if the worker sees it.
    pub(crate) fn get(settings: &Settings, worker: &str, id: &str) -> frontgate_sdk::Result<Self> {
        let conditions: Vec<_> =
            [format!("Id = {}", soql::literal(id))].into_iter().chain(settings.seen_by(worker)).collect();
        let owner = settings.owner_path();
        let soql = soql::select(&settings.customer_fields(&owner), CONTACT, &conditions, 1);
        let found: api::Found<Self> = api::query(settings, Rows::Existing, &soql)?;
        found.records.into_iter().next().ok_or(Error::NotFound)
    }

    /// Returns the value of a field or of a related record's field, empty for none. Objects have no value.
    fn value(&self, field: &str) -> String {
        let mut names = field.split('.');
        let first = names.next().and_then(|name| soql::cell(&self.fields, name));
        match names.fold(first, |value, name| soql::cell(value?.as_object()?, name)) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => String::new(),
        }
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.value("IsDeleted") == "true"
    }

    fn filled(&self, field: &str) -> Option<String> {
        Some(self.value(field)).filter(|value| !value.is_empty())
    }

    /// Returns the numbers of these fields in E.164 without duplicates, and those that are not valid.
    fn numbers<'f>(
        &self,
        fields: impl IntoIterator<Item = &'f str>,
        settings: &Settings,
    ) -> (Vec<String>, Vec<String>) {
        let (mut numbers, mut invalid) = (Vec::new(), Vec::new());
        for written in fields.into_iter().filter_map(|name| self.filled(name)) {
            match phone::e164(&written, settings.country) {
                Some(number) if numbers.contains(&number) => {}
                Some(number) => numbers.push(number),
                None => invalid.push(written),
            }
        }
        (numbers, invalid)
    }

    pub(crate) fn has_number(&self, number: &str, settings: &Settings) -> bool {
        self.numbers(settings.number_fields(), settings).0.iter().any(|known| known == number)
    }

    /// Returns whether a number contains these digits.
    pub(crate) fn has_digits(&self, digits: &str, settings: &Settings) -> bool {
        settings.number_fields().filter_map(|name| self.filled(name)).any(|written| {
            let whole = phone::e164(&written, settings.country).unwrap_or_default();
            [written, whole].iter().any(|number| phone::digits(number).contains(digits))
        })
    }

    pub(crate) fn summary(&self, settings: &Settings) -> CustomerSummary {
        let name = self.filled("Name").unwrap_or_else(|| format!("Contact {}", self.id));
        let summary = CustomerSummary::new(&self.id, name);
        match settings.avatar_field.as_deref().and_then(|field| self.filled(field)) {
            Some(url) => summary.avatar(url),
            None => summary,
        }
    }

    pub(crate) fn customer(&self, settings: &Settings) -> Customer {
        let (customer, invalid) = self.read(settings);
        if !invalid.is_empty() {
            warn!("omitted {} invalid phone numbers", invalid.len());
        }
        customer
    }

    /// Returns the customer for the gateway's index. An owner is a team there, so that a changed address of an owner
    /// changes no customer.
    pub(crate) fn source_customer(&self, settings: &Settings) -> SourceCustomer {
        let (customer, invalid) = self.read(settings);
        let source = SourceCustomer::new(customer);
        let is_owned = self.has_active_owner() || !settings.shows_unowned();
        let mut source = match settings.own_customers_only && is_owned {
            true => source.seen_by(self.user_owner().map(Audience::team)),
            false => source.seen_by_everyone(),
        };
        source.company =
            Some(&*settings.company_field).filter(|field| !field.is_empty()).and_then(|field| self.filled(field));
        source.emails.extend(self.filled("Email"));
        source.numbers = invalid;
        source.version = version(&self.value(MODIFIED));
        source
    }

    fn has_active_owner(&self) -> bool {
        self.value(OWNER_IS_ACTIVE) == "true"
    }

    /// Returns the id of the owner, if the owner is a user.
    fn user_owner(&self) -> Option<String> {
        self.filled("OwnerId").filter(|_| !self.value(OWNER_IS_ACTIVE).is_empty())
    }

    /// Returns the customer, and numbers that are not valid.
    fn read(&self, settings: &Settings) -> (Customer, Vec<String>) {
        let CustomerSummary { customer_id, display_name, avatar } = self.summary(settings);
        let mut customer = Customer { avatar, ..Customer::new(customer_id, display_name) };
        let (phone, mut invalid) = self.numbers(settings.phone_fields.iter().map(String::as_str), settings);
        let (whatsapp, more) = self.numbers(settings.whatsapp_fields.iter().map(String::as_str), settings);
        invalid.extend(more);
        customer = phone.into_iter().fold(customer, Customer::sms);
        customer = whatsapp.into_iter().fold(customer, Customer::whatsapp);
        let owner = self.filled(&settings.owner_path()).filter(|_| self.has_active_owner());
        customer.worker = owner.map(|owner| settings.workers.worker_with(&owner).to_owned());
        customer = customer.link("Salesforce", settings.record_url(&self.id), "Open in Salesforce");
        if let Some(email) = self.filled("Email").filter(|email| email.contains('@')) {
            customer = customer.link("Mail", format!("mailto:{email}"), email);
        }
        for (label, url) in &settings.links {
            if let Some(url) = self.fill(url) {
                customer = customer.link(label, url, label);
            }
        }
        let lines: Vec<_> = settings.details.fields.iter().filter_map(|field| self.line(field, settings)).collect();
        if !lines.is_empty() {
            customer = customer.details(&settings.details.title, lines.join("\n"));
        }
        (customer, invalid)
    }

    fn line(&self, field: &str, settings: &Settings) -> Option<String> {
        self.filled(field).map(|value| format!("{}: {value}", settings.label(field)))
    }

    /// Replaces the fields in a URL by their values. Returns `None` if a field has no value.
    fn fill(&self, url: &str) -> Option<String> {
        let mut filled = String::new();
        for (words, field) in pieces(url) {
            filled.push_str(words);
            if let Some(field) = field {
                filled.push_str(&http::segment(&self.filled(field)?));
            }
        }
        Some(filled)
    }
}

/// Returns the digits that a number has in every notation.
pub(crate) fn common_digits(written: &str, country: Option<Country>) -> String {
    phone::national(written, country).unwrap_or_else(|| phone::digits(written))
}

/// Returns the contact with this number, the first of several in the order of ids.
pub(crate) fn by_number(settings: &Settings, number: &str) -> frontgate_sdk::Result<Option<Contact>> {
    let pattern = soql::with_digits(&common_digits(number, None));
    let condition = soql::any(settings.number_fields().map(|field| format!("{field} LIKE {pattern}")));
    let owner = settings.owner_path();
    let soql = soql::select(&settings.customer_fields(&owner), CONTACT, &[condition], NAMESAKES_MAX);
    let found: api::Found<Contact> = api::query(settings, Rows::Existing, &soql)?;
    Ok(found.records.into_iter().find(|contact| contact.has_number(number, settings)))
}

/// Returns the digits of a time such as `2026-01-01T00:00:00.000+0000` as a number, which grows with the time.
fn version(time: &str) -> Option<u64> {
    let digits: String = time.chars().filter(char::is_ascii_digit).take(TIME_DIGITS).collect();
    format!("{digits:0<TIME_DIGITS$}").parse().ok().filter(|version| *version > 0)
}

fn unique<'f>(all: impl IntoIterator<Item = &'f str>) -> Vec<&'f str> {
    let mut seen: Vec<&str> = Vec::new();
    for one in all {
        // Field names ignore case, and a field that is selected twice is an error.
        if !seen.iter().any(|known| known.eq_ignore_ascii_case(one)) {
            seen.push(one);
        }
    }
    seen
}

/// Splits a text at the fields in braces.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((words, tail)) = text.split_once('{') else { return Some((text, None)) };
        let Some((field, tail)) = tail.split_once('}') else { return Some((text, None)) };
        rest = Some(tail);
        Some((words, Some(field.trim())))
    })
}
