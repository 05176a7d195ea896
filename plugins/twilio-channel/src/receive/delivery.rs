//! Handles carriers' delivery reports.

use frontgate_sdk::Result;
use frontgate_sdk::channel::FailedDelivery;

use crate::form::Form;
use crate::mark::Mark;
use crate::meaning::MEANINGS;
use crate::sent::Message;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// Returns the failure of this channel's message, identified by the first part. `None` for other messages.
pub(super) fn updated(channel: &Channel, form: &Form) -> Result<Option<FailedDelivery>> {
    let status = form.get("Status").unwrap_or_default().to_ascii_lowercase();
    if status != "failed" && status != "undelivered" {
        return Ok(None);
    }
    let (Some(conversation), Some(sid)) = (form.get("ConversationSid"), form.get("MessageSid")) else {
        return Ok(None);
    };
    let path = format!("Conversations/{conversation}/Messages/{sid}");
    let message: Message = match twilio::get(&channel.url(&path)) {
        Ok(message) => message,
        // The message was deleted in the meantime.
        Err(Refusal::ForGood { .. }) => return Ok(None),
        Err(refusal) => return Err(refusal.into()),
    };
    let mark = Mark::of(&message.attributes).filter(|mark| mark.channel == channel.id);
    let Some(Mark { part, of, first, .. }) = mark else { return Ok(None) };
    let code = form.get("ErrorCode").and_then(|code| code.parse().ok());
    let reason = MEANINGS.of_failure(code.filter(|code| *code != 0));
    let reason = if of > 1 { format!("Part {part} of {of}: {reason}") } else { reason };
    Ok(Some(FailedDelivery { external_id: first.unwrap_or(message.sid), reason }))
}
