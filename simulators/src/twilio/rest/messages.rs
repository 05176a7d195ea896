//! `Messages` of a conversation, and their `Receipts`.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::twilio::events;
use crate::twilio::message::{Message, Receipt};
use crate::twilio::model::Conversation;
use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest, content, page};
use crate::twilio::world::{
    IDENTITY_CHARS_MAX, MESSAGE_ATTRIBUTES_BYTES_MAX, MESSAGE_BODY_CHARS_MAX, NewMessage, World, attributes,
};

pub(crate) fn create(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let sid = world.writable(request.conversation())?;
    let draft = draft(world, request)?;
    let conversation = world.conversation(&sid).expect("it exists");
    let before = events::message_add(world, conversation, &draft);
    let message = world.add_message(&sid, draft);
    let conversation = world.conversation(&sid).expect("it exists");
    Ok(Done {
        status: 201,
        body: Some(json(world, request, conversation, &message)),
        effects: vec![Effect::MessageAdded { conversation: sid.clone(), message: message.sid.clone() }],
        before: Some(before),
        after: vec![events::message_added(world, conversation, &message)],
    })
}

fn draft(world: &World, request: &RestRequest) -> Result<NewMessage, Problem> {
    let author = author(request)?.unwrap_or_else(|| "system".to_owned());
    let template = content::chosen(world, request)?;
    let attributes = request.filled("Attributes").map(|text| attributes(&text, MESSAGE_ATTRIBUTES_BYTES_MAX));
    let attributes = attributes.transpose()?.unwrap_or_else(|| json!({}));
    if let Some((sid, body)) = template {
        // Twilio ignores `Body` and `MediaSid`.
        return Ok(NewMessage { author, body, attributes, media: Vec::new(), content_sid: Some(sid) });
    }
    let body = body(request)?.unwrap_or_default();
    // [?] Twilio's error for an unknown file is undocumented.
    let unknown = || Problem::invalid("Media with provided sid does not exist");
    let media = request.filled("MediaSid");
    let media = media.map(|sid| world.stored(&sid).map(|stored| stored.media.clone()).ok_or_else(unknown));
    let media: Vec<_> = media.transpose()?.into_iter().collect();
    if body.is_empty() && media.is_empty() {
        // [?] The code is a guess.
        return Err(Problem::invalid("Either Body or MediaSid must be provided"));
    }
    Ok(NewMessage { author, body, attributes, media, content_sid: None })
}

fn author(request: &RestRequest) -> Result<Option<String>, Problem> {
    let author = request.filled("Author");
    if author.as_ref().is_some_and(|author| author.chars().count() > IDENTITY_CHARS_MAX) {
        return Err(Problem::invalid("Author is longer than 256 characters"));
    }
    Ok(author)
}

fn body(request: &RestRequest) -> Result<Option<String>, Problem> {
    let body = request.filled("Body");
    if body.as_ref().is_some_and(|body| body.chars().count() > MESSAGE_BODY_CHARS_MAX) {
        return Err(Problem::body_too_long());
    }
    Ok(body)
}

fn json(world: &World, request: &RestRequest, conversation: &Conversation, message: &Message) -> Value {
    request.within_service(message.json(&conversation.place(&world.account_sid, &request.base())))
}

fn conversation<'w>(world: &'w World, request: &RestRequest) -> Result<&'w Conversation, Problem> {
    world.conversation(request.conversation()).ok_or_else(|| Problem::not_found(&request.path))
}

fn message<'c>(conversation: &'c Conversation, request: &RestRequest) -> Result<&'c Message, Problem> {
    conversation.message(request.message()).ok_or_else(|| Problem::not_found(&request.path))
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    Ok(Done::read(json(world, request, conversation, message(conversation, request)?)))
}

/// Finds a message that accepts writes: the conversation's SID, and the message's position.
fn writable(world: &mut World, request: &RestRequest) -> Result<(String, usize), Problem> {
    let sid = world.writable(request.conversation())?;
    let messages = &world.conversation(&sid).expect("it exists").messages;
    let at = messages.iter().position(|message| message.sid == request.message());
    Ok((sid, at.ok_or_else(|| Problem::not_found(&request.path))?))
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let (sid, at) = writable(world, request)?;
    let (author, body) = (author(request)?, body(request)?);
    let attributes = request.filled("Attributes").map(|text| attributes(&text, MESSAGE_ATTRIBUTES_BYTES_MAX));
    let attributes = attributes.transpose()?;
    let message = &mut world.conversation_mut(&sid).expect("it exists").messages[at];
    message.author = author.unwrap_or(std::mem::take(&mut message.author));
    message.body = body.unwrap_or(std::mem::take(&mut message.body));
    message.attributes = attributes.unwrap_or(message.attributes.take());
    message.date_updated = SystemTime::now();
    let conversation = world.conversation(&sid).expect("it exists");
    let message = &conversation.messages[at];
    Ok(Done {
        status: 200,
        body: Some(json(world, request, conversation, message)),
        effects: vec![Effect::MessageUpdated { conversation: sid.clone(), message: message.sid.clone() }],
        before: Some(events::message_changed(world, conversation, message, "onMessageUpdate")),
        after: vec![events::message_changed(world, conversation, message, "onMessageUpdated")],
    })
}

pub(crate) fn remove(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let (sid, at) = writable(world, request)?;
    let message = world.conversation_mut(&sid).expect("it exists").messages.remove(at);
    let conversation = world.conversation(&sid).expect("it exists");
    Ok(Done {
        status: 204,
        body: None,
        effects: vec![Effect::MessageRemoved { conversation: sid.clone(), message: message.sid.clone() }],
        before: Some(events::message_changed(world, conversation, &message, "onMessageRemove")),
        after: vec![events::message_changed(world, conversation, &message, "onMessageRemoved")],
    })
}

pub(crate) fn list(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let mut items: Vec<_> =
        conversation.messages.iter().map(|message| json(world, request, conversation, message)).collect();
    match request.asked("Order").map(str::to_ascii_lowercase).as_deref() {
        None | Some("asc") => {}
        Some("desc") => items.reverse(),
        Some(_) => return Err(Problem::invalid("Order is asc or desc")),
    }
    page::page(request, "messages", &items, 100)
}

pub(crate) fn receipts(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let message = message(conversation, request)?;
    let place = conversation.place(&world.account_sid, &request.base());
    let json = |receipt: &Receipt| request.within_service(receipt.json(&place, &message.sid));
    let items: Vec<_> = message.receipts.iter().map(json).collect();
    page::page(request, "delivery_receipts", &items, 50)
}
