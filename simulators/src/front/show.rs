//! Formats conversations as human-readable text.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::front::model::{Conversation, Message, MessageState};
use crate::front::state::{Shared, State};

/// The timeout of [`answered`]: the example plugin answers within milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns all conversations, oldest first.
pub(crate) fn all(state: &State) -> String {
    let conversations = state.conversations();
    if conversations.is_empty() {
        return "The simulated Front has no conversations yet.\n".to_owned();
    }
    conversations.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Returns one conversation once the last message is the customer's or has failed, or the wait has timed out.
pub(crate) async fn answered(shared: &Arc<Shared>, id: &str) -> Option<String> {
    let is_answered = |state: &State| {
        let last = state.conversation(id).and_then(|known| known.messages.last());
        last.is_none_or(|last| match last.state {
            MessageState::Failed(_) | MessageState::Unresponsive(_) => true,
            _ => last.is_inbound && last.is_readable(),
        })
    };
    let _ = tokio::time::timeout(ANSWER_TIMEOUT, shared.until(is_answered)).await;
    shared.read(|state| state.conversation(id).map(one))
}

/// Returns all conversations once they contain a text and no message is on its way, or `None` if the wait has timed out.
pub(crate) async fn until(shared: &Arc<Shared>, text: &str) -> Option<String> {
    let is_moving = |message: &Message| matches!(message.state, MessageState::Sending | MessageState::Accepted);
    let is_shown = |state: &State| all(state).contains(text) && !state.messages().any(is_moving);
    tokio::time::timeout(ANSWER_TIMEOUT, shared.until(is_shown)).await.ok()?;
    Some(shared.read(all))
}

fn one(conversation: &Conversation) -> String {
    let Conversation { id, channel, is_open, .. } = conversation;
    let state = if *is_open { "open" } else { "archived" };
    let mut text = format!("{id}  channel {channel}  {state}\n");
    for message in &conversation.messages {
        let files = message.attachments.iter().map(|file| format!(" [{}, {} bytes]", file.filename, file.size));
        let (from, state, files) = (author(message), outcome(&message.state), files.collect::<String>());
        let _ = writeln!(text, "  {from}: {}{files}  ({state})", message.text);
    }
    text
}

fn author(message: &Message) -> &str {
    let sender = || message.recipients.iter().find(|known| known.role == "from").map(|known| known.handle.as_str());
    let rule = if message.is_autoreply { "rule" } else { "unknown" };
    message.author.as_ref().map(|author| author.email.as_str()).or_else(sender).unwrap_or(rule)
}

fn outcome(state: &MessageState) -> String {
    match state {
        MessageState::Sending => "sending".to_owned(),
        MessageState::Sent => "sent".to_owned(),
        MessageState::Unresponsive(why) => format!("not sent: {why}"),
        MessageState::Failed(why) => format!("failed: {}", why.as_deref().unwrap_or("no reason given")),
        MessageState::Accepted => "accepted".to_owned(),
        MessageState::Imported => "received".to_owned(),
    }
}
