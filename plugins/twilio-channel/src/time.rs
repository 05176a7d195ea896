//! Reads Twilio's times.

/// Returns the seconds since 1970 of `2024-05-01T10:00:00.000Z`; `None` for any other text.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !text.ends_with('Z') || marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    // Civil time, with years that begin in March, so that the leap day is the last.
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_other_texts_are_none() {
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
