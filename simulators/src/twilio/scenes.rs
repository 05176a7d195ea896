//! The steps of scenarios and their webhooks, in Twilio's order.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::twilio::events::{self, Event, Fields, Origin};
use crate::twilio::hook::{Changes, Verdict};
use crate::twilio::message::{DeliveryStatus, Media, Receipt};
use crate::twilio::model::ConversationState;
use crate::twilio::play::FileToSend;
use crate::twilio::problem::Problem;
use crate::twilio::record::Rejection;
use crate::twilio::settings::Initializing;
use crate::twilio::state::Shared;
use crate::twilio::world::{Newcomer, Words, World};

/// One run of a scenario.
struct Scene {
    shared: Arc<Shared>,
    origin: Origin,
    /// Events to fire later, in any order.
    held: Vec<Event>,
}

impl Scene {
    fn new(shared: &Arc<Shared>, origin: Origin) -> Self {
        Self { shared: Arc::clone(shared), origin, held: Vec::new() }
    }

    fn event(&self, make: impl FnOnce(&World) -> Option<Event>) -> Option<Event> {
        self.shared.read(|state| make(&state.world))
    }

    /// Fires a pre event. An invalid answer has no effect if a carrier caused the event, since a carrier cannot report
    /// it.
    async fn ask(&self, event: Event, conversation: Option<&str>) -> Result<Changes, Rejection> {
        let name = event.name;
        let rejection = |status, code, body| {
            let conversation = conversation.map(ToOwned::to_owned);
            Err(Rejection { event: name.to_owned(), conversation, status, code, body })
        };
        match self.shared.ask(event, &self.origin).await {
            Verdict::Through(changes) => Ok(changes),
            Verdict::Rejected { status, body } => rejection(status, None, body),
            Verdict::Invalid(error) if self.origin.source == "SDK" => {
                let problem = Problem::invalid_answer(name, &error);
                rejection(problem.status, Some(problem.code), problem.message)
            }
            Verdict::Invalid(_) => Ok(Changes::default()),
        }
    }

    /// Fires a post event or the routing callback.
    async fn tell(&mut self, event: Option<Event>) {
        let Some(event) = event else { return };
        if self.shared.read(|state| state.settings.reorder.is_some()) {
            self.held.push(event);
            return;
        }
        self.shared.tell(event, &self.origin).await;
    }

    async fn flush(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        self.shared.update(|state| state.settings.reorder.as_mut().map(|chance| chance.shuffle(&mut held)));
        for event in held {
            self.shared.tell(event, &self.origin).await;
        }
    }

    async fn created(&mut self, sid: &str, message: &Fields) {
        let event =
            self.event(|world| Some(events::conversation_added(world, world.conversation(sid)?, message.clone())));
        self.tell(event).await;
        let names = self.shared.read(|state| {
            let participants = &state.world.conversation(sid)?.participants;
            Some(participants.iter().map(|participant| participant.sid.clone()).collect::<Vec<_>>())
        });
        for name in names.unwrap_or_default() {
            let event = self.event(|world| {
                let conversation = world.conversation(sid)?;
                Some(events::participant_added(world, sid, conversation.participant(&name)?))
            });
            self.tell(event).await;
        }
    }

    async fn routed(&mut self, sid: &str, binding: &Fields) {
        let event = self.event(|world| Some(events::routing(world, world.conversation(sid)?, binding)));
        self.tell(event).await;
    }

