//! The steps of scenarios, and the effects of the channel server's responses.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::front::draft::Draft;
use crate::front::hook::Hook;
use crate::front::model::{Attachment, Message, MessageState, Recipient};
use crate::front::payload;
use crate::front::record::{Duplicate, Fired};
use crate::front::state::{Shared, State};
use crate::front::world::{World, millis};

/// The channel server's ids of a message and its conversation.
pub(crate) type Ids = (String, String);

/// The destination of a message.
pub(crate) enum Place<'p> {
    New { channel: &'p str },
    Reply { conversation: &'p str },
    Autoreply { conversation: &'p str },
}

/// Adds a message to the conversation, without sending it. Returns the message's `msg_...`.
///
/// # Panics
///
/// Panics if the channel or conversation does not exist.
pub(crate) fn compose(shared: &Shared, place: &Place<'_>, draft: &Draft) -> String {
    shared.update(|state| {
        let world = &mut state.world;
        let conversation = match place {
            Place::New { channel } => {
                let known = world.channel(channel).unwrap_or_else(|| panic!("{channel} is not connected"));
                let id = known.id.clone();
                world.begin(&id, None).id.clone()
            }
            Place::Reply { conversation } | Place::Autoreply { conversation } => {
                let known = world.conversation(conversation);
                known.unwrap_or_else(|| panic!("unknown conversation {conversation}")).id.clone()
            }
        };
        let message = outgoing(world, &conversation, draft, matches!(place, Place::Autoreply { .. }));
        let id = message.id.clone();
        let conversation = world.conversation_mut(&conversation).expect("it was just found");
        if conversation.messages.is_empty() {
            conversation.subject.clone_from(&draft.subject);
        }
        conversation.messages.push(message);
        id
    })
}

fn outgoing(world: &mut World, conversation: &str, draft: &Draft, is_autoreply: bool) -> Message {
    let known = world.conversation(conversation).expect("it was just found");
    let last = known.messages.iter().rfind(|message| message.is_inbound).map(|message| message.id.clone());
    let quoted = draft.quoted.as_ref().map(|quoted| {
        let found = known.messages.iter().find(|message| message.id == *quoted);
        found.unwrap_or_else(|| panic!("{quoted} is not in {conversation}"))
    });
    // [?] Front documents the header, but not its content: the id that the channel server gave the quoted message.
    let referenced = quoted.and_then(|quoted| quoted.external_id.clone());
    let replied_to = quoted.map(|quoted| quoted.id.clone()).or(last);
    let mut to: Vec<_> = draft.recipients.clone();
    if to.is_empty() {
        to = known.handles().into_iter().map(|handle| (handle, "to".to_owned())).collect();
    }
    let author = draft.author.as_ref().filter(|_| !is_autoreply).map(|email| world.teammate(email, &draft.author_kind));
    let mut recipients: Vec<_> = to.iter().map(|(handle, role)| world.recipient(role, handle, None, None)).collect();
    if let Some(author) = &author {
        let (handle, role) = (author.email.clone(), "from".to_owned());
        recipients.push(Recipient { handle, name: None, role, contact: None });
    }
    let attachments = draft.files.iter().map(|file| Attachment {
        id: world.id("fil"),
        filename: file.filename.clone(),
        content_type: file.content_type.clone(),
        size: file.content.len(),
        digest: crate::common::digest(&file.content),
        content: Some(file.content.clone()),
    });
    let attachments = attachments.collect();
    let (body, text) = draft.words();
    Message {
        id: world.id("msg"),
        uid: Uuid::new_v4().simple().to_string(),
        is_inbound: false,
        is_autoreply,
        external_id: None,
        body,
        text,
        author,
        recipients,
        attachments,
        state: MessageState::Sending,
        referenced,
        subject: draft.subject.clone(),
        replied_to,
        created_at: millis(SystemTime::now()),
    }
}

/// Sends a message and applies the channel server's response.
pub(crate) async fn dispatch(shared: &Shared, id: &str, draft: &Draft) -> Result<Ids, String> {
    let hook = shared.read(|state| request(state, id, draft, &shared.url));
    let judge = |status, answer: &str| ids(status, answer).err();
    let fired = shared.deliver_and(hook, judge, |state, fired| settle(state, id, &outcome(fired))).await;
    outcome(&fired)
}

fn outcome(fired: &Fired) -> Result<Ids, String> {
    match &fired.error {
        Some(error) => Err(error.clone()),
        None => ids(fired.status.unwrap_or_default(), &fired.answer),
    }
}

fn request(state: &State, id: &str, draft: &Draft, base: &str) -> Hook {
    let (conversation, message) = state.world.message(id).expect("it was composed");
    let channel = state.channel(&conversation.channel).expect("each conversation has a channel");
    let (kind, payload) = match message.is_autoreply {
        true => ("message_autoreply", payload::autoreply(conversation, message, base)),
        false => ("message", payload::message(&state.world, conversation, message, base)),
    };
    let mut request = json!({ "type": kind, "payload": payload });
    if !message.is_autoreply || state.settings.autoreply_metadata {
        request["metadata"] = payload::metadata(conversation);
    }
    draft.edited(&mut request);
    Hook {
        token: channel.token.clone(),
        channel: Some(channel.id.clone()),
        message: Some(id.to_owned()),
        ..Hook::new(kind, &channel.webhook_url, request.to_string())
    }
}

/// Parses the exact response that Front requires. With any other response the teammate sees that the servers are
/// unresponsive.
fn ids(status: u16, answer: &str) -> Result<Ids, String> {
    if status != 200 {
        // [?] Front does not document whether the teammate reads the text of the answer.
        let text = serde_json::from_str::<Value>(answer).unwrap_or_default();
        let text = text["message"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
        return Err(format!("the status is {status} rather than 200{text}"));
    }
    let answer: Value = serde_json::from_str(answer).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let text = |name: &str| {
        let text = answer[name].as_str().filter(|text| !text.is_empty());
        text.map(ToOwned::to_owned).ok_or_else(|| format!("{name} is missing"))
    };
    if text("type")? != "success" {
        return Err("type is not success".to_owned());
    }
    let ids = (text("external_id")?, text("external_conversation_id")?);
    // [?] Front may accept other keys. No known server sends any.
    match answer.as_object().is_some_and(|object| object.len() == 3) {
        true => Ok(ids),
        false => Err("there are other keys than type, external_id and external_conversation_id".to_owned()),
    }
}

fn settle(state: &mut State, id: &str, outcome: &Result<Ids, String>) {
    let (external_id, thread) = match outcome {
        Ok(ids) => ids,
        Err(error) => {
            // A message that an earlier attempt has sent keeps its state.
            if let Some(message) = state.world.message_mut(id).filter(|message| message.external_id.is_none()) {
                message.state = MessageState::Unresponsive(error.clone());
            }
            return;
        }
    };
    let Some((conversation, _)) = state.world.message(id) else { return };
    let channel = conversation.channel.clone();
    let other = state.world.with_external_id(&channel, external_id).filter(|other| other.id != id);
    if let Some(first) = other.map(|other| other.id.clone()) {
        let (external_id, second) = (external_id.clone(), Some(id.to_owned()));
        state.duplicates.push(Duplicate { channel, external_id, first, second });
    }
    state.world.file(id, thread);
    let conversation = state.world.message(id).map(|(conversation, _)| conversation.id.clone());
    let conversation = conversation.and_then(|conversation| state.world.conversation_mut(&conversation));
    conversation.expect("it was just filed").is_open = false;
    let message = state.world.message_mut(id).expect("it was just filed");
    message.external_id.get_or_insert_with(|| external_id.clone());
    message.state = MessageState::Sent;
}

/// Completes an import after the delay: notifies the channel server and applies rules.
pub(crate) async fn imported(shared: Arc<Shared>, id: String) {
    sleep(shared.read(|state| state.settings.import_delay)).await;
    let told = shared.update(|state| {
        state.world.message_mut(&id).expect("it was accepted").state = MessageState::Imported;
        let settings = &mut state.settings;
        let times = match (settings.imported_to_lose > 0, settings.imported_to_repeat > 0) {
            (true, _) => {
                settings.imported_to_lose -= 1;
                0
            }
            (_, true) => {
                settings.imported_to_repeat -= 1;
                2
            }
            _ => 1,
        };
        let (conversation, message) = state.world.message(&id).expect("it was accepted");
        let payload = payload::message(&state.world, conversation, message, &shared.url);
        let body =
            json!({ "type": "message_imported", "payload": payload, "metadata": payload::metadata(conversation) });
        let channel = state.world.channel(&conversation.channel)?;
        let hook = Hook {
            token: channel.token.clone(),
            channel: Some(channel.id.clone()),
            message: Some(id.clone()),
            ..Hook::new("message_imported", &channel.webhook_url, body.to_string())
        };
        let rule = state.settings.autoreply.clone().filter(|_| message.is_inbound);
        Some((hook, times, rule.map(|text| (conversation.id.clone(), text))))
    });
    // Without a channel, which was removed meanwhile, there is no notification.
    let Some((hook, times, rule)) = told else { return };
    for _ in 0..times {
        shared.deliver(hook.clone(), acknowledged).await;
    }
    if let Some((conversation, text)) = rule {
        let draft = Draft::new(&text);
        let id = compose(&shared, &Place::Autoreply { conversation: &conversation }, &draft);
        let _ = dispatch(&shared, &id, &draft).await;
    }
}

/// Returns the problem of a response: any 2xx status is accepted.
pub(crate) fn acknowledged(status: u16, _: &str) -> Option<String> {
    (!(200..300).contains(&status)).then(|| format!("the status is {status}"))
}
