//! Zendesk's users: list, search, and the incremental export.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/users/users/>,
//! <https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/>

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::rest::store::{Person, State};
use crate::rest::{ApiRequest, Call, Dialect, ok, problem, time};

const PAGE: usize = 100;
const EXPORT: usize = 1_000;
/// The export omits the last minute.
const EXPORT_DELAY_MS: u64 = 60_000;

pub(super) fn call(path: &[&str]) -> Call {
    match path {
        ["api", "v2", "users"] => Call::List,
        ["api", "v2", "incremental", "users", "cursor"] => Call::Changes,
        ["api", "v2", "users", "search"] => Call::Search,
        ["api", "v2", "users", "show_many"] => Call::Get,
        ["api", "v2", "users", _] => Call::Get,
        _ => Call::Unknown,
    }
}

pub(super) fn answer(state: &State, asked: &ApiRequest) -> Reply {
    answered(state, asked).unwrap_or_else(|| problem(Dialect::Zendesk, 400))
}

/// Returns `None` for an invalid request.
fn answered(state: &State, asked: &ApiRequest) -> Option<Reply> {
    let everyone = || state.people.iter();
    let deleted = |id: u64| state.removed.iter().any(|person| person.id == id);
    let shown = |person: &Person| shown(person, !deleted(person.id));
    match asked.call {
        Call::List => {
            let limit = asked.number("page[size]", PAGE, PAGE).ok()?;
            let after = asked.value("page[after]").map(|cursor| state.read_cursor(cursor).ok_or(()));
            let is_wanted = |person: &&Person| asked.value("role").is_none_or(|role| role == role_of(person));
            let (page, next) =
                State::page(everyone().filter(is_wanted).collect(), false, after.transpose().ok()?, limit)?;
            let users: Vec<_> = page.into_iter().map(shown).collect();
            let next = next.map(|next| state.cursor(&next));
            Some(ok(&json!({ "users": users, "meta": { "has_more": next.is_some(), "after_cursor": next } })))
        }
        Call::Changes => {
            let limit = asked.number("per_page", EXPORT, EXPORT).ok()?;
            let until = state.now().saturating_sub(EXPORT_DELAY_MS);
            let after = match asked.value("cursor") {
                Some(cursor) => state.read_cursor(cursor)?.to_owned(),
                None => {
                    let start: u64 = asked.value("start_time")?.parse().ok()?;
                    if start * 1_000 > until {
                        return None;
                    }
                    format!("{}-0", start * 1_000)
                }
            };
            let all = everyone().chain(&state.removed).filter(|person| person.updated <= until).collect();
            let (page, next) = State::page(all, true, Some(&after), limit)?;
            let last = page.last().map_or(after, |person| format!("{}-{}", person.updated, person.id));
            let last = state.cursor(&last);
            let users: Vec<_> = page.into_iter().map(shown).collect();
            let url = format!("{}/api/v2/incremental/users/cursor?cursor={last}", asked.url);
            Some(ok(&json!({
                "users": users, "after_url": url, "after_cursor": last, "before_url": null, "before_cursor": null,
                "end_of_stream": next.is_none(),
            })))
        }
        Call::Search => {
            let limit = asked.number("per_page", PAGE, PAGE).ok()?;
            let page = asked.number("page", 1, 100).ok()?;
            let query = asked.value("query")?;
            let found: Vec<_> = everyone().filter(|person| matches(person, query)).collect();
            let users: Vec<_> = found.iter().skip((page - 1) * limit).take(limit).map(|person| shown(person)).collect();
            let next =
                (found.len() > page * limit).then(|| format!("{}/api/v2/users/search?page={}", asked.url, page + 1));
            Some(ok(&json!({ "users": users, "next_page": next, "previous_page": null, "count": found.len() })))
        }
        Call::Get if asked.path.last().is_some_and(|last| last == "show_many") => {
            let ids: Vec<u64> = asked.value("ids")?.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
            if ids.len() > PAGE {
                return None;
            }
            let found = everyone().chain(&state.removed).filter(|person| ids.contains(&person.id));
            let users: Vec<_> = found.map(shown).collect();
            Some(ok(&json!({ "count": users.len(), "users": users, "next_page": null })))
        }
        Call::Get => {
            let id: u64 = asked.path.last()?.parse().ok()?;
            let found = everyone().chain(&state.removed).find(|person| person.id == id);
            Some(found.map_or_else(|| problem(Dialect::Zendesk, 404), |person| ok(&json!({ "user": shown(person) }))))
        }
        _ => Some(problem(Dialect::Zendesk, 404)),
    }
}

/// Evaluates a search: `role:`, `phone:`, and words or phrases in quotes, all of which have to match.
fn matches(person: &Person, query: &str) -> bool {
    let parts: Vec<&str> = query.split('"').collect();
    let phrases = parts.iter().skip(1).step_by(2).copied();
    let words = parts.iter().step_by(2).flat_map(|part| part.split_whitespace());
    let mut all = words.map(|word| (word, true)).chain(phrases.map(|phrase| (phrase, false)));
    all.all(|(text, is_word)| match text.split_once(':').filter(|_| is_word) {
        Some(("role", role)) => role == role_of(person),
        // [?] Numbers are found by their digits.
        Some(("phone", phone)) => person.digits() == phone.chars().filter(char::is_ascii_digit).collect::<String>(),
        Some(_) => false,
        None => person.has(text),
    })
}

fn role_of(person: &Person) -> &'static str {
    if person.is_agent { "agent" } else { "end-user" }
}

fn shown(person: &Person, is_active: bool) -> Value {
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "id": person.id, "name": person.name(), "email": text(&person.email), "phone": text(&person.phone),
        "role": role_of(person), "active": is_active, "organization_id": null, "suspended": false,
        "created_at": time::utc(person.updated), "updated_at": time::utc(person.updated),
        "user_fields": { "account_manager": text(&person.owner) }, "photo": null,
    })
}