    /// Adds a message and returns its SID.
    async fn said(&mut self, sid: &str, author: &str, text: &str, media: Vec<Media>) -> Result<String, Rejection> {
        let mut words = Words { author: author.to_owned(), body: text.to_owned(), attributes: json!({}), media };
        let event = self.event(|world| Some(events::message_add(world, world.conversation(sid)?, &words)));
        let Some(event) = event else { return Ok(String::new()) };
        let changes = self.ask(event, Some(sid)).await?;
        words.author = changes.author.unwrap_or(words.author);
        words.body = changes.body.unwrap_or(words.body);
        words.attributes = changes.attributes.unwrap_or(words.attributes);
        let message = self.shared.update(|state| state.world.say(sid, words));
        let event = self.event(|world| Some(events::message_added(world, world.conversation(sid)?, &message)));
        self.tell(event).await;
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

/// A message from one customer, added to the conversation of the two numbers or to a new one.
pub(crate) async fn inbound(
    shared: &Arc<Shared>,
    source: &'static str,
    from: &str,
    to: &str,
    text: &str,
    files: &[FileToSend<'_>],
) -> Result<String, Rejection> {
    let mut scene = Scene::new(shared, Origin::carrier(source));
    let media = scene.stored(files);
    if let Some(sid) = shared.read(|state| state.world.with_pair(from, to).map(|known| known.sid.clone())) {
        let said = scene.said(&sid, from, text, media).await;
        scene.flush().await;
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
    let words = vec![("MessageBody".to_owned(), text.to_owned())];
    let message = [binding.clone(), words, events::media(&media)].concat();
    let asked = scene.event(|world| {
        let mut copy = world.clone();
        let draft = copy.create(None, None).clone();
        Some(events::conversation_add(world, &draft, message.clone()))
    });
    let changes = scene.ask(asked.expect("it was just made"), None).await?;
    let sid = shared.update(|state| {
        let conversation = state.world.create(changes.friendly_name, changes.attributes);
        // [?] Whether this webhook also gets the message that created the conversation.
        conversation.webhooks.extend(attached);
        let sid = conversation.sid.clone();
        let (address, proxy_address) = (Some(from.to_owned()), Some(to.to_owned()));
        // A concurrent message may have created the conversation. [?] Twilio's behavior in that case.
        let _ = state.world.add(&sid, Newcomer { address, proxy_address, ..Newcomer::default() });
        sid
    });
    scene.created(&sid, &message).await;
    let said = scene.said(&sid, from, text, media).await;
    scene.routed(&sid, &binding).await;
    scene.flush().await;
    said.map(|_| sid)
}

/// A message to several numbers, one of which is the company's.
pub(crate) async fn group(
    shared: &Arc<Shared>,
    author: &str,
    others: &[&str],
    to: &str,
    text: &str,
) -> Result<String, Rejection> {
    let mut scene = Scene::new(shared, Origin::carrier("SMS"));
    let customers = [&[author], others].concat();
    if let Some(sid) = shared.read(|state| state.world.with_group(&customers, to).map(|known| known.sid.clone())) {
        let said = scene.said(&sid, author, text, Vec::new()).await;
        scene.flush().await;
        return said.map(|_| sid);
    }
    let everybody_else: Vec<_> = [&[to], others].concat().into_iter().map(ToOwned::to_owned).collect();
    let binding = events::group(author, &everybody_else);
    let message = [binding.clone(), vec![("MessageBody".to_owned(), text.to_owned())]].concat();
    let asked = scene.event(|world| {
        let mut copy = world.clone();
        let draft = copy.create(None, None);
        draft.state = ConversationState::Initializing;
        let draft = draft.clone();
        Some(events::conversation_add(world, &draft, message.clone()))
    });
    let changes = scene.ask(asked.expect("it was just made"), None).await?;
    let sid = shared.update(|state| found_group(&mut state.world, changes, &customers, to));
    let settings = shared.update(|state| {
        let settings = state.settings.clone();
        if settings.projected_participant {
            let projected_address = Some(to.to_owned());
            let _ = state.world.add(&sid, Newcomer { projected_address, ..Newcomer::default() });
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
    scene.created(&sid, &message).await;
    scene.routed(&sid, &binding).await;
    scene.flush().await;
    let is_ready =
        |world: &World| world.conversation(&sid).is_none_or(|known| known.state != ConversationState::Initializing);
    shared.until(|state| is_ready(&state.world)).await;
    let said = scene.said(&sid, author, text, Vec::new()).await;
    let event = scene.event(|world| {
        let conversation = world.conversation(&sid)?;
        Some(events::conversation_state_updated(world, conversation, ConversationState::Initializing, "EVENT"))
    });
    scene.tell(event).await;
    scene.flush().await;
    said.map(|_| sid)
}

fn found_group(world: &mut World, changes: Changes, customers: &[&str], to: &str) -> String {
    let conversation = world.create(changes.friendly_name, changes.attributes);
    conversation.state = ConversationState::Initializing;
    conversation.business_number = Some(to.to_owned());
    let sid = conversation.sid.clone();
    for customer in customers {
        let _ = world.add(&sid, Newcomer { address: Some((*customer).to_owned()), ..Newcomer::default() });
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

/// A worker writes first: creates the conversation, adds the customer, then the worker.
pub(crate) async fn outgoing(
    shared: &Arc<Shared>,
    worker: &str,
    customer_address: &str,
    proxy_address: &str,
    customer_id: &str,
) -> Result<String, Rejection> {
    let mut scene = Scene::new(shared, Origin::app(worker));
    let draft = shared.read(|state| {
        let mut copy = state.world.clone();
        let draft = copy.create(None, None).clone();
        events::conversation_add(&state.world, &draft, Fields::new())
    });
    let changes = scene.ask(draft, None).await?;
    let sid = shared.update(|state| state.world.create(changes.friendly_name, changes.attributes).sid.clone());
    scene.created(&sid, &Fields::new()).await;
    let attributes = if customer_id.is_empty() { json!({}) } else { json!({ "customer_id": customer_id }) };
    let customer = Newcomer {
        address: Some(customer_address.to_owned()),
        proxy_address: Some(proxy_address.to_owned()),
        attributes: Some(attributes),
        ..Newcomer::default()
    };
    let worker = Newcomer {
        identity: Some(worker.to_owned()),
        attributes: Some(Value::Object(serde_json::Map::new())),
        ..Newcomer::default()
    };
    for newcomer in [customer, worker] {
        let joined = join(&mut scene, &sid, newcomer).await;
        if joined.is_err() {
            scene.flush().await;
        }
        joined?;
    }
    scene.flush().await;
    Ok(sid)
}

async fn join(scene: &mut Scene, sid: &str, newcomer: Newcomer) -> Result<(), Rejection> {
    let refused = |problem: Problem| Rejection {
        event: "onParticipantAdd".to_owned(),
        conversation: Some(sid.to_owned()),
        status: problem.status,
        code: Some(problem.code),
        body: problem.message,
    };
    let event = scene.shared.read(|state| {
        let participant = state.world.clone().add(sid, newcomer.clone())?;
        Ok(events::participant_add(&state.world, sid, &participant))
    });
    scene.ask(event.map_err(refused)?, Some(sid)).await?;
    let participant = scene.shared.update(|state| state.world.add(sid, newcomer)).map_err(refused)?;
    let event = scene.event(|world| Some(events::participant_added(world, sid, &participant)));
    scene.tell(event).await;
    Ok(())
}

/// A worker writes in an app. Returns the SID of the message.
pub(crate) async fn agent(
    shared: &Arc<Shared>,
    sid: &str,
    identity: &str,
    text: &str,
    files: &[FileToSend<'_>],
) -> Result<String, Rejection> {
    let mut scene = Scene::new(shared, Origin::app(identity));
    let is_in = |world: &World| world.conversation(sid).is_some_and(|known| known.workers().contains(&identity));
    if !shared.read(|state| is_in(&state.world)) {
        join(&mut scene, sid, Newcomer { identity: Some(identity.to_owned()), ..Newcomer::default() }).await?;
    }
    let media = scene.stored(files);
    let said = scene.said(sid, identity, text, media).await;
    scene.flush().await;
    said
}

/// Carriers report on a message. Returns false if no recipient has an address.
pub(crate) async fn delivery(
    shared: &Arc<Shared>,
    message: &str,
    status: DeliveryStatus,
    error_code: Option<u32>,
) -> bool {
    let reports = shared.update(|state| report(&mut state.world, message, status, error_code.unwrap_or(0)));
    for (source, event) in &reports {
        // [?] The source of such an event.
        let mut scene = Scene::new(shared, Origin::carrier(source));
        scene.tell(Some(event.clone())).await;
        scene.flush().await;
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
        let (source, prefix) = if reader.kind() == "whatsapp" { ("WHATSAPP", "WA") } else { ("SMS", "SM") };
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
