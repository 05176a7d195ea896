//! Times of the APIs: RFC 3339 in UTC or with an offset, and seconds since 1970.

use std::time::{Duration, SystemTime};

use crate::twilio::clock::webhook_time;

const DAY_S: i64 = 86_400;
/// The offset of Zoho's times in seconds: 5:30 hours.
const OFFSET_MS: u64 = 19_800_000;

/// Writes milliseconds since 1970 without fractions, in UTC.
pub(super) fn utc(ms: u64) -> String {
    let text = webhook_time(SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
    format!("{}Z", &text[..19])
}

/// Writes milliseconds since 1970 with an offset, as Zoho does.
pub(super) fn with_offset(ms: u64) -> String {
    format!("{}+05:30", &utc(ms + OFFSET_MS)[..19])
}

/// Reads RFC 3339, in milliseconds since 1970.
pub(super) fn read(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days of the civil calendar, counted from March.
    let (shifted, moved) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100)
        + shifted.div_euclid(400)
        + (153 * moved + 2) / 5
        + day
        - 1
        - 719_468;
    let zone = text[19..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), ..] => {
            let minutes = zone.get(1..3)?.parse::<i64>().ok()? * 60 + zone.get(4..6)?.parse::<i64>().ok()?;
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    let seconds = days * DAY_S + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok().map(|seconds| seconds * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        for ms in [0, 1_767_225_601_000, 951_782_399_000, 951_782_400_000, 4_102_444_800_000] {
            assert_eq!((read(&utc(ms)), read(&with_offset(ms))), (Some(ms), Some(ms)));
        }
        assert_eq!(read("2026-01-01T00:00:01+00:00"), Some(1_767_225_601_000));
        assert_eq!(read("2026-01-01"), None);
    }
}
