//! SOQL: queries, literals that no input can leave, ids and times.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// The length of an id as the API writes it.
const ID_CHARS: usize = 18;
/// The length of the part of an id that its checksum covers.
const ID_CORE_CHARS: usize = 15;
/// The characters of a checksum, by five bits.
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Builds a query whose rows are in the order of their ids. Every condition must hold.
pub(crate) fn select(fields: &[&str], object: &str, conditions: &[String], limit: u32) -> String {
    let fields = fields.join(", ");
    let conditions = match conditions {
        [] => String::new(),
        conditions => format!(" WHERE {}", conditions.join(" AND ")),
    };
    format!("SELECT {fields} FROM {object}{conditions} ORDER BY Id LIMIT {limit}")
}

/// Joins conditions of which one must hold.
pub(crate) fn any(conditions: impl IntoIterator<Item = String>) -> String {
    let conditions: Vec<_> = conditions.into_iter().collect();
    format!("({})", conditions.join(" OR "))
}

/// Builds the condition for rows after this id, in the order of ids.
pub(crate) fn after(id: &str) -> String {
    format!("Id > {}", literal(id))
}

/// Quotes a text.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", escaped(text))
}

/// Quotes a pattern of `LIKE` for texts that contain this one.
pub(crate) fn containing(text: &str) -> String {
    format!("'%{}%'", escaped(text).replace('%', "\\%").replace('_', "\\_"))
}

/// Quotes a pattern of `LIKE` for texts with these digits in this order, and anything between them.
pub(crate) fn with_digits(digits: &str) -> String {
    let pattern: String = digits.chars().filter(char::is_ascii_digit).flat_map(|digit| ['%', digit]).collect();
    format!("'{pattern}%'")
}

/// Escapes the characters that are reserved in a literal, and replaces control characters by spaces.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '\\' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns whether a text is an id as the API writes it. Only ids of Salesforce and literals become part of a query.
pub(crate) fn is_id(text: &str) -> bool {
    let is_plain = text.len() == ID_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain && {
        let (core, checksum) = text.as_bytes().split_at(ID_CORE_CHARS);
        let upper =
            |chunk: &[u8]| chunk.iter().rev().fold(0, |bits, byte| bits << 1 | usize::from(byte.is_ascii_uppercase()));
        core.chunks(5).map(|chunk| CHECKSUM[upper(chunk)]).eq(checksum.iter().copied())
    }
}

/// Returns whether a text can be the name of a field, such as `Phone`, `Tier__c` or `Account.Name`.
pub(crate) fn is_field(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    };
    text.split('.').all(is_name)
}

/// Returns the value of a field of a row. Salesforce writes names in its own case, whatever case a query has.
pub(crate) fn cell<'r>(row: &'r Map<String, Value>, field: &str) -> Option<&'r Value> {
    row.get(field).or_else(|| row.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value))
}

/// Formats seconds since 1970 as SOQL does: `2026-01-01T00:00:00Z`.
pub(crate) fn time(seconds: u64) -> String {
    // Such as `Thu, 01 Jan 2026 00:00:00 GMT`.
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let month = MONTHS.iter().position(|month| *month == &date[8..11]).map_or(0, |at| at + 1);
    format!("{}-{month:02}-{}T{}Z", &date[12..16], &date[5..7], &date[17..25])
}

/// Parses a time of HTTP as seconds since 1970.
pub(crate) fn http_time(date: &str) -> Option<u64> {
    let time: SystemTime = httpdate::parse_http_date(date).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_escape_what_is_reserved() {
        assert_eq!(literal(r"Bob's \ BBQ"), r"'Bob\'s \\ BBQ'");
        assert_eq!(literal("100%_a\nb"), "'100%_a b'");
        assert_eq!(containing(r"50%_'\"), r"'%50\%\_\'\\%'");
        assert_eq!(with_digits("+1 (20)"), "'%1%2%0%'");
    }

    #[test]
    fn ids_have_a_checksum() {
        for id in ["a0D30000001n7PiEAI", "0019000000B98deAAB"] {
            assert!(is_id(id), "{id}");
        }
        for other in ["a0D30000001n7Pi", "a0D30000001n7piEAI", "a0D30000001n7Pi' O", "", "7", "a0D30000001n7PiEAI0"] {
            assert!(!is_id(other), "{other}");
        }
    }

    #[test]
    fn field_names_have_letters_digits_and_dots() {
        assert!(["Phone", "Tier__c", "Account.Name"].into_iter().all(is_field));
        assert!(!["", "a b", "a,b", "1a", "Account.", "(SELECT Id FROM Cases)"].into_iter().any(is_field));
    }

    #[test]
    fn times_have_the_format_of_soql() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(seconds), text);
        }
        assert_eq!(http_time("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    }
}
