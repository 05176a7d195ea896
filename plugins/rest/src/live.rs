//! Answers of the CRM itself, while the gateway has no index: pages of a list or search, and single customers.

use std::collections::HashSet;
use std::time::Duration;

use crm_values::phone;
use frontgate_sdk::{Customer, CustomerPage, Error, ListRequest, Position, Result, address, clock, warn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ask::{Stop, Target, ask};
use crate::mapping::{Call, Mapping};
use crate::owners::Owners;
use crate::page::{Place, page, records};
use crate::record::{Record, is_id};
use crate::template::{Argument, Values};

/// Most requests to the CRM for one page of the app.
const REQUESTS_MAX: usize = 10;
/// Time after which no further page is read: a shorter page in time is better than a whole page too late.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest search text, in characters.
const QUERY_CHARS_MAX: usize = 200;
/// Customers with the same digits that are compared.
const NAMESAKES_MAX: u32 = 100;

/// The token of a page: the CRM's page, and how many of its records were passed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Token {
    place: Place,
    passed: usize,
    last: String,
}

/// Returns a page of customers that the worker sees.
pub(crate) fn list(mapping: &Mapping, request: &ListRequest) -> Result<CustomerPage> {
    let (call, mut values) = (if request.query.is_some() { Call::Search } else { Call::List }, Values::new());
    if let Some(query) = &request.query {
        let query: String = query.trim().chars().take(QUERY_CHARS_MAX).filter(|letter| *letter != '\0').collect();
        let Some(search) = mapping.request(Call::Search) else {
            return Err(Error::invalid(
                "the mapping has no request `search`: customers are searched in the index only",
            ));
        };
        // A text without letters and digits may be an empty one once it is escaped, which would find everyone.
        let is_blank = !query.chars().any(char::is_alphanumeric);
        if is_blank || query.chars().count() < search.min_chars as usize {
            return Ok(CustomerPage::empty());
        }
        values.insert("query".to_owned(), Argument::Text(query));
    }
    let (mut token, mut after) = match &request.position {
        Position::First => (Token::default(), None),
        Position::Token(text) => match serde_json::from_str(text) {
            Ok(token) => (token, None),
            Err(_) => return Ok(CustomerPage::empty()),
        },
        // The CRM cannot start after a customer, who is looked for from the beginning.
        Position::After(id) if is_id(mapping, id) => (Token::default(), Some(id.clone())),
        Position::After(_) => return Ok(CustomerPage::empty()),
    };
    let (began, wanted) = (clock::now(), request.page_size as usize);
    let owners = if mapping.own_customers_only { Owners::all(mapping)? } else { Owners::default() };
    let has_ids = mapping.request(call).is_some_and(|request| request.ids.is_some());
    let pages_max = if has_ids { REQUESTS_MAX / 2 } else { REQUESTS_MAX };
    let size = mapping.request(call).map_or(1, |request| request.limit);
    let mut found = CustomerPage::empty();
    for _ in 0..pages_max {
        let read = match page(mapping, call, &values, &token.place, size).and_then(|mut page| {
            page.records = whole(mapping, call, page.records)?;
            Ok(page)
        }) {
            Err(stop) if !found.customers.is_empty() => {
                warn!("the page is shorter than requested: {:?}", Error::from(stop));
                return Ok(found.then(text(&token)));
            }
            read => read?,
        };
        let rows: Vec<Record<'_>> = read.records.iter().filter_map(|value| Record::read(mapping, value)).collect();
        let start = match rows.iter().position(|row| row.id == token.last) {
            _ if token.passed == 0 => 0,
            Some(at) => at + 1,
            None => token.passed.min(rows.len()),
        };
        for (at, row) in rows.iter().enumerate().skip(start) {
            if let Some(id) = &after {
                if *id == row.id {
                    after = None;
                }
                continue;
            }
            if !row.is_customer() || !row.is_seen_by(&request.worker, &owners) {
                continue;
            }
            if found.customers.len() == wanted {
                token.passed = at;
                token.last = rows.get(at.wrapping_sub(1)).map(|row| row.id.clone()).unwrap_or_default();
                return Ok(found.then(text(&token)));
            }
            found.customers.push(row.summary());
        }
        let Some(next) = read.next else { return Ok(found) };
        token = Token { place: next, ..Token::default() };
        if clock::now().duration_since(began).is_ok_and(|time| time >= PATIENCE) {
            break;
        }
    }
    match found.customers.is_empty() {
        false => Ok(found.then(text(&token))),
        // An empty page would end the list.
        true => Err(Error::unavailable(
            "too many pages of the CRM without a customer of this worker; use the gateway's index of customers",
        )),
    }
}

