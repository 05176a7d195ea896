//! Contacts for the gateway's index: all by id, then those that changed or were deleted.

use frontgate_sdk::{Batch, ChangeAnswer, Error, Result, SourceCustomer, SourceFacts, warn};

use crate::api::{self, Found, Rows, Stop};
use crate::contact::{CONTACT, Contact, MODIFIED};
use crate::cursor::{Cursor, PAGE_MAX, Phase};
use crate::settings::Settings;
use crate::{soql, users};

/// Requests of one call: contacts, and in the first call of a run up to 2,000 users.
const REQUESTS: u32 = 2;
/// Most rows of a request that is not repeated with fewer rows when Salesforce does not answer in time.
const LATE_PAGE_MIN: u32 = 100;
/// Most contacts that are read by id in one request: the contract's limit.
const FETCH_MAX: u32 = 100;

/// Returns what the source can do.
pub(crate) fn facts() -> Result<SourceFacts> {
    let settings = Settings::read()?;
    let facts = SourceFacts::new(PAGE_MAX).incremental().reports_removals().requests_per_call(REQUESTS);
    // A deactivated user changes no contact, so those that everyone sees now are found by an enumeration.
    let is_complete = !settings.own_customers_only || !settings.shows_unowned();
    Ok(if is_complete { facts.reports_visibility() } else { facts })
}

/// Returns the contacts after a cursor.
pub(crate) fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
    let settings = Settings::read()?;
    let Some(mut cursor) = since.map_or_else(|| Some(Cursor::start()), |bytes| Cursor::read(&bytes)) else {
        return Ok(ChangeAnswer::CursorExpired);
    };
    let rows = limit.min(cursor.page).clamp(1, PAGE_MAX);
    match contacts(&settings, cursor.clone(), rows) {
        Err(Stop::Busy { why, pause }) => {
            warn!("Salesforce: {why}; the next request follows in {} s", pause.as_secs());
            Ok(ChangeAnswer::busy(pause))
        }
        Err(Stop::TooLarge) if rows > 1 => Ok(with_fewer(&mut cursor, rows)),
        Err(Stop::Late) if rows > LATE_PAGE_MIN => Ok(with_fewer(&mut cursor, rows)),
        answer => answer.map_err(stopped),
    }
}

/// Returns an empty batch whose cursor asks for half as many rows.
fn with_fewer(cursor: &mut Cursor, rows: u32) -> ChangeAnswer {
    cursor.page = rows / 2;
    Batch::new(cursor.clone()).has_more(true).into()
}

/// Reads contacts after the last one. Every request is a new query, so that neither Salesforce's cursors nor many
/// contacts with the same time matter.
fn contacts(settings: &Settings, mut cursor: Cursor, limit: u32) -> Result<ChangeAnswer, Stop> {
    let is_enumeration = cursor.phase == Phase::All;
    let owner = settings.owner_path();
    let mut fields = settings.customer_fields(&owner);
    fields.extend(Some("IsDeleted").filter(|_| !is_enumeration));
    let rows = if is_enumeration { Rows::Existing } else { Rows::AlsoDeleted };
    let soql = soql::select(&fields, CONTACT, &cursor.conditions(MODIFIED), limit);
    let Found { records, done, time } = api::query::<Contact>(settings, rows, &soql)?;
    let now = time.ok_or_else(|| Error::failed("Salesforce: the response has no header Date"))?;
    if cursor.is_too_old(now) {
        return Ok(ChangeAnswer::CursorExpired);
    }
    let mut batch = Batch::new(Vec::new());
    if cursor.is_first() && settings.own_customers_only {
        batch.teams = Some(users::teams(settings)?);
    }
    cursor.begin(now);
    let has_more = !records.is_empty() && (!done || records.len() >= limit as usize);
    let mut invalid = 0;
    let before = cursor.last.clone();
    for contact in records {
        if contact.id == before || !soql::is_id(&contact.id) {
            // An endless loop otherwise.
            return Err(Error::failed("Salesforce's results are not in the requested order").into());
        }
        cursor.last.clone_from(&contact.id);
        if contact.is_deleted() {
            batch.removals.push(contact.id);
            continue;
        }
        let customer = contact.source_customer(settings);
        invalid += customer.numbers.len();
        batch.upserts.push(customer);
    }
    if invalid > 0 {
        warn!("found {invalid} invalid phone numbers");
    }
    if !has_more {
        cursor.end();
    }
    batch.has_more = has_more;
    batch.next = cursor.into();
    Ok(batch.into())
}

/// Returns the contacts with these ids. Deleted and merged ones are missing.
pub(crate) fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
    let settings = Settings::read()?;
    let ids: Vec<_> = ids.iter().filter(|id| soql::is_id(id)).map(|id| soql::literal(id)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let owner = settings.owner_path();
    let condition = format!("Id IN ({})", ids.join(", "));
    let soql = soql::select(&settings.customer_fields(&owner), CONTACT, &[condition], FETCH_MAX);
    let found: Found<Contact> = api::query(&settings, Rows::Existing, &soql).map_err(stopped)?;
    // A contact that is missing for another reason still exists.
    if !found.done {
        return Err(Error::unavailable("Salesforce: the answer is incomplete"));
    }
    Ok(found.records.iter().map(|contact| contact.source_customer(&settings)).collect())
}

/// Returns the role's error. After `forbidden`, the gateway asks only rarely.
fn stopped(stop: Stop) -> Error {
    match stop {
        Stop::Denied(why) => Error::Forbidden(why),
        stop => stop.into(),
    }
}
