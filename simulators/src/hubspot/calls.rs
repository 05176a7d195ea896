//! Call engagements: creates entries, and finds them by a unique property.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::reply::Reply;
use crate::hubspot::record::{Record, TIME_MS};
use crate::hubspot::{State, problem, search};

/// The properties of calls that can be written.
const PROPERTIES: [&str; 18] = [
    "hs_timestamp",
    "hs_call_body",
    "hs_call_callee_object_id",
    "hs_call_callee_object_type_id",
    "hs_call_direction",
    "hs_call_disposition",
    "hs_call_duration",
    "hs_call_external_account_id",
    "hs_call_external_id",
    "hs_call_from_number",
    "hs_call_recording_url",
    "hs_call_source",
    "hs_call_status",
    "hs_call_title",
    "hs_call_to_number",
    "hs_activity_type",
    "hs_attachment_ids",
    "hubspot_owner_id",
];
/// The properties with a fixed set of values.
const CHOICES: [(&str, &[&str]); 2] = [
    ("hs_call_direction", &["INBOUND", "OUTBOUND"]),
    (
        "hs_call_status",
        &[
            "BUSY",
            "CALLING_CRM_USER",
            "CANCELED",
            "COMPLETED",
            "CONNECTING",
            "FAILED",
            "IN_PROGRESS",
            "NO_ANSWER",
            "QUEUED",
            "RINGING",
        ],
    ),
];
/// The type of an association from a call to a contact.
const CALL_TO_CONTACT: u64 = 194;

/// A call engagement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCall {
    pub(super) id: u64,
    /// The values by property.
    pub properties: BTreeMap<String, String>,
    /// The ids of the associated contacts.
    pub contacts: Vec<String>,
}

impl Record for LoggedCall {
    const OBJECT_TYPE: &str = "0-48";
    const SEARCHED: &[&str] = &["hs_call_title", "hs_call_body"];

    fn id(&self) -> u64 {
        self.id
    }

    fn times(&self) -> (u64, u64) {
        (TIME_MS, TIME_MS)
    }

    fn property(&self, name: &str) -> Option<String> {
        self.properties.get(name).cloned()
    }
}

impl State {
    /// Returns whether calls have this property.
    fn has_call_property(&self, name: &str) -> bool {
        PROPERTIES.contains(&name) || name == "hs_object_id" || self.call_key.as_deref() == Some(name)
    }

    /// Creates a call engagement.
    pub(super) fn create_call(&mut self, asked: &Value) -> Result<&LoggedCall, Reply> {
        let properties = self.call_properties(&asked["properties"]).map_err(problem::invalid)?;
        if let Some(key) = &self.call_key
            && let Some(value) = properties.get(key)
            && self.calls.iter().any(|call| call.properties.get(key) == Some(value))
        {
            // [?] HubSpot documents the conflict of a unique value for contacts only.
            return Err(problem::conflict());
        }
        let contacts = self.associated(&asked["associations"]).map_err(problem::invalid)?;
        let id = self.new_id();
        self.calls.push(LoggedCall { id, properties, contacts });
        Ok(&self.calls[self.calls.len() - 1])
    }

    fn call_properties(&self, asked: &Value) -> Result<BTreeMap<String, String>, &'static str> {
        let mut properties = BTreeMap::new();
        for (name, value) in asked.as_object().ok_or("properties are required")? {
            let value = value.as_str().ok_or("a value is not a text")?;
            if name == "hs_object_id" || !self.has_call_property(name) {
                return Err("a property does not exist");
            }
            if CHOICES.iter().any(|(choice, values)| choice == name && !values.contains(&value)) {
                return Err("a value is not one of the options");
            }
            properties.insert(name.clone(), value.to_owned());
        }
        let is_number = |name: &str| properties.get(name).is_none_or(|value| value.parse::<u64>().is_ok());
        if !properties.contains_key("hs_timestamp") || !is_number("hs_timestamp") || !is_number("hs_call_duration") {
            return Err("hs_timestamp is required; hs_timestamp and hs_call_duration are milliseconds");
        }
        if properties.get("hs_call_recording_url").is_some_and(|url| !url.starts_with("https://")) {
            return Err("the URL of the recording is not https");
        }
        let is_owner = |id: &String| self.owners.iter().any(|owner| owner.id == *id);
        if !properties.get("hubspot_owner_id").is_none_or(is_owner) {
            return Err("the owner does not exist");
        }
        Ok(properties)
    }

    /// Returns the ids of the contacts in these associations.
    fn associated(&self, asked: &Value) -> Result<Vec<String>, &'static str> {
        let mut contacts = Vec::new();
        for association in asked.as_array().into_iter().flatten() {
            let types = association["types"].as_array().ok_or("an association has no types")?;
            let is_right = |one: &Value| {
                one["associationCategory"] == "HUBSPOT_DEFINED" && one["associationTypeId"] == CALL_TO_CONTACT
            };
            let id = association["to"]["id"].as_str().ok_or("an association has no id")?;
            if types.is_empty() || !types.iter().all(is_right) {
                return Err("the simulator supports only associations with contacts");
            }
            if !id.parse().is_ok_and(|id: u64| self.people.contains_key(&id)) {
                return Err("the contact does not exist");
            }
            contacts.push(id.to_owned());
        }
        Ok(contacts)
    }

    /// Searches calls, without those that the search cannot find yet.
    pub(super) fn search_calls(&self, asked: &Value) -> Result<Value, &'static str> {
        if !search::filtered(asked).all(|name| self.has_call_property(name)) {
            return Err("a property does not exist");
        }
        search::search(self.calls.iter().take(self.searchable_calls.unwrap_or(self.calls.len())), asked)
    }

    /// Returns the call with this id, or with this value of the unique property.
    pub(super) fn call(&self, id: &str, id_property: Option<&str>) -> Result<Option<&LoggedCall>, &'static str> {
        match id_property {
            None => Ok(self.calls.iter().find(|call| call.id.to_string() == id)),
            Some(property) if self.call_key.as_deref() == Some(property) => {
                Ok(self.calls.iter().find(|call| call.properties.get(property).is_some_and(|value| value == id)))
            }
            Some(_) => Err("the values of this property are not unique"),
        }
    }
}
