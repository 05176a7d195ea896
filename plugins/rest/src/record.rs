//! A record of the CRM, and the customer made from it.

use crm_values::{is_same, phone};
use frontgate_sdk::{Audience, Customer, CustomerSummary, SourceCustomer, http};
use serde::Deserialize;
use serde_json::Value;

use crate::mapping::{IdForm, Mapping};
use crate::owners::Owners;
use crate::path::Path;
use crate::template::Template;
use crate::time;

/// The gateway's limit on an id, in bytes.
const ID_BYTES_MAX: usize = 512;

/// Most digits of an id that is a number: those of 64 bits.
const DIGITS_MAX: usize = 19;

/// A text with paths in braces: `{/first_name} {/last_name}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(Template, Vec<(String, Path)>);

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let template = Template::try_from(text)?;
        let paths = template.names().map(|name| Ok((name.to_owned(), Path::try_from(name.to_owned())?)));
        let paths = paths.collect::<Result<Vec<_>, String>>()?;
        Ok(Self(template, paths))
    }
}

impl Text {
    /// Returns the text in one line. Missing values are empty.
    fn line(&self, record: &Value) -> String {
        let text = self.0.fill(|name| Some(self.value(name, record).unwrap_or_default())).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the URL, if every value is there.
    fn url(&self, record: &Value) -> Option<String> {
        self.0.fill(|name| Some(http::segment(&self.value(name, record)?))).ok()
    }

    fn value(&self, name: &str, record: &Value) -> Option<String> {
        self.1.iter().find(|(known, _)| known == name).and_then(|(_, path)| path.text(record))
    }
}

/// A record with its id.
pub(crate) struct Record<'r> {
    mapping: &'r Mapping,
    value: &'r Value,
    pub(crate) id: String,
}

impl<'r> Record<'r> {
    /// Returns the record, if it has an id.
    pub(crate) fn read(mapping: &'r Mapping, value: &'r Value) -> Option<Self> {
        let id = mapping.record.id.text(value)?;
        is_id(mapping, &id).then_some(Self { mapping, value, id })
    }

    /// Returns whether the record is a customer: not deleted, and of the right kind.
    pub(crate) fn is_customer(&self) -> bool {
        let fields = &self.mapping.record;
        fields.deleted.as_ref().is_none_or(|deleted| !deleted.is_met(self.value))
            && fields.only.as_ref().is_none_or(|only| only.is_met(self.value))
    }

    /// Returns the time of the last change.
    pub(crate) fn updated(&self) -> Option<i64> {
        self.mapping.record.updated.as_ref()?.all(self.value).into_iter().find_map(time::read)
    }

    fn owner(&self) -> Option<String> {
        self.mapping.record.owner.iter().find_map(|path| path.text(self.value))
    }

    fn texts(&self, paths: &[Path]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for text in paths.iter().flat_map(|path| path.texts(self.value)) {
            if !all.contains(&text) {
                all.push(text);
            }
        }
        all
    }

    /// Returns the numbers at these paths in E.164 without duplicates, and those that are not valid.
    fn numbers(&self, paths: &[Path]) -> (Vec<String>, Vec<String>) {
        let (mut numbers, mut invalid) = (Vec::new(), Vec::new());
        for written in self.texts(paths) {
            match phone::e164(&written, self.mapping.country) {
                Some(number) if numbers.contains(&number) => {}
                Some(number) => numbers.push(number),
                None => invalid.push(written),
            }
        }
        (numbers, invalid)
    }

    pub(crate) fn has_number(&self, number: &str) -> bool {
        let fields = &self.mapping.record;
        [&fields.numbers, &fields.whatsapp]
            .iter()
            .any(|paths| self.numbers(paths).0.iter().any(|known| known == number))
    }

    fn name(&self) -> String {
        let fields = &self.mapping.record;
        let names = fields.name.iter().map(|name| name.line(self.value));
        let others = self.texts(&fields.company).into_iter().chain(self.texts(&fields.emails));
        let name = names.chain(others).find(|name| !name.is_empty());
        name.unwrap_or_else(|| format!("Customer {}", self.id))
    }

