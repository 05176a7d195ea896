//! Customers for the gateway's index: all of them, then those that changed, then those that were removed.

use std::collections::HashSet;

use frontgate_sdk::{Batch, ChangeAnswer, Error, Result, SourceCustomer, SourceFacts};
use serde_json::Value;

use crate::ask::Stop;
use crate::cursor::{Cursor, Phase};
use crate::live;
use crate::mapping::{Call, Kind, Mapping, Request};
use crate::owners::{self, Owners};
use crate::page::{Page, Place, page};
use crate::record::Record;
use crate::template::{Argument, Values};

/// The gateway's limit on customers of a batch.
const BATCH_MAX: u32 = 1_000;
/// The gateway's limit on removals of a batch.
const REMOVALS_MAX: u32 = 1_000;

/// Most by which the clock of a CRM's web server differs from the times of its records.
const CLOCKS_DIFFER_MS: i64 = 600_000;

/// Returns what the source can do.
pub(crate) fn facts(mapping: &Mapping) -> SourceFacts {
    let owners = if mapping.request(Call::Owners).is_some() { owners::PAGES_MAX } else { 0 };
    let size = mapping.request(Call::List).map_or(1, |request| request.limit);
    let has_probe = |call| mapping.request(call).is_some_and(Request::ends_with_empty_page);
    let probe = [Call::List, Call::Changes, Call::Removed].into_iter().any(has_probe);
    let removed = mapping.request(Call::Removed).is_some();
    let facts = SourceFacts::new(size).requests_per_call(1 + owners + u32::from(probe) + u32::from(removed));
    if mapping.request(Call::Changes).is_none() {
        return facts;
    }
    let facts = facts.incremental();
    let facts = if mapping.reports_removals() { facts.reports_removals() } else { facts };
    if mapping.sync.reports_visibility { facts.reports_visibility() } else { facts }
}

/// Returns the customers after a cursor.
pub(crate) fn changes(mapping: &Mapping, since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
    let cursor = match since {
        None => Some(Cursor::start(mapping.digest)),
        Some(bytes) => Cursor::read(&bytes, mapping.digest),
    };
    // Without changes, every run enumerates.
    let is_read = |cursor: &Cursor| cursor.phase == Phase::All || mapping.request(Call::Changes).is_some();
    let Some(cursor) = cursor.filter(is_read) else { return Ok(ChangeAnswer::CursorExpired) };
    let limit = limit.clamp(1, BATCH_MAX);
    let answer = match cursor.phase {
        Phase::All | Phase::Changed => customers(mapping, cursor, limit),
        Phase::Removed => removed(mapping, cursor, limit),
    };
    match answer {
        Ok(batch) => Ok(batch.into()),
        Err(Stop::Busy(_, time)) => Ok(ChangeAnswer::busy(time)),
        Err(Stop::Expired(_)) => Ok(ChangeAnswer::CursorExpired),
        Err(Stop::Denied(why)) => Err(Error::Forbidden(why)),
        Err(Stop::NotFound) => Err(Error::failed("the CRM does not know this address; check `url` and the paths")),
        Err(stop) => Err(stop.into()),
    }
}

