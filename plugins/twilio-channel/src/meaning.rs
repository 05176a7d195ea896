//! Explains Twilio's error codes to teammates. Twilio's own messages are not passed on: they can contain customers'
//! numbers.

use channel_values::Meanings;

/// The explanations.
pub(crate) const MEANINGS: Meanings = Meanings { provider: "Twilio", of };

/// Explains a code, if the explanation helps the teammate.
fn of(code: u64) -> Option<&'static str> {
    Some(match code {
        20404 => "Twilio does not have this conversation, or it was deleted",
        21211 | 30005 | 50407 | 63003 => "The customer's number is not valid or not in service",
        21408 => "Messages to the customer's country are not enabled in Twilio",
        21610 => "The customer has unsubscribed, and receives nothing until they write START",
        21612 | 21614 | 30006 => "The customer's number cannot receive such messages; it may be a landline",
        21617 | 50504 => "The text is too long",
        11751 | 30019 => "The file is too large for the customer's carrier",
        30003 => "The customer's phone is switched off or unreachable",
        30004 => "The customer's number is blocked, or rejects messages",
        30007 => "The carrier rejected the message as spam",
        30008 => "The carrier gave no reason",
        30034 => "The company's number is not registered with the carriers",
        50056 => {
            "A rule of the company rejected the message, for example because the customer has opted out of messages"
        }
        50361 => "The customer's conversation has reached Twilio's limit on webhooks",
        50377 => "The conversation was closed in Twilio; write a new message to the customer instead",
        50416 => "The customer is in another conversation with this number",
        50424 | 50426 => "Twilio rejected a participant of the group conversation",
        50434 => "The group conversation needs a number of the company for each teammate",
        50435 => {
            "Twilio could not begin the group: it needs two customers with numbers that can receive group messages"
        }
        50436 => "The group has reached Twilio's limit on participants",
        50438 => "These customers are in a group with this number already; write in its conversation",
        50439 => "The number does not belong to the company's Twilio account",
        50452 => "Group messages are not enabled for the company's Twilio account",
        50514 => "The message was changed at the same time; try again",
        50417 | 50422 => "The conversation has reached Twilio's limit on participants",
        63001 | 63005 | 63007 => "The company's number is not set up for this channel",
        63013 => "The message violates the channel's policy",
        63016 => {
            "More than 24 hours have passed since the customer wrote: WhatsApp accepts only approved templates until they \
             write again"
        }
        63040..=63042 => "WhatsApp no longer accepts this template: it was rejected, paused or disabled",
        50526..=50529 | 50540 | 50541 => "Twilio does not accept this template, or the values of its variables",
        63018 => "The channel's rate limit was reached",
        63019 | 63021 => "The channel does not accept such a file or text",
        63024 => "The customer is not on WhatsApp",
        63032 | 63049 => "WhatsApp chose not to deliver this message to the customer",
        _ => return None,
    })
}
