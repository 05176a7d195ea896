//! Parses the text of a filter.

use std::str::FromStr;

use super::{Comparison, Condition, Field, Filter, Term, Unit};

pub(super) const STATUS: &str = "status";
pub(super) const TOOK: &str = "took";

/// Longest text of a filter, in bytes.
const FILTER_BYTES_MAX: usize = 1_024;

/// Reason why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The text is too long.
    #[error("filter is longer than {FILTER_BYTES_MAX} bytes")]
    TooLong,
    /// A term has no key.
    #[error("`{0}` has no key; write `key:value`, such as `callback:crm`")]
    NoKey(String),
    /// A key does not exist.
    #[error("unknown key `{0}`; use {keys}", keys = keys())]
    UnknownKey(String),
    /// A term has no value, or an empty alternative.
    #[error("`{0}` has an empty value; write `key:value` without spaces")]
    NoValue(String),
    /// The value of `status` is not a status.
    #[error("`{0}` is not a status; write a number from 100 to 599, such as `status:404` or `status:>=500`")]
    Status(String),
    /// The value of `took` is not a duration.
    #[error("`{0}` is not a duration; write a whole number with us, ms or s, such as `took:>300ms`")]
    Took(String),
}

/// Returns the names of all keys.
fn keys() -> String {
    let names: Vec<_> = Field::ALL.iter().map(|field| field.name()).chain([STATUS, TOOK]).collect();
    names.join(", ")
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > FILTER_BYTES_MAX {
            return Err(FilterError::TooLong);
        }
        let terms: Result<_, _> = text.split_whitespace().map(term).collect();
        Ok(Self { terms: terms? })
    }
}

fn term(text: &str) -> Result<Term, FilterError> {
    let positive = text.strip_prefix('-');
    let (key, value) = positive
        .unwrap_or(text)
        .split_once(':')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| FilterError::NoKey(text.to_owned()))?;
    let condition = match (key, Field::ALL.into_iter().find(|field| field.name() == key)) {
        _ if value.is_empty() => return Err(FilterError::NoValue(text.to_owned())),
        (STATUS, _) => status(value).ok_or_else(|| FilterError::Status(value.to_owned()))?,
        (TOOK, _) => took(value).ok_or_else(|| FilterError::Took(value.to_owned()))?,
        (_, Some(field)) => {
            let values: Vec<Box<str>> = value.split(',').map(Box::from).collect();
            if values.iter().any(|value| value.is_empty()) {
                return Err(FilterError::NoValue(text.to_owned()));
            }
            Condition::Text(field, values)
        }
        (_, None) => return Err(FilterError::UnknownKey(key.to_owned())),
    };
    Ok(Term { is_negated: positive.is_some(), condition })
}

fn status(text: &str) -> Option<Condition> {
    let (comparison, number) = comparison(text)?;
    let status = u16::try_from(whole(number)?).ok().filter(|status| (100..600).contains(status))?;
    Some(Condition::Status(comparison, status))
}

fn took(text: &str) -> Option<Condition> {
    let (comparison, rest) = comparison(text)?;
    let (number, unit) =
        Unit::ALL.into_iter().find_map(|unit| rest.strip_suffix(unit.name()).map(|number| (number, unit)))?;
    Some(Condition::Took(comparison, whole(number)?, unit))
}

fn comparison(text: &str) -> Option<(Comparison, &str)> {
    Comparison::ALL
        .into_iter()
        .find_map(|comparison| text.strip_prefix(comparison.sign()).map(|rest| (comparison, rest)))
}

/// Reads a number that `Display` writes in the same way: digits only, without leading zeros.
fn whole(text: &str) -> Option<u64> {
    let is_same = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| is_same)
}
