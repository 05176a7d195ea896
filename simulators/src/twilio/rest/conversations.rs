//! `Conversations`.

use std::time::SystemTime;

use serde_json::Value;

use crate::twilio::events;
use crate::twilio::model::{Conversation, ConversationState};
use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest, page};
use crate::twilio::world::{CONVERSATION_ATTRIBUTES_BYTES_MAX, FRIENDLY_NAME_CHARS_MAX, World, attributes};

/// Applies the fields of a form.
struct Fields {
    friendly_name: Option<String>,
    unique_name: Option<String>,
    attributes: Option<Value>,
    state: Option<ConversationState>,
    messaging_service_sid: Option<String>,
    timers: Vec<(&'static str, String)>,
}

fn fields(world: &World, request: &RestRequest) -> Result<Fields, Problem> {
    let friendly_name = request.field("FriendlyName").map(ToOwned::to_owned);
    if friendly_name.as_ref().is_some_and(|name| name.chars().count() > FRIENDLY_NAME_CHARS_MAX) {
        return Err(Problem::invalid("FriendlyName is longer than 256 characters"));
    }
    let unique_name = request.filled("UniqueName");
    let taken = unique_name.as_deref().and_then(|name| world.conversation(name));
    if taken.is_some_and(|taken| taken.sid != request.conversation()) {
        return Err(Problem::unique_name_exists());
    }
    let state = match request.field("State").map(|name| (name, ConversationState::named(name))) {
        None => None,
        Some((_, Some(state))) if state != ConversationState::Initializing => Some(state),
        Some((name, _)) => return Err(Problem::invalid(format!("{name} is not a state"))),
    };
    let attributes = request.filled("Attributes");
    let attributes = attributes.map(|text| attributes_of(&text)).transpose()?;
    let timers = [("Timers.Inactive", "date_inactive"), ("Timers.Closed", "date_closed")];
    let timers = timers.into_iter().filter_map(|(name, key)| Some((key, request.filled(name)?))).collect();
    let messaging_service_sid = request.filled("MessagingServiceSid");
    Ok(Fields { friendly_name, unique_name, attributes, state, messaging_service_sid, timers })
}

fn attributes_of(text: &str) -> Result<Value, Problem> {
    attributes(text, CONVERSATION_ATTRIBUTES_BYTES_MAX)
}

impl Fields {
    fn apply(self, conversation: &mut Conversation) -> Vec<Effect> {
        let sid = || conversation.sid.clone();
        let mut effects = Vec::new();
        if let Some(friendly_name) = self.friendly_name.clone() {
            effects.push(Effect::NameSet { conversation: sid(), friendly_name });
        }
        if let Some(attributes) = self.attributes.clone() {
            effects.push(Effect::ConversationAttributesSet { conversation: sid(), attributes });
        }
        if let Some(state) = self.state {
            effects.push(Effect::StateSet { conversation: sid(), state });
        }
        conversation.friendly_name = self.friendly_name.or(conversation.friendly_name.take());
        conversation.unique_name = self.unique_name.or(conversation.unique_name.take());
        conversation.attributes = self.attributes.unwrap_or(conversation.attributes.take());
        conversation.state = self.state.unwrap_or(conversation.state);
        if let Some(messaging_service_sid) = self.messaging_service_sid {
            conversation.messaging_service_sid = messaging_service_sid;
        }
        for (key, value) in self.timers {
            // Twilio responds with the date; the simulator echoes the duration.
            conversation.timers[key] = value.into();
        }
        conversation.date_updated = SystemTime::now();
        effects
    }
}

pub(crate) fn create(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let fields = fields(world, request)?;
    let conversation = world.create(None, None);
    let sid = conversation.sid.clone();
    // The settings of a new conversation are part of the creation, not separate effects.
    fields.apply(conversation);
    let conversation = conversation.clone();
    Ok(Done {
        status: 201,
        body: Some(conversation.json(&world.account_sid, &world.service_sid, &request.base())),
        effects: vec![Effect::ConversationCreated { conversation: sid }],
        before: Some(events::conversation_add(world, &conversation, Vec::new())),
        after: vec![events::conversation_added(world, &conversation, Vec::new())],
    })
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = world.conversation(request.conversation()).ok_or_else(|| Problem::not_found(&request.path))?;
    Ok(Done::read(conversation.json(&world.account_sid, &world.service_sid, &request.base())))
}

pub(crate) fn list(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let base = request.base();
    let items = world.conversations.iter();
    let items: Vec<_> =
        items.map(|conversation| conversation.json(&world.account_sid, &world.service_sid, &base)).collect();
    page::page(request, "conversations", &items, 100)
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let sid = world.writable(request.conversation())?;
    let fields = fields(world, request)?;
    let conversation = world.conversation_mut(&sid).expect("it exists");
    let from = conversation.state;
    let effects = fields.apply(conversation);
    let conversation = conversation.clone();
    let mut after = vec![events::conversation_changed(world, &conversation, "onConversationUpdated")];
    if conversation.state != from {
        after.push(events::conversation_state_updated(world, &conversation, from, "API"));
    }
    Ok(Done {
        status: 200,
        body: Some(conversation.json(&world.account_sid, &world.service_sid, &request.base())),
        effects,
        before: Some(events::conversation_changed(world, &conversation, "onConversationUpdate")),
        after,
    })
}

pub(crate) fn remove(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let found = world.conversation(request.conversation()).ok_or_else(|| Problem::not_found(&request.path))?;
    let conversation = found.clone();
    world.conversations.retain(|known| known.sid != conversation.sid);
    Ok(Done {
        status: 204,
        body: None,
        effects: vec![Effect::ConversationRemoved { conversation: conversation.sid.clone() }],
        before: Some(events::conversation_changed(world, &conversation, "onConversationRemove")),
        after: vec![events::conversation_changed(world, &conversation, "onConversationRemoved")],
    })
}
