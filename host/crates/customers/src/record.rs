//! A customer as stored: converted from the plugin's answer, with everything that its rows need.

use std::collections::BTreeSet;

use frontgate_contract::bindings::crm_source::{Audience, SourceCustomer, Visibility};
use frontgate_contract::bindings::plugin_types::{ContactChannel, Customer, Details, Link};
use frontgate_customer_search::{SortKeys, Spelling, searched_text};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::addresses::{self, Country};

/// Longest id of a customer in bytes. A customer with a longer one is not stored.
pub(crate) const ID_BYTES_MAX: usize = 512;
/// Longest record in bytes. A larger one is stored without links and details.
const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Longest name in bytes; a longer one is cut.
const NAME_BYTES_MAX: usize = 4 * 1024;
/// Most addresses by which one customer is found.
const ADDRESSES_MAX: usize = 64;
/// Most audiences of one customer; further ones do not see it.
const AUDIENCES_MAX: usize = 10_000;

/// Every worker of the tenant.
pub(crate) const EVERYONE: &str = "*";

/// How names, texts and numbers of a tenant are converted.
pub(crate) struct Conversion {
    pub(crate) keys: SortKeys,
    pub(crate) spelling: Spelling,
    pub(crate) country: Country,
}

/// A customer that is ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct PreparedCustomer {
    pub(crate) customer_id: String,
    pub(crate) sort_key: Vec<u8>,
    pub(crate) searched: String,
    pub(crate) name: String,
    pub(crate) avatar: Option<String>,
    /// A JSON array, sorted.
    pub(crate) audiences: String,
    pub(crate) version: Option<i64>,
    pub(crate) digest: Vec<u8>,
    pub(crate) is_complete: bool,
    pub(crate) record: String,
    pub(crate) addresses: Vec<String>,
    /// Whether a number could not be understood, so that it does not lead to the customer.
    pub(crate) has_unknown_number: bool,
}

/// A customer's page as JSON. Short names, since there are many.
#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    channels: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<(String, String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
}

impl Record {
    fn of(customer: Customer) -> Self {
        let Customer { customer_id, display_name, avatar, channels, links, details, worker } = customer;
        Self {
            id: customer_id,
            name: display_name,
            avatar,
            channels: channels.into_iter().map(|channel| (channel.kind, channel.value)).collect(),
            links: links.into_iter().map(|link| (link.kind, link.value, link.display_name)).collect(),
            details: details.map(|details| (details.title, details.content)),
            worker,
        }
    }

    fn customer(self) -> Customer {
        let Self { id, name, avatar, channels, links, details, worker } = self;
        Customer {
            customer_id: id,
            display_name: name,
            avatar,
            channels: channels.into_iter().map(|(kind, value)| ContactChannel { kind, value }).collect(),
            links: links.into_iter().map(|(kind, value, display_name)| Link { kind, value, display_name }).collect(),
            details: details.map(|(title, content)| Details { title, content }),
            worker,
        }
    }
}

/// Reads a stored record.
pub(crate) fn customer(record: &str) -> Option<Customer> {
    serde_json::from_str(record).ok().map(Record::customer)
}

/// Returns the audience of a worker.
pub(crate) fn worker_audience(worker: &str) -> String {
    format!("w:{}", worker.to_lowercase())
}

/// Returns the audience of a team.
pub(crate) fn team_audience(team: &str) -> String {
    format!("t:{team}")
}

/// Returns the name of an audience for operators.
pub(crate) fn audience_name(audience: &str) -> String {
    match audience.split_once(':') {
        Some(("w", worker)) => worker.to_owned(),
        Some(("t", team)) => format!("team {team}"),
        _ => "everyone".to_owned(),
    }
}

impl Conversion {
    /// Converts a customer; `None` if its id cannot be stored.
    pub(crate) fn prepare(&self, source: SourceCustomer) -> Option<PreparedCustomer> {
        let SourceCustomer { customer, seen_by, company, emails, numbers, version, mut is_complete } = source;
        let id = customer.customer_id.clone();
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return None;
        }
        let audiences = serde_json::to_string(&audiences(seen_by)).ok()?;
        let (addresses, has_unknown_number) = self.addresses(&customer, &numbers);
        let end = customer.display_name.floor_char_boundary(NAME_BYTES_MAX);
        let name = customer.display_name[..end].to_owned();
        let written = customer.channels.iter().filter(|channel| channel.kind != "chat").map(|channel| &channel.value);
        let all: Vec<&str> = written.chain(&numbers).map(String::as_str).collect();
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        let searched =
            searched_text(self.spelling, &name, company.as_deref().unwrap_or_default(), &emails, &unique(&all));
        let (avatar, mut record) = (customer.avatar.clone(), Record::of(customer));
        let mut text = serde_json::to_string(&record).ok()?;
        if text.len() > RECORD_BYTES_MAX {
            (record.links, record.details, is_complete) = (Vec::new(), None, false);
            text = serde_json::to_string(&record).ok()?;
        }
        let mut digest = Sha256::new();
        for part in [&text, &audiences, &searched.text] {
            digest.update(part);
            digest.update([0]);
        }
        digest.update(serde_json::to_string(&(&addresses, version, is_complete)).ok()?);
        Some(PreparedCustomer {
            sort_key: self.keys.key(&name, &id).as_bytes().to_vec(),
            customer_id: id,
            searched: searched.text,
            name,
            avatar,
            audiences,
            version: version.map(|version| i64::try_from(version).unwrap_or(i64::MAX)),
            digest: digest.finalize()[..16].to_vec(),
            is_complete,
            record: text,
            addresses,
            has_unknown_number,
        })
    }

    /// Returns the addresses by which a customer is found, and whether it has a number that cannot be understood.
    fn addresses(&self, customer: &Customer, numbers: &[String]) -> (Vec<String>, bool) {
        let (mut found, mut has_unknown) = (Vec::new(), false);
        let mut add = |address: Option<String>, is_number: bool| match address {
            Some(address) if !found.contains(&address) => found.push(address),
            Some(_) => {}
            None => has_unknown |= is_number,
        };
        for channel in &customer.channels {
            match channel.kind.as_str() {
                "chat" => add(addresses::identity(&channel.value), false),
                _ => add(addresses::number(&channel.value, self.country), true),
            }
        }
        for number in numbers {
            add(addresses::number(number, self.country), true);
        }
        found.truncate(ADDRESSES_MAX);
        (found, has_unknown)
    }
}

fn audiences(seen_by: Visibility) -> Vec<String> {
    let Visibility::Only(list) = seen_by else {
        return vec![EVERYONE.to_owned()];
    };
    let named = list.into_iter().map(|audience| match audience {
        Audience::Worker(worker) => worker_audience(&worker),
        Audience::Team(team) => team_audience(&team),
    });
    named.collect::<BTreeSet<_>>().into_iter().take(AUDIENCES_MAX).collect()
}

fn unique<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let mut found: Vec<&str> = Vec::with_capacity(texts.len());
    for text in texts {
        if !found.contains(text) {
            found.push(text);
        }
    }
    found
}
