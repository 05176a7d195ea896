//! The steps of scenarios and their webhooks, in Twilio's order.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::twilio::events::{self, Event, Fields, Origin};
use crate::twilio::message::{DeliveryStatus, Media, Receipt};
use crate::twilio::model::ConversationState;
use crate::twilio::problem::Problem;
use crate::twilio::record::Rejection;
use crate::twilio::scenarios::FileToSend;
use crate::twilio::settings::Initializing;
use crate::twilio::state::Shared;
use crate::twilio::webhook::{Changes, PreEventOutcome};
use crate::twilio::world::{NewMessage, NewParticipant, World};

/// One run of a scenario.
struct Scenario {
    shared: Arc<Shared>,
    origin: Origin,
    /// Events that are fired later, in any order.
    held: Vec<Event>,
}

impl Scenario {
    fn new(shared: &Arc<Shared>, origin: Origin) -> Self {
        Self { shared: Arc::clone(shared), origin, held: Vec::new() }
    }

    fn event(&self, make: impl FnOnce(&World) -> Option<Event>) -> Option<Event> {
        self.shared.read(|state| make(&state.world))
    }

    /// Fires a pre event. If a carrier caused the event, an invalid response has no effect, since a carrier cannot
    /// report it.
    async fn fire_pre(&self, event: Event, conversation: Option<&str>) -> Result<Changes, Rejection> {
        let name = event.name;
        let rejection = |status, code, body| {
            let conversation = conversation.map(ToOwned::to_owned);
            Err(Rejection { event: name.to_owned(), conversation, status, code, body })
        };
        match self.shared.fire_pre(event, &self.origin).await {
            PreEventOutcome::Through(changes) => Ok(changes),
            PreEventOutcome::Rejected { status, body } => rejection(status, None, body),
            PreEventOutcome::Invalid(error) if self.origin.source == "SDK" => {
                let problem = Problem::invalid_answer(name, &error);
                rejection(problem.status, Some(problem.code), problem.message)
            }
            PreEventOutcome::Invalid(_) => Ok(Changes::default()),
        }
    }

    /// Fires a post event or the routing callback.
    async fn fire_post(&mut self, event: Option<Event>) {
        let Some(event) = event else { return };
        if self.shared.read(|state| state.settings.reorder.is_some()) {
            self.held.push(event);
            return;
        }
        self.shared.fire_post(event, &self.origin).await;
    }

    async fn flush(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        self.shared.update(|state| state.settings.reorder.as_mut().map(|rng| rng.shuffle(&mut held)));
        for event in held {
            self.shared.fire_post(event, &self.origin).await;
        }
    }

    async fn fire_created(&mut self, sid: &str, message: &Fields) {
        let event =
            self.event(|world| Some(events::conversation_added(world, world.conversation(sid)?, message.clone())));
        self.fire_post(event).await;
        let names = self.shared.read(|state| {
            let participants = &state.world.conversation(sid)?.participants;
            Some(participants.iter().map(|participant| participant.sid.clone()).collect::<Vec<_>>())
        });
        for name in names.unwrap_or_default() {
            let event = self.event(|world| {
                let conversation = world.conversation(sid)?;
                Some(events::participant_added(world, sid, conversation.participant(&name)?))
            });
            self.fire_post(event).await;
        }
    }

    async fn fire_routing(&mut self, sid: &str, binding: &Fields) {
        let event = self.event(|world| Some(events::routing(world, world.conversation(sid)?, binding)));
        self.fire_post(event).await;
    }

    /// Adds a message and returns its SID.
    async fn add_message(
        &mut self,
        sid: &str,
        author: &str,
        text: &str,
        media: Vec<Media>,
    ) -> Result<String, Rejection> {
        let (author, body, content_sid) = (author.to_owned(), text.to_owned(), None);
        let mut draft = NewMessage { author, body, attributes: json!({}), media, content_sid };
        let event = self.event(|world| Some(events::message_add(world, world.conversation(sid)?, &draft)));
        let Some(event) = event else { return Ok(String::new()) };
        let changes = self.fire_pre(event, Some(sid)).await?;
        draft.author = changes.author.unwrap_or(draft.author);
        draft.body = changes.body.unwrap_or(draft.body);
        draft.attributes = changes.attributes.unwrap_or(draft.attributes);
        let message = self.shared.update(|state| state.world.add_message(sid, draft));
        let event = self.event(|world| Some(events::message_added(world, world.conversation(sid)?, &message)));
        self.fire_post(event).await;
        Ok(message.sid)
    }

