//! `inbound_messages` and `outbound_messages`: validates and imports messages.

use std::time::SystemTime;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::reply::Reply;
use crate::front::api::{ApiRequest, Done};
use crate::front::fault::Call;
use crate::front::form::Form;
use crate::front::model::{Attachment, Author, Message, MessageState, Recipient};
use crate::front::problem::Problem;
use crate::front::record::Duplicate;
use crate::front::state::State;
use crate::front::world::{World, millis};

const ID_CHARS_MAX: usize = 200;

/// The published fields of an import. Lists have no index here.
const INBOUND: [&str; 10] = [
    "sender.handle",
    "sender.name",
    "sender.email",
    "subject",
    "body",
    "metadata.external_id",
    "metadata.external_conversation_id",
    "metadata.referenced_message_external_id",
    "delivered_at",
    "attachments",
];
const OUTBOUND: [&str; 12] = [
    "to.handle",
    "to.name",
    "to.email",
    "sender_name",
    "author_id",
    "subject",
    "body",
    "metadata.external_id",
    "metadata.external_conversation_id",
    "metadata.referenced_message_external_id",
    "delivered_at",
    "attachments",
];

/// A validator that collects the problems of a body.
pub(super) struct Check<'c> {
    pub(super) fields: &'c Value,
    pub(super) details: Vec<String>,
}

impl<'c> Check<'c> {
    /// Returns a field by its JSON pointer, and the name that Front's errors use.
    pub(super) fn find(&self, pointer: &str) -> (Option<&'c Value>, String) {
        (self.fields.pointer(pointer).filter(|value| !value.is_null()), format!("body{}", pointer.replace('/', ".")))
    }

    pub(super) fn optional(&mut self, pointer: &str) -> Option<&'c str> {
        let (value, name) = self.find(pointer);
        let text = value?.as_str();
        if text.is_none() {
            self.details.push(format!("{name}: not a string"));
        }
        text
    }

    pub(super) fn required(&mut self, pointer: &str) -> &'c str {
        let (value, name) = self.find(pointer);
        if value.is_none() {
            self.details.push(format!("{name}: missing"));
        }
        let text = self.optional(pointer).unwrap_or_default();
        if value.is_some_and(Value::is_string) && text.trim().is_empty() {
            self.details.push(format!("{name}: blank"));
        }
        text
    }

    fn short(&mut self, pointer: &str, text: &str) {
        if text.chars().count() > ID_CHARS_MAX {
            self.details.push(format!("{}: longer than {ID_CHARS_MAX} characters", self.find(pointer).1));
        }
    }

    /// Returns the teammate with an id or alias. [?] Front's error for an unknown one is undocumented.
    fn teammate(&mut self, world: &World, id: &str) -> Option<Author> {
        let found = world.known_teammate(id).cloned();
        if found.is_none() {
            self.details.push("body.author_id: unknown teammate".to_owned());
        }
        found
    }

    /// Rejects fields that are not published. Front itself ignores them; here they are a fault of the caller.
    pub(super) fn only(&mut self, known: &[&str]) {
        let mut unknown = Vec::new();
        unpublished(self.fields, "", known, &mut unknown);
        self.details.extend(unknown.into_iter().map(|name| format!("body.{name}: unknown field")));
    }

    fn id(&mut self, pointer: &str) -> &'c str {
        let text = self.required(pointer);
        self.short(pointer, text);
        text
    }

    /// Returns the time in seconds since 1970. The description allows earlier times; they are kept as 1970.
    fn delivered_at(&mut self) -> Option<u64> {
        let (value, name) = self.find("/delivered_at");
        let seconds = value?.as_i64().map(|seconds| seconds.max(0).unsigned_abs());
        if seconds.is_none() {
            self.details.push(format!("{name}: not a whole number of seconds"));
        }
        seconds
    }
}

/// Collects the names of fields that are not known.
pub(crate) fn unpublished(value: &Value, name: &str, known: &[&str], unknown: &mut Vec<String>) {
    match value {
        Value::Object(fields)
            if name.is_empty() || known.iter().any(|known| known.starts_with(&format!("{name}."))) =>
        {
            for (key, value) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                unpublished(value, &name, known, unknown);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| unpublished(item, name, known, unknown)),
        _ if known.contains(&name) => {}
        _ => unknown.push(name.to_owned()),
    }
}

/// A customer in an import.
struct Party<'p> {
    handle: &'p str,
    name: Option<&'p str>,
    email: Option<&'p str>,
}

fn party<'c>(check: &mut Check<'c>, pointer: &str) -> Party<'c> {
    let [handle, name, email] = ["handle", "name", "email"].map(|field| format!("{pointer}/{field}"));
    Party { handle: check.required(&handle), name: check.optional(&name), email: check.optional(&email) }
}

