//! The operator's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use frontgate_sdk::{Result, settings};
use serde::Deserialize;

use crate::phone::Country;

/// The settings of one call. The crate's documentation describes each of them.
#[derive(Deserialize)]
pub(crate) struct Settings {
    #[serde(default = "api")]
    api: String,
    #[serde(default = "app")]
    app: String,
    portal: Option<String>,
    #[serde(default = "yes")]
    pub(crate) own_customers_only: bool,
    pub(crate) country: Option<Country>,
    #[serde(default = "phone")]
    pub(crate) phone: Vec<String>,
    #[serde(default = "whatsapp")]
    pub(crate) whatsapp: Vec<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) call_sid_property: Option<String>,
    #[serde(default = "owners_keep_s")]
    owners_keep_s: u32,
    #[serde(default)]
    pub(crate) details: Details,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    #[serde(default)]
    workers: BTreeMap<String, String>,
}

/// The text block on a customer's page.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    pub(crate) title: String,
    pub(crate) properties: Vec<String>,
}

impl Default for Details {
    fn default() -> Self {
        let properties = ["company", "jobtitle", "city", "country", "lifecyclestage"];
        Self { title: "HubSpot".to_owned(), properties: properties.map(str::to_owned).to_vec() }
    }
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        settings::read()
    }

    /// Returns the URL of an API resource.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/crm/v3/{path}", self.api.trim_end_matches('/'))
    }

    /// Returns the URL of a contact in HubSpot's app, if the account is known.
    pub(crate) fn record_url(&self, id: &str) -> Option<String> {
        let portal = self.portal.as_deref()?;
        Some(format!("{}/contacts/{portal}/record/0-1/{id}", self.app.trim_end_matches('/')))
    }

    pub(crate) fn owners_keep(&self) -> Duration {
        Duration::from_secs(self.owners_keep_s.into())
    }

    /// Returns properties with numbers, without duplicates.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &str> {
        let whatsapp = self.whatsapp.iter().filter(|name| !self.phone.contains(name));
        self.phone.iter().chain(whatsapp).map(String::as_str)
    }

    /// Returns a property's label on the customer's page.
    pub(crate) fn label(&self, property: &str) -> String {
        if let Some(label) = self.labels.get(property) {
            return label.clone();
        }
        let words = property.replace('_', " ");
        let mut letters = words.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// Returns a worker's address in HubSpot.
    pub(crate) fn email_of<'s>(&'s self, worker: &'s str) -> &'s str {
        let found = self.workers.iter().find(|(identity, _)| is_same(identity, worker));
        found.map_or(worker, |(_, email)| email)
    }

    /// Returns the workers with this address in HubSpot.
    pub(crate) fn workers_with<'s>(&'s self, email: &'s str) -> impl Iterator<Item = &'s str> {
        let identities = self.workers.keys().map(String::as_str).filter(move |identity| *identity != email);
        identities.chain([email]).filter(move |worker| is_same(self.email_of(worker), email))
    }

    /// Returns the worker with this address in HubSpot.
    pub(crate) fn worker_with<'s>(&'s self, email: &'s str) -> &'s str {
        let found = self.workers.iter().find(|(_, known)| is_same(known, email));
        found.map_or(email, |(identity, _)| identity)
    }
}

/// Compares addresses and identities, ignoring case.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn api() -> String {
    "https://api.hubapi.com".to_owned()
}

fn app() -> String {
    "https://app.hubspot.com".to_owned()
}

fn yes() -> bool {
    true
}

fn phone() -> Vec<String> {
    ["mobilephone", "phone"].map(str::to_owned).to_vec()
}

fn whatsapp() -> Vec<String> {
    vec!["hs_whatsapp_phone_number".to_owned()]
}

fn owners_keep_s() -> u32 {
    600
}
