//! Times, durations and numbers as people read them.

use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, html};

/// Returns a duration in its largest one or two units, such as `18 min` or `2 h 5 min`.
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    let (seconds, minutes, hours, days) = (ms / 1_000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", seconds, ms % 1_000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => two(minutes, "min", seconds % 60, "s", minutes < 5),
        3_600_000..86_400_000 => two(hours, "h", minutes % 60, "min", true),
        _ => two(days, "d", hours % 24, "h", days < 7),
    }
}

fn two(many: i64, unit: &str, few: i64, small: &str, both: bool) -> String {
    let mut text = format!("{many} {unit}");
    if both && few > 0 {
        let _ = write!(text, " {few} {small}");
    }
    text
}

/// Returns a duration of microseconds.
pub fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => duration(i64::try_from(us / 1_000).unwrap_or(i64::MAX)),
    }
}

/// Returns a time in UTC, to the second.
pub fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Returns the time of day in UTC, to the millisecond.
pub fn clock(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "-".to_owned(), |time| time.strftime("%H:%M:%S%.3f").to_string())
}

/// Returns a time relative to now, with the absolute time on hover.
pub fn ago(now_ms: i64, ms: i64) -> Markup {
    let machine = Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| time.to_string());
    let text = if ms > now_ms { format!("in {}", duration(ms - now_ms)) } else { duration(now_ms - ms) + " ago" };
    html! { time datetime=(machine) title=(time(ms)) { (text) } }
}

/// Returns a number with commas.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with the word for one or several things.
pub fn count(many: u64, one: &str, several: &str) -> String {
    format!("{} {}", number(many), if many == 1 { one } else { several })
}

/// Returns a size in bytes.
pub fn bytes(many: u64) -> String {
    match many {
        0..1_024 => format!("{many} B"),
        1_024..1_048_576 => format!("{}.{} KiB", many / 1_024, many % 1_024 * 10 / 1_024),
        _ => format!("{}.{} MiB", many / 1_048_576, many % 1_048_576 * 10 / 1_048_576),
    }
}

/// Returns the first characters of an id, with an ellipsis if there are more.
pub fn short(id: &str, most: usize) -> String {
    let mut characters = id.chars();
    let start: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() { start + "…" } else { start }
}

/// Returns a text as part of a path or as a value in a query.
pub fn encoded(text: &str) -> String {
    let mut value = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => value.push(char::from(byte)),
            _ => value.push_str(&format!("%{byte:02X}")),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_or_two_units() {
        let shown = [7, 1_500, 42_000, 134_000, 1_080_000, 7_500_000, 200_000_000].map(duration);
        assert_eq!(shown, ["7 ms", "1.5 s", "42 s", "2 min 14 s", "18 min", "2 h 5 min", "2 d 7 h"]);
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!([7, 1_234, 1_000_000].map(number), ["7", "1,234", "1,000,000"]);
    }
}
