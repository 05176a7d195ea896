//! Addresses of customers and of the company, in Twilio's notation.

use frontgate_sdk::{Error, Result, address};

const WHATSAPP: &str = "whatsapp:";

/// Removes separators from a number.
pub(crate) fn compact(text: &str) -> String {
    let for_the_eye = |letter: char| letter.is_whitespace() || matches!(letter, '-' | '(' | ')' | '.' | '/');
    text.chars().filter(|letter| !for_the_eye(*letter)).collect::<String>().to_lowercase()
}

/// Returns a recipient's address on the company number's kind of channel.
pub(crate) fn customer(company: &str, handle: &str) -> Result<String> {
    let compact = compact(handle);
    let number = address::number(&compact);
    if !address::is_e164(number) {
        return Err(Error::invalid("The recipient is not a number with country code, such as +12025550107."));
    }
    let is_whatsapp = company.starts_with(WHATSAPP);
    if compact.starts_with(WHATSAPP) && !is_whatsapp {
        return Err(Error::invalid("This channel sends SMS, and the recipient is a WhatsApp address."));
    }
    if number == address::number(company) {
        return Err(Error::invalid("The recipient is this channel's own number."));
    }
    Ok(if is_whatsapp { format!("{WHATSAPP}{number}") } else { number.to_owned() })
}

/// Returns whether both are the same number, on any channel.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    address::number(&compact(one)) == address::number(&compact(other))
}

/// Returns Twilio's name of the channel's kind.
pub(crate) fn kind(number: &str) -> &'static str {
    if number.starts_with(WHATSAPP) { "whatsapp" } else { "sms" }
}

/// Returns the name that the admin sees.
pub(crate) fn name(number: &str) -> String {
    let kind = if number.starts_with(WHATSAPP) { "WhatsApp" } else { "SMS" };
    format!("{kind} {}", address::number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_address_has_the_channels_notation() {
        let (sms, whatsapp) = ("+12025550190", "whatsapp:+12025550190");
        let table = [
            (sms, " +1 (202) 555-0107 ", Some("+12025550107")),
            (whatsapp, "+12025550107", Some("whatsapp:+12025550107")),
            (whatsapp, "WhatsApp:+12025550107", Some("whatsapp:+12025550107")),
            (sms, "whatsapp:+12025550107", None),
            (sms, "2025550107", None),
            (sms, "mora@example.org", None),
            (sms, sms, None),
            (whatsapp, sms, None),
        ];
        for (company, handle, want) in table {
            assert_eq!(customer(company, handle).ok().as_deref(), want, "{company} {handle}");
        }
    }
}
