//! The fields of each event, as documented or captured.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::twilio::clock::webhook_time;
use crate::twilio::message::{Media, Message, Receipt};
use crate::twilio::model::{Conversation, ConversationState, Participant};
use crate::twilio::world::{NewMessage, World};

/// The name of the custom routing callback, which has no `EventType`.
pub(crate) const ROUTING: &str = "routing";

const ADDRESS: &str = "MessagingBinding.Address";

/// An event to send to the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) fields: Fields,
}

pub(crate) type Fields = Vec<(String, String)>;

/// The cause of an event.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) source: &'static str,
    pub(crate) client_identity: Option<String>,
}

impl Origin {
    pub(crate) fn api() -> Self {
        Self { source: "API", client_identity: None }
    }

    pub(crate) fn app(worker: &str) -> Self {
        Self { source: "SDK", client_identity: Some(worker.to_owned()) }
    }

    /// Creates the origin of a carrier's event. A carrier cannot report an invalid response.
    pub(crate) fn carrier(source: &'static str) -> Self {
        Self { source, client_identity: None }
    }
}

/// Returns the fields that have a value, in this order.
fn fields<const N: usize>(pairs: [(&str, Option<String>); N]) -> Fields {
    let present = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    present.collect()
}

fn conversation(world: &World, conversation: &Conversation) -> Fields {
    fields([
        ("FriendlyName", conversation.friendly_name.clone()),
        ("UniqueName", conversation.unique_name.clone()),
        ("Attributes", Some(conversation.attributes.to_string())),
        ("ChatServiceSid", Some(world.service_sid.clone())),
        ("MessagingServiceSid", Some(conversation.messaging_service_sid.clone())),
        ("State", Some(conversation.state.name().to_owned())),
    ])
}

fn existing(conversation: &Conversation) -> Fields {
    fields([
        ("ConversationSid", Some(conversation.sid.clone())),
        ("DateCreated", Some(webhook_time(conversation.date_created))),
        ("DateUpdated", Some(webhook_time(conversation.date_updated))),
    ])
}

/// Creates `onConversationAdd`. `message`: the addresses and text of the message that created the conversation, if any.
pub(crate) fn conversation_add(world: &World, new: &Conversation, message: Fields) -> Event {
    Event { name: "onConversationAdd", fields: [conversation(world, new), message].concat() }
}

pub(crate) fn conversation_added(world: &World, new: &Conversation, message: Fields) -> Event {
    Event { name: "onConversationAdded", fields: [conversation(world, new), message, existing(new)].concat() }
}

/// Creates the pre or post event of an update or a removal.
pub(crate) fn conversation_changed(world: &World, changed: &Conversation, name: &'static str) -> Event {
    let removed = fields([("DateRemoved", removed(name))]);
    Event { name, fields: [existing(changed), conversation(world, changed), removed].concat() }
}

fn removed(name: &str) -> Option<String> {
    name.ends_with("Removed").then(|| webhook_time(SystemTime::now()))
}

pub(crate) fn conversation_state_updated(
    world: &World,
    conversation: &Conversation,
    from: ConversationState,
    reason: &str,
) -> Event {
    let fields = fields([
        ("ChatServiceSid", Some(world.service_sid.clone())),
        ("StateUpdated", Some(webhook_time(SystemTime::now()))),
        ("StateFrom", Some(from.name().to_owned())),
        ("StateTo", Some(conversation.state.name().to_owned())),
        ("ConversationSid", Some(conversation.sid.clone())),
        ("Reason", Some(reason.to_owned())),
        ("MessagingServiceSid", Some(conversation.messaging_service_sid.clone())),
    ]);
    Event { name: "onConversationStateUpdated", fields }
}

fn participant(world: &World, conversation_sid: &str, participant: &Participant) -> Fields {
    fields([
        ("Attributes", Some(participant.attributes.to_string())),
        ("ChatServiceSid", Some(world.service_sid.clone())),
        ("ConversationSid", Some(conversation_sid.to_owned())),
        ("Identity", participant.identity.clone()),
        ("RoleSid", Some(participant.role_sid.clone())),
        (ADDRESS, participant.address.clone()),
        ("MessagingBinding.ProxyAddress", participant.proxy_address.clone()),
        ("MessagingBinding.ProjectedAddress", participant.projected_address.clone()),
        ("MessagingBinding.Type", Some(participant.kind().to_owned())),
    ])
}

pub(crate) fn participant_add(world: &World, conversation_sid: &str, new: &Participant) -> Event {
    Event { name: "onParticipantAdd", fields: participant(world, conversation_sid, new) }
}

pub(crate) fn participant_added(world: &World, conversation_sid: &str, new: &Participant) -> Event {
    let known =
        fields([("ParticipantSid", Some(new.sid.clone())), ("DateCreated", Some(webhook_time(new.date_created)))]);
    Event { name: "onParticipantAdded", fields: [participant(world, conversation_sid, new), known].concat() }
}

/// Creates the pre or post event of an update or a removal.
pub(crate) fn participant_changed(
    world: &World,
    conversation_sid: &str,
    changed: &Participant,
    name: &'static str,
) -> Event {
    let known = fields([
        ("ParticipantSid", Some(changed.sid.clone())),
        ("DateCreated", Some(webhook_time(changed.date_created))),
        ("DateUpdated", Some(webhook_time(changed.date_updated))),
        ("DateRemoved", removed(name)),
        ("LastReadMessageIndex", changed.last_read_message_index.map(|index| index.to_string())),
    ]);
    Event { name, fields: [participant(world, conversation_sid, changed), known].concat() }
}

