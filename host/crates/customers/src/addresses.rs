//! Addresses by which customers are found: numbers in any notation, and identities of chat customers.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// Prefix of the identity of a chat customer.
const CHAT: &str = "chat:";
/// Longest address in bytes; a longer one finds no customer.
const ADDRESS_BYTES_MAX: usize = 512;

/// The country of numbers without a country code.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Country(Option<Region>);

impl Country {
    /// Parses a country code of two letters.
    pub(crate) fn named(code: &str) -> Option<Self> {
        Region::from_code(&code.to_ascii_uppercase()).ok().map(|region| Self(Some(region)))
    }
}

/// Returns the digits of a number in E.164, without the plus sign. Checks the length only: number ranges change faster
/// than tables of them.
pub(crate) fn number(written: &str, country: Country) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(plain(written), country.0).ok()?;
    let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    if !matches!(length, Ok(NumberLengthType::IsPossible)) {
        return None;
    }
    Some(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).trim_start_matches('+').to_owned())
}

/// Returns the key of a chat customer's identity.
pub(crate) fn identity(identity: &str) -> Option<String> {
    (!identity.is_empty() && identity.len() <= ADDRESS_BYTES_MAX).then(|| format!("{CHAT}{identity}"))
}

/// Returns the key of an address of Twilio: `+15550100001`, `whatsapp:+15550100001`, or an identity.
pub(crate) fn key(address: &str) -> Option<String> {
    let written = plain(address);
    let is_number = written.starts_with('+');
    if is_number { number(written, Country::default()) } else { identity(address) }
}

/// Removes the channel from an address, such as `whatsapp:`.
fn plain(address: &str) -> &str {
    match address.split_once(':') {
        Some((channel, number)) if channel.bytes().all(|byte| byte.is_ascii_alphabetic()) => number.trim(),
        _ => address.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_number_has_the_same_key() {
        let brazil = Country::named("br").expect("a country");
        for written in ["+55 (12) 3923-5555", "whatsapp:+551239235555", "(12) 3923-5555", "0055 12 3923 5555"] {
            let expected = if written.starts_with("00") { None } else { Some("551239235555".to_owned()) };
            let found = number(written, brazil).filter(|_| !written.starts_with("00"));
            assert_eq!(found, expected, "{written}");
        }
        assert_eq!(key("whatsapp:+551239235555"), Some("551239235555".to_owned()));
    }

    #[test]
    fn an_identity_is_no_number() {
        assert_eq!(key("4711"), Some("chat:4711".to_owned()));
        assert_eq!(key("mora-in-the-chat"), Some("chat:mora-in-the-chat".to_owned()));
        assert_eq!((key(""), number("nonsense", Country::default())), (None, None));
    }
}
