//! Formats conversations as human-readable text.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::twilio::model::{Conversation, Participant};
use crate::twilio::state::{Shared, State};

/// The timeout of [`assigned`]: a gateway assigns a worker within milliseconds.
const ASSIGNMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns all conversations, oldest first.
pub(crate) fn all(state: &State) -> String {
    let conversations = state.conversations();
    if conversations.is_empty() {
        return "The simulated Twilio has no conversations yet.\n".to_owned();
    }
    conversations.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Returns one conversation once it has a worker, or the wait has timed out. Without routing, it gets none.
pub(crate) async fn assigned(shared: &Arc<Shared>, sid: &str) -> Option<String> {
    let is_assigned = |state: &State| {
        !state.settings.routing || state.conversation(sid).is_none_or(|known| !known.workers().is_empty())
    };
    let _ = tokio::time::timeout(ASSIGNMENT_TIMEOUT, shared.until(is_assigned)).await;
    shared.read(|state| state.conversation(sid).map(one))
}

fn one(conversation: &Conversation) -> String {
    let name = conversation.friendly_name.as_deref().unwrap_or("(no name)");
    let mut text = format!("{name}  {}  {}\n", conversation.sid, conversation.state.name());
    for participant in &conversation.participants {
        let _ = writeln!(text, "  {}", who(participant));
    }
    for message in &conversation.messages {
        let files = message.media.iter().map(|file| format!(" [{}, {} bytes]", file.content_type, file.size));
        let _ = writeln!(text, "  {}: {}{}", message.author, message.body, files.collect::<String>());
    }
    text
}

fn who(participant: &Participant) -> String {
    let attributes = participant.attributes.as_object().filter(|fields| !fields.is_empty());
    let attributes = attributes.map_or_else(String::new, |_| format!("  {}", participant.attributes));
    let (role, name) = match (&participant.identity, &participant.address) {
        (Some(identity), _) => ("worker", identity.as_str()),
        (None, Some(address)) => ("customer", address.as_str()),
        (None, None) => ("number", participant.projected_address.as_deref().unwrap_or_default()),
    };
    format!("{role} {name}{attributes}")
}
