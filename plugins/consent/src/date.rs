//! Dates of webhooks: ISO 8601 in UTC, such as `2026-11-30T05:07:23.368Z`.

use std::time::{Duration, SystemTime};

/// Reads a date; `None` for any other text, and for dates before 1970.
pub(crate) fn read(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hours, minutes, seconds] = numbers(time, ':')?;
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let is_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hours < 24 && minutes < 60 && seconds < 61;
    let days = days(year, month, day).filter(|_| is_valid)?;
    let seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    Some(SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1_000 + millis))
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let all: Vec<u64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    all.try_into().ok()
}

/// Returns the days since 1 January 1970 of the Gregorian calendar, whose years begin in March for this purpose.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(719_468).filter(|_| year < 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500),
            ("2026-11-30T05:07:23.368Z", 1_796_015_243_368),
        ] {
            assert_eq!(read(text), Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "2026-11-30", "2026-13-30T05:07:23Z", "2026-11-30T05:07:23+01:00", "1969-12-31T00:00:00Z"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
