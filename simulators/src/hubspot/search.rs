//! The search, with the limits of HubSpot's search guide.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::hubspot::record::Record;

const LIMIT_MAX: usize = 200;
const RESULTS_MAX: usize = 10_000;
const GROUPS_MAX: usize = 5;
const FILTERS_PER_GROUP_MAX: usize = 6;
const FILTERS_MAX: usize = 18;
const QUERY_CHARS_MAX: usize = 3_000;

/// Runs a search. The error is the problem of the request.
pub(super) fn search<'r, R: Record + 'r>(
    records: impl IntoIterator<Item = &'r R>,
    asked: &Value,
) -> Result<Value, &'static str> {
    let limit = asked["limit"].as_u64().unwrap_or(10) as usize;
    let after = match &asked["after"] {
        Value::Null => 0,
        after => after.as_str().and_then(|after| after.parse().ok()).ok_or("after is not a cursor")?,
    };
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err("limit is from 1 to 200");
    }
    if after + limit > RESULTS_MAX {
        return Err("after + limit exceeds 10000");
    }
    let query = asked["query"].as_str().unwrap_or_default();
    if query.chars().count() > QUERY_CHARS_MAX {
        return Err("the query is longer than 3000 characters");
    }
    let groups = asked["filterGroups"].as_array().cloned().unwrap_or_default();
    let sizes: Vec<_> = groups.iter().map(|group| group["filters"].as_array().map_or(0, Vec::len)).collect();
    let is_large = |size: &usize| *size > FILTERS_PER_GROUP_MAX;
    if groups.len() > GROUPS_MAX || sizes.iter().any(is_large) || sizes.iter().sum::<usize>() > FILTERS_MAX {
        return Err("there are too many filters");
    }
    let groups = groups.iter().map(Filter::group).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for record in records {
        if is_in_a_group(record, &groups) && has_words(record, query) {
            found.push(record);
        }
    }
    sort(&mut found, &asked["sorts"])?;
    let properties = texts(&asked["properties"]);
    let page = found.iter().skip(after).take(limit).map(|record| record.shown(&properties));
    let mut answer = json!({ "total": found.len(), "results": page.collect::<Vec<_>>() });
    if found.len() > after + limit {
        let next = (after + limit).to_string();
        answer["paging"] = json!({ "next": { "after": next, "link": format!("?after={next}") } });
    }
    Ok(answer)
}

pub(super) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Returns the properties that the filters of a search name.
pub(super) fn filtered(asked: &Value) -> impl Iterator<Item = &str> {
    let groups = asked["filterGroups"].as_array().into_iter().flatten();
    let filters = groups.flat_map(|group| group["filters"].as_array().into_iter().flatten());
    filters.filter_map(|filter| filter["propertyName"].as_str())
}

/// A filter of a search.
struct Filter<'f> {
    property: &'f str,
    operator: &'f str,
    value: &'f str,
}

impl<'f> Filter<'f> {
    /// Reads the filters of a group.
    fn group(group: &'f Value) -> Result<Vec<Self>, &'static str> {
        group["filters"].as_array().ok_or("a group has no filters")?.iter().map(Self::read).collect()
    }

    fn read(filter: &'f Value) -> Result<Self, &'static str> {
        let text = |name: &str| filter[name].as_str();
        let operator = text("operator").ok_or("a filter has no operator")?;
        let value = match operator {
            "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" => text("value").ok_or("a filter has no value")?,
            "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => "",
            _ => return Err("the simulator does not support this operator"),
        };
        Ok(Self { property: text("propertyName").ok_or("a filter has no property")?, operator, value })
    }

    fn passes(&self, record: &impl Record) -> bool {
        let value = || record.value(self.property);
        let order = || match (record.number(self.property), self.value.parse::<u64>()) {
            (Some(number), Ok(wanted)) => Some(number.cmp(&wanted)),
            _ => value().map(|value| order(&value, self.value)),
        };
        match self.operator {
            "EQ" => order().is_some_and(Ordering::is_eq),
            "NEQ" => order().is_some_and(Ordering::is_ne),
            "LT" => order().is_some_and(Ordering::is_lt),
            "LTE" => order().is_some_and(Ordering::is_le),
            "GT" => order().is_some_and(Ordering::is_gt),
            "GTE" => order().is_some_and(Ordering::is_ge),
            "HAS_PROPERTY" => value().is_some(),
            _ => value().is_none(),
        }
    }
}

/// Returns true if a record matches one of the filter groups, or if there are no groups.
fn is_in_a_group(record: &impl Record, groups: &[Vec<Filter<'_>>]) -> bool {
    groups.is_empty() || groups.iter().any(|group| group.iter().all(|filter| filter.passes(record)))
}

/// Compares numbers by value, and texts case-insensitively.
fn order(one: &str, other: &str) -> Ordering {
    match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}

/// Returns whether each word is a substring of a property. [?] HubSpot's comparison is undocumented.
fn has_words<R: Record>(record: &R, query: &str) -> bool {
    let text: Vec<_> =
        R::SEARCHED.iter().filter_map(|name| record.value(name)).map(|text| text.to_lowercase()).collect();
    query.to_lowercase().split_whitespace().all(|word| text.iter().any(|text| text.contains(word)))
}

/// Sorts by one rule: a property, with an optional direction. Default: order of creation.
fn sort(found: &mut [&impl Record], sorts: &Value) -> Result<(), &'static str> {
    let rules = sorts.as_array().cloned().unwrap_or_default();
    let [rule] = rules.as_slice() else {
        return if rules.is_empty() { Ok(()) } else { Err("there is more than one rule to sort by") };
    };
    let property = rule.as_str().or(rule["propertyName"].as_str()).ok_or("a rule has no property")?;
    found.sort_by(|one, other| match (one.number(property), other.number(property)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => order(&one.value(property).unwrap_or_default(), &other.value(property).unwrap_or_default()),
    });
    if rule["direction"] == "DESCENDING" {
        found.reverse();
    }
    Ok(())
}
