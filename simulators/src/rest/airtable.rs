//! The Web API of Airtable, for the table `People` of the base `appTest`.
//!
//! <https://airtable.com/developers/web/api/list-records>, <https://airtable.com/developers/web/api/errors>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::rest::formula::{self, Formula};
use crate::rest::store::{self, Person, State};
use crate::rest::{ApiRequest, Call, Dialect, ok, problem, time};

const PAGE: usize = 100;

pub(super) fn call(path: &[&str], query: &BTreeMap<String, String>) -> Call {
    let formula = query.get("filterByFormula").map(String::as_str).unwrap_or_default();
    match path {
        ["v0", "appTest", "People"] if formula.contains("RECORD_ID()") => Call::Get,
        ["v0", "appTest", "People"] if formula.contains("IS_BEFORE") => Call::Changes,
        ["v0", "appTest", "People"] if !formula.is_empty() => Call::Search,
        ["v0", "appTest", "People"] => Call::List,
        ["v0", "appTest", "People", _] => Call::Get,
        _ => Call::Unknown,
    }
}

pub(super) fn answer(state: &State, asked: &ApiRequest) -> Reply {
    if asked.call == Call::Unknown {
        // [?] An unknown table looks like one without permission.
        return problem(Dialect::Airtable, 403);
    }
    if let Some(id) = asked.path.get(3) {
        let found = state.people.iter().find(|person| store::shown(Dialect::Airtable, person.id) == *id);
        return found.map_or_else(|| problem(Dialect::Airtable, 404), |person| ok(&shown(person)));
    }
    let Ok(limit) = asked.number("pageSize", PAGE, PAGE) else { return problem(Dialect::Airtable, 422) };
    let after =
        match asked.value("offset").map(|offset| offset.strip_prefix("itr").and_then(|rest| state.read_cursor(rest))) {
            Some(None) => return invalid("LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
            other => other.flatten(),
        };
    let formula = match asked.value("filterByFormula").filter(|text| !text.is_empty()).map(formula::read).transpose() {
        Ok(formula) => formula,
        Err(_) => return invalid("INVALID_FILTER_BY_FORMULA"),
    };
    let is_wanted = |formula: &Formula, person: &Person| {
        let fields = |name: &str| field(person, name);
        formula.is_true(&fields)
    };
    let mut found = Vec::new();
    for person in &state.people {
        match formula.as_ref().map_or(Ok(true), |formula| is_wanted(formula, person)) {
            Ok(true) => found.push(person),
            Ok(false) => {}
            Err(_) => return invalid("INVALID_FILTER_BY_FORMULA"),
        }
    }
    let by_time = asked.value("sort[0][field]") == Some("Changed");
    let Some((page, next)) = State::page(found, by_time, after, limit) else {
        return invalid("LIST_RECORDS_ITERATOR_NOT_AVAILABLE");
    };
    let mut body = json!({ "records": page.into_iter().map(shown).collect::<Vec<_>>() });
    if let Some(next) = next {
        body["offset"] = format!("itr{}", state.cursor(&next)).into();
    }
    ok(&body)
}

fn invalid(kind: &str) -> Reply {
    Reply::new(422, json!({ "error": { "type": kind, "message": "The request is invalid" } }).to_string())
}

/// Returns the text of a field in a formula.
fn field(person: &Person, name: &str) -> Option<String> {
    Some(match name {
        "" => store::shown(Dialect::Airtable, person.id),
        "Name" => person.name(),
        "Email" => person.email.clone(),
        "Phone" => person.phone.clone(),
        "Company" => person.company.clone(),
        "Owner" => person.owner.clone(),
        "Changed" => time::utc(person.updated),
        _ => return None,
    })
}

/// Empty fields are left out.
fn shown(person: &Person) -> Value {
    let names = ["Name", "Email", "Phone", "Company", "Owner", "Changed"];
    let fields = names.iter().filter_map(|name| Some((*name, field(person, name).filter(|text| !text.is_empty())?)));
    let fields: BTreeMap<_, _> = fields.collect();
    json!({
        "id": store::shown(Dialect::Airtable, person.id), "createdTime": time::utc(person.updated), "fields": fields,
    })
}