    fn avatar(&self) -> Option<String> {
        self.mapping.record.avatar.as_ref()?.text(self.value)
    }

    pub(crate) fn summary(&self) -> CustomerSummary {
        let summary = CustomerSummary::new(&self.id, self.name());
        match self.avatar() {
            Some(url) => summary.avatar(url),
            None => summary,
        }
    }

    /// Returns whether a worker sees the customer.
    pub(crate) fn is_seen_by(&self, worker: &str, owners: &Owners) -> bool {
        let Some(owner) = self.owner().filter(|_| self.mapping.own_customers_only) else {
            return true;
        };
        let email = self.mapping.workers.user_of(worker);
        owners.email_of(&owner).is_some_and(|known| is_same(known, email))
    }

    /// Returns the customer, and the numbers that are not valid.
    fn read_customer(&self, owners: &Owners) -> (Customer, Vec<String>) {
        let fields = &self.mapping.record;
        let mut customer = Customer::new(&self.id, self.name());
        let (numbers, mut invalid) = self.numbers(&fields.numbers);
        customer = numbers.into_iter().fold(customer, Customer::sms);
        let (whatsapp, other) = self.numbers(&fields.whatsapp);
        customer = whatsapp.into_iter().fold(customer, Customer::whatsapp);
        invalid.extend(other);
        for (name, url) in &fields.links {
            if let Some(url) = url.url(self.value) {
                customer = customer.link(name, url, name);
            }
        }
        let lines = fields.details.iter().map(|(label, path)| (label, path.texts(self.value).join(", ")));
        let lines: Vec<_> =
            lines.filter(|(_, text)| !text.is_empty()).map(|(label, text)| format!("{label}: {text}")).collect();
        if !lines.is_empty() {
            customer = customer.details("CRM", lines.join("\n"));
        }
        if let Some(url) = self.avatar() {
            customer = customer.avatar(url);
        }
        let owner = self.owner();
        let email = owner.as_deref().and_then(|owner| owners.email_of(owner));
        customer.worker = email.and_then(|email| self.mapping.workers.workers_with(email).next().map(str::to_owned));
        (customer, invalid)
    }

    pub(crate) fn customer(&self, owners: &Owners) -> Customer {
        self.read_customer(owners).0
    }

    /// Returns the customer for the gateway's index. An owner with an id is a team there, so that a changed address of an
    /// owner changes no customer.
    pub(crate) fn source_customer(&self, owners: &Owners) -> SourceCustomer {
        let (customer, invalid) = self.read_customer(owners);
        let source = SourceCustomer::new(customer);
        let mut source = match self.owner().filter(|_| self.mapping.own_customers_only) {
            None => source.seen_by_everyone(),
            Some(owner) if owners.are_by_id() => source.seen_by([Audience::team(owner)]),
            Some(owner) => {
                let workers = self.mapping.workers.workers_with(&owner).map(str::to_owned).collect::<Vec<_>>();
                source.seen_by(workers.into_iter().map(Audience::worker))
            }
        };
        let fields = &self.mapping.record;
        source.company = self.texts(&fields.company).into_iter().next();
        source.emails = self.texts(&fields.emails);
        source.numbers = invalid;
        source.version = self.updated().and_then(|ms| u64::try_from(ms).ok());
        source
    }
}

/// Returns whether a customer with this id can exist. Only such ids reach the CRM.
pub(crate) fn is_id(mapping: &Mapping, id: &str) -> bool {
    let is_formed = match mapping.record.id_form {
        IdForm::Any => !id.chars().any(char::is_control),
        IdForm::Digits => id.len() <= DIGITS_MAX && id.bytes().all(|byte| byte.is_ascii_digit()),
        IdForm::Word => id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
    };
    (1..=ID_BYTES_MAX).contains(&id.len()) && is_formed
}
