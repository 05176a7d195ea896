//! One page of records, and where the next one begins.

use frontgate_sdk::{Error, Result, warn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ask::{Answer, Stop, Target, ask};
use crate::mapping::{Call, Kind, Mapping, Paging};
use crate::path::Path;
use crate::record::Record;
use crate::template::{Argument, Values};

/// The longest cursor or URL of a CRM that fits into the gateway's cursor.
const PLACE_BYTES_MAX: usize = 3_000;

/// The beginning of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    #[default]
    Start,
    Cursor(String),
    Url(String),
    Offset(u64),
    Page(u64),
}

/// The records of one answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) records: Vec<Value>,
    /// The next page, if there is one.
    pub(crate) next: Option<Place>,
    /// The place after the last page, where later changes appear.
    pub(crate) end: Option<Place>,
    /// The CRM's time.
    pub(crate) date: Option<i64>,
}

/// Reads the page at a place, with at most this many records.
pub(crate) fn page(mapping: &Mapping, call: Call, more: &Values, place: &Place, size: u32) -> Result<Page, Stop> {
    let mut values = mapping.values();
    values.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    values.insert("limit".to_owned(), Argument::Number(size.into()));
    let paging = mapping.request(call).and_then(|request| request.paging.as_ref());
    let number = |number: u64| Argument::Number(number);
    let place_value = match (place, paging) {
        (Place::Cursor(cursor), _) => Some(("cursor", Argument::Text(cursor.clone()))),
        (Place::Offset(offset), _) => Some(("offset", number(*offset))),
        (Place::Page(page), _) => Some(("page", number(*page))),
        (Place::Start, Some(Paging { kind: Kind::Offset, .. })) => Some(("offset", number(0))),
        (Place::Start, Some(Paging { kind: Kind::Page, first, .. })) => Some(("page", number(*first))),
        (Place::Start | Place::Url(_), _) => None,
    };
    values.extend(place_value.map(|(name, value)| (name.to_owned(), value)));
    let target = match place {
        Place::Url(url) => Target::Url(url),
        _ => Target::Path,
    };
    let Answer { value, date } = ask(mapping, call, &values, target)?;
    let Some(value) = value else {
        return Ok(Page { records: Vec::new(), next: None, end: None, date });
    };
    let records = records(mapping, call, &value)?;
    let (next, end) = match paging {
        Some(paging) => next(call, paging, place, &value, records.len())?,
        None => (None, None),
    };
    Ok(Page { records, next, end, date })
}

/// Returns the records of an answer. An answer of another kind is an error: it must not look like an empty list.
pub(crate) fn records(mapping: &Mapping, call: Call, answer: &Value) -> Result<Vec<Value>> {
    let Some(request) = mapping.request(call) else { return Ok(Vec::new()) };
    let strange = |problem: String| Error::failed(format!("request `{call}`: {problem}; check `{call}.records`"));
    if !request.records.is_in(answer) {
        return Err(strange(format!("the answer has nothing at `{}`", request.records)));
    }
    let found = request.records.records(answer);
    if found.is_empty() && request.records.all(answer).iter().any(|value| !value.is_array() && !value.is_null()) {
        return Err(strange(format!("the answer has no list at `{}`", request.records)));
    }
    if request.ids.is_none() && call != Call::Owners {
        let without = found.iter().filter(|value| Record::read(mapping, value).is_none()).count();
        if without > 0 && without == found.len() {
            return Err(Error::failed(format!("request `{call}`: no record has an id; check `record.id`")));
        }
        if without > 0 {
            warn!("request `{call}`: omitted {without} records without a valid id");
        }
    }
    Ok(found.into_iter().cloned().collect())
}

/// Returns the next page, and the place after the last one.
fn next(
    call: Call,
    paging: &Paging,
    place: &Place,
    answer: &Value,
    count: usize,
) -> Result<(Option<Place>, Option<Place>)> {
    let more = match flag(call, paging.more.as_ref(), answer)? {
        Some(more) => Some(more),
        None => flag(call, paging.end.as_ref(), answer)?.map(|is_end| !is_end),
    };
    let named = paging.next.as_ref().and_then(|path| path.text(answer));
    let count_after = |from: u64| from + u64::try_from(count).unwrap_or_default();
    let following = match (paging.kind, place.clone()) {
        (Kind::Cursor, _) => named.map(Place::Cursor),
        (Kind::Url, _) => named.map(Place::Url),
        (Kind::Offset, Place::Offset(offset)) => Some(Place::Offset(count_after(offset))),
        (Kind::Offset, _) => Some(Place::Offset(count_after(0))),
        (Kind::Page, Place::Page(page)) => Some(Place::Page(page + 1)),
        (Kind::Page, _) => Some(Place::Page(paging.first + 1)),
    };
    let problem = |problem: &str| Err(Error::failed(format!("request `{call}`: {problem}; check `{call}.paging`")));
    if let Some(Place::Cursor(text) | Place::Url(text)) = &following
        && text.len() > PLACE_BYTES_MAX
    {
        return problem("the cursor of the next page is too long");
    }
    // Without a flag, a page by number ends the list only if it is empty: the CRM may return fewer than asked for.
    let has_more = more.unwrap_or(match paging.kind {
        Kind::Cursor | Kind::Url => true,
        Kind::Offset | Kind::Page => count > 0,
    });
    if !has_more {
        return Ok((None, following));
    }
    match following {
        None if more == Some(true) => problem("there are more records, but the answer does not say where"),
        None => Ok((None, None)),
        Some(next) if next == *place => problem("the next page is this one"),
        Some(next) => Ok((Some(next.clone()), Some(next))),
    }
}

/// Returns whether there is something at a path: neither false, zero, null nor an empty text.
fn flag(call: Call, path: Option<&Path>, answer: &Value) -> Result<Option<bool>> {
    let Some(path) = path else { return Ok(None) };
    if !path.is_in(answer) {
        let problem = format!("request `{call}`: the answer has nothing at `{path}`; check `{call}.paging`");
        return Err(Error::Failed(problem));
    }
    Ok(Some(path.text(answer).is_some_and(|text| text != "false" && text != "0")))
}
