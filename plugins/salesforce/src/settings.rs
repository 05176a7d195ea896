//! The operator's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crm_values::Workers;
use crm_values::phone::Country;
use frontgate_sdk::{Error, Result, settings};
use serde::Deserialize;

use crate::soql;

/// The settings of one call. The crate's documentation describes each of them.
#[derive(Deserialize)]
pub(crate) struct Settings {
    instance: String,
    #[serde(default = "api_version")]
    api_version: String,
    #[serde(default = "yes")]
    pub(crate) own_customers_only: bool,
    #[serde(default)]
    pub(crate) unowned: Unowned,
    #[serde(default = "owner_field")]
    pub(crate) owner_field: String,
    pub(crate) country: Option<Country>,
    #[serde(default = "phone_fields")]
    pub(crate) phone_fields: Vec<String>,
    #[serde(default)]
    pub(crate) whatsapp_fields: Vec<String>,
    pub(crate) avatar_field: Option<String>,
    #[serde(default = "company_field")]
    pub(crate) company_field: String,
    #[serde(default = "users_keep_s")]
    users_keep_s: u32,
    #[serde(default)]
    pub(crate) details: Details,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) workers: Workers,
}

/// Who sees a contact whose owner is a queue or an inactive user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unowned {
    /// No worker.
    #[default]
    Hidden,
    /// Every worker.
    Everyone,
}

/// The text block on a customer's page.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    pub(crate) title: String,
    pub(crate) fields: Vec<String>,
}

impl Default for Details {
    fn default() -> Self {
        let fields = ["Account.Name", "Title", "Department", "MailingCity", "MailingCountry"];
        Self { title: "Salesforce".to_owned(), fields: fields.map(str::to_owned).to_vec() }
    }
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        let settings: Self = settings::read()?;
        if !settings.instance.contains("://") {
            return Err(Error::failed("the setting `instance` is a URL such as https://MYDOMAIN.my.salesforce.com"));
        }
        if !settings.api_version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(Error::failed("the setting `api_version` is a number such as 62.0"));
        }
        match settings.fields().into_iter().find(|field| !soql::is_field(field)) {
            Some(field) => Err(Error::failed(format!("`{field}` is no API name of a field, such as Phone or Tier__c"))),
            None => Ok(settings),
        }
    }

    /// Returns the URL of an API resource.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/services/data/v{}/{path}", self.instance.trim_end_matches('/'), self.api_version)
    }

    /// Returns the URL of a contact for browsers.
    pub(crate) fn record_url(&self, id: &str) -> String {
        format!("{}/{id}", self.instance.trim_end_matches('/'))
    }

    pub(crate) fn users_keep(&self) -> Duration {
        Duration::from_secs(self.users_keep_s.into())
    }

    /// Returns whether contacts of inactive users and queues are visible to every worker.
    pub(crate) fn shows_unowned(&self) -> bool {
        self.unowned == Unowned::Everyone
    }

    /// Returns the fields with numbers, without duplicates.
    pub(crate) fn number_fields(&self) -> impl Iterator<Item = &str> {
        let whatsapp = self.whatsapp_fields.iter().filter(|name| !self.phone_fields.contains(name));
        self.phone_fields.iter().chain(whatsapp).map(String::as_str)
    }

    /// Returns the owner's field with the worker's identity, as contacts have it.
    pub(crate) fn owner_path(&self) -> String {
        format!("Owner.{}", self.owner_field)
    }

    /// Returns the fields that are searched for words.
    pub(crate) fn word_fields(&self) -> impl Iterator<Item = &str> {
        ["Name", "Email", &*self.company_field].into_iter().filter(|field| !field.is_empty())
    }

    /// Returns the fields that these settings name.
    fn fields(&self) -> Vec<&str> {
        let lists = [&self.phone_fields, &self.whatsapp_fields, &self.details.fields].into_iter().flatten();
        let company = Some(&self.company_field).filter(|field| !field.is_empty());
        let single = [Some(&self.owner_field), self.avatar_field.as_ref(), company].into_iter().flatten();
        let linked = self.links.values().flat_map(|url| crate::contact::pieces(url)).filter_map(|(_, field)| field);
        lists.chain(single).map(String::as_str).chain(linked).collect()
    }

    /// Returns a field's label on the customer's page.
    pub(crate) fn label(&self, field: &str) -> String {
        if let Some(label) = self.labels.get(field) {
            return label.clone();
        }
        let name = field.strip_suffix(".Name").unwrap_or(field);
        let name = name.rsplit('.').next().unwrap_or(name);
        let name = name.strip_suffix("__c").or(name.strip_suffix("__r")).unwrap_or(name);
        let mut label = String::new();
        for c in name.chars() {
            let is_begin = c.is_ascii_uppercase() && label.ends_with(|before: char| before.is_ascii_lowercase());
            label.extend(is_begin.then_some(' '));
            label.push(if c == '_' { ' ' } else { c });
        }
        label
    }
}

fn api_version() -> String {
    "62.0".to_owned()
}

fn yes() -> bool {
    true
}

fn owner_field() -> String {
    "Email".to_owned()
}

fn company_field() -> String {
    "Account.Name".to_owned()
}

fn phone_fields() -> Vec<String> {
    ["MobilePhone", "Phone", "HomePhone", "OtherPhone"].map(str::to_owned).to_vec()
}

fn users_keep_s() -> u32 {
    600
}
