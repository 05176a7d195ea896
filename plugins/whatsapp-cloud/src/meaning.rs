//! Explains Meta's error codes to teammates. Meta's own messages are not passed on: they can contain customers' numbers.

use channel_values::Meanings;

/// The explanations.
pub(crate) const MEANINGS: Meanings = Meanings { provider: "WhatsApp", of };

/// Explains a code, if the explanation helps the teammate.
fn of(code: u64) -> Option<&'static str> {
    Some(match code {
        368 | 131_031 => "Meta has restricted the company's WhatsApp account",
        130_472 => "WhatsApp did not deliver the message because of an experiment with this customer's number",
        130_497 => "The company's WhatsApp account may not write to the customer's country",
        131_008 | 131_009 | 100 => "WhatsApp does not accept a part of the message, such as a file of this type",
        131_021 => "The recipient is this channel's own number",
        131_026 => "The customer is not on WhatsApp, or cannot receive this message",
        131_030 => "The customer's number is not among the allowed recipients of the company's test number",
        131_042 => "The company's WhatsApp account has a problem with its payment method",
        131_045 | 133_010 => "The company's number is not registered for WhatsApp",
        131_047 => {
            "More than 24 hours have passed since the customer wrote: WhatsApp accepts only approved templates until they \
             write again"
        }
        131_048 => "WhatsApp limits the company's number, because too many customers blocked or reported it",
        131_049 => "WhatsApp chose not to deliver this message to the customer",
        131_050 => "The customer does not want marketing messages from the company",
        131_051 => "WhatsApp does not accept messages of this type",
        131_052 | 131_053 => "WhatsApp does not accept this file: its type, its size or its content",
        132_000 | 132_012 | 132_018 => "WhatsApp does not accept the values of the template's variables",
        132_001 => "WhatsApp does not have this template in this language, or has not approved it",
        132_005 => "The template's text is too long with these values",
        132_007 => "The template violates WhatsApp's policy",
        132_015 | 132_016 => "WhatsApp no longer accepts this template: it was paused or disabled",
        _ => return None,
    })
}
