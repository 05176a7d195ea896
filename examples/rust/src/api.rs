//! Sends requests to the CRM's API and interprets the responses.

use std::time::Duration;

use frontgate_sdk::{Error, Result, http, settings};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::contact::Contact;

/// The CRM's maximum page size.
const LIMIT_MAX: usize = 50;
/// The maximum length of a search text, in characters.
const QUERY_MAX: usize = 200;
/// The maximum length of an id, in characters.
const ID_MAX: usize = 40;
/// The timeout of one request. The app waits about five seconds for a whole call.
const PATIENCE: Duration = Duration::from_secs(2);
/// Characters to escape in a query string.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The filter of a list: the owner, and optionally a search text.
pub(crate) struct Filter<'r> {
    pub(crate) owner: &'r str,
    pub(crate) query: Option<&'r str>,
}

/// The start of a page.
pub(crate) enum Start {
    First,
    After(String),
    Cursor(String),
}

#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) next_cursor: Option<String>,
}

/// Returns a page of at most `most` contacts, from this start.
pub(crate) fn contacts(filter: &Filter, most: usize, start: &Start) -> Result<Page> {
    let mut path = format!("/contacts?owner={}", escape(filter.owner));
    if let Some(query) = filter.query {
        if query.chars().count() > QUERY_MAX {
            return Err(Error::invalid("the CRM accepts at most 200 characters"));
        }
        path += &format!("&q={}", escape(query));
    }
    path += &format!("&limit={}", most.min(LIMIT_MAX));
    match start {
        Start::First => {}
        Start::After(id) => path += &format!("&after={}", escape(id)),
        Start::Cursor(cursor) => path += &format!("&cursor={}", escape(cursor)),
    }
    read(&path)?.ok_or_else(|| Error::failed("the CRM returned 404"))
}

/// Returns the contacts with this number.
pub(crate) fn contacts_with(number: &str) -> Result<Page> {
    read(&format!("/contacts?phone={}&limit=1", escape(number)))?.ok_or_else(|| Error::failed("the CRM returned 404"))
}

/// Returns the contact with this id.
pub(crate) fn contact(id: &str) -> Result<Contact> {
    // An id with other characters could lead to another path of the API.
    let has_letters_of_ids = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !has_letters_of_ids || !(1..=ID_MAX).contains(&id.len()) {
        return Err(Error::NotFound);
    }
    read(&format!("/contacts/{id}"))?.ok_or(Error::NotFound)
}

/// Requests a path and parses the response. Returns `None` for status 404.
fn read<T: DeserializeOwned>(path: &str) -> Result<Option<T>> {
    let crm = settings::get("crm").ok_or_else(|| Error::failed("the setting `crm` is missing: the CRM's address"))?;
    let url = format!("{}{path}", crm.trim_end_matches('/'));
    let request = http::get(&url).header("accept", "application/json").timeout(PATIENCE);
    let answer = request.send().map_err(unanswered)?;
    match answer.status {
        200 => {
            let unreadable = |_| Error::failed("failed to parse the CRM's response");
            serde_json::from_slice(&answer.body).map(Some).map_err(unreadable)
        }
        404 => Ok(None),
        status => Err(refused(status, answer.header("retry-after"))),
    }
}

/// Converts an error status to a role's error, so that the gateway retries only if that may help.
fn refused(status: u16, retry_after: Option<&str>) -> Error {
    match (status, retry_after) {
        (400, _) => Error::invalid("the CRM rejected the request (400)"),
        (401 | 403, _) => Error::failed(format!("the CRM rejected the token ({status})")),
        (429, Some(time)) => Error::unavailable(format!("too many requests to the CRM (retry-after: {time})")),
        (429, None) => Error::unavailable("too many requests to the CRM"),
        (500.., _) => Error::unavailable(format!("the CRM returned {status}")),
        _ => Error::failed(format!("the CRM returned {status}")),
    }
}

fn unanswered(error: http::Error) -> Error {
    match error {
        http::Error::Timeout => Error::unavailable("the request to the CRM timed out"),
        http::Error::NotConnected(why) => Error::unavailable(format!("failed to reach the CRM: {why}")),
        http::Error::Interrupted(why) => Error::unavailable(format!("the CRM's response was interrupted: {why}")),
        http::Error::Forbidden(why) => Error::Failed(why),
        http::Error::TooLarge => Error::failed("the CRM's response is too large"),
    }
}

fn escape(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, VALUE)
}