    fn stored(&self, files: &[FileToSend<'_>]) -> Vec<Media> {
        let store = |(name, kind, bytes): &FileToSend<'_>| {
            let name = Some((*name).to_owned()).filter(|name| !name.is_empty());
            self.shared.update(|state| state.world.store(name, (*kind).to_owned(), Bytes::copy_from_slice(bytes)))
        };
        files.iter().map(store).collect()
    }
}

/// Adds a message from one customer to the conversation of the two numbers, or to a new conversation.
pub(crate) async fn inbound(
    shared: &Arc<Shared>,
    source: &'static str,
    from: &str,
    to: &str,
    text: &str,
    files: &[FileToSend<'_>],
) -> Result<String, Rejection> {
    let mut scenario = Scenario::new(shared, Origin::carrier(source));
    let media = scenario.stored(files);
    if let Some(sid) = shared.read(|state| state.world.with_pair(from, to).map(|known| known.sid.clone())) {
        let said = scenario.add_message(&sid, from, text, media).await;
        scenario.flush().await;
        return said.map(|_| sid);
    }
    let attached = shared.update(|state| state.world.attached(to)).map_err(|()| Rejection {
        event: "auto-creation".to_owned(),
        conversation: None,
        status: 0,
        code: None,
        body: "auto-creation is disabled for the number".to_owned(),
    })?;
    let binding = events::pair(from, to);
    let text_field = vec![("MessageBody".to_owned(), text.to_owned())];
    let message = [binding.clone(), text_field, events::media(&media)].concat();
    let asked = scenario.event(|world| {
        let mut copy = world.clone();
        let draft = copy.create(None, None).clone();
        Some(events::conversation_add(world, &draft, message.clone()))
    });
    let changes = scenario.fire_pre(asked.expect("it was just made"), None).await?;
    let sid = shared.update(|state| {
        let conversation = state.world.create(changes.friendly_name, changes.attributes);
        // [?] Twilio may not send the message that created the conversation to this webhook.
        conversation.webhooks.extend(attached);
        let sid = conversation.sid.clone();
        let (address, proxy_address) = (Some(from.to_owned()), Some(to.to_owned()));
        // A concurrent message may have created the conversation. [?] Twilio's behavior is undocumented.
        let _ = state.world.add(&sid, NewParticipant { address, proxy_address, ..NewParticipant::default() });
        sid
    });
    scenario.fire_created(&sid, &message).await;
    let said = scenario.add_message(&sid, from, text, media).await;
    scenario.fire_routing(&sid, &binding).await;
    scenario.flush().await;
    said.map(|_| sid)
}

/// Adds a message to several numbers, one of which is the company's.
pub(crate) async fn group(
    shared: &Arc<Shared>,
    author: &str,
    others: &[&str],
    to: &str,
    text: &str,
) -> Result<String, Rejection> {
    let mut scenario = Scenario::new(shared, Origin::carrier("SMS"));
    let customers = [&[author], others].concat();
    if let Some(sid) = shared.read(|state| state.world.with_group(&customers, to).map(|known| known.sid.clone())) {
        let said = scenario.add_message(&sid, author, text, Vec::new()).await;
        scenario.flush().await;
        return said.map(|_| sid);
    }
    let everybody_else: Vec<_> = [&[to], others].concat().into_iter().map(ToOwned::to_owned).collect();
    let binding = events::group(author, &everybody_else);
    let message = [binding.clone(), vec![("MessageBody".to_owned(), text.to_owned())]].concat();
    let asked = scenario.event(|world| {
        let mut copy = world.clone();
        let draft = copy.create(None, None);
        draft.state = ConversationState::Initializing;
        let draft = draft.clone();
        Some(events::conversation_add(world, &draft, message.clone()))
    });
    let changes = scenario.fire_pre(asked.expect("it was just made"), None).await?;
    let sid = shared.update(|state| found_group(&mut state.world, changes, &customers, to));
    let settings = shared.update(|state| {
        let settings = state.settings.clone();
        if settings.projected_participant {
            let projected_address = Some(to.to_owned());
            let _ = state.world.add(&sid, NewParticipant { projected_address, ..NewParticipant::default() });
        }
        if let (Initializing::Refusals(refusals), Some(group)) =
            (settings.initializing, state.world.conversation_mut(&sid))
        {
            group.refusals_left = Some(refusals);
        }
        settings
    });
    match settings.initializing {
        Initializing::For(time) => activate_after(shared, &sid, time),
        Initializing::Refusals(0) => activate_after(shared, &sid, Duration::ZERO),
        Initializing::Refusals(_) => {}
    }
    scenario.fire_created(&sid, &message).await;
    scenario.fire_routing(&sid, &binding).await;
    scenario.flush().await;
    let is_ready =
        |world: &World| world.conversation(&sid).is_none_or(|known| known.state != ConversationState::Initializing);
    shared.until(|state| is_ready(&state.world)).await;
    let said = scenario.add_message(&sid, author, text, Vec::new()).await;
    let event = scenario.event(|world| {
        let conversation = world.conversation(&sid)?;
        Some(events::conversation_state_updated(world, conversation, ConversationState::Initializing, "EVENT"))
    });
    scenario.fire_post(event).await;
    scenario.flush().await;
    said.map(|_| sid)
}

fn found_group(world: &mut World, changes: Changes, customers: &[&str], to: &str) -> String {
    let conversation = world.create(changes.friendly_name, changes.attributes);
    conversation.state = ConversationState::Initializing;
    conversation.business_number = Some(to.to_owned());
    let sid = conversation.sid.clone();
    for customer in customers {
        let _ = world.add(&sid, NewParticipant { address: Some((*customer).to_owned()), ..NewParticipant::default() });
    }
    sid
}

fn activate_after(shared: &Arc<Shared>, sid: &str, time: Duration) {
    let (shared, sid) = (Arc::clone(shared), sid.to_owned());
    tokio::spawn(async move {
        sleep(time).await;
        shared.update(|state| {
            let conversation = state.world.conversation_mut(&sid);
            if let Some(conversation) = conversation.filter(|known| known.state == ConversationState::Initializing) {
                conversation.state = ConversationState::Active;
            }
        });
    });
}

/// Starts a conversation as a worker: creates the conversation, adds the customer, then the worker.
pub(crate) async fn outgoing(
    shared: &Arc<Shared>,
    worker: &str,
    customer_address: &str,
    proxy_address: &str,
    customer_id: &str,
) -> Result<String, Rejection> {
    let mut scenario = Scenario::new(shared, Origin::app(worker));
    let draft = shared.read(|state| {
        let mut copy = state.world.clone();
        let draft = copy.create(None, None).clone();
        events::conversation_add(&state.world, &draft, Fields::new())
    });
    let changes = scenario.fire_pre(draft, None).await?;
    let sid = shared.update(|state| state.world.create(changes.friendly_name, changes.attributes).sid.clone());
    scenario.fire_created(&sid, &Fields::new()).await;
    let attributes = if customer_id.is_empty() { json!({}) } else { json!({ "customer_id": customer_id }) };
    let customer = NewParticipant {
        address: Some(customer_address.to_owned()),
        proxy_address: Some(proxy_address.to_owned()),
        attributes: Some(attributes),
        ..NewParticipant::default()
    };
    let worker = NewParticipant {
        identity: Some(worker.to_owned()),
        attributes: Some(Value::Object(serde_json::Map::new())),
        ..NewParticipant::default()
    };
    for newcomer in [customer, worker] {
        let joined = join(&mut scenario, &sid, newcomer).await;
        if joined.is_err() {
            scenario.flush().await;
        }
        joined?;
    }
    scenario.flush().await;
    Ok(sid)
}

async fn join(scenario: &mut Scenario, sid: &str, newcomer: NewParticipant) -> Result<(), Rejection> {
    let refused = |problem: Problem| Rejection {
        event: "onParticipantAdd".to_owned(),
        conversation: Some(sid.to_owned()),
        status: problem.status,
        code: Some(problem.code),
        body: problem.message,
    };
    let event = scenario.shared.read(|state| {
        let participant = state.world.clone().add(sid, newcomer.clone())?;
        Ok(events::participant_add(&state.world, sid, &participant))
    });
    scenario.fire_pre(event.map_err(refused)?, Some(sid)).await?;
    let participant = scenario.shared.update(|state| state.world.add(sid, newcomer)).map_err(refused)?;
    let event = scenario.event(|world| Some(events::participant_added(world, sid, &participant)));
    scenario.fire_post(event).await;
    Ok(())
}

/// Adds a worker's message from an app. Returns the SID of the message.
pub(crate) async fn agent(
    shared: &Arc<Shared>,
    sid: &str,
    identity: &str,
    text: &str,
    files: &[FileToSend<'_>],
) -> Result<String, Rejection> {
    let mut scenario = Scenario::new(shared, Origin::app(identity));
    let is_in = |world: &World| world.conversation(sid).is_some_and(|known| known.workers().contains(&identity));
    if !shared.read(|state| is_in(&state.world)) {
        join(&mut scenario, sid, NewParticipant { identity: Some(identity.to_owned()), ..NewParticipant::default() })
            .await?;
    }
    let media = scenario.stored(files);
    let said = scenario.add_message(sid, identity, text, media).await;
    scenario.flush().await;
    said
}

/// Applies carriers' reports on a message. Returns false if no recipient has an address.
pub(crate) async fn delivery(
    shared: &Arc<Shared>,
    message: &str,
    status: DeliveryStatus,
    error_code: Option<u32>,
) -> bool {
    let reports = shared.update(|state| report(&mut state.world, message, status, error_code.unwrap_or(0)));
    for (source, event) in &reports {
        // [?] The source of such an event is a guess.
        let mut scenario = Scenario::new(shared, Origin::carrier(source));
        scenario.fire_post(Some(event.clone())).await;
        scenario.flush().await;
    }
    !reports.is_empty()
}

fn report(world: &mut World, sid: &str, status: DeliveryStatus, error_code: u32) -> Vec<(&'static str, Event)> {
    let said_in = world.conversations.iter().find(|conversation| conversation.message(sid).is_some()).cloned();
    let Some(conversation) = said_in else { return Vec::new() };
    let message = conversation.message(sid).expect("it was just found");
    let (mut reports, now) = (Vec::new(), SystemTime::now());
    for reader in message.readers(&conversation) {
        let earlier = message.receipts.iter().find(|receipt| receipt.participant_sid == reader.sid).cloned();
        // [?] The prefixes of SIDs of messages over Messenger and RCS.
        let (source, prefix) = match reader.kind() {
            "whatsapp" => ("WHATSAPP", "WA"),
            "messenger" => ("MESSENGER", "SM"),
            "rcs" => ("RCS", "SM"),
            _ => ("SMS", "SM"),
        };
        let mut receipt = earlier.unwrap_or_else(|| Receipt {
            sid: world.sid("DY"),
            participant_sid: reader.sid.clone(),
            status,
            error_code,
            channel_message_sid: world.sid(prefix),
            date_created: now,
            date_updated: now,
        });
        (receipt.status, receipt.error_code, receipt.date_updated) = (status, error_code, now);
        reports.push((source, events::delivery_updated(world, &conversation.sid, sid, &receipt)));
        let known = world.conversation_mut(&conversation.sid);
        let known = known.and_then(|known| known.messages.iter_mut().find(|message| message.sid == sid));
        let receipts = &mut known.expect("it was just found").receipts;
        receipts.retain(|known| known.sid != receipt.sid);
        receipts.push(receipt);
    }
    reports
}
