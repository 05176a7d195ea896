//! Addresses of customers and of the company, in Twilio's notation: a prefix for the kind of channel, and a number or an
//! id.

use frontgate_sdk::{Error, Result, address};

/// Longest id of a Messenger user or an RCS sender, in bytes.
const ID_BYTES_MAX: usize = 64;

/// The kind of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sms,
    Whatsapp,
    Messenger,
    Rcs,
}

impl Kind {
    /// All kinds with a prefix.
    const PREFIXED: [Self; 3] = [Self::Whatsapp, Self::Messenger, Self::Rcs];

    /// Returns the kind of an address.
    pub(crate) fn of(address: &str) -> Self {
        Self::PREFIXED.into_iter().find(|kind| address.starts_with(kind.prefix())).unwrap_or(Self::Sms)
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Sms => "",
            Self::Whatsapp => "whatsapp:",
            Self::Messenger => "messenger:",
            Self::Rcs => "rcs:",
        }
    }

    /// Returns Twilio's name of the kind.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Rcs => "rcs",
        }
    }

    /// Returns the name that people read.
    fn name(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Whatsapp => "WhatsApp",
            Self::Messenger => "Messenger",
            Self::Rcs => "RCS",
        }
    }
}

/// Returns an address without the prefix of its kind.
pub(crate) fn bare(address: &str) -> &str {
    address.strip_prefix(Kind::of(address).prefix()).unwrap_or(address)
}

/// Removes white space and the separators of numbers. Ids keep their characters.
pub(crate) fn compact(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_lowercase();
    let (kind, bare) = (Kind::of(&text), bare(&text));
    if bare.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return text;
    }
    let for_the_eye = |letter: &char| matches!(letter, '-' | '(' | ')' | '.' | '/');
    let number: String = bare.chars().filter(|letter| !for_the_eye(letter)).collect();
    format!("{}{number}", kind.prefix())
}

/// Returns whether the company can have this address.
pub(crate) fn is_company(address: &str) -> bool {
    let bare = bare(address);
    match Kind::of(address) {
        Kind::Sms | Kind::Whatsapp => address::is_e164(bare),
        Kind::Messenger => is_user_id(bare),
        Kind::Rcs => {
            let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            !bare.is_empty() && bare.len() <= ID_BYTES_MAX && bare.bytes().all(is_valid)
        }
    }
}

/// Returns whether this is the id of a Messenger user or page.
fn is_user_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a recipient's address on the kind of channel of a company's address.
pub(crate) fn customer(company: &str, handle: &str) -> Result<String> {
    let (kind, handle) = (Kind::of(company), compact(handle));
    let (other, bare) = (Kind::of(&handle), bare(&handle));
    if other != Kind::Sms && other != kind {
        let (own, other) = (kind.name(), other.name());
        return Err(Error::Invalid(format!("This channel is {own}, and the recipient has a {other} address.")));
    }
    match kind {
        Kind::Messenger if !is_user_id(bare) => {
            return Err(Error::invalid(
                "The recipient is no Messenger user of this page. Customers write first; answer in their conversation.",
            ));
        }
        Kind::Sms | Kind::Whatsapp | Kind::Rcs if !address::is_e164(bare) => {
            return Err(Error::invalid("The recipient is not a number with country code, such as +12025550107."));
        }
        _ => {}
    }
    if bare == self::bare(company) {
        return Err(Error::invalid("The recipient is this channel's own number."));
    }
    Ok(format!("{}{bare}", kind.prefix()))
}

/// Returns whether both are the same number or id, on any channel.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    bare(&compact(one)) == bare(&compact(other))
}

/// Returns the name that the admin sees.
pub(crate) fn name(number: &str) -> String {
    format!("{} {}", Kind::of(number).name(), bare(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_address_has_the_channels_notation() {
        let (sms, whatsapp) = ("+12025550190", "whatsapp:+12025550190");
        let (messenger, rcs) = ("messenger:108", "rcs:acme_agent");
        let table = [
            (sms, " +1 (202) 555-0107 ", Some("+12025550107")),
            (whatsapp, "+12025550107", Some("whatsapp:+12025550107")),
            (whatsapp, "WhatsApp:+12025550107", Some("whatsapp:+12025550107")),
            (rcs, "+1 202 555 0107", Some("rcs:+12025550107")),
            (rcs, "rcs:+12025550107", Some("rcs:+12025550107")),
            (messenger, "7890123", Some("messenger:7890123")),
            (messenger, "Messenger:7890123", Some("messenger:7890123")),
            (sms, "whatsapp:+12025550107", None),
            (whatsapp, "messenger:7890123", None),
            (messenger, "+12025550107", None),
            (sms, "2025550107", None),
            (sms, "mora@example.org", None),
            (rcs, "acme_agent", None),
            (sms, sms, None),
            (whatsapp, sms, None),
            (messenger, "108", None),
        ];
        for (company, handle, want) in table {
            assert_eq!(customer(company, handle).ok().as_deref(), want, "{company} {handle}");
        }
    }

    #[test]
    fn the_company_has_numbers_pages_and_senders() {
        for valid in ["+12025550190", "whatsapp:+12025550190", "messenger:108", "rcs:acme_agent-1"] {
            assert!(is_company(valid), "{valid}");
        }
        for other in
            ["12025550190", "whatsapp:108", "messenger:+12025550190", "messenger:", "rcs:", "rcs:a b", "rcs:+1"]
        {
            assert!(!is_company(other), "{other}");
        }
    }

    #[test]
    fn separators_are_removed_from_numbers_only() {
        assert_eq!(compact(" WhatsApp:+1 (202) 555-0107 "), "whatsapp:+12025550107");
        assert_eq!(compact("rcs:Acme_agent-1.2"), "rcs:acme_agent-1.2");
    }
}
