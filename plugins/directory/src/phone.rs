//! Converts phone numbers to E.164.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// The default country, for numbers without a country code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Country(Region);

impl Country {
    /// Parses a two-letter country code.
    pub(crate) fn named(code: &str) -> Result<Self, String> {
        let region = Region::from_code(&code.to_ascii_uppercase());
        region.map(Self).map_err(|_| format!("the setting `country` is `{code}`; write two letters such as US or DE"))
    }
}

/// Returns the number in E.164, if it is valid.
pub(crate) fn e164(written: &str, country: Option<Country>) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(written, country.map(|country| country.0)).ok()?;
    // Check lengths, not number ranges: new ranges appear faster than the tables are updated.
    let whole = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    if !matches!(whole, Ok(rlibphonenumber::NumberLengthType::IsPossible)) {
        return None;
    }
    Some(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

/// Returns whether the last digits may match: a cheap filter before the expensive parser, for all notations.
pub(crate) fn may_be(written: &str, e164: &str) -> bool {
    let tail = |text: &str| text.bytes().rev().filter(u8::is_ascii_digit).take(4).collect::<Vec<_>>();
    // Letters may be digits (vanity numbers) or introduce an extension.
    let plain = written.chars().all(|c| c.is_ascii() && !c.is_ascii_alphabetic());
    !plain || tail(written) == tail(e164)
}

/// Returns whether the digits are part of a number, in the written form or in E.164.
pub(crate) fn contains(written: &str, digits: &str, country: Option<Country>) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let all = plain(written);
    if all.contains(digits) {
        return true;
    }
    // If the ends match, a zero in the middle may be skipped, as in +44 (0)131. Digits that are all zeros must match
    // literally.
    let tail = &digits[digits.len().saturating_sub(3)..];
    let dialled = digits.trim_start_matches('0');
    !dialled.is_empty() && all.contains(tail) && e164(written, country).is_some_and(|number| number.contains(dialled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_notation_become_e164() {
        let table = [
            ("+49 0711 2842222", Some("+497112842222")),
            ("+44 (0)131 315 3300", Some("+441313153300")),
            ("+55 (12) 3923-5555", Some("+551239235555")),
            ("+39 06 39733434", Some("+390639733434")),
            ("(202) 555-0147", Some("+12025550147")),
            ("12", None),
            ("call me", None),
            ("", None),
        ];
        for (written, want) in table {
            let country = Country::named("us").expect("a country");
            assert_eq!(e164(written, Some(country)).as_deref(), want, "{written}");
        }
        assert_eq!(e164("(202) 555-0147", None), None);
    }

    #[test]
    fn part_of_a_number_matches_in_any_notation() {
        for digits in ["0131", "131315", "44131", "4401", "3300", "01313153300"] {
            assert!(contains("+44 (0)131 315 3300", digits, None), "{digits}");
        }
        assert!(!contains("+44 (0)131 315 3300", "0171", None));
        assert!(!contains("+1 202 555 0001", "0000", None));
    }
}
