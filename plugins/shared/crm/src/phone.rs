//! Phone numbers as people write them in a CRM.

use frontgate_sdk::address;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};
use serde::Deserialize;

/// The default country, for numbers without a country code.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Country(Region);

impl Country {
    /// Parses a two-letter country code.
    pub fn named(code: &str) -> Option<Self> {
        Region::from_code(&code.to_ascii_uppercase()).ok().map(Self)
    }
}

impl TryFrom<String> for Country {
    type Error = String;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::named(&code).ok_or_else(|| format!("`{code}` is no country code; write two letters such as US or DE"))
    }
}

/// Returns the number in E.164, if it is valid.
pub fn e164(written: &str, country: Option<Country>) -> Option<String> {
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

/// Returns the national number: the digits that a number has in every notation.
pub fn national(written: &str, country: Option<Country>) -> Option<String> {
    Some(parse(written, country)?.get_national_significant_number())
}

/// Returns the digits of a text.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn parse(written: &str, country: Option<Country>) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL.parse(written, country.map(|country| country.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_notation_are_converted_to_e164_and_to_the_national_number() {
        let table = [
            ("+1 (202) 555-0147", Some("+12025550147"), Some("2025550147")),
            ("(202) 555-0147 x12", Some("+12025550147"), Some("2025550147")),
            ("+49 0711 2842222", Some("+497112842222"), Some("7112842222")),
            ("+44 (0)131 315 3300", Some("+441313153300"), Some("1313153300")),
            ("+55 (12) 3923-5555", Some("+551239235555"), Some("1239235555")),
            ("+39 06 39733434", Some("+390639733434"), Some("0639733434")),
            ("+1 202 55", None, Some("20255")),
            ("12", None, Some("12")),
            ("call me", None, None),
            ("", None, None),
        ];
        for (written, whole, within) in table {
            let country = Country::named("us");
            assert_eq!(e164(written, country).as_deref(), whole, "{written}");
            assert_eq!(national(written, country).as_deref(), within, "{written}");
        }
        assert_eq!(e164("(202) 555-0147", None), None);
    }

    #[test]
    fn an_unknown_country_is_refused() {
        let refused = Country::try_from("Germany".to_owned()).expect_err("no code");
        assert!(refused.contains("`Germany` is no country code"), "{refused}");
    }
}
