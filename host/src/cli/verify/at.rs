//! A time on the command line.

use frontgate_front::signature;

const DAY_MS: i64 = 86_400_000;

/// Milliseconds since 1970 of `2026-11-21T16:19:20Z`, or of a number of seconds or milliseconds.
pub(super) fn read(text: &str) -> Result<u64, String> {
    let known = signature::unix_ms(text).or_else(|| rfc3339(text)?.try_into().ok());
    known.ok_or_else(|| "write 2026-11-21T16:19:20Z, or seconds or milliseconds since 1970".to_owned())
}

fn rfc3339(text: &str) -> Option<i64> {
    let toml::value::Datetime { date, time, offset } = text.parse().ok()?;
    let (date, time) = (date?, time?);
    let offset_minutes = match offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let seconds =
        i64::from(time.hour) * 3_600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or_default());
    let ms = i64::from(time.nanosecond.unwrap_or_default() / 1_000_000);
    Some(days * DAY_MS + (seconds - offset_minutes * 60) * 1_000 + ms)
}

/// Days since 1970 in the Gregorian calendar. A year is counted from March, so that a leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // From the first of March of the year 0 to the first of January 1970.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
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
