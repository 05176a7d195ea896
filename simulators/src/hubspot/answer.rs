//! Computes the responses to requests that no fault hits.

use hyper::Uri;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::reply::Reply;
use crate::hubspot::fault::Call;
use crate::hubspot::record::Person;
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

    fn name(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }
}

pub(super) fn answer(state: &State, asked: &ApiRequest<'_>) -> Reply {
    if asked.authorization != format!("Bearer {}", state.token) {
        return problem::unauthorized();
    }
    match asked.call {
        Call::Search => match serde_json::from_slice::<Value>(asked.body) {
            Ok(body) => match search::search(&state.people, &body) {
                Ok(found) => ok(&found),
                Err(words) => problem::invalid(words),
            },
            Err(_) => problem::invalid("Unable to parse JSON"),
        },
        Call::Contacts => {
            let found = |person: &Person| person.shown(&asked.all("properties"));
            page(asked, &state.people, |person| person.id.to_string(), found)
        }
        Call::Contact => {
            let found = state.people.iter().find(|person| person.id.to_string() == asked.name());
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