fn text(token: &Token) -> String {
    serde_json::json!(token).to_string()
}

/// Returns the records themselves, where an answer has only their ids.
fn whole(mapping: &Mapping, call: Call, found: Vec<Value>) -> Result<Vec<Value>, Stop> {
    let Some(path) = mapping.request(call).and_then(|request| request.ids.as_ref()) else { return Ok(found) };
    let ids: Vec<String> = found.iter().filter_map(|record| path.text(record)).collect();
    let records = by_ids(mapping, &ids)?;
    // In the order of the search.
    let place = |value: &Value| {
        let id = Record::read(mapping, value).map(|record| record.id);
        ids.iter().position(|known| Some(known) == id.as_ref())
    };
    let mut records: Vec<_> = records.into_iter().map(|value| (place(&value), value)).collect();
    records.sort_by_key(|(place, _)| *place);
    Ok(records.into_iter().map(|(_, value)| value).collect())
}

/// Returns the records of the customers with these ids. Unknown and deleted ones are left out.
pub(crate) fn by_ids(mapping: &Mapping, ids: &[String]) -> Result<Vec<Value>, Stop> {
    let mut known = HashSet::new();
    let ids: Vec<&String> = ids.iter().filter(|id| is_id(mapping, id) && known.insert(id.as_str())).collect();
    let mut found = Vec::new();
    if let Some(request) = mapping.request(Call::GetMany) {
        for some in ids.chunks(request.limit as usize) {
            let each = |id: &&String| match &request.each {
                None => Ok((*id).clone()),
                Some(each) => {
                    let mut values = mapping.values();
                    values.insert("id".to_owned(), Argument::Text((*id).clone()));
                    each.plain(&values)
                }
            };
            let texts: Vec<_> = some
                .iter()
                .map(each)
                .collect::<Result<_, _>>()
                .map_err(|name| Error::failed(format!("`get_many.each`: {{{name}}} has no value")))?;
            let list = match &request.join {
                None => Argument::List(texts),
                Some(join) => Argument::Text(texts.join(join)),
            };
            let mut values = mapping.values();
            values.insert("ids".to_owned(), list);
            match ask(mapping, Call::GetMany, &values, Target::Path) {
                Err(Stop::NotFound) => {}
                answer => {
                    let value = answer?.value;
                    found.extend(
                        value.map(|value| records(mapping, Call::GetMany, &value)).transpose()?.unwrap_or_default(),
                    );
                }
            }
        }
    } else {
        for id in &ids {
            let mut values = mapping.values();
            values.insert("id".to_owned(), Argument::Text((*id).clone()));
            match ask(mapping, Call::Get, &values, Target::Path) {
                Err(Stop::NotFound) => {}
                answer => {
                    let value = answer?.value;
                    found.extend(
                        value.map(|value| records(mapping, Call::Get, &value)).transpose()?.unwrap_or_default(),
                    );
                }
            }
        }
    }
    let is_wanted = |value: &Value| {
        Record::read(mapping, value).is_some_and(|record| record.is_customer() && ids.contains(&&record.id))
    };
    found.retain(is_wanted);
    Ok(found)
}

/// Returns a customer that the worker sees.
pub(crate) fn get(mapping: &Mapping, worker: &str, id: &str) -> Result<Customer> {
    let found = by_ids(mapping, &[id.to_owned()])?;
    let record = found.first().and_then(|value| Record::read(mapping, value)).ok_or(Error::NotFound)?;
    let owners = Owners::all(mapping)?;
    if !record.is_seen_by(worker, &owners) {
        return Err(Error::NotFound);
    }
    Ok(record.customer(&owners))
}

/// Returns the customer with an address.
pub(crate) fn find(mapping: &Mapping, of: &str) -> Result<Option<Customer>> {
    let number = address::number(of);
    let Some(request) = mapping.request(Call::ByNumber).filter(|_| address::is_e164(number)) else { return Ok(None) };
    let mut values = Values::new();
    values.insert("number".to_owned(), Argument::Text(number.to_owned()));
    let national = phone::national(number, None).unwrap_or_else(|| number.trim_start_matches('+').to_owned());
    values.insert("national".to_owned(), Argument::Text(national));
    let size = request.limit.min(NAMESAKES_MAX);
    let found = page(mapping, Call::ByNumber, &values, &Place::Start, size).map_err(Error::from)?;
    // The CRM may find more than this number.
    let found = whole(mapping, Call::ByNumber, found.records)?;
    let mut records = found.iter().filter_map(|value| Record::read(mapping, value));
    match records.find(|record| record.is_customer() && record.has_number(number)) {
        None => Ok(None),
        Some(record) => Ok(Some(record.customer(&Owners::all(mapping)?))),
    }
}
