//! `Participants` and `ParticipantConversations`.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::twilio::clock::rest_time;
use crate::twilio::events;
use crate::twilio::model::{Conversation, ConversationState, Participant};
use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest, page};
use crate::twilio::world::{IDENTITY_CHARS_MAX, NewParticipant, PARTICIPANT_ATTRIBUTES_BYTES_MAX, World, attributes};

const ADDRESS: &str = "MessagingBinding.Address";
const PROXY_ADDRESS: &str = "MessagingBinding.ProxyAddress";
const PROJECTED_ADDRESS: &str = "MessagingBinding.ProjectedAddress";

pub(crate) fn add(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = world.writable(request.conversation())?;
    let newcomer = newcomer(request)?;
    let (identity, address) = (newcomer.identity.clone(), newcomer.address.clone());
    let participant = world.add(&conversation, newcomer)?;
    let effect = match (identity, address.or_else(|| participant.projected_address.clone())) {
        (Some(identity), _) => Effect::WorkerAdded { conversation: conversation.clone(), identity },
        (None, address) => {
            Effect::CustomerAdded { conversation: conversation.clone(), address: address.unwrap_or_default() }
        }
    };
    Ok(Done {
        status: 201,
        body: Some(json(world, request, &conversation, &participant)),
        effects: vec![effect],
        before: Some(events::participant_add(world, &conversation, &participant)),
        after: vec![events::participant_added(world, &conversation, &participant)],
    })
}

fn json(world: &World, request: &RestRequest, conversation_sid: &str, participant: &Participant) -> Value {
    request.within_service(participant.json(&world.account_sid, conversation_sid, &request.base()))
}

fn newcomer(request: &RestRequest) -> Result<NewParticipant, Problem> {
    let newcomer = NewParticipant {
        identity: request.filled("Identity"),
        address: request.filled(ADDRESS),
        proxy_address: request.filled(PROXY_ADDRESS),
        projected_address: request.filled(PROJECTED_ADDRESS),
        role_sid: request.filled("RoleSid"),
        attributes: request
            .filled("Attributes")
            .map(|text| attributes(&text, PARTICIPANT_ATTRIBUTES_BYTES_MAX))
            .transpose()?,
    };
    identity_fits(newcomer.identity.as_deref())?;
    for address in [&newcomer.address, &newcomer.proxy_address, &newcomer.projected_address].into_iter().flatten() {
        if address.chars().count() > IDENTITY_CHARS_MAX {
            return Err(Problem::invalid("An address is longer than 256 characters"));
        }
    }
    match (&newcomer.identity, &newcomer.address) {
        (Some(_), Some(_)) => Err(Problem::invalid("Identity and address must not both be provided")),
        // A projected address alone is the company's number in a group, before a worker is assigned.
        (None, None) if newcomer.projected_address.is_none() => {
            Err(Problem::invalid("Either an identity or a messaging binding must be provided"))
        }
        _ => Ok(newcomer),
    }
}

fn identity_fits(identity: Option<&str>) -> Result<(), Problem> {
    if identity.is_some_and(|identity| identity.chars().count() > IDENTITY_CHARS_MAX) {
        return Err(Problem::invalid("Identity is longer than 256 characters"));
    }
    Ok(())
}

fn conversation<'w>(world: &'w World, request: &RestRequest) -> Result<&'w Conversation, Problem> {
    world.conversation(request.conversation()).ok_or_else(|| Problem::not_found(&request.path))
}

/// Finds a participant by SID or identity, as in the path.
fn position(conversation: &Conversation, request: &RestRequest) -> Result<usize, Problem> {
    let name = request.participant();
    let is = |participant: &Participant| {
        participant.sid == name || participant.identity.as_ref().is_some_and(|id| id == name)
    };
    conversation.participants.iter().position(is).ok_or_else(|| Problem::not_found(&request.path))
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let participant = &conversation.participants[position(conversation, request)?];
    Ok(Done::read(json(world, request, &conversation.sid, participant)))
}

