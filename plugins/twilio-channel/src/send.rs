//! Sends a message, part by part.

use frontgate_sdk::channel::{OutboundMessage, SendReceipt};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::conversation::{self, Open};
use crate::form;
use crate::mark::Mark;
use crate::parts::{self, Part};
use crate::sent::{Message, Sent};
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// Twilio's limit on the length of an author, in characters.
const AUTHOR_CHARS_MAX: usize = 256;

#[derive(Deserialize)]
struct Media {
    sid: String,
}

/// Sends the missing parts. Always looks up existing parts first: an earlier attempt may have sent some, and a lost
/// response leaves no trace.
pub(crate) fn send(channel: &Channel, message: &OutboundMessage) -> Result<SendReceipt> {
    let (parts, key) = (parts::of(message)?, &message.idempotency_key);
    let known = conversation::named(message);
    let (open, earlier) = if known.is_empty() {
        let open = conversation::with_customer(channel, message)?;
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

/// Creates one message in Twilio, and returns its SID.
fn post(
    channel: &Channel,
    open: &Open,
    message: &OutboundMessage,
    part: &Part<'_>,
    mark: Mark,
) -> Result<String, Refusal> {
    let media: Option<Media> = match part.file {
        Some(file) => {
            let name = form::encode(&[("Filename", &file.filename)]);
            Some(twilio::upload(&channel.media_url(&format!("Media?{name}")), file)?)
        }
        None => None,
    };
    let answered = message.answers().filter(|_| mark.part == 1);
    let (attributes, writer) = (mark.attributes(answered), message.author.as_ref());
    let writer = writer.and_then(|author| channel.settings.teammates.identity(author).or(author.handle.as_deref()));
    let author = open.author.as_deref().or(writer).filter(|author| author.chars().count() <= AUTHOR_CHARS_MAX);
    let author = author.filter(|author| !author.is_empty());
    let fields = [
        ("Author", author),
        ("Body", Some(part.text).filter(|text| !text.is_empty())),
        ("MediaSid", media.as_ref().map(|media| media.sid.as_str())),
        ("Attributes", Some(attributes.as_str())),
    ];
    let fields: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let posted: Message = twilio::post(&channel.url(&format!("Conversations/{}/Messages", open.sid)), &fields)?;
    Ok(posted.sid)
}
