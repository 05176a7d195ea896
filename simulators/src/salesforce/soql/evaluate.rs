//! Evaluates a query on rows: checks its fields and values, then compares.

use std::cmp::Ordering;

use super::lexer::{Text, TextChar};
use super::{Condition, Operator, Query, Value};
use crate::salesforce::ids;
use crate::salesforce::problem::Problem;
use crate::salesforce::schema::Kind;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Cell {
    Null,
    Text(String),
    Time(u64),
    Boolean(bool),
}

/// A row that a query looks at.
pub(in super::super) trait Row {
    /// Returns the value of a field, with dots for those of related records.
    fn cell(&self, field: &str) -> Cell;
}

/// A query whose fields and values are known to be valid.
pub(in super::super) struct Plan {
    condition: Option<Condition>,
    order: Vec<(String, bool)>,
}

impl Plan {
    /// Checks a query. `kind` is the type of a field, or the error about an unknown one.
    pub(in super::super) fn new(query: &Query, kind: impl Fn(&str) -> Result<Kind, Problem>) -> Result<Self, Problem> {
        for (at, field) in query.fields.iter().enumerate() {
            kind(field)?;
            if query.fields[..at].iter().any(|other| other.eq_ignore_ascii_case(field)) {
                return Err(Problem::malformed(format!("duplicate field selected: {field}")));
            }
        }
        for (field, _) in &query.order {
            kind(field)?;
        }
        let mut condition = query.condition.clone();
        if let Some(condition) = &mut condition {
            check(condition, &kind)?;
        }
        Ok(Self { condition, order: query.order.clone() })
    }

    pub(in super::super) fn accepts(&self, row: &impl Row) -> bool {
        self.condition.as_ref().is_none_or(|condition| holds(condition, row))
    }

