//! The contacts of Zoho CRM, version 8.
//!
//! <https://www.zoho.com/crm/developer/docs/api/v8/get-records.html>,
//! <https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html>,
//! <https://www.zoho.com/crm/developer/docs/api/v8/search-records.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::rest::store::{Person, State};
use crate::rest::{ApiRequest, Call, Dialect, ok, problem, time};

const PAGE: usize = 200;
/// Most ids of a request.
const IDS_MAX: usize = 100;
/// Most records that are reached by the number of a page.
const PAGED_MAX: usize = 2_000;
/// Shortest word of a search.
const WORD_CHARS_MIN: usize = 2;

pub(super) fn call(path: &[&str], query: &BTreeMap<String, String>, is_since: bool) -> Call {
    match path {
        ["crm", "v8", "Contacts"] if query.contains_key("ids") => Call::Get,
        ["crm", "v8", "Contacts"] if is_since => Call::Changes,
        ["crm", "v8", "Contacts"] => Call::List,
        ["crm", "v8", "Contacts", "deleted"] => Call::Removed,
        ["crm", "v8", "Contacts", "search"] => Call::Search,
        ["crm", "v8", "Contacts", _] => Call::Get,
        _ => Call::Unknown,
    }
}

pub(super) fn answer(state: &State, asked: &ApiRequest) -> Reply {
    answered(state, asked).unwrap_or_else(|| problem(Dialect::Zoho, 400))
}

/// Returns `None` for an invalid request.
fn answered(state: &State, asked: &ApiRequest) -> Option<Reply> {
    let limit = asked.number("per_page", PAGE, PAGE).ok()?;
    let page = asked.number("page", 1, PAGED_MAX / limit).ok()?;
    let since = match &asked.modified_since {
        Some(text) => time::read(text)?,
        None => 0,
    };
    if asked.call != Call::Removed {
        // `fields` is required.
        asked.value("fields")?;
    }
    match asked.call {
        Call::List | Call::Changes => {
            let found: Vec<_> = state.people.iter().filter(|person| person.updated / 1_000 * 1_000 >= since).collect();
            if found.is_empty() && asked.modified_since.is_some() {
                return Some(Reply::new(304, ""));
            }
            let after = asked.value("page_token").map(|cursor| state.read_cursor(cursor).ok_or(()));
            let by_time = asked.value("sort_by") == Some("Modified_Time");
            let (found, next) = State::page(found, by_time, after.transpose().ok()?, limit)?;
            let next = next.map(|next| state.cursor(&next));
            let info = json!({ "per_page": limit, "count": found.len(), "more_records": next.is_some(), "next_page_token": next });
            Some(data(found.into_iter().map(shown).collect(), &info))
        }
        Call::Get => {
            let ids: Vec<u64> = asked.value("ids")?.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
            if ids.len() > IDS_MAX {
                return None;
            }
            let found = state.people.iter().filter(|person| ids.contains(&person.id));
            Some(data(found.map(shown).collect(), &json!({ "more_records": false })))
        }
        Call::Removed => {
            let gone = state.removed.iter().filter(|person| person.updated / 1_000 * 1_000 >= since);
            let gone = gone.map(|person| {
                let time = time::with_offset(person.updated);
                json!({ "id": person.id.to_string(), "display_name": person.name(), "type": "recycle", "deleted_time": time })
            });
            Some(numbered(gone.collect(), page, limit))
        }
        Call::Search => {
            let found: Vec<_> = match (asked.value("word"), asked.value("phone")) {
                (Some(word), None) => {
                    let word = unescaped(word)?;
                    if word.chars().count() < WORD_CHARS_MIN {
                        return None;
                    }
                    state.people.iter().filter(|person| person.has(&word)).map(shown).collect()
                }
                // [?] Numbers are found by their digits.
                (None, Some(phone)) => {
                    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
                    state.people.iter().filter(|person| person.digits() == digits).map(shown).collect()
                }
                _ => return None,
            };
            Some(numbered(found, page, limit))
        }
        _ => Some(problem(Dialect::Zoho, 404)),
    }
}

/// Removes the escapes of parentheses and commas. A text without them is invalid.
fn unescaped(text: &str) -> Option<String> {
    let (mut plain, mut letters) = (String::new(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.push(letters.next()?),
            '(' | ')' | ',' => return None,
            letter => plain.push(letter),
        }
    }
    Some(plain)
}

/// Returns a page by its number.
fn numbered(all: Vec<Value>, page: usize, limit: usize) -> Reply {
    let more = all.len() > page * limit;
    let some: Vec<_> = all.into_iter().skip((page - 1) * limit).take(limit).collect();
    let info = json!({ "per_page": limit, "count": some.len(), "page": page, "more_records": more });
    data(some, &info)
}

/// An answer without records has no content.
fn data(records: Vec<Value>, info: &Value) -> Reply {
    if records.is_empty() { Reply::new(204, "") } else { ok(&json!({ "data": records, "info": info })) }
}

fn shown(person: &Person) -> Value {
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let owner = match person.owner.as_str() {
        "" => Value::Null,
        email => json!({ "name": email, "id": "5001", "email": email }),
    };
    json!({
        "id": person.id.to_string(), "First_Name": text(&person.first), "Last_Name": text(&person.last),
        "Full_Name": person.name(), "Email": text(&person.email), "Phone": text(&person.phone), "Mobile": null,
        "Account_Name": match person.company.as_str() { "" => Value::Null, name => json!({ "name": name, "id": "6001" }) },
        "Owner": owner, "Modified_Time": time::with_offset(person.updated),
    })
}
