//! Time formats of Twilio.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

struct Parts {
    year: u64,
    month: usize,
    day: u64,
    second_of_day: u64,
    weekday: &'static str,
}

/// Converts seconds since 1970 to a date. In the calculation, years begin in March.
fn parts(seconds: u64) -> Parts {
    let days = seconds / DAY;
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    Parts {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month: usize::try_from(month).expect("a month"),
        day: day_of_year - (153 * march_month + 2) / 5 + 1,
        second_of_day: seconds % DAY,
        weekday: WEEKDAYS[usize::try_from(days % 7).expect("a weekday")],
    }
}

fn clock(second_of_day: u64) -> String {
    format!("{:02}:{:02}:{:02}", second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60)
}

/// Formats a time for webhooks: `2024-05-01T10:00:00.000Z`.
pub(crate) fn webhook_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let parts = parts(since.as_secs());
    let (time, millis) = (clock(parts.second_of_day), since.subsec_millis());
    format!("{:04}-{:02}-{:02}T{time}.{millis:03}Z", parts.year, parts.month, parts.day)
}

/// Formats a time for REST responses: `2024-05-01T10:00:00Z`.
pub(crate) fn rest_time(time: SystemTime) -> String {
    let text = webhook_time(time);
    format!("{}Z", &text[..text.len() - ".000Z".len()])
}

/// Formats a time for HTTP headers: `Wed, 01 May 2024 10:00:00 GMT`.
pub(crate) fn http_date(time: SystemTime) -> String {
    let parts = parts(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    let (month, time) = (MONTHS[parts.month - 1], clock(parts.second_of_day));
    format!("{}, {:02} {month} {:04} {time} GMT", parts.weekday, parts.day, parts.year)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{http_date, rest_time, webhook_time};

    #[test]
    fn times_look_as_twilio_writes_them() {
        let table = [
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_714_557_600, "2024-05-01T10:00:00Z", "Wed, 01 May 2024 10:00:00 GMT"),
            (1_735_689_599, "2024-12-31T23:59:59Z", "Tue, 31 Dec 2024 23:59:59 GMT"),
        ];
        for (seconds, rest, http) in table {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!((rest_time(time).as_str(), http_date(time).as_str()), (rest, http));
        }
        let time = UNIX_EPOCH + Duration::from_millis(1_714_557_600_007);
        assert_eq!(webhook_time(time), "2024-05-01T10:00:00.007Z");
    }
}
