//! Contacts for the gateway's index: all by id, then those that changed and those that were archived.

use std::time::UNIX_EPOCH;

use frontgate_sdk::http::{self, Response};
use frontgate_sdk::{Batch, ChangeAnswer, Error, Result, SourceCustomer, SourceFacts, warn};
use serde::{Deserialize, Serialize};

use crate::api::{self, Stop};
use crate::contact::{self, Contact};
use crate::cursor::{Cursor, Phase};
use crate::owners::Owners;
use crate::search::{CONTACTS, Filter, Found, Group, PAGE_MAX, Search};
use crate::settings::Settings;

/// HubSpot's limit on archived contacts of one request.
const ARCHIVED_MAX: u32 = 100;
/// HubSpot's limit on contacts that are read by id in one request.
const READ_MAX: usize = 100;
/// Requests of one call: a search, contacts by id, and either owners or archived contacts.
const REQUESTS: u32 = 3;
/// Most merged contacts of a batch. The gateway's next enumeration finds others.
const MERGED_MAX: usize = 900;
/// HubSpot's category of an id that does not exist.
const NOT_FOUND: &str = "OBJECT_NOT_FOUND";

/// Returns what the source can do.
pub(crate) fn facts() -> SourceFacts {
    let facts = SourceFacts::new(PAGE_MAX).incremental().reports_removals().reports_visibility();
    facts.requests_per_call(REQUESTS)
}

/// Returns the contacts after a cursor.
pub(crate) fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
    let settings = Settings::read()?;
    let Some(mut cursor) = since.map_or_else(|| Some(Cursor::start()), |bytes| Cursor::read(&bytes)) else {
        return Ok(ChangeAnswer::CursorExpired);
    };
    let answer = match cursor.phase {
        Phase::All | Phase::Changed => contacts(&settings, cursor.clone(), limit),
        Phase::Archived => archived(&settings, cursor.clone(), limit).map(ChangeAnswer::from),
    };
    match answer {
        Err(Stop::Busy(time)) => Ok(ChangeAnswer::busy(time)),
        Err(Stop::TooLarge) if limit.min(cursor.page) > 1 => {
            cursor.page = limit.min(cursor.page) / 2;
            Ok(Batch::new(cursor).has_more(true).into())
        }
        answer => Ok(answer?),
    }
}

/// Reads contacts after the last one. Every request is a new search, so that HubSpot's limit of 10,000 results and many
/// contacts with the same time do not matter.
fn contacts(settings: &Settings, mut cursor: Cursor, limit: u32) -> Result<ChangeAnswer, Stop> {
    let is_enumeration = cursor.phase == Phase::All;
    let (from, until) = cursor.window();
    let last = if cursor.last.is_empty() { "0" } else { &cursor.last };
    let mut filters = vec![Filter::after(last)];
    if !is_enumeration {
        filters.push(Filter::at_least(contact::MODIFIED, from.to_string()));
        filters.extend(until.map(|until| Filter::at_most(contact::MODIFIED, until.to_string())));
    }
    let limit = limit.min(cursor.page).clamp(1, PAGE_MAX);
    let search = Search::new(vec![Group::of(filters)], settings.source_properties(), limit);
    let response = api::source(search.request(CONTACTS, settings))?;
    let now = time(&response)?;
    if cursor.is_too_old(now) {
        return Ok(ChangeAnswer::CursorExpired);
    }
    let found: Found = api::json(&response)?;
    let mut batch = Batch::new(Vec::new());
    let has_more = found.has_more() && !found.results.is_empty();
    let is_first = cursor.is_first();
    for contact in &found.results {
        contact.check_order(&cursor.last)?;
        cursor.last.clone_from(&contact.id);
    }
    // A run with more than that is a bulk change, which this would slow down.
    let contacts = if is_enumeration || found.results.len() > READ_MAX {
        found.results
    } else {
        let asked: Vec<_> = found.results.into_iter().map(|contact| contact.id).collect();
        let contacts = read(settings, &asked)?;
        let is_gone = |id: &String| contacts.iter().all(|contact| contact.id != *id);
        batch.removals.extend(asked.into_iter().filter(is_gone));
        contacts
    };
    let owners = owners_of(settings, &contacts, is_first)?;
    if is_first {
        batch.total = found.total.filter(|_| is_enumeration);
        batch.teams = Some(owners.teams(settings)).filter(|_| settings.own_customers_only);
    }
    cursor.begin(now);
    let mut invalid = 0;
    for contact in contacts {
        let customer = contact.source_customer(settings, &owners);
        invalid += customer.numbers.len();
        batch.upserts.push(customer);
        if !is_enumeration {
            batch.removals.extend(contact.merged().map(str::to_owned));
        }
    }
    if invalid > 0 {
        warn!("found {invalid} invalid phone numbers");
    }
    batch.removals.truncate(MERGED_MAX);
    if !has_more {
        cursor.end(now);
    }
    // A run without many changes takes one call.
    if cursor.phase == Phase::Archived
        && !owners.were_asked
        && let Ok(archived) = archived(settings, cursor.clone(), ARCHIVED_MAX)
    {
        batch.removals.extend(archived.removals);
        return Ok(Batch { next: archived.next, has_more: archived.has_more, ..batch }.into());
    }
    batch.has_more = has_more || cursor.phase == Phase::Archived;
    batch.next = cursor.into();
    Ok(batch.into())
}

