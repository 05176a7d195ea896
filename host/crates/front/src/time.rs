//! Front's times, which are seconds in some places and milliseconds in others.

/// Maximum number that is read as seconds. Larger numbers are milliseconds: as seconds they would be after the year
/// 5138, as milliseconds they are after March 1973.
const SECONDS_MAX: u64 = 100_000_000_000;

/// Returns a time since 1970 in milliseconds, from either unit.
pub(super) fn unix_ms(number: u64) -> u64 {
    if number > SECONDS_MAX { number } else { number * 1_000 }
}

/// Parses a time in either unit from decimal digits.
pub(super) fn unix_ms_of(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).map(unix_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_units_are_read() {
        let table = [
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000123", Some(1_700_000_000_123)),
            ("0", Some(0)),
            ("100000000000", Some(100_000_000_000_000)),
            ("100000000001", Some(100_000_000_001)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("+1700000000", None),
            ("-1", None),
            ("1700000000.5", None),
            (" 1700000000", None),
            ("", None),
            ("١٧٠٠", None),
        ];
        for (text, want) in table {
            assert_eq!(unix_ms_of(text), want, "{text}");
        }
    }
}
