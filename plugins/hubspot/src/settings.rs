//! The operator's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crm_values::Workers;
use crm_values::phone::Country;
use frontgate_sdk::{Result, settings};
use serde::Deserialize;

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
    pub(crate) workers: Workers,
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
