//! Sends a message, part by part.

use std::collections::BTreeMap;

use frontgate_sdk::channel::{OutboundMessage, SendReceipt, TemplateUse};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::conversation::{self, Open};
use crate::form;
use crate::mark::Mark;
use crate::parts::{self, Part};
use crate::sent::{Message, Sent};
use crate::settings::Channel;
use crate::{twilio, window};

/// Twilio's limit on the length of an author, in characters.
const AUTHOR_CHARS_MAX: usize = 256;

/// Twilio's limit on the value of a template's variable, in characters.
const VALUE_CHARS_MAX: usize = 256;

#[derive(Deserialize)]
struct Media {
    sid: String,
}

/// Sends the missing parts. Always looks up existing parts first: an earlier attempt may have sent some, and a lost
/// response leaves no trace.
pub(crate) fn send(channel: &Channel, message: &OutboundMessage) -> Result<SendReceipt> {
    let (parts, key) = (parts::of(message)?, &message.idempotency_key);
    let needs_window = window::applies(channel) && parts.iter().any(|part| part.template.is_none());
    let known = conversation::named(message);
    let (open, earlier) = if known.is_empty() {
        let open = conversation::with_customer(channel, message, needs_window)?;
        let earlier = if open.is_new { None } else { Sent::find(channel, &[&open.sid], key)? };
        (open, earlier)
    } else {
        let earlier = Sent::find(channel, &known, key)?;
        let open = match &earlier {
            Some(sent) => conversation::chosen(channel, &[&sent.conversation], message)?,
            None => conversation::chosen(channel, &known, message)?,
        };
        (open, earlier)
    };
    let mut sent = earlier.unwrap_or_else(|| Sent::nothing(&open.sid));
    // A window that was open for the first part stays open for the others.
    if needs_window && sent.parts.is_empty() && !open.is_checked && !window::is_open(channel, &open.sid)? {
        return Err(window::closed());
    }
    for (number, part) in (1..).zip(&parts) {
        if !sent.parts.contains_key(&number) {
            let mark = Mark {
                key: message.idempotency_key.clone(),
                part: number,
                of: parts.len(),
                channel: channel.id.clone(),
                first: sent.parts.get(&1).cloned(),
            };
            sent.parts.insert(number, post(channel, &open, message, part, mark)?);
        }
    }
    sent.receipt().ok_or_else(|| Error::failed("the message has no first part"))
}

/// Encodes the values of a template's variables.
fn variables(used: &TemplateUse) -> Result<String> {
    if used.values.iter().any(|one| one.value.chars().count() > VALUE_CHARS_MAX) {
        let most = VALUE_CHARS_MAX;
        return Err(Error::invalid(format!("A value of the template is too long: Twilio accepts {most} characters.")));
    }
    let values: BTreeMap<_, _> = used.values.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    Ok(serde_json::to_string(&values).expect("texts"))
}

/// Creates one message in Twilio, and returns its SID.
fn post(channel: &Channel, open: &Open, message: &OutboundMessage, part: &Part<'_>, mark: Mark) -> Result<String> {
    let media: Option<Media> = match part.file {
        Some(file) => {
            let name = form::encode(&[("Filename", &file.filename)]);
            Some(twilio::upload(&channel.media_url(&format!("Media?{name}")), file)?)
        }
        None => None,
    };
    let answered = message.answers().filter(|_| mark.part == 1);
    let variables = part.template.map(variables).transpose()?;
    let (attributes, writer) = (mark.attributes(answered), message.author.as_ref());
    let writer = writer.and_then(|author| channel.settings.teammates.identity(author).or(author.handle.as_deref()));
    let author = open.author.as_deref().or(writer).filter(|author| author.chars().count() <= AUTHOR_CHARS_MAX);
    let author = author.filter(|author| !author.is_empty());
    let fields = [
        ("Author", author),
        ("Body", Some(part.text).filter(|text| !text.is_empty() && part.template.is_none())),
        ("ContentSid", part.template.map(|used| used.id.as_str())),
        ("ContentVariables", variables.as_deref()),
        ("MediaSid", media.as_ref().map(|media| media.sid.as_str())),
        ("Attributes", Some(attributes.as_str())),
    ];
    let fields: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let post = if channel.settings.consent { twilio::post_asking::<Message> } else { twilio::post };
    Ok(post(&channel.url(&format!("Conversations/{}/Messages", open.sid)), &fields)?.sid)
}
