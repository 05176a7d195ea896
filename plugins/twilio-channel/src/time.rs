//! Reads Twilio's times.

use std::time::SystemTime;

/// Parses a time such as `2024-05-01T10:00:00.000Z` to seconds since 1970. Returns `None` for other formats.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_z_are_read_and_other_texts_are_rejected() {
        let table = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1994-11-06T08:49:37.123Z", Some(784_111_777)),
            ("2000-02-29T00:00:00.000Z", Some(951_782_400)),
            ("2024-05-01T10:00:00.000Z", Some(1_714_557_600)),
            ("2024-12-31T23:59:59Z", Some(1_735_689_599)),
            ("2024-05-01T10:00:00+02:00", None),
            ("2024-13-01T10:00:00Z", None),
            ("2024-05-01", None),
            ("", None),
            ("ääää-ää-ääTää:ää:ääZ", None),
        ];
        for (text, want) in table {
            assert_eq!(seconds(text), want, "{text}");
        }
    }
}