/// Returns the field with the files as a JSON string. Empty without files.
pub(crate) fn media(files: &[Media]) -> Fields {
    let show = |media: &Media| {
        let Media { sid, filename, content_type, size, .. } = media;
        json!({ "Sid": sid, "Filename": filename, "ContentType": content_type, "Size": size })
    };
    let list = || files.iter().map(show).collect::<Value>().to_string();
    fields([("Media", (!files.is_empty()).then(list))])
}

pub(crate) fn message_add(world: &World, conversation: &Conversation, draft: &NewMessage) -> Event {
    let author_sid = conversation.participant(&draft.author).map(|participant| participant.sid.clone());
    let fields = fields([
        ("ConversationSid", Some(conversation.sid.clone())),
        ("ChatServiceSid", Some(world.service_sid.clone())),
        ("Body", Some(draft.body.clone())),
        ("Author", Some(draft.author.clone())),
        ("ParticipantSid", author_sid),
        ("Attributes", Some(draft.attributes.to_string())),
    ]);
    Event { name: "onMessageAdd", fields: [fields, media(&draft.media)].concat() }
}

pub(crate) fn message_added(world: &World, conversation: &Conversation, message: &Message) -> Event {
    present_message(world, conversation, message, "onMessageAdded")
}

/// Creates the pre or post event of an update or a removal.
pub(crate) fn message_changed(
    world: &World,
    conversation: &Conversation,
    changed: &Message,
    name: &'static str,
) -> Event {
    let mut event = present_message(world, conversation, changed, name);
    event
        .fields
        .extend(fields([("DateUpdated", Some(webhook_time(changed.date_updated))), ("DateRemoved", removed(name))]));
    event
}

fn present_message(world: &World, conversation: &Conversation, message: &Message, name: &'static str) -> Event {
    let Message { author, body, attributes, media, .. } = message.clone();
    let mut event =
        message_add(world, conversation, &NewMessage { author, body, attributes, media, content_sid: None });
    event.name = name;
    event.fields.extend(fields([
        ("MessageSid", Some(message.sid.clone())),
        ("MessagingServiceSid", Some(conversation.messaging_service_sid.clone())),
        ("Index", Some(message.index.to_string())),
        ("DateCreated", Some(webhook_time(message.date_created))),
    ]));
    event
}

pub(crate) fn delivery_updated(world: &World, conversation_sid: &str, message_sid: &str, receipt: &Receipt) -> Event {
    let fields = fields([
        ("ConversationSid", Some(conversation_sid.to_owned())),
        ("ChatServiceSid", Some(world.service_sid.clone())),
        ("MessageSid", Some(message_sid.to_owned())),
        ("DeliveryReceiptSid", Some(receipt.sid.clone())),
        ("ChannelMessageSid", Some(receipt.channel_message_sid.clone())),
        ("ParticipantSid", Some(receipt.participant_sid.clone())),
        ("Status", Some(receipt.status.name().to_owned())),
        ("ErrorCode", Some(receipt.error_code.to_string())),
        ("DateCreated", Some(webhook_time(receipt.date_created))),
        ("DateUpdated", Some(webhook_time(receipt.date_updated))),
    ]);
    Event { name: "onDeliveryUpdated", fields }
}

/// Returns the addresses of a message from one customer: the author and the company's number.
pub(crate) fn pair(address: &str, proxy_address: &str) -> Fields {
    fields([(ADDRESS, Some(address.to_owned())), ("MessagingBinding.ProxyAddress", Some(proxy_address.to_owned()))])
}

/// Returns the addresses of a group: the others under one repeated name, the company's number first, and the author.
pub(crate) fn group(author: &str, everybody_else: &[String]) -> Fields {
    let mut group: Fields = everybody_else.iter().map(|address| (ADDRESS.to_owned(), address.clone())).collect();
    group.push(("MessagingBinding.AuthorAddress".to_owned(), author.to_owned()));
    group
}

/// Creates the routing callback from the result of [`pair`] or [`group`]. Joins several addresses into one text.
pub(crate) fn routing(world: &World, conversation: &Conversation, binding: &Fields) -> Event {
    let addresses: Vec<_> =
        binding.iter().filter(|(name, _)| name == ADDRESS).map(|(_, value)| value.as_str()).collect();
    let mut routed = fields([
        ("ConversationSid", Some(conversation.sid.clone())),
        ("FriendlyName", Some(conversation.friendly_name.clone().unwrap_or_default())),
        ("UniqueName", Some(conversation.unique_name.clone().unwrap_or_default())),
        ("Attributes", Some(conversation.attributes.to_string())),
        ("ConversationServiceSid", Some(world.service_sid.clone())),
        (ADDRESS, Some(addresses.join(", "))),
        ("State", Some(conversation.state.name().to_owned())),
        ("DateCreated", Some(webhook_time(conversation.date_created))),
        ("DateUpdated", Some(webhook_time(conversation.date_updated))),
    ]);
    routed.extend(binding.iter().filter(|(name, _)| name != ADDRESS).cloned());
    Event { name: ROUTING, fields: routed }
}
