//! `[tenants.NAME.customers]`: the index of a tenant's customers.

use frontgate_customer_search::SortKeys;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

use crate::addresses::Country;

/// Longest interval between two runs, and longest age of a complete list.
const DAY_MS: u64 = 86_400_000;

/// The gateway's own index of the customers. With it, lists, searches and customers' pages need no request to the CRM.
#[derive(Debug, SmartDefault, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether customers of the plugin with the role `crm-source` are stored. If false, stored customers are deleted.
    pub index: bool,
    /// Time between two runs that ask the plugin for changes. Each run is up to a tenth earlier or later.
    #[default = 60_000]
    #[schemars(range(min = 1_000, max = DAY_MS))]
    pub interval_ms: u64,
    /// Time between two enumerations of all customers, which find removed ones that the CRM does not report.
    #[default = 86_400_000]
    #[schemars(range(min = 60_000, max = 30 * DAY_MS))]
    pub enumerate_interval_ms: u64,
    /// Age of the last successful run from which on the index is too old.
    #[default = 86_400_000]
    #[schemars(range(min = 1_000, max = 365 * DAY_MS))]
    pub too_old_ms: u64,
    /// Answers of an index that is too old, if no plugin with the role `crm` answers.
    pub when_too_old: WhenTooOld,
    /// Time without a successful run from which on a customer's page is read again from the plugin in the background.
    #[default = 300_000]
    #[schemars(range(min = 0, max = DAY_MS))]
    pub page_fresh_ms: u64,
    /// Language that decides the order of names, such as `pt` or `sv`. Without it, the order of all languages together.
    pub locale: Option<String>,
    /// Country of numbers without a country code, in two letters, such as `BR`.
    pub country: Option<String>,
    /// Requests to the CRM per second on average, of all runs of the tenant.
    #[default = 4]
    #[schemars(range(min = 1, max = 1_000))]
    pub requests_per_second: u32,
    /// Largest number of customers. Further ones are not stored, and the index is not used.
    #[default = 2_000_000]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub customers_max: u32,
}

impl Settings {
    /// Returns the keys with values that cannot be used, each with the problem and how to fix it.
    pub fn problems(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut problems = Vec::new();
        if let Some(locale) = &self.locale
            && let Err(error) = SortKeys::new(locale)
        {
            problems.push(("locale", error.to_string(), "write a language such as \"pt\" or \"sv\""));
        }
        if let Some(country) = self.country.as_deref().filter(|country| Country::named(country).is_none()) {
            problems.push(("country", format!("unknown country `{country}`"), "write two letters such as \"BR\""));
        }
        problems
    }
}

/// Answers of an index that is too old.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenTooOld {
    /// The index answers.
    #[default]
    Serve,
    /// Callbacks fail with status 503.
    Refuse,
}
