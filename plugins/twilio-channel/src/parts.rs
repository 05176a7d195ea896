//! Splits a message into parts that Twilio accepts: texts of limited length, and one file each.

use channel_values::split;
use frontgate_sdk::channel::{Attachment, OutboundMessage, TemplateUse};
use frontgate_sdk::{Error, Result};

/// Twilio's limit on the length of a text. Like carriers, the plugin counts some characters twice.
const TEXT_UNITS_MAX: usize = 1600;

/// The maximum number of pieces of a text. Longer texts are not reasonable as messages.
const TEXTS_MAX: usize = 10;

/// One message in Twilio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part<'m> {
    /// The text, possibly empty.
    pub(crate) text: &'m str,
    pub(crate) file: Option<&'m Attachment>,
    /// The template that replaces the text.
    pub(crate) template: Option<&'m TemplateUse>,
}

/// Returns the parts in order. Every attempt gets the same parts, at least one.
pub(crate) fn of(message: &OutboundMessage) -> Result<Vec<Part<'_>>> {
    let template = message.template.as_ref();
    if template.is_some() {
        let first = Part { text: &message.text, file: None, template };
        // Twilio ignores a file beside a template.
        let files = message.attachments.iter().map(|file| Part { text: "", file: Some(file), template: None });
        return Ok(std::iter::once(first).chain(files).collect());
    }
    let texts = split(&message.text, TEXT_UNITS_MAX);
    if texts.len() > TEXTS_MAX {
        let most = TEXTS_MAX * TEXT_UNITS_MAX;
        return Err(Error::invalid(format!("The text is too long: this channel sends up to {most} characters.")));
    }
    let mut parts: Vec<_> = texts.into_iter().map(|text| Part { text, file: None, template: None }).collect();
    let mut files = message.attachments.iter();
    // The last text and the first file share one part.
    if let Some(last) = parts.last_mut() {
        last.file = files.next();
    }
    parts.extend(files.map(|file| Part { text: "", file: Some(file), template: None }));
    if parts.is_empty() {
        return Err(Error::invalid("The message is empty."));
    }
    Ok(parts)
}
