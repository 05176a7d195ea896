//! Changes of contacts: by people, by bulk jobs, and by time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::hubspot::rates::Rates;
use crate::hubspot::record::{Person, Record as _};
use crate::hubspot::{HubSpot, State, problem, record, search};

/// Most ids of a batch.
const BATCH_MAX: usize = 100;

impl HubSpot {
    /// Adds a contact and returns the contact's id. Ids increase.
    pub fn add(&self, person: Person) -> String {
        self.add_all([person]).remove(0)
    }

    /// Adds contacts in a bulk job and returns their ids.
    pub fn add_all(&self, people: impl IntoIterator<Item = Person>) -> Vec<String> {
        let add = |state: &mut State, mut person: Person| {
            person.id = state.new_id();
            (person.created, person.modified) = (state.now(), state.now());
            let id = person.id;
            state.people.insert(id, person);
            id
        };
        let ids: Vec<u64> = self.state.update(|state| people.into_iter().map(|person| add(state, person)).collect());
        self.notify("contact.creation", &ids, &json!({}));
        ids.iter().map(ToString::to_string).collect()
    }

    /// Changes a property of a contact.
    pub fn change(&self, id: &str, property: &str, value: &str) {
        self.change_all(&[id], property, value);
    }

    /// Changes a property of contacts in a bulk job: all of them get the same time.
    pub fn change_all(&self, ids: &[impl AsRef<str>], property: &str, value: &str) {
        let ids: Vec<_> = ids.iter().map(|id| number(id.as_ref())).collect();
        self.state.update(|state| {
            let now = state.now();
            for id in &ids {
                let person = state.person(*id);
                person.set(property, value);
                person.modified = now;
            }
        });
        let more = json!({ "propertyName": property, "propertyValue": value });
        self.notify("contact.propertyChange", &ids, &more);
    }

    /// Archives a contact. Only the list of archived contacts has it then.
    pub fn archive(&self, id: &str) {
        self.state.update(|state| {
            let mut person = state.take(number(id));
            person.modified = state.now();
            state.archived.push(person);
        });
        self.notify("contact.deletion", &[number(id)], &json!({}));
    }

    /// Deletes a contact for privacy. No list has it then.
    pub fn forget(&self, id: &str) {
        self.state.update(|state| drop(state.take(number(id))));
        self.notify("contact.privacyDeletion", &[number(id)], &json!({}));
    }

    /// Merges a contact into another one, which remains.
    pub fn merge(&self, id: &str, other: &str) {
        let (id, other) = (number(id), number(other));
        self.state.update(|state| {
            drop(state.take(other));
            state.merged.insert(other, id);
            let now = state.now();
            let person = state.person(id);
            let merged = person.value("hs_merged_object_ids").map_or(String::new(), |merged| format!("{merged};"));
            person.set("hs_merged_object_ids", &format!("{merged}{other}"));
            person.modified = now;
        });
        let more = json!({ "primaryObjectId": id, "mergedObjectIds": [other], "newObjectId": id });
        self.notify("contact.merge", &[id], &more);
    }

    /// Changes the address of an owner.
    pub fn change_owner(&self, id: &str, email: &str) {
        self.state.update(|state| {
            let found = state.owners.iter_mut().find(|owner| owner.id == id);
            email.clone_into(&mut found.expect("the owner").email);
        });
    }

    /// Stops the search from finding changes of contacts from now on, as HubSpot's does for some seconds.
    pub fn delay_search(&self) {
        self.state.update(|state| state.searchable = Some(state.people.clone()));
    }

    /// Lets the search find all contacts again.
    pub fn end_delay_of_search(&self) {
        self.state.update(|state| state.searchable = None);
    }

    /// Advances HubSpot's clock.
    pub fn pass(&self, time: Duration) {
        self.state.update(|state| state.ahead += time);
    }

    /// Enforces HubSpot's rate limits: five searches per second, and 100 other requests per ten seconds.
    pub fn limit_rates(&self) {
        self.state.update(|state| state.rates = Some(Rates::default()));
    }
}

/// Returns a time in milliseconds since 1970.
pub(super) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).expect("the time fits")
}

fn number(id: &str) -> u64 {
    id.parse().expect("the id is a number")
}

impl State {
    /// Returns HubSpot's time.
    pub(super) fn time(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }

    /// Returns HubSpot's time in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        milliseconds(self.time())
    }

    /// Returns the contacts that the search finds.
    pub(super) fn searched(&self) -> &BTreeMap<u64, Person> {
        self.searchable.as_ref().unwrap_or(&self.people)
    }

    /// Reads contacts by id. Missing ones are errors, merged ones are the remaining contact.
    pub(super) fn read_contacts(&self, asked: &Value) -> Reply {
        let inputs = asked["inputs"].as_array().cloned().unwrap_or_default();
        if inputs.is_empty() || inputs.len() > BATCH_MAX {
            return problem::invalid("inputs are from 1 to 100");
        }
        let properties = search::texts(&asked["properties"]);
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for input in &inputs {
            let id = input["id"].as_str().and_then(|id| id.parse::<u64>().ok());
            let id = id.map(|id| self.merged.get(&id).copied().unwrap_or(id));
            match id.and_then(|id| self.people.get(&id)) {
                Some(person) => results.push(person.shown(&properties)),
                None => missing.push(input["id"].clone()),
            }
        }
        let time = record::iso(self.now());
        let mut answer = json!({ "status": "COMPLETE", "results": results, "startedAt": time, "completedAt": time });
        if missing.is_empty() {
            return Reply::new(200, answer.to_string());
        }
        answer["numErrors"] = 1.into();
        answer["errors"] = json!([{
            "status": "error", "category": "OBJECT_NOT_FOUND", "context": { "ids": missing },
            "message": "Could not get some CONTACT objects, they may be deleted or not exist.",
        }]);
        Reply::new(207, answer.to_string())
    }

    fn person(&mut self, id: u64) -> &mut Person {
        self.people.get_mut(&id).expect("the contact")
    }

    fn take(&mut self, id: u64) -> Person {
        self.people.remove(&id).expect("the contact")
    }
}
