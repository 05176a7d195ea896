//! The CRM's API: what is asked, and what its answers mean.

use std::time::Duration;

use frontgate_sdk::{Error, Result, http, settings};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::contact::Contact;

/// Contacts on one of the CRM's pages.
const LIMIT_MAX: usize = 50;
/// Characters of a search.
const QUERY_MAX: usize = 200;
/// Characters of an id.
const ID_MAX: usize = 40;
/// For one request. The app waits no longer than about five seconds for all of them.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a value in a query string cannot hold as it is.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whose contacts, and which of them.
pub(crate) struct Filter<'r> {
    pub(crate) owner: &'r str,
    pub(crate) query: Option<&'r str>,
}

/// Where a page starts.
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

/// A page of the contacts that pass a filter, of so many at most.
pub(crate) fn contacts(filter: &Filter, most: usize, start: &Start) -> Result<Page> {
    let mut path = format!("/contacts?owner={}", escape(filter.owner));
    if let Some(query) = filter.query {
        if query.chars().count() > QUERY_MAX {
            return Err(Error::invalid("the CRM searches for 200 characters at most"));
        }
        path += &format!("&q={}", escape(query));
    }
    path += &format!("&limit={}", most.min(LIMIT_MAX));
    match start {
        Start::First => {}
        Start::After(id) => path += &format!("&after={}", escape(id)),
        Start::Cursor(cursor) => path += &format!("&cursor={}", escape(cursor)),
    }
    read(&path)?.ok_or_else(|| Error::failed("the CRM answered 404"))
}

/// The contacts that have a number.
pub(crate) fn contacts_with(number: &str) -> Result<Page> {
    read(&format!("/contacts?phone={}&limit=1", escape(number)))?.ok_or_else(|| Error::failed("the CRM answered 404"))
}

/// The contact with an id.
pub(crate) fn contact(id: &str) -> Result<Contact> {
    // Anything else might lead to another place of the API.
    let has_letters_of_ids = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !has_letters_of_ids || !(1..=ID_MAX).contains(&id.len()) {
        return Err(Error::NotFound);
    }
    read(&format!("/contacts/{id}"))?.ok_or(Error::NotFound)
}

/// What is at a place; nothing where the CRM says that there is nothing.
fn read<T: DeserializeOwned>(path: &str) -> Result<Option<T>> {
    let crm = settings::get("crm").ok_or_else(|| Error::failed("the setting `crm` is missing: the CRM's address"))?;
    let url = format!("{}{path}", crm.trim_end_matches('/'));
    let request = http::get(&url).header("accept", "application/json").timeout(PATIENCE);
    let answer = request.send().map_err(unanswered)?;
    match answer.status {
        200 => {
            let unreadable = |_| Error::failed("the CRM's answer cannot be read");
            serde_json::from_slice(&answer.body).map(Some).map_err(unreadable)
        }
        404 => Ok(None),
        status => Err(refused(status, answer.header("retry-after"))),
    }
}

/// Whether trying again may help, which the gateway and its operator go by.
fn refused(status: u16, retry_after: Option<&str>) -> Error {
    match (status, retry_after) {
        (400, _) => Error::invalid("the CRM does not take the request (400)"),
        (401 | 403, _) => Error::failed(format!("the CRM refuses the token ({status})")),
        (429, Some(time)) => Error::unavailable(format!("the CRM takes no more requests (retry-after: {time})")),
        (429, None) => Error::unavailable("the CRM takes no more requests"),
        (500.., _) => Error::unavailable(format!("the CRM answered {status}")),
        _ => Error::failed(format!("the CRM answered {status}")),
    }
}

fn unanswered(error: http::Error) -> Error {
    match error {
        http::Error::Timeout => Error::unavailable("the CRM did not answer in time"),
        http::Error::NotConnected(why) => Error::unavailable(format!("the CRM cannot be reached: {why}")),
        http::Error::Interrupted(why) => Error::unavailable(format!("the CRM's answer broke off: {why}")),
        http::Error::Forbidden(why) => Error::Failed(why),
        http::Error::TooLarge => Error::failed("the CRM's answer is too large"),
    }
}

fn escape(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, VALUE)
}
