//! Twilio's error codes in words for teammates. Twilio's own texts are not passed on: they can have numbers of
//! customers in them.

/// What a code means, where it helps to know.
fn of(code: u64) -> Option<&'static str> {
    Some(match code {
        20404 => "Twilio does not know this conversation, or not any more",
        21211 | 30005 | 50407 | 63003 => "The customer's number is not valid or not in service",
        21408 => "Messages to the customer's country are not switched on in Twilio",
        21610 => "The customer has unsubscribed, and gets nothing until they write START",
        21612 | 21614 | 30006 => "The customer's number cannot get such messages; it may be a landline",
        21617 | 50504 => "The text is too long",
        11751 | 30019 => "The file is too large for the customer's carrier",
        30003 => "The customer's phone is switched off or out of reach",
        30004 => "The customer's number is blocked, or refuses messages",
        30007 => "The carrier took the message for spam",
        30008 => "The carrier gave no reason",
        30034 => "The company's number is not registered with the carriers",
        50361 => "The customer's conversation has as many webhooks in Twilio as it may have",
        50377 => "The conversation was closed in Twilio; write a new message to the customer instead",
        50416 => "The customer is in another conversation with this number",
        50417 | 50422 => "The conversation has as many participants as it may have",
        63001 | 63005 | 63007 => "The company's number is not set up for this channel",
        63013 => "The message breaks the channel's policy",
        63016 => {
            "More than 24 hours have passed since the customer wrote: WhatsApp takes approved templates only until \
             they write again"
        }
        63018 => "The channel took no more messages at that time",
        63019 | 63021 => "The channel does not take such a file or text",
        63024 => "The customer is not on WhatsApp",
        63032 | 63049 => "WhatsApp chose not to deliver this message to the customer",
        _ => return None,
    })
}

/// Why Twilio did not take a message.
pub(crate) fn of_refusal(status: u16, code: Option<u64>) -> String {
    let Some(code) = code else { return format!("Twilio refused it (status {status}).") };
    match of(code) {
        Some(words) => format!("{words} (Twilio error {code})."),
        None => format!("Twilio refused it (error {code})."),
    }
}

/// Why a message did not arrive.
pub(crate) fn of_failure(code: Option<u64>) -> String {
    let Some(code) = code.filter(|code| *code != 0) else {
        return "Twilio could not deliver it, and gave no reason.".to_owned();
    };
    match of(code) {
        Some(words) => format!("{words} (Twilio error {code})."),
        None => format!("Twilio could not deliver it (error {code})."),
    }
}