pub(crate) fn list(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let items = conversation.participants.iter();
    let items: Vec<_> = items.map(|participant| json(world, request, &conversation.sid, participant)).collect();
    page::page(request, "participants", &items, 100)
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let at = position(conversation(world, request)?, request)?;
    let sid = world.writable(request.conversation())?;
    let set = request.filled("Attributes");
    let set = set.map(|text| attributes(&text, PARTICIPANT_ATTRIBUTES_BYTES_MAX)).transpose()?;
    identity_fits(request.field("Identity"))?;
    let others = ["Identity", "RoleSid", PROXY_ADDRESS, PROJECTED_ADDRESS, "LastReadMessageIndex", "LastReadTimestamp"];
    let others = others.iter().any(|name| request.field(name).is_some());

    let conversation = world.conversation_mut(&sid).expect("it exists");
    let participant = &mut conversation.participants[at];
    let target = || (sid.clone(), participant.sid.clone());
    let mut effects = Vec::new();
    if let Some(attributes) = &set {
        let (conversation, participant) = target();
        effects.push(Effect::AttributesSet { conversation, participant, attributes: attributes.clone() });
    }
    if others {
        let (conversation, participant) = target();
        effects.push(Effect::ParticipantUpdated { conversation, participant });
    }
    let keep = |name: &str, old: &mut Option<String>| {
        if request.field(name).is_some() {
            *old = request.filled(name);
        }
    };
    keep("Identity", &mut participant.identity);
    keep(PROXY_ADDRESS, &mut participant.proxy_address);
    keep(PROJECTED_ADDRESS, &mut participant.projected_address);
    keep("LastReadTimestamp", &mut participant.last_read_timestamp);
    if let Some(index) = request.field("LastReadMessageIndex") {
        participant.last_read_message_index = index.parse().ok();
    }
    if let Some(role_sid) = request.filled("RoleSid") {
        participant.role_sid = role_sid;
    }
    if let Some(attributes) = set {
        participant.attributes = attributes;
    }
    participant.date_updated = SystemTime::now();
    let participant = participant.clone();
    Ok(Done {
        status: 200,
        body: Some(json(world, request, &sid, &participant)),
        effects,
        before: Some(events::participant_changed(world, &sid, &participant, "onParticipantUpdate")),
        after: vec![events::participant_changed(world, &sid, &participant, "onParticipantUpdated")],
    })
}

pub(crate) fn remove(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let at = position(conversation(world, request)?, request)?;
    let sid = world.writable(request.conversation())?;
    let conversation = world.conversation_mut(&sid).expect("it exists");
    let participant = conversation.participants.remove(at);
    Ok(Done {
        status: 204,
        body: None,
        effects: vec![Effect::ParticipantRemoved { conversation: sid.clone(), participant: participant.sid.clone() }],
        before: Some(events::participant_changed(world, &sid, &participant, "onParticipantRemove")),
        after: vec![events::participant_changed(world, &sid, &participant, "onParticipantRemoved")],
    })
}

pub(crate) fn conversations(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let (identity, address) = (request.asked("Identity"), request.asked("Address"));
    if identity.is_some() == address.is_some() {
        return Err(Problem::invalid("Either Identity or Address must be provided"));
    }
    let asked_for = |participant: &&Participant| {
        identity.map_or(participant.address.as_deref() == address, |identity| {
            participant.identity.as_deref() == Some(identity)
        })
    };
    let base = request.base();
    let mut items = Vec::new();
    // [?] The description has no state `initializing` here: such conversations are not listed.
    let listed = |known: &&Conversation| known.state != ConversationState::Initializing;
    for conversation in world.conversations.iter().filter(listed) {
        for participant in conversation.participants.iter().filter(asked_for) {
            items.push(json!({
                "account_sid": world.account_sid,
                "chat_service_sid": world.service_sid,
                "participant_sid": participant.sid,
                "participant_user_sid": null,
                "participant_identity": participant.identity,
                "participant_messaging_binding": participant.binding(),
                "conversation_sid": conversation.sid,
                "conversation_unique_name": conversation.unique_name,
                "conversation_friendly_name": conversation.friendly_name,
                "conversation_attributes": conversation.attributes.to_string(),
                "conversation_date_created": rest_time(conversation.date_created),
                "conversation_date_updated": rest_time(conversation.date_updated),
                "conversation_created_by": "system",
                "conversation_state": conversation.state.name(),
                "conversation_timers": conversation.timers,
                "links": {
                    "participant": format!("{base}/Conversations/{}/Participants/{}", conversation.sid, participant.sid),
                    "conversation": format!("{base}/Conversations/{}", conversation.sid),
                },
            }));
        }
    }
    page::page(request, "conversations", &items, 50)
}
