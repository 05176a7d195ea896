//! Reads Twilio's times.

use std::time::SystemTime;

/// Parses a time such as `2024-05-01T10:00:00.000Z` to seconds since 1970. Returns `None` for other formats.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

/// Parses a time such as `Wed, 01 May 2024 10:00:00 +0000` to milliseconds since 1970. Returns `None` for other formats.
pub(crate) fn milliseconds_of_mail(text: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(&format!("{} GMT", text.strip_suffix(" +0000")?)).ok()?;
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_calls_are_read_in_the_format_of_mails() {
        let table = [
            ("Wed, 01 May 2024 10:00:00 +0000", Some(1_714_557_600_000)),
            ("Wed, 01 May 2024 10:00:00 +0200", None),
            ("Wed, 01 May 2024 10:00:00 GMT", None),
            ("2024-05-01T10:00:00Z", None),
            (" +0000", None),
        ];
        for (text, want) in table {
            assert_eq!(milliseconds_of_mail(text), want, "{text}");
        }
    }

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