#[derive(Deserialize)]
struct Record {
    id: String,
}

/// Reads archived contacts. HubSpot lists them without a time, so all of them are reported each time.
fn archived(settings: &Settings, mut cursor: Cursor, limit: u32) -> Result<Batch, Stop> {
    let limit = limit.min(cursor.page).clamp(1, ARCHIVED_MAX);
    let mut request = http::get(&settings.url(CONTACTS)).query("archived", true).query("limit", limit);
    request = request.query("properties", "hs_object_id");
    if !cursor.last.is_empty() {
        request = request.query("after", &cursor.last);
    }
    let response = api::source(request)?;
    let now = time(&response)?;
    let found: Found<Record> = api::json(&response)?;
    cursor.archived(now, found.after());
    let has_more = cursor.phase == Phase::Archived;
    let removals = found.results.into_iter().map(|record| record.id);
    Ok(Batch::new(cursor).removals(removals).has_more(has_more))
}

#[derive(Serialize)]
struct BatchRead<'s> {
    inputs: Vec<Input>,
    properties: Vec<&'s str>,
}

#[derive(Serialize)]
struct Input {
    id: String,
}

#[derive(Deserialize)]
struct BatchAnswer {
    results: Vec<Contact>,
    #[serde(default)]
    errors: Vec<BatchProblem>,
}

#[derive(Deserialize)]
struct BatchProblem {
    #[serde(default)]
    category: String,
}

/// Returns the contacts with these ids.
pub(crate) fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
    let settings = Settings::read()?;
    let ids: Vec<_> = ids.into_iter().filter(|id| api::is_id(id)).collect();
    let contacts = read(&settings, &ids)?;
    let owners = owners_of(&settings, &contacts, false)?;
    Ok(contacts.into_iter().map(|contact| contact.source_customer(&settings, &owners)).collect())
}

/// Reads the contacts with these ids, without those that no longer exist. Unlike the search, which may still find a
/// deleted contact, this request does not lag behind.
fn read(settings: &Settings, ids: &[String]) -> Result<Vec<Contact>, Stop> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let inputs = ids.iter().map(|id| Input { id: id.clone() }).collect();
    let body = BatchRead { inputs, properties: settings.source_properties() };
    let response = api::source(http::post(&settings.url(&format!("{CONTACTS}/batch/read"))).json(&body))?;
    let BatchAnswer { mut results, errors } = api::json(&response)?;
    // A contact that is missing for another reason still exists.
    if errors.iter().any(|error| error.category != NOT_FOUND) {
        return Err(Error::unavailable("HubSpot: the answer is incomplete").into());
    }
    // HubSpot returns the remaining contact for the id of a merged one.
    results.retain(|contact| ids.contains(&contact.id));
    Ok(results)
}

/// Returns the owners, if a contact has one or the teams are due.
fn owners_of(settings: &Settings, contacts: &[Contact], is_first: bool) -> Result<Owners, Stop> {
    let has_owner = contacts.iter().any(|contact| contact.owner().is_some());
    if has_owner || is_first && settings.own_customers_only { Owners::all(settings) } else { Ok(Owners::default()) }
}

/// Returns HubSpot's time.
fn time(response: &Response) -> Result<u64> {
    let date = response.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
    let since = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| Error::failed("HubSpot: the response has no header Date"))
}