/// Reads one page of all customers, or of changes.
fn customers(mapping: &Mapping, mut cursor: Cursor, limit: u32) -> Result<Batch, Stop> {
    let is_all = cursor.phase == Phase::All;
    let call = if is_all { Call::List } else { Call::Changes };
    let is_first = cursor.is_first();
    let read = read(mapping, call, &mut cursor, limit)?;
    let records: Vec<Record<'_>> = read.records.iter().filter_map(|value| Record::read(mapping, value)).collect();
    let owners = if is_first || !records.is_empty() { Owners::all(mapping)? } else { Owners::default() };
    let mut batch = Batch::new(Vec::new());
    // Of several records with one id, the last one decides: the gateway applies removals after all customers of a batch.
    let mut known = HashSet::new();
    for record in records.iter().rev().filter(|record| known.insert(record.id.as_str())) {
        match record.is_customer() {
            true => batch.upserts.push(record.source_customer(&owners)),
            false => batch.removals.push(record.id.clone()),
        }
    }
    batch.upserts.reverse();
    if is_first && mapping.own_customers_only {
        batch.teams = owners.teams(mapping);
    }
    // A time in the future would hide all changes until then.
    let possible = |ms: i64| read.date.map_or(ms, |date| ms.min(date + CLOCKS_DIFFER_MS));
    let latest = records.iter().filter_map(Record::updated).max().map(possible);
    if is_first {
        // Every change from now on is at this time or later: the CRM's clock, or the latest change that it knows.
        cursor.begun = read.date.map(|date| date - CLOCKS_DIFFER_MS).or(latest);
    }
    cursor.high = cursor.high.max(latest);
    batch.has_more = match read.next {
        Next::Part => true,
        Next::Page(place) => {
            advance(mapping, &mut cursor, place, &records)?;
            true
        }
        Next::End(place) => end(mapping, &mut cursor, place),
    };
    // A run without many changes takes one call.
    if cursor.phase == Phase::Removed
        && batch.removals.len() < REMOVALS_MAX as usize / 2
        && let Ok(removed) = removed(mapping, cursor.clone(), REMOVALS_MAX / 2)
    {
        batch.removals.extend(removed.removals);
        return Ok(Batch { next: removed.next, has_more: removed.has_more, ..batch });
    }
    batch.next = cursor.into();
    Ok(batch)
}

/// A part of a page.
struct Part {
    records: Vec<Value>,
    next: Next,
    date: Option<i64>,
}

enum Next {
    /// The same page has more records. The cursor says how many to skip.
    Part,
    Page(Place),
    /// The end, and the place where later changes appear.
    End(Option<Place>),
}

/// Reads the page of the cursor, and at most `limit` of its records.
fn read(mapping: &Mapping, call: Call, cursor: &mut Cursor, limit: u32) -> Result<Part, Stop> {
    let request = mapping.request(call).ok_or_else(|| Error::failed(format!("no request `{call}`")))?;
    let kind = request.paging.as_ref().map(|paging| paging.kind);
    let size = match cursor.size {
        // The number of a page means something only with one size.
        0 if kind == Some(Kind::Page) => request.limit,
        // The anchor takes a place.
        0 => limit.saturating_add(u32::from(cursor.anchor.is_some())).min(request.limit),
        size => size,
    };
    let is_kept = mapping.sync.keeps_cursor && cursor.place != Place::Start;
    let mut values = Values::new();
    if call != Call::List && !is_kept {
        let from = mapping.sync.time.write(cursor.from.unwrap_or_default());
        values.insert("since".to_owned(), Argument::Text(from));
    }
    let Page { mut records, next, end, date } = page(mapping, call, &values, &cursor.place, size)?;
    let mut next = next.map_or(Next::End(end), Next::Page);
    // Is a short page the last one, or are all pages of this CRM short?
    if let Next::Page(following) = &next
        && request.ends_with_empty_page()
        && records.len() < size as usize
        && page(mapping, call, &values, following, size)?.records.is_empty()
    {
        next = Next::End(None);
    }
    if let Some(anchor) = cursor.anchor.clone() {
        let is_it = |value: &Value| Record::read(mapping, value).is_some_and(|record| record.id == anchor);
        match (records.iter().position(is_it), &cursor.place) {
            (Some(at), _) => drop(records.drain(..=at)),
            // Records before this page have moved. The page before it is read again, if need be the first one.
            (None, Place::Offset(offset)) if *offset > 0 => {
                let before = Place::Offset(offset.saturating_sub(size.into()));
                return Ok(Part { records: Vec::new(), next: Next::Page(before), date });
            }
            (None, _) => cursor.anchor = None,
        }
        if records.is_empty() && request.ends_with_empty_page() {
            next = Next::End(None);
        }
    }
    let (skip, limit_count) = (cursor.skip as usize, limit as usize);
    records.drain(..skip.min(records.len()));
    if records.len() > limit_count {
        records.truncate(limit_count);
        (cursor.skip, cursor.size) = (cursor.skip.saturating_add(limit), size);
        return Ok(Part { records, next: Next::Part, date });
    }
    Ok(Part { records, next, date })
}

