//! One row of the file, and the customer that it describes.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

use crm_values::phone::e164;
use csv::StringRecord;
use frontgate_sdk::{Audience, Customer, CustomerSummary, SourceCustomer, warn};

use crate::phone;
use crate::settings::{Settings, Text};

/// One row of the file.
#[derive(Debug)]
pub(crate) struct Row {
    columns: Rc<[String]>,
    pub(crate) values: StringRecord,
}

impl Row {
    pub(crate) fn new(columns: &Rc<[String]>, values: StringRecord) -> Self {
        Self { columns: Rc::clone(columns), values }
    }

    /// Returns an empty row with the same columns.
    pub(crate) fn like(&self) -> Self {
        Self::new(&self.columns, StringRecord::new())
    }

    /// Returns the value of a column, or an empty text if the column does not exist.
    pub(crate) fn value(&self, column: &str) -> &str {
        let at = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column));
        at.and_then(|at| self.values.get(at)).unwrap_or_default().trim()
    }

    /// Returns whether the file has the column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name.eq_ignore_ascii_case(column))
    }

    pub(crate) fn id(&self, settings: &Settings) -> String {
        settings.id.fill(|column| self.value(column))
    }

    /// Returns a hash of the id. `None`: the row has no id.
    pub(crate) fn id_hash(&self, settings: &Settings) -> Option<u64> {
        let hash = |id: &str| {
            let mut hasher = DefaultHasher::new();
            id.hash(&mut hasher);
            (!id.is_empty()).then(|| hasher.finish())
        };
        match settings.id.column() {
            Some(column) => hash(self.value(column)),
            None => hash(&self.id(settings)),
        }
    }

    /// Returns whether the row has one of these ids.
    pub(crate) fn has_id(&self, ids: &HashSet<String>, settings: &Settings) -> bool {
        match settings.id.column() {
            Some(column) => ids.contains(self.value(column)),
            None => ids.contains(&self.id(settings)),
        }
    }

    /// Returns the name, or the company for customers without a person.
    pub(crate) fn name(&self, settings: &Settings) -> String {
        let name = settings.name.fill(|column| self.value(column));
        if name.is_empty() { settings.company.fill(|column| self.value(column)) } else { name }
    }

    pub(crate) fn owner(&self, settings: &Settings) -> String {
        settings.owner.fill(|column| self.value(column))
    }

    /// Returns the only worker who sees the customer. `None`: every worker.
    pub(crate) fn only_for(&self, settings: &Settings) -> Option<String> {
        Some(self.owner(settings)).filter(|owner| settings.own_customers_only && !owner.is_empty())
    }

    /// Returns the numbers of all phone columns in file order, without duplicates.
    pub(crate) fn numbers<'r>(&'r self, settings: &'r Settings) -> impl Iterator<Item = &'r str> {
        let whatsapp = settings.whatsapp.iter().filter(|column| !settings.phone.contains(column));
        settings.phone.iter().chain(whatsapp).map(|column| self.value(column)).filter(|number| !number.is_empty())
    }

    /// Returns whether the row has this number, which is in E.164.
    pub(crate) fn has_number(&self, number: &str, settings: &Settings) -> bool {
        self.numbers(settings)
            .filter(|written| phone::may_be(written, number))
            .any(|written| e164(written, settings.country).as_deref() == Some(number))
    }

    /// Returns the identities of all chat columns.
    fn identities<'r>(&'r self, settings: &'r Settings) -> impl Iterator<Item = &'r str> {
        settings.chat.iter().map(|column| self.value(column).trim()).filter(|identity| !identity.is_empty())
    }

    /// Returns whether the row has this identity of a chat customer.
    pub(crate) fn has_identity(&self, identity: &str, settings: &Settings) -> bool {
        self.identities(settings).any(|own| own == identity)
    }

    pub(crate) fn summary(&self, settings: &Settings) -> CustomerSummary {
        let avatar = settings.avatar.fill(|column| self.value(column));
        CustomerSummary {
            customer_id: self.id(settings),
            display_name: self.name(settings),
            avatar: (!avatar.is_empty()).then_some(avatar),
        }
    }

    pub(crate) fn customer(&self, settings: &Settings) -> Customer {
        let (customer, invalid) = self.read(settings);
        if !invalid.is_empty() {
            warn!("omitted {} invalid phone numbers", invalid.len());
        }
        customer
    }

    /// Returns the customer for the gateway's index.
    pub(crate) fn source_customer(&self, settings: &Settings) -> SourceCustomer {
        let (customer, invalid) = self.read(settings);
        let source = SourceCustomer::new(customer);
        let mut source = match self.only_for(settings) {
            Some(owner) => source.seen_by([Audience::worker(owner)]),
            None => source.seen_by_everyone(),
        };
        let filled = |text: &Text| Some(text.fill(|column| self.value(column))).filter(|text| !text.is_empty());
        source.company = filled(&settings.company);
        source.emails.extend(filled(&settings.email));
        source.numbers = invalid;
        source
    }

    /// Returns the customer, and numbers that are not valid.
    fn read(&self, settings: &Settings) -> (Customer, Vec<String>) {
        let CustomerSummary { customer_id, display_name, avatar } = self.summary(settings);
        let mut customer = Customer::new(customer_id, display_name);
        customer.avatar = avatar;

        let mut invalid = Vec::new();
        let mut numbers = |columns: &[String]| -> Vec<String> {
            let written = columns.iter().map(|column| self.value(column)).filter(|number| !number.is_empty());
            let read = written.filter_map(|written| {
                let number = e164(written, settings.country);
                if number.is_none() {
                    invalid.push(written.to_owned());
                }
                number
            });
            read.collect()
        };
        let (phone, whatsapp) = (numbers(&settings.phone), numbers(&settings.whatsapp));
        customer = phone.into_iter().fold(customer, Customer::sms);
        customer = whatsapp.into_iter().fold(customer, Customer::whatsapp);
        customer = self.identities(settings).fold(customer, Customer::chat);

        let email = settings.email.fill(|column| self.value(column));
        if email.contains('@') {
            customer = customer.link("Mail", format!("mailto:{email}"), &email);
        }
        for (label, url) in &settings.links {
            let url = url.fill_url(|column| self.value(column));
            if !url.is_empty() {
                customer = customer.link(label, url, label);
            }
        }
        let content = self.details(settings);
        if !content.is_empty() {
            customer = customer.details(&settings.details_title, content);
        }
        let owner = self.owner(settings);
        let customer = if owner.is_empty() { customer } else { customer.owned_by(owner) };
        (customer, invalid)
    }

    /// Returns one line for each column that has a value.
    fn details(&self, settings: &Settings) -> String {
        let shown: Vec<&str> = settings.shown().collect();
        let columns: Vec<&str> = match &settings.details {
            Some(columns) => columns.iter().map(String::as_str).collect(),
            None => {
                let unseen = |name: &&str| !shown.iter().any(|shown| shown.eq_ignore_ascii_case(name));
                self.columns.iter().map(String::as_str).filter(unseen).collect()
            }
        };
        let lines = columns.iter().map(|column| (column, self.value(column)));
        let lines = lines.filter(|(_, value)| !value.is_empty()).map(|(column, value)| format!("{column}: {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}
