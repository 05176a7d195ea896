//! Parses a time on the command line.

use frontgate_front::signature;
use jiff::Timestamp;

/// Parses `2026-11-21T16:19:20Z`, or a number of seconds or milliseconds, to milliseconds since 1970.
pub(super) fn read(text: &str) -> Result<u64, String> {
    let rfc3339 = || text.parse::<Timestamp>().ok()?.as_millisecond().try_into().ok();
    let known = signature::unix_ms(text).or_else(rfc3339);
    known.ok_or_else(|| "write 2026-11-21T16:19:20Z, or seconds or milliseconds since 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let table = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2023-11-14T22:13:20.123Z", Some(1_700_000_000_123)),
            ("2023-11-14T23:13:20+01:00", Some(1_700_000_000_000)),
            ("2024-02-29 12:00:00Z", Some(1_709_208_000_000)),
            ("2000-03-01T00:00:00Z", Some(951_868_800_000)),
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000123", Some(1_700_000_000_123)),
            ("1969-12-31T23:59:59Z", None),
            ("2023-11-14T22:13:20", None),
            ("2023-11-14", None),
            ("22:13:20", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, want) in table {
            assert_eq!(read(text).ok(), want, "{text}");
        }
    }
}