/// Goes to the next page.
fn advance(mapping: &Mapping, cursor: &mut Cursor, next: Place, records: &[Record<'_>]) -> Result<(), Stop> {
    let is_counted = matches!(next, Place::Offset(_) | Place::Page(_));
    if cursor.phase == Phase::Changed && mapping.sync.sorted && is_counted {
        let times: Vec<i64> = records.iter().filter_map(Record::updated).collect();
        if times.windows(2).any(|pair| pair[0] > pair[1]) {
            let problem = "request `changes`: the records are not in the order of `record.updated`; sort them in the \
                           request, or set `sync.sorted` to false";
            return Err(Error::failed(problem).into());
        }
        // Pages are counted within one time only, so that records that change meanwhile move no others.
        let floor = |ms: i64| mapping.sync.time.floor(ms);
        if let Some(last) = times.last()
            && floor(*last) > floor(cursor.from.unwrap_or_default())
        {
            (cursor.from, cursor.anchor) = (Some(*last), None);
            cursor.go_to(Place::Start);
            return Ok(());
        }
    }
    match (next, records.last()) {
        (Place::Offset(offset), Some(last)) if mapping.limit_of(cursor.phase) > 1 => {
            cursor.anchor = Some(last.id.clone());
            cursor.go_to(Place::Offset(offset.saturating_sub(1)));
        }
        (next, _) => cursor.go_to(next),
    }
    Ok(())
}

impl Mapping {
    fn limit_of(&self, phase: Phase) -> u32 {
        let call = if phase == Phase::All { Call::List } else { Call::Changes };
        self.request(call).map_or(1, |request| request.limit)
    }
}

/// Ends a part of a run. Returns whether another part follows.
fn end(mapping: &Mapping, cursor: &mut Cursor, place: Option<Place>) -> bool {
    let overlap = i64::from(mapping.sync.overlap_s) * 1_000;
    if cursor.phase == Phase::All {
        cursor.end(cursor.begun, overlap);
        return false;
    }
    if cursor.phase == Phase::Changed && mapping.request(Call::Removed).is_some() {
        cursor.begin(Phase::Removed);
        cursor.from = cursor.since.map(|since| (since - overlap).max(0));
        return true;
    }
    let kept = place.unwrap_or_else(|| cursor.place.clone());
    // Sorted changes were read up to the latest one. Others may have changed behind the reader.
    let high = cursor.high.filter(|_| mapping.sync.sorted);
    cursor.end(high.max(cursor.begun).max(cursor.since), overlap);
    if mapping.sync.keeps_cursor {
        cursor.place = kept;
    }
    false
}

/// Reads one page of removed customers.
fn removed(mapping: &Mapping, mut cursor: Cursor, limit: u32) -> Result<Batch, Stop> {
    let read = read(mapping, Call::Removed, &mut cursor, limit.min(REMOVALS_MAX))?;
    let path = mapping.request(Call::Removed).and_then(|request| request.ids.as_ref());
    let mut batch = Batch::new(Vec::new());
    batch.removals = read.records.iter().filter_map(|record| path?.text(record)).collect();
    batch.has_more = match read.next {
        Next::Part => true,
        Next::Page(place) => {
            cursor.go_to(place);
            true
        }
        Next::End(place) => end(mapping, &mut cursor, place),
    };
    batch.next = cursor.into();
    Ok(batch)
}

/// Returns the customers with these ids.
pub(crate) fn fetch(mapping: &Mapping, ids: &[String]) -> Result<Vec<SourceCustomer>> {
    let found = match live::by_ids(mapping, ids) {
        Err(Stop::Denied(why)) => return Err(Error::Forbidden(why)),
        found => found?,
    };
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let owners = Owners::all(mapping).map_err(Error::from)?;
    let records = found.iter().filter_map(|value| Record::read(mapping, value));
    Ok(records.map(|record| record.source_customer(&owners)).collect())
}
