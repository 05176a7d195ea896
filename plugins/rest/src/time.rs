//! Times of the CRM: read in the usual notations, written as the mapping says. Milliseconds since 1970.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Numbers above this are milliseconds: seconds reach it in the year 5138.
const SECONDS_MAX: i64 = 99_999_999_999;

/// How the CRM expects a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TimeFormat {
    /// `2026-01-31T12:00:00Z`.
    #[default]
    Rfc3339,
    /// `2026-01-31T12:00:00+00:00`.
    Rfc3339Offset,
    /// `2026-01-31 12:00:00`, in UTC.
    Spaced,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

impl TimeFormat {
    /// Writes a time, rounded down to what the notation can say.
    pub(crate) fn write(self, ms: i64) -> String {
        let time = Timestamp::from_second(ms.div_euclid(1_000)).unwrap_or(Timestamp::UNIX_EPOCH);
        match self {
            Self::Rfc3339 => time.to_string(),
            Self::Rfc3339Offset => time.to_string().replace('Z', "+00:00"),
            Self::Spaced => time.to_string().replace('T', " ").trim_end_matches('Z').to_owned(),
            Self::Seconds => ms.div_euclid(1_000).to_string(),
            Self::Milliseconds => ms.to_string(),
        }
    }

    /// Returns the time that [`Self::write`] says.
    pub(crate) fn floor(self, ms: i64) -> i64 {
        if self == Self::Milliseconds { ms } else { ms.div_euclid(1_000) * 1_000 }
    }
}

/// Reads a time: RFC 3339, the same with a space and without a zone (UTC), or a number of seconds or milliseconds.
pub(crate) fn read(value: &Value) -> Option<i64> {
    let number = |number: i64| Some(if number.abs() > SECONDS_MAX { number } else { number.checked_mul(1_000)? });
    match value {
        Value::Number(found) => number(found.as_i64()?),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(found) = text.parse() {
                return number(found);
            }
            let time = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse()).ok()?;
            Some(time.as_millisecond())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_every_notation() {
        let ms = 1_767_225_601_250_i64;
        let table = [
            (json!("2026-01-01T00:00:01.250Z"), Some(ms)),
            (json!("2026-01-01T05:30:01.25+05:30"), Some(ms)),
            (json!("2026-01-01 00:00:01"), Some(ms - 250)),
            (json!(1_767_225_601), Some(ms - 250)),
            (json!("1767225601250"), Some(ms)),
            (json!("yesterday"), None),
            (json!(null), None),
        ];
        for (value, want) in table {
            assert_eq!(read(&value), want, "{value}");
        }
    }

    #[test]
    fn times_are_written_rounded_down() {
        let table = [
            (TimeFormat::Rfc3339, "2026-01-01T00:00:01Z"),
            (TimeFormat::Rfc3339Offset, "2026-01-01T00:00:01+00:00"),
            (TimeFormat::Spaced, "2026-01-01 00:00:01"),
            (TimeFormat::Seconds, "1767225601"),
            (TimeFormat::Milliseconds, "1767225601250"),
        ];
        for (format, want) in table {
            assert_eq!(format.write(1_767_225_601_250), want);
        }
    }
}
