//! A small HubSpot for native tests: contacts with times, archived contacts, owners.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use frontgate_sdk::bindings::http_client::OutboundRequest;
use frontgate_sdk::http::Response;
use frontgate_sdk::{Batch, ChangeAnswer, CrmSource as _, SourceCustomer, testing};
use hubspot::HubSpot;
use serde_json::{Value, json};

/// HubSpot's time at the beginning, in milliseconds: midnight of 1 January 2026.
pub(crate) const START: u64 = 1_767_225_600_000;
pub(crate) const MINUTE: u64 = 60_000;

/// What the small HubSpot knows. Its search and its lists follow `simulators/src/hubspot`.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) now: u64,
    /// Contacts by id: the time of the last change, and properties.
    pub(crate) contacts: BTreeMap<u64, (u64, BTreeMap<String, String>)>,
    pub(crate) archived: Vec<u64>,
    pub(crate) owners: Vec<(String, String)>,
    next: Option<Response>,
    pub(crate) is_list_busy: bool,
    /// Deleted contacts that the search still finds.
    pub(crate) deleted: Vec<u64>,
    searches: usize,
    lists: usize,
}

#[derive(Clone)]
pub(crate) struct Account(pub(crate) Rc<RefCell<World>>);

impl Account {
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let account = Self(Rc::new(RefCell::new(World { now: START, ..World::default() })));
        let world = Rc::clone(&account.0);
        testing::settings(settings.iter().copied());
        testing::answer_with(move |request| Ok(world.borrow_mut().answer(request)));
        account
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.0.borrow_mut().now += ms;
    }

    /// Adds or changes a contact now.
    pub(crate) fn put(&self, id: u64, properties: &[(&str, &str)]) {
        let mut world = self.0.borrow_mut();
        let now = world.now;
        let contact = world.contacts.entry(id).or_default();
        contact.0 = now;
        contact.1.extend(properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    }

    pub(crate) fn archive(&self, id: u64) {
        let mut world = self.0.borrow_mut();
        world.contacts.remove(&id);
        world.archived.push(id);
    }

    pub(crate) fn owner(&self, id: &str, email: &str) {
        self.0.borrow_mut().owners.push((id.to_owned(), email.to_owned()));
    }

    /// Sets the answer to the next request.
    pub(crate) fn next(&self, status: u16, headers: &[(&str, &str)], body: &Value) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.borrow_mut().next = Some(Response { headers, ..Response::new(status, body.to_string()) });
    }

    pub(crate) fn searches(&self) -> usize {
        std::mem::take(&mut self.0.borrow_mut().searches)
    }

    pub(crate) fn lists(&self) -> usize {
        std::mem::take(&mut self.0.borrow_mut().lists)
    }
}

impl World {
    pub(crate) fn answer(&mut self, request: &OutboundRequest) -> Response {
        let is_busy = self.is_list_busy && request.url.contains("archived=true");
        let answer = self.next.take().or_else(|| is_busy.then(|| Response::new(429, "{}")));
        let mut answer = answer.unwrap_or_else(|| Response::new(200, self.found(request).to_string()));
        let date = SystemTime::UNIX_EPOCH + Duration::from_millis(self.now);
        answer.headers.push(("Date".to_owned(), httpdate::fmt_http_date(date)));
        answer
    }

    pub(crate) fn found(&mut self, request: &OutboundRequest) -> Value {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if request.url.ends_with("/contacts/search") {
            self.searches += 1;
            return self.search(&asked);
        }
        if request.url.contains("archived=true") {
            self.lists += 1;
            return self.archived(&request.url);
        }
        if request.url.ends_with("/batch/read") {
            let ids: Vec<_> = asked["inputs"].as_array().expect("inputs").iter().map(|input| &input["id"]).collect();
            let id = |id: &Value| id.as_str().expect("an id").parse().expect("a number");
            let (known, gone): (Vec<_>, Vec<_>) = ids
                .into_iter()
                .partition(|one| self.contacts.contains_key(&id(one)) && !self.deleted.contains(&id(one)));
            let errors = json!([{ "category": "OBJECT_NOT_FOUND", "context": { "ids": gone } }]);
            let results: Vec<_> = known.into_iter().map(|one| self.shown(id(one))).collect();
            return json!({ "results": results, "errors": if gone.is_empty() { json!([]) } else { errors } });
        }
        let owners = self.owners.iter().map(|(id, email)| json!({ "id": id, "email": email }));
        json!({ "results": owners.collect::<Vec<_>>() })
    }

    pub(crate) fn search(&self, asked: &Value) -> Value {
        assert_eq!((&asked["sorts"], &asked["after"]), (&json!(["hs_object_id"]), &json!("0")));
        let filters = asked["filterGroups"][0]["filters"].as_array().expect("filters");
        let passes = |id: u64, modified: u64| {
            filters.iter().all(|filter| {
                let value: u64 = filter["value"].as_str().expect("a value").parse().expect("a number");
                match (filter["propertyName"].as_str(), filter["operator"].as_str()) {
                    (Some("hs_object_id"), Some("GT")) => id > value,
                    (Some("lastmodifieddate"), Some("GTE")) => modified >= value,
                    (Some("lastmodifieddate"), Some("LTE")) => modified <= value,
                    other => panic!("{other:?}"),
                }
            })
        };
        let found: Vec<u64> =
            self.contacts.iter().filter(|(id, (modified, _))| passes(**id, *modified)).map(|(id, _)| *id).collect();
        let limit = usize::try_from(asked["limit"].as_u64().expect("a limit")).expect("small");
        assert!((1..=200).contains(&limit));
        let results: Vec<_> = found.iter().take(limit).map(|id| self.shown(*id)).collect();
        let mut answer = json!({ "total": found.len(), "results": results });
        if found.len() > limit {
            answer["paging"] = json!({ "next": { "after": limit.to_string() } });
        }
        answer
    }

    pub(crate) fn archived(&self, url: &str) -> Value {
        let parameter = |name: &str| url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let start: usize = parameter("after").map_or(0, |after| after.parse().expect("a number"));
        let limit: usize = parameter("limit").expect("a limit").parse().expect("a number");
        assert!((1..=100).contains(&limit));
        let page: Vec<_> =
            self.archived.iter().skip(start).take(limit).map(|id| json!({ "id": id.to_string() })).collect();
        let end = start + page.len();
        let mut answer = json!({ "results": page });
        if end < self.archived.len() {
            answer["paging"] = json!({ "next": { "after": end.to_string() } });
        }
        answer
    }

    pub(crate) fn shown(&self, id: u64) -> Value {
        let (modified, properties) = &self.contacts[&id];
        let mut properties = json!(properties);
        // The tests' times are within an hour.
        let since = modified - START;
        let time = format!(
            "2026-01-01T{:02}:{:02}:{:02}.{:03}Z",
            since / 3_600_000,
            since / MINUTE % 60,
            since / 1_000 % 60,
            since % 1_000
        );
        properties["lastmodifieddate"] = json!(time);
        json!({ "id": id.to_string(), "properties": properties })
    }
}

pub(crate) fn ask(since: Option<&[u8]>, limit: u32) -> ChangeAnswer {
    HubSpot::changes(since.map(<[u8]>::to_vec), limit).expect("an answer")
}

pub(crate) fn batch(since: Option<&[u8]>, limit: u32) -> Batch {
    match ask(since, limit) {
        ChangeAnswer::Batch(batch) => batch,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn ids(customers: &[SourceCustomer]) -> Vec<u64> {
    customers.iter().map(|customer| customer.customer.customer_id.parse().expect("a number")).collect()
}
