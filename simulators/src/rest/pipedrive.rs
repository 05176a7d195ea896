//! Pipedrive's persons in version 2, and its users in version 1.
//!
//! <https://developers.pipedrive.com/docs/api/v1/Persons>,
//! <https://pipedrive.readme.io/docs/core-api-concepts-pagination>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::rest::store::{Person, State};
use crate::rest::{ApiRequest, Call, Dialect, ok, problem, time};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 500;
/// Most ids of a request.
const IDS_MAX: usize = 100;
/// Shortest search term.
const TERM_CHARS_MIN: usize = 2;

pub(super) fn call(path: &[&str], query: &BTreeMap<String, String>) -> Call {
    match path {
        ["api", "v2", "persons"] if query.contains_key("ids") => Call::Get,
        ["api", "v2", "persons"] if query.contains_key("updated_since") => Call::Changes,
        ["api", "v2", "persons"] => Call::List,
        ["api", "v2", "persons", "search"] => Call::Search,
        ["api", "v2", "persons", _] => Call::Get,
        ["api", "v1", "users"] => Call::Owners,
        _ => Call::Unknown,
    }
}

pub(super) fn answer(state: &State, asked: &ApiRequest) -> Reply {
    let invalid = || problem(Dialect::Pipedrive, 400);
    let Ok(limit) = asked.number("limit", LIMIT, LIMIT_MAX) else { return invalid() };
    let after = match asked.value("cursor").map(|cursor| state.read_cursor(cursor)) {
        Some(None) => return invalid(),
        other => other.flatten(),
    };
    let (by_time, mut found): (bool, Vec<&Person>) =
        (asked.value("sort_by") == Some("update_time"), state.people.iter().collect());
    match asked.call {
        Call::List => {}
        Call::Changes => {
            let Some(since) = asked.value("updated_since").and_then(time::read) else { return invalid() };
            found.retain(|person| person.updated / 1_000 * 1_000 >= since);
        }
        Call::Get if asked.path.len() == 4 => {
            found.retain(|person| person.id.to_string() == asked.path[3]);
            return match found.first() {
                Some(person) => ok(&json!({ "success": true, "data": shown(state, person) })),
                None => problem(Dialect::Pipedrive, 404),
            };
        }
        Call::Get => {
            let ids: Vec<&str> = asked.value("ids").unwrap_or_default().split(',').collect();
            if ids.len() > IDS_MAX || ids.iter().any(|id| id.parse::<u64>().is_err()) {
                return invalid();
            }
            found.retain(|person| ids.contains(&&*person.id.to_string()));
        }
        Call::Search => {
            let term = asked.value("term").unwrap_or_default();
            if term.chars().count() < TERM_CHARS_MIN {
                return invalid();
            }
            // [?] Numbers are found by their digits.
            let by_phone = asked.value("fields") == Some("phone");
            found.retain(|person| if by_phone { person.digits().contains(term) } else { person.has(term) });
        }
        Call::Owners => {
            let users = state
                .owners
                .iter()
                .enumerate()
                .map(|(at, email)| json!({ "id": at + 501, "name": email, "email": email, "active_flag": true }));
            return ok(&json!({ "success": true, "data": users.collect::<Vec<_>>() }));
        }
        _ => return problem(Dialect::Pipedrive, 404),
    }
    let Some((page, next)) = State::page(found, by_time, after, limit) else { return invalid() };
    let next = next.map(|next| state.cursor(&next));
    let data: Value = match asked.call {
        Call::Search => {
            let items: Vec<_> =
                page.iter().map(|person| json!({ "result_score": 0.5, "item": found_item(state, person) })).collect();
            json!({ "items": items })
        }
        _ => page.iter().map(|person| shown(state, person)).collect(),
    };
    ok(&json!({ "success": true, "data": data, "additional_data": { "next_cursor": next } }))
}

fn shown(state: &State, person: &Person) -> Value {
    let values = |text: &str| match text {
        "" => json!([]),
        text => json!([{ "value": text, "primary": true, "label": "work" }]),
    };
    json!({
        "id": person.id, "name": person.name(), "first_name": person.first, "last_name": person.last,
        "owner_id": state.owner_id(&person.owner), "org_id": null, "emails": values(&person.email),
        "phones": values(&person.phone), "is_deleted": false, "visible_to": 3, "label_ids": [],
        "add_time": time::utc(person.updated), "update_time": time::utc(person.updated),
    })
}

/// A result of the search has other fields.
fn found_item(state: &State, person: &Person) -> Value {
    json!({
        "id": person.id, "type": "person", "name": person.name(), "phones": [person.phone], "emails": [person.email],
        "primary_email": person.email, "visible_to": 3, "owner": { "id": state.owner_id(&person.owner) },
        "organization": null, "custom_fields": [], "notes": [],
    })
}
