//! A CRM of no vendor: pages by offset, times in seconds, and a search by POST. For mappings without a preset.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::rest::store::{Person, State};
use crate::rest::{ApiRequest, Call, Dialect, ok, problem};

const PAGE: usize = 50;
/// Most ids of a request.
const IDS_MAX: usize = 100;

pub(super) fn call(method: &str, path: &[&str], query: &BTreeMap<String, String>) -> Call {
    match (method, path) {
        ("GET", ["people"]) if query.contains_key("ids") => Call::Get,
        ("GET", ["people"]) if query.contains_key("since") => Call::Changes,
        ("GET", ["people"]) => Call::List,
        ("POST", ["people", "search"]) => Call::Search,
        _ => Call::Unknown,
    }
}

pub(super) fn answer(state: &State, asked: &ApiRequest) -> Reply {
    answered(state, asked).unwrap_or_else(|| problem(Dialect::Plain, 400))
}

/// Returns `None` for an invalid request.
fn answered(state: &State, asked: &ApiRequest) -> Option<Reply> {
    let mut found: Vec<&Person> = state.people.iter().collect();
    let (offset, limit) = match asked.call {
        Call::Search => {
            let text = asked.body["query"].as_str()?;
            found.retain(|person| person.has(text) || is_number(person, text));
            (asked.body["from"].as_u64()?, asked.body["size"].as_u64()?)
        }
        Call::List | Call::Changes => {
            let since: u64 = asked.value("since").map_or(Some(0), |text| text.parse().ok())?;
            found.retain(|person| person.updated / 1_000 >= since);
            (asked.value("offset")?.parse().ok()?, asked.value("limit")?.parse().ok()?)
        }
        Call::Get => {
            let ids: Vec<u64> = asked.value("ids")?.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
            found.retain(|person| ids.contains(&person.id));
            (0, ids.len() as u64)
        }
        _ => return Some(problem(Dialect::Plain, 404)),
    };
    if asked.value("sort") == Some("changed") {
        found.sort_by_key(|person| (person.updated, person.id));
    }
    let (offset, limit) = (
        usize::try_from(offset).ok()?,
        usize::try_from(limit).ok()?.min(if asked.call == Call::Get { IDS_MAX } else { PAGE }),
    );
    let page: Vec<Value> = found.iter().skip(offset).take(limit).map(|person| shown(person)).collect();
    Some(ok(&json!({ "total": found.len(), "people": page })))
}

fn is_number(person: &Person, text: &str) -> bool {
    text.len() > 6 && text.bytes().all(|byte| byte.is_ascii_digit()) && person.digits().ends_with(text)
}

fn shown(person: &Person) -> Value {
    json!({
        "id": person.id, "first": person.first, "last": person.last, "company": person.company,
        "mail": person.email, "phones": [{ "label": "work", "number": person.phone }],
        "manager": { "mail": person.owner }, "changed": person.updated / 1_000,
    })
}