fn parties<'c>(check: &mut Check<'c>, is_inbound: bool) -> Vec<Party<'c>> {
    if is_inbound {
        return vec![party(check, "/sender")];
    }
    let count = check.fields["to"].as_array().map_or(0, Vec::len);
    if count == 0 {
        check.details.push("body.to: not an array of recipients".to_owned());
    }
    (0..count).map(|at| party(check, &format!("/to/{at}"))).collect()
}

pub(crate) fn import(state: &mut State, request: &ApiRequest, channel: &str, form: &Form) -> Result<Done, Problem> {
    let is_inbound = request.place.call == Call::Inbound;
    let mut check = Check { fields: &form.fields, details: Vec::new() };
    let parties = parties(&mut check, is_inbound);
    let (body, subject) = (check.required("/body"), check.optional("/subject"));
    let (external_id, thread) = (check.id("/metadata/external_id"), check.id("/metadata/external_conversation_id"));
    let reference = "/metadata/referenced_message_external_id";
    let referenced = check.optional(reference);
    check.short(reference, referenced.unwrap_or_default());
    let delivered_at = check.delivered_at();
    let sender_name = if is_inbound { None } else { check.optional("/sender_name") };
    let author_id = if is_inbound { None } else { check.optional("/author_id") };
    let author = author_id.map(|id| check.teammate(&state.world, id));
    check.only(if is_inbound { &INBOUND } else { &OUTBOUND });
    if !check.details.is_empty() {
        return Err(Problem::invalid(check.details));
    }
    let first = state.world.with_external_id(channel, external_id).map(|first| (first.id.clone(), first.uid.clone()));
    if let Some((first, uid)) = first.clone().filter(|_| state.settings.dedup) {
        let (channel, external_id) = (channel.to_owned(), external_id.to_owned());
        state.duplicates.push(Duplicate { channel, external_id, first, second: None });
        return Ok(accepted(&uid).into());
    }
    let recipients = recipients(&mut state.world, channel, &parties, sender_name, is_inbound);
    let message = Message {
        id: state.world.id("msg"),
        uid: Uuid::new_v4().simple().to_string(),
        is_inbound,
        is_autoreply: false,
        external_id: Some(external_id.to_owned()),
        body: body.to_owned(),
        text: shown(body),
        author: author.flatten(),
        recipients,
        attachments: attachments(&mut state.world, form),
        state: MessageState::Accepted,
        referenced: referenced.map(ToOwned::to_owned),
        subject: subject.unwrap_or_default().to_owned(),
        replied_to: None,
        created_at: delivered_at.map_or_else(|| millis(SystemTime::now()), |seconds| seconds.saturating_mul(1000)),
    };
    let (id, reply) = (message.id.clone(), accepted(&message.uid));
    if let Some((first, _)) = first {
        let (channel, external_id) = (channel.to_owned(), external_id.to_owned());
        state.duplicates.push(Duplicate { channel, external_id, first, second: Some(id.clone()) });
    }
    let known = state.world.thread(channel, thread).map(|known| known.id.clone());
    let known = known.unwrap_or_else(|| state.world.begin(channel, Some(thread)).id.clone());
    let conversation = state.world.conversation_mut(&known).expect("it was just found");
    conversation.is_open |= is_inbound;
    conversation.messages.push(message);
    Ok(Done { reply, accepted: Some(id), created: None })
}

fn accepted(uid: &str) -> Reply {
    Reply::new(202, json!({ "status": "accepted", "message_uid": uid }).to_string())
}

/// Returns the recipients: the customers, and the channel's address for the company.
fn recipients(
    world: &mut World,
    channel: &str,
    parties: &[Party<'_>],
    sender_name: Option<&str>,
    is_inbound: bool,
) -> Vec<Recipient> {
    let address = world.channel(channel).map(|channel| channel.address.clone()).unwrap_or_default();
    let (role, own) = if is_inbound { ("from", "to") } else { ("to", "from") };
    let theirs = parties.iter().map(|party| world.recipient(role, party.handle, party.name, party.email));
    let mut recipients: Vec<_> = theirs.collect();
    let (name, role) = (sender_name.map(ToOwned::to_owned), own.to_owned());
    recipients.push(Recipient { handle: address, name, role, contact: None });
    recipients
}

fn attachments(world: &mut World, form: &Form) -> Vec<Attachment> {
    let files = form.files.iter().map(|file| Attachment {
        id: world.id("fil"),
        filename: file.filename.clone(),
        content_type: file.content_type.clone(),
        size: file.size,
        digest: file.digest.clone(),
        content: None,
    });
    files.collect()
}

/// Converts a body to text. A body that contains a known tag is HTML; Front does not document its rule.
fn shown(body: &str) -> String {
    let Some(html) = body.strip_prefix("<div>") else { return body.to_owned() };
    let mut text = String::new();
    let broken = html.replace("<br>", "\n").replace("</p>", "\n").replace("</li>", "\n");
    let mut rest = broken.as_str();
    while let Some((before, behind)) = rest.split_once('<') {
        text += before;
        rest = behind.split_once('>').map_or("", |(_, behind)| behind);
    }
    text += rest;
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}
