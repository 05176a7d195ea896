//! Converts phone numbers.

use frontgate_sdk::address;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};
use serde::Deserialize;

/// The default country, for numbers without a country code.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Country(Region);

impl Country {
    /// Parses a two-letter country code.
    pub(crate) fn named(code: &str) -> Option<Self> {
        Region::from_code(&code.to_ascii_uppercase()).ok().map(Self)
    }
}

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::named(&code).ok_or("write two letters such as US or DE")
    }
}

/// Returns the number in E.164, if it is valid.
pub(crate) fn e164(written: &str, country: Option<Country>) -> Option<String> {
    let number = parse(written, country)?;
    // Check lengths, not number ranges: new ranges appear faster than the tables are updated.
    let whole = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    if !matches!(whole, Ok(NumberLengthType::IsPossible)) {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
    address::is_e164(&number).then_some(number)
}

/// Returns the national number, as it is dialled within its country.
pub(crate) fn national(written: &str, country: Option<Country>) -> Option<String> {
    Some(parse(written, country)?.get_national_significant_number())
}

fn parse(written: &str, country: Option<Country>) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL.parse(written, country.map(|country| country.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brought_to_e164_and_to_what_is_dialled_within_the_country() {
        let table = [
            ("+1 (202) 555-0147", Some("+12025550147"), Some("2025550147")),
            ("(202) 555-0147", Some("+12025550147"), Some("2025550147")),
            ("+44 (0)131 315 3300", Some("+441313153300"), Some("1313153300")),
            ("+39 06 39733434", Some("+390639733434"), Some("0639733434")),
            ("+1 202 55", None, Some("20255")),
            ("call me", None, None),
        ];
        for (written, whole, within) in table {
            let country = Country::named("us");
            assert_eq!(e164(written, country).as_deref(), whole, "{written}");
            assert_eq!(national(written, country).as_deref(), within, "{written}");
        }
        assert_eq!(e164("(202) 555-0147", None), None);
    }
}
