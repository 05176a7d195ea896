//! Computes the responses to requests that no fault hits.

use hyper::Uri;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::reply::Reply;
use crate::hubspot::fault::Call;
use crate::hubspot::record::{Person, Record};
use crate::hubspot::{State, problem, search};

/// The maximum page size, except for searches.
const LIST_MAX: usize = 100;

/// A request.
pub(super) struct ApiRequest<'r> {
    pub(super) call: Call,
    pub(super) uri: &'r Uri,
    pub(super) authorization: &'r str,
    pub(super) body: &'r [u8],
}

impl ApiRequest<'_> {
    /// Returns the values of a parameter, which may be repeated or separated by commas.
    fn all(&self, name: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        let values = pairs
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>());
        values.collect()
    }

    fn one(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }

    /// Returns the last segment of the path.
    fn name(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }

    fn json(&self) -> Result<Value, &'static str> {
        serde_json::from_slice(self.body).map_err(|_| "Unable to parse JSON")
    }
}

pub(super) fn answer(state: &mut State, asked: &ApiRequest<'_>) -> Reply {
    if asked.authorization != format!("Bearer {}", state.token) {
        return problem::unauthorized();
    }
    if let Some(policy) = state.rates.as_mut().and_then(|rates| rates.exceeded(asked.call)) {
        return problem::limited(policy);
    }
    match asked.call {
        Call::Search => found(asked.json().and_then(|body| search::search(state.searched().values(), &body))),
        Call::ReadContacts => asked.json().map_or_else(problem::invalid, |body| state.read_contacts(&body)),
        Call::SearchCalls => found(asked.json().and_then(|body| state.search_calls(&body))),
        Call::CreateCall => match asked.json() {
            Ok(body) => match state.create_call(&body) {
                Ok(call) => {
                    let properties: Vec<_> = call.properties.keys().cloned().collect();
                    Reply::new(201, call.shown(&properties).to_string())
                }
                Err(reply) => reply,
            },
            Err(words) => problem::invalid(words),
        },
        Call::ReadCall => match state.call(asked.name(), asked.one("idProperty").as_deref()) {
            Ok(call) => call.map_or_else(problem::not_found, |call| ok(&call.shown(&asked.all("properties")))),
            Err(words) => problem::invalid(words),
        },
        Call::Contacts => {
            let is_archived = asked.one("archived").as_deref() == Some("true");
            let people: Vec<&Person> =
                if is_archived { state.archived.iter().collect() } else { state.people.values().collect() };
            let found = |person: &&Person| {
                let mut shown = person.shown(&asked.all("properties"));
                if is_archived {
                    // The archiving is the last change.
                    shown["archived"] = true.into();
                    shown["archivedAt"] = shown["updatedAt"].clone();
                }
                shown
            };
            page(asked, &people, |person| person.id.to_string(), found)
        }
        Call::Contact => {
            let found = asked.name().parse().ok().and_then(|id: u64| state.people.get(&id));
            found.map_or_else(problem::not_found, |person| ok(&person.shown(&asked.all("properties"))))
        }
        Call::Owners => {
            let email = asked.one("email");
            let is_it = |email: &String| {
                state.owners.iter().filter(|owner| owner.email.eq_ignore_ascii_case(email)).cloned().collect()
            };
            let owners: Vec<_> = email.as_ref().map_or_else(|| state.owners.clone(), is_it);
            page(asked, &owners, |owner| owner.id.clone(), |owner| owner.shown())
        }
        Call::Owner => {
            let found = state.owners.iter().find(|owner| owner.id == asked.name());
            found.map_or_else(problem::not_found, |owner| ok(&owner.shown()))
        }
        Call::Any | Call::Unknown => problem::not_found(),
    }
}

/// Creates the response to a search.
fn found(found: Result<Value, &'static str>) -> Reply {
    found.map_or_else(problem::invalid, |found| ok(&found))
}

fn ok(body: &Value) -> Reply {
    Reply::new(200, body.to_string())
}

/// Returns the page after a cursor, which is the id of the last item of the previous page.
fn page<T>(asked: &ApiRequest<'_>, all: &[T], id: impl Fn(&T) -> String, shown: impl Fn(&T) -> Value) -> Reply {
    let limit = asked.one("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
    if !(1..=LIST_MAX).contains(&limit) {
        return problem::invalid("limit is from 1 to 100");
    }
    let start = match asked.one("after") {
        Some(after) => all.iter().position(|one| id(one) == after).map_or(all.len(), |at| at + 1),
        None => 0,
    };
    let page: Vec<_> = all[start..].iter().take(limit).collect();
    let mut body = json!({ "results": page.iter().map(|one| shown(one)).collect::<Vec<_>>() });
    if let (Some(last), true) = (page.last(), all.len() > start + limit) {
        let after = id(last);
        body["paging"] = json!({ "next": { "after": after, "link": format!("?after={after}") } });
    }
    ok(&body)
}
