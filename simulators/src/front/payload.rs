//! The JSON of Front's requests and responses, with the order of keys and the number format of JavaScript.

use serde_json::{Value, json};

use crate::front::model::{Attachment, Author, Conversation, Message, Recipient};
use crate::front::world::World;

/// Converts to Unix seconds. Like JavaScript, omits the fraction of whole numbers.
fn seconds(millis: u64) -> Value {
    if millis.is_multiple_of(1000) { (millis / 1000).into() } else { (millis as f64 / 1000.0).into() }
}

fn author(author: &Author, company: &str) -> Value {
    let name = author.email.split('@').next().unwrap_or_default();
    json!({
        "id": author.id,
        "email": author.email,
        "username": name,
        "first_name": name,
        "last_name": company,
        "is_admin": false,
        "is_available": true,
        "is_blocked": false,
        "type": author.kind,
    })
}

fn contact(recipient: &Recipient, base: &str) -> Value {
    json!({ "related": { "contact": recipient.contact.as_ref().map(|id| format!("{base}/contacts/{id}")) } })
}

fn attachment(attachment: &Attachment, message: &str, base: &str) -> Value {
    json!({
        "id": attachment.id,
        "filename": attachment.filename,
        "url": format!("{base}/messages/{message}/download/{}", attachment.id),
        "content_type": attachment.content_type,
        "size": attachment.size,
        "metadata": { "is_inline": false },
    })
}

fn attachments(message: &Message, base: &str) -> Vec<Value> {
    message.attachments.iter().map(|file| attachment(file, &message.id, base)).collect()
}

fn related(conversation: &Conversation, message: &Message, base: &str) -> Value {
    let replied_to = message.replied_to.as_ref().map(|id| format!("{base}/messages/{id}"));
    let mut related = json!({ "conversation": format!("{base}/conversations/{}", conversation.id) });
    if let Some(replied_to) = replied_to {
        related["message_replied_to"] = replied_to.into();
    }
    related
}

/// Returns a message as requests with a channel's token see it.
pub(crate) fn message(world: &World, conversation: &Conversation, message: &Message, base: &str) -> Value {
    let recipients = message.recipients.iter().map(|recipient| {
        let Recipient { handle, name, role, .. } = recipient;
        json!({ "_links": contact(recipient, base), "name": name, "handle": handle, "role": role })
    });
    let mut metadata = json!({ "headers": { "in_reply_to": message.referenced } });
    if let Some(external_id) = &message.external_id {
        metadata["external_id"] = external_id.as_str().into();
    }
    json!({
        "_links": {
            "self": format!("{base}/messages/{}", message.id),
            "related": related(conversation, message, base),
        },
        "id": message.id,
        "message_uid": message.uid,
        "type": "custom",
        "is_inbound": message.is_inbound,
        "draft_mode": null,
        "is_draft": false,
        "error_type": null,
        "version": format!("{}-1", message.uid),
        "created_at": seconds(message.created_at),
        "subject": message.subject,
        "blurb": message.text.chars().take(140).collect::<String>(),
        "body": message.body,
        "text": message.text,
        "author": message.author.as_ref().map(|known| author(known, &world.company)),
        "recipients": recipients.collect::<Vec<_>>(),
        "attachments": attachments(message, base),
        "signature": null,
        "metadata": metadata,
    })
}

/// Returns an autoreply, without `id`, `_links.self`, author, `blurb` and `version`.
pub(crate) fn autoreply(conversation: &Conversation, message: &Message, base: &str) -> Value {
    let to = message.recipients.iter().filter(|recipient| recipient.role == "to");
    let recipients = to.map(|recipient| {
        let Recipient { handle, role, .. } = recipient;
        json!({ "_links": contact(recipient, base), "handle": handle, "role": role })
    });
    json!({
        "_links": { "related": related(conversation, message, base) },
        "type": "auto_reply",
        "is_inbound": false,
        "created_at": seconds(message.created_at),
        "body": message.body,
        "text": message.text,
        "recipients": recipients.collect::<Vec<_>>(),
        "attachments": attachments(message, base),
    })
}

/// Returns the metadata of a message: the ids of the conversation. A new conversation has no ids.
pub(crate) fn metadata(conversation: &Conversation) -> Value {
    let mut metadata = json!({ "external_conversation_ids": conversation.external_ids });
    if let Some(first) = conversation.external_ids.first() {
        // Front documents this order.
        metadata = json!({ "external_conversation_id": first, "external_conversation_ids": conversation.external_ids });
    }
    metadata
}

pub(crate) fn conversation(conversation: &Conversation, base: &str) -> Value {
    let recipient = conversation.messages.first().and_then(|first| first.recipients.first());
    json!({
        "_links": { "self": format!("{base}/conversations/{}", conversation.id) },
        "id": conversation.id,
        "subject": conversation.subject,
        "status": if conversation.is_open { "unassigned" } else { "archived" },
        "assignee": null,
        "recipient": recipient.map(|known| {
            json!({ "_links": contact(known, base), "handle": known.handle, "role": known.role })
        }),
        "tags": [],
        "links": [],
        "metadata": { "external_conversation_ids": conversation.external_ids },
    })
}
