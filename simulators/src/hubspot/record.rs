//! Records: contacts and owners.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::twilio::clock::webhook_time;

/// The country calling codes of the numbers in tests.
const CALLING_CODES: [&str; 8] = ["+1", "+44", "+49", "+55", "+47", "+420", "+39", "+33"];

/// The time of everything that has no time of its own.
pub(super) const TIME_MS: u64 = 1_767_225_600_000;

/// A record of an object, such as a contact.
pub(super) trait Record {
    /// HubSpot's id of the object.
    const OBJECT_TYPE: &str;
    /// The properties that a query searches.
    const SEARCHED: &[&str];

    fn id(&self) -> u64;

    /// Returns the times of creation and last change in milliseconds since 1970.
    fn times(&self) -> (u64, u64);

    /// Returns the value of a property of this object.
    fn property(&self, name: &str) -> Option<String>;

    /// Returns the number of a property that has one: the id, and times in milliseconds.
    fn number(&self, property: &str) -> Option<u64> {
        match property {
            "hs_object_id" => Some(self.id()),
            "createdate" => Some(self.times().0),
            "lastmodifieddate" => Some(self.times().1),
            _ => None,
        }
    }

    /// Returns the value of a property, including those of every object.
    fn value(&self, property: &str) -> Option<String> {
        match property {
            "hs_object_id" => Some(self.id().to_string()),
            "createdate" => Some(iso(self.times().0)),
            "lastmodifieddate" => Some(iso(self.times().1)),
            _ => self.property(property),
        }
    }

    /// Returns the JSON with the requested properties. Missing properties are null.
    fn shown(&self, properties: &[String]) -> Value {
        let always = ["createdate", "hs_object_id", "lastmodifieddate"].map(str::to_owned);
        let shown = always.iter().chain(properties).map(|name| (name.clone(), self.value(name).into()));
        json!({
            "id": self.id().to_string(),
            "properties": shown.collect::<serde_json::Map<_, _>>(),
            "createdAt": iso(self.times().0),
            "updatedAt": iso(self.times().1),
            "archived": false,
            "url": format!("https://app.hubspot.com/contacts/1234567/record/{}/{}", Self::OBJECT_TYPE, self.id()),
        })
    }
}

/// Formats milliseconds since 1970.
pub(super) fn iso(ms: u64) -> String {
    webhook_time(SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub(super) id: u64,
    pub(super) created: u64,
    pub(super) modified: u64,
    properties: BTreeMap<String, String>,
}

impl Person {
    /// Creates a contact with this name.
    pub fn new(first: &str, last: &str) -> Self {
        Self { id: 0, created: 0, modified: 0, properties: BTreeMap::new() }
            .with("firstname", first)
            .with("lastname", last)
    }

    /// Sets a property. An empty value removes it.
    pub fn with(mut self, property: &str, value: &str) -> Self {
        self.set(property, value);
        self
    }

    pub(super) fn set(&mut self, property: &str, value: &str) {
        self.properties.remove(property);
        if !value.is_empty() {
            self.properties.insert(property.to_owned(), value.to_owned());
        }
    }
}

impl Record for Person {
    const OBJECT_TYPE: &str = "0-1";
    const SEARCHED: &[&str] = &[
        "firstname",
        "lastname",
        "email",
        "company",
        "hs_searchable_calculated_phone_number",
        "hs_searchable_calculated_mobile_number",
        "fax",
    ];

    fn id(&self) -> u64 {
        self.id
    }

    fn times(&self) -> (u64, u64) {
        (self.created, self.modified)
    }

    fn property(&self, name: &str) -> Option<String> {
        match name {
            "hs_searchable_calculated_phone_number" => self.properties.get("phone").map(|number| local(number)),
            "hs_searchable_calculated_mobile_number" => self.properties.get("mobilephone").map(|number| local(number)),
            _ => self.properties.get(name).cloned(),
        }
    }
}

/// Returns the searchable form of a number: area code and local number.
fn local(written: &str) -> String {
    let compact: String = written.replace("(0)", "").chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let code = CALLING_CODES.iter().filter(|code| compact.starts_with(**code)).max_by_key(|code| code.len());
    let within = compact.strip_prefix(code.copied().unwrap_or_default()).unwrap_or(&compact);
    within.trim_start_matches(['+', '0']).to_owned()
}

/// An owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub(super) id: String,
    pub(super) email: String,
}

impl Owner {
    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id, "email": self.email, "type": "PERSON", "firstName": "Ana", "lastName": "Lind",
            "userId": 296_619, "userIdIncludingInactive": 296_619, "createdAt": iso(TIME_MS), "updatedAt": iso(TIME_MS),
            "archived": false,
        })
    }
}