    /// Compares two rows. Rows that are equal have no defined order in Salesforce.
    pub(in super::super) fn compare<R: Row>(&self, one: &R, other: &R) -> Ordering {
        let orders = self.order.iter().map(|(field, is_descending)| {
            let order = order(&one.cell(field), &other.cell(field));
            if *is_descending { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

/// Checks the fields of a condition and the types of its values. Ids become those of 18 characters.
fn check(condition: &mut Condition, kind: &impl Fn(&str) -> Result<Kind, Problem>) -> Result<(), Problem> {
    match condition {
        Condition::All(all) | Condition::Any(all) => all.iter_mut().try_for_each(|one| check(one, kind)),
        Condition::Not(one) => check(one, kind),
        Condition::Compare(field, operator, value) => {
            let of = kind(field)?;
            if *operator == Operator::Like && of != Kind::Text {
                let message = format!("invalid operator on {} field", format!("{of:?}").to_lowercase());
                return Err(Problem::new(400, "INVALID_QUERY_FILTER_OPERATOR", message));
            }
            check_value(field, of, value, *operator == Operator::Like)
        }
        Condition::In(field, values, _) => {
            let of = kind(field)?;
            values.iter_mut().try_for_each(|value| check_value(field, of, value, false))
        }
    }
}

fn check_value(field: &str, kind: Kind, value: &mut Value, is_like: bool) -> Result<(), Problem> {
    let of_type = |name: &str, quotes: &str| {
        let message =
            format!("value of filter criterion for field '{field}' must be of type {name} and should {quotes}");
        Err(Problem::new(400, "INVALID_FIELD", message))
    };
    match (kind, &*value) {
        (_, Value::Null) | (Kind::Time, Value::Time(_)) | (Kind::Boolean, Value::Boolean(_)) => Ok(()),
        (Kind::Text, Value::Text(text)) if is_like || !text.has_escaped_wildcards() => Ok(()),
        (Kind::Text, Value::Text(_)) => Err(Problem::malformed("Illegal character sequence in string literal")),
        (Kind::Id, Value::Text(text)) => {
            let text = text.plain();
            let Some(id) = ids::parse(&text) else {
                return Err(Problem::new(400, "INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}")));
            };
            *value = Value::Text(Text(id.chars().map(TextChar::Plain).collect()));
            Ok(())
        }
        (Kind::Time, _) => of_type("dateTime", "not be enclosed in quotes"),
        (Kind::Boolean, _) => of_type("boolean", "not be enclosed in quotes"),
        (Kind::Text | Kind::Id, _) => of_type("string", "be enclosed in quotes"),
    }
}

fn holds(condition: &Condition, row: &impl Row) -> bool {
    match condition {
        Condition::All(all) => all.iter().all(|one| holds(one, row)),
        Condition::Any(all) => all.iter().any(|one| holds(one, row)),
        Condition::Not(one) => !holds(one, row),
        Condition::Compare(field, operator, value) => compares(&row.cell(field), *operator, value),
        Condition::In(field, values, is_in) => {
            let cell = row.cell(field);
            values.iter().any(|value| compares(&cell, Operator::Equal, value)) == *is_in
        }
    }
}

fn compares(cell: &Cell, operator: Operator, value: &Value) -> bool {
    if let (Operator::Like, Value::Text(pattern)) = (operator, value) {
        let Cell::Text(text) = cell else { return false };
        let text: Vec<char> = text.to_lowercase().chars().collect();
        return is_like(&text, &pattern.0);
    }
    let wanted = match value {
        Value::Text(text) => Cell::Text(text.plain()),
        Value::Time(seconds) => Cell::Time(*seconds),
        Value::Boolean(value) => Cell::Boolean(*value),
        Value::Null => Cell::Null,
    };
    // An empty text is null in Salesforce.
    let wanted = if wanted == Cell::Text(String::new()) { Cell::Null } else { wanted };
    let order = order(cell, &wanted);
    let is_comparable = *cell != Cell::Null && wanted != Cell::Null;
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => is_comparable && order.is_lt(),
        Operator::LessOrEqual => is_comparable && order.is_le(),
        Operator::Greater => is_comparable && order.is_gt(),
        Operator::GreaterOrEqual => is_comparable && order.is_ge(),
        Operator::Like => false,
    }
}

/// Compares values: ids by their bytes, other texts ignoring case, null before everything.
fn order(one: &Cell, other: &Cell) -> Ordering {
    match (one, other) {
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Less,
        (_, Cell::Null) => Ordering::Greater,
        (Cell::Time(one), Cell::Time(other)) => one.cmp(other),
        (Cell::Boolean(one), Cell::Boolean(other)) => one.cmp(other),
        (Cell::Text(one), Cell::Text(other)) if ids::parse(one).is_some() && ids::parse(other).is_some() => {
            one.cmp(other)
        }
        (Cell::Text(one), Cell::Text(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        _ => Ordering::Less,
    }
}

/// Matches a text in lower case with a pattern: `%` is any text, `_` is one character.
fn is_like(text: &[char], pattern: &[TextChar]) -> bool {
    // The place to continue at if a later part does not match: that of the last `%`, one character further.
    let (mut at, mut next, mut retry) = (0, 0, None);
    loop {
        match pattern.get(next) {
            Some(TextChar::Plain('%')) => {
                next += 1;
                retry = Some((at, next));
                continue;
            }
            None if at == text.len() => return true,
            Some(part) if at < text.len() && is_same(*part, text[at]) => {
                (at, next) = (at + 1, next + 1);
                continue;
            }
            _ => {}
        }
        let Some((from, to)) = retry.filter(|(from, _)| *from < text.len()) else { return false };
        (at, next) = (from + 1, to);
        retry = Some((from + 1, to));
    }
}

fn is_same(part: TextChar, c: char) -> bool {
    match part {
        TextChar::Plain('_') => true,
        TextChar::Plain(wanted) | TextChar::Escaped(wanted) => wanted.to_lowercase().eq(std::iter::once(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        let query = Query::parse(&format!("SELECT Id FROM Contact WHERE Name LIKE '{pattern}'")).expect("a query");
        let Some(Condition::Compare(_, operator, value)) = query.condition else { panic!("a comparison") };
        compares(&Cell::Text(text.to_owned()), operator, &value)
    }

    #[test]
    fn patterns_match_as_documented() {
        for (text, pattern, expected) in [
            ("Terrific", "Ter%", true),
            ("terrific", "TER%", true),
            ("Terrific", r"Ter\%", false),
            ("Ter%", r"Ter\%", true),
            ("Ter%ific", r"Ter\%%", true),
            ("(202) 555-0107", "%2%0%2%5%5%5%0%1%0%7%", true),
            ("(202) 555-0170", "%2%0%2%5%5%5%0%1%0%7%", false),
            ("abab", "%ab", true),
            ("a_b", r"a\_b", true),
            ("axb", r"a\_b", false),
            ("axb", "a_b", true),
            ("", "%", true),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} {pattern}");
        }
    }
}
