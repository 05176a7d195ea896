//! Converts phone numbers as people write them in Salesforce.

use frontgate_sdk::address;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};
use serde::Deserialize;

/// The country of numbers without a country code.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Country(Region);

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        let region = Region::from_code(&code.to_ascii_uppercase()).ok();
        region.map(Self).ok_or("write two letters such as US or DE")
    }
}

/// Returns the number in E.164, if it is valid.
pub(crate) fn e164(written: &str, country: Option<Country>) -> Option<String> {
    if address::is_e164(written) {
        return Some(written.to_owned());
    }
    let number = parse(written, country)?;
    // Check lengths, not number ranges: new ranges appear faster than the tables are updated.
    let whole = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    if !matches!(whole, Ok(NumberLengthType::IsPossible)) {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
    address::is_e164(&number).then_some(number)
}

/// Returns the digits that a number has in every notation: those within its country, without a leading 0.
pub(crate) fn common_digits(written: &str, country: Option<Country>) -> String {
    let within = parse(written, country).map(|number| number.get_national_significant_number());
    within.unwrap_or_else(|| digits(written))
}

/// Returns the digits of a text.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn parse(written: &str, country: Option<Country>) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL.parse(written, country.map(|country| country.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_converted_to_e164_and_to_their_common_digits() {
        let table = [
            ("+1 (202) 555-0147", Some("+12025550147"), "2025550147"),
            ("(202) 555-0147 x12", Some("+12025550147"), "2025550147"),
            ("+44 (0)131 315 3300", Some("+441313153300"), "1313153300"),
            ("+39 06 39733434", Some("+390639733434"), "0639733434"),
            ("+1 202 55", None, "20255"),
            ("call me", None, ""),
        ];
        for (written, whole, common) in table {
            let country = Country::try_from("us".to_owned()).ok();
            assert_eq!(e164(written, country).as_deref(), whole, "{written}");
            assert_eq!(common_digits(written, country), common, "{written}");
        }
        assert_eq!(e164("(202) 555-0147", None), None);
    }
}
