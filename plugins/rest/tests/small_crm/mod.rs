//! A small CRM for native tests: people in pages by offset, sorted by id or by the time of their last change.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use frontgate_sdk::bindings::http_client::OutboundRequest;
use frontgate_sdk::http::Response;
use frontgate_sdk::{Batch, ChangeAnswer, CrmSource as _, testing};
use rest::Rest;
use serde_json::{Value, json};

/// The CRM's time at the beginning, in seconds: midnight of 1 January 2026.
pub(crate) const START: i64 = 1_767_225_600;

pub(crate) const MAPPING: &str = r#"
url = "https://crm.example.com"
country = "US"

[list]
path = "/people"
query = { offset = "{offset}", limit = "{limit}", sort = "id" }
records = "/people"
limit = 10
paging = { kind = "offset" }

[changes]
path = "/people"
query = { offset = "{offset}", limit = "{limit}", sort = "updated", since = "{since}" }
records = "/people"
limit = 10
paging = { kind = "offset" }

[search]
method = "POST"
path = "/search"
body = { query = "{query}", filters = [{ text = "name: {query|phrase}" }], page = { from = "{offset}", size = "{limit}" } }
records = "/people"
limit = 10
paging = { kind = "offset" }

[get]
path = "/people/{id}"
records = ""

[by_number]
path = "/people"
query = { phone = "{national}" }
records = "/people"

[record]
id = "/id"
name = "{/first} {/last}"
numbers = "/phones/*/value"
emails = "/email"
owner = "/owner"
updated = "/updated"

[sync]
time = "seconds"
overlap_s = 0
"#;

#[derive(Default)]
pub(crate) struct World {
    /// The time of the last change, and further fields, by id.
    pub(crate) people: BTreeMap<u64, (i64, Value)>,
    pub(crate) now: i64,
    pub(crate) has_date: bool,
    /// The largest page.
    pub(crate) page_max: usize,
    pub(crate) next: Option<Response>,
    pub(crate) requests: usize,
    /// Whether the request for removed people is rejected.
    pub(crate) is_gone_busy: bool,
    pub(crate) last: Option<OutboundRequest>,
}

#[derive(Clone)]
pub(crate) struct Crm(pub(crate) Rc<RefCell<World>>);

impl Crm {
    pub(crate) fn new(mapping: &str) -> Self {
        let world = World { now: START, page_max: 10, ..World::default() };
        let crm = Self(Rc::new(RefCell::new(world)));
        testing::reset();
        testing::folder([("mapping.toml", mapping)]);
        let world = Rc::clone(&crm.0);
        testing::answer_with(move |request| Ok(world.borrow_mut().answer(request)));
        crm
    }

    /// Adds or changes a person now.
    pub(crate) fn put(&self, id: u64, more: &Value) {
        let mut world = self.0.borrow_mut();
        let now = world.now;
        let mut person = json!({ "id": id, "first": "Mora", "last": format!("Lind {id}") });
        for (name, value) in more.as_object().into_iter().flatten() {
            person[name] = value.clone();
        }
        world.people.insert(id, (now, person));
    }

    pub(crate) fn remove(&self, id: u64) {
        self.0.borrow_mut().people.remove(&id);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.0.borrow_mut().now += seconds;
    }

    pub(crate) fn requests(&self) -> usize {
        std::mem::take(&mut self.0.borrow_mut().requests)
    }

    pub(crate) fn last(&self) -> OutboundRequest {
        self.0.borrow().last.clone().expect("a request")
    }

    /// Sets the answer to the next request.
    pub(crate) fn next(&self, response: Response) {
        self.0.borrow_mut().next = Some(response);
    }
}

impl World {
    fn answer(&mut self, request: &OutboundRequest) -> Response {
        self.requests += 1;
        self.last = Some(request.clone());
        let found = self.next.take().unwrap_or_else(|| self.found(request));
        let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(self.now).expect("a time"));
        let date = ("date".to_owned(), httpdate::fmt_http_date(date));
        let headers = found.headers.iter().cloned().chain(self.has_date.then_some(date)).collect();
        Response { headers, ..found }
    }

    fn found(&self, request: &OutboundRequest) -> Response {
        let (path, query) =
            request.url.trim_start_matches("https://crm.example.com").split_once('?').unwrap_or_default();
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &str, other: i64| value(name).map_or(other, |text| text.parse().expect("a number"));
        if path == "/gone" {
            let gone = json!({ "gone": [{ "key": 77 }] });
            return Response::new(if self.is_gone_busy { 429 } else { 200 }, gone.to_string());
        }
        if path.is_empty() {
            let id = request.url.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or_default();
            return match self.people.get(&id) {
                Some(person) => Response::new(200, shown(person).to_string()),
                None if request.url.ends_with("/search") => self.page(self.people.values().collect(), 0, 10),
                None => Response::new(404, "{}"),
            };
        }
        let since = number("since", 0);
        let mut found: Vec<_> = self.people.values().filter(|(updated, _)| *updated >= since).collect();
        if value("sort") == Some("updated") {
            found.sort_by_key(|(updated, _)| *updated);
        }
        let limit = number("limit", 10);
        self.page(found, number("offset", (number("page", 1) - 1) * limit), limit)
    }

    fn page(&self, found: Vec<&(i64, Value)>, offset: i64, limit: i64) -> Response {
        let count = usize::try_from(limit).expect("a limit").min(self.page_max);
        let offset = usize::try_from(offset).expect("an offset");
        let page: Vec<_> = found.into_iter().skip(offset).take(count).map(shown).collect();
        Response::new(200, json!({ "people": page }).to_string())
    }
}

fn shown((updated, person): &(i64, Value)) -> Value {
    let mut person = person.clone();
    person["updated"] = (*updated).into();
    person
}

pub(crate) fn batch(since: Option<&[u8]>, limit: u32) -> Batch {
    match Rest::changes(since.map(<[u8]>::to_vec), limit).expect("an answer") {
        ChangeAnswer::Batch(batch) => batch,
        other => panic!("{other:?}"),
    }
}

/// The result of a run.
pub(crate) struct Run {
    /// Ids as often as they were reported.
    pub(crate) ids: Vec<u64>,
    pub(crate) next: Vec<u8>,
    pub(crate) batches: usize,
}

impl Run {
    pub(crate) fn set(&self) -> BTreeSet<u64> {
        self.ids.iter().copied().collect()
    }
}

/// Calls `changes` until the last batch, and `between` after each other one.
pub(crate) fn run(since: Option<&[u8]>, limit: u32, mut between: impl FnMut(usize)) -> Run {
    let mut run = Run { ids: Vec::new(), next: since.map(<[u8]>::to_vec).unwrap_or_default(), batches: 0 };
    loop {
        let since = Some(&*run.next).filter(|_| since.is_some() || run.batches > 0);
        let batch = batch(since, limit);
        assert!(batch.upserts.len() <= limit as usize && batch.next.len() <= 4_096);
        assert!(!batch.has_more || batch.next != run.next, "the cursor did not move");
        run.batches += 1;
        assert!(run.batches < 20_000, "the run does not end");
        run.ids.extend(batch.upserts.iter().map(|one| one.customer.customer_id.parse::<u64>().expect("a number")));
        run.next = batch.next;
        if !batch.has_more {
            return run;
        }
        between(run.batches);
    }
}
