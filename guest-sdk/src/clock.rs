//! What time it is. Code that asks here can be tested at any time: natively the clock stands still at
//! midnight of 1 January 2026 (UTC) until a test moves it with [`testing::now`](crate::testing::now) or
//! [`testing::pass`](crate::testing::pass).
//!
//! ```
//! use std::time::Duration;
//!
//! use frontgate_sdk::{clock, testing};
//!
//! let before = clock::now();
//! testing::pass(Duration::from_secs(60));
//! assert_eq!(clock::now().duration_since(before)?, Duration::from_secs(60));
//! assert_eq!(clock::seconds(), 1_767_225_660);
//! # Ok::<(), std::time::SystemTimeError>(())
//! ```

use std::time::{Duration, SystemTime};

/// The time of the machine that the gateway runs on.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use frontgate_sdk::{clock, testing};
///
/// testing::now(UNIX_EPOCH + Duration::from_secs(86_400));
/// assert_eq!(clock::now(), UNIX_EPOCH + Duration::from_secs(86_400));
/// ```
pub fn now() -> SystemTime {
    #[cfg(target_family = "wasm")]
    return SystemTime::now();
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::time();
}

/// The same in whole seconds since 1970, which is how the contract writes times.
///
/// ```
/// assert_eq!(frontgate_sdk::clock::seconds(), 1_767_225_600);
/// ```
pub fn seconds() -> u64 {
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// When `Sun, 06 Nov 1994 08:49:37 GMT` is, which is how HTTP writes times; none of any other text.
pub(crate) fn of_http(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.trim().strip_suffix(" GMT")?.split_once(", ")?;
    let [day, month, year, time] = date.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let month = u64::try_from(MONTHS.iter().position(|known| *known == month)?).ok()? + 1;
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str, range: std::ops::RangeInclusive<u64>| {
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??;
        range.contains(&number).then_some(number)
    };
    let (year, day) = (number(year, 1970..=9999)?, number(day, 1..=31)?);
    let (hour, minute, second) = (number(hour, 0..=23)?, number(minute, 0..=59)?, number(second, 0..=60)?);
    // Civil time, with years that begin in March, so that the leap day is the last.
    let year = if month > 2 { year } else { year - 1 };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_http_are_read_and_other_texts_are_none() {
        let table = [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Thu, 01 Jan 2026 00:00:00 GMT", Some(1_767_225_600)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 +8:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("7", None),
            ("", None),
        ];
        for (text, want) in table {
            assert_eq!(
                of_http(text),
                want.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }
}
