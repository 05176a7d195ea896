//! Searches for digits in phone numbers.

use crm_values::phone::{Country, digits as digits_of, e164};

/// Returns whether the last digits may match: a cheap filter before the expensive parser, for all notations.
pub(crate) fn may_be(written: &str, e164: &str) -> bool {
    let tail = |text: &str| text.bytes().rev().filter(u8::is_ascii_digit).take(4).collect::<Vec<_>>();
    // Letters may be digits (vanity numbers) or introduce an extension.
    let plain = written.chars().all(|c| c.is_ascii() && !c.is_ascii_alphabetic());
    !plain || tail(written) == tail(e164)
}

/// Returns whether the digits are part of a number, in the written form or in E.164.
pub(crate) fn contains(written: &str, digits: &str, country: Option<Country>) -> bool {
    let all = digits_of(written);
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
    fn part_of_a_number_matches_in_any_notation() {
        for digits in ["0131", "131315", "44131", "4401", "3300", "01313153300"] {
            assert!(contains("+44 (0)131 315 3300", digits, None), "{digits}");
        }
        assert!(!contains("+44 (0)131 315 3300", "0171", None));
        assert!(!contains("+1 202 555 0001", "0000", None));
    }
}
