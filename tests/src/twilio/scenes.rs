//! What customers and workers do, and the webhooks that come of it, in Twilio's order.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::twilio::events::{self, Event, Fields, Origin};
use crate::twilio::hook::{Changes, Verdict};
use crate::twilio::model::ConversationState;
use crate::twilio::problem::Problem;
use crate::twilio::record::Rejection;
use crate::twilio::settings::Initializing;
use crate::twilio::state::Shared;
use crate::twilio::world::{Newcomer, World};

/// One run of a scenario.
struct Scene {
    shared: Arc<Shared>,
    origin: Origin,
    /// Told later, in any order.
    held: Vec<Event>,
}

impl Scene {
    fn new(shared: &Arc<Shared>, origin: Origin) -> Self {
        Self { shared: Arc::clone(shared), origin, held: Vec::new() }
    }

    fn event(&self, make: impl FnOnce(&World) -> Option<Event>) -> Option<Event> {
        self.shared.read(|state| make(&state.world))
    }

    /// A pre event; a carrier has nobody to tell of an invalid answer, so that changes nothing.
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

    /// A post event, or the routing callback.
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

    async fn said(&mut self, sid: &str, author: &str, text: &str) -> Result<(), Rejection> {
        let event = self.event(|world| Some(events::message_add(world, world.conversation(sid)?, author, text)));
        let Some(event) = event else { return Ok(()) };
        let changes = self.ask(event, Some(sid)).await?;
        let (author, body) = (changes.author.as_deref().unwrap_or(author), changes.body.as_deref().unwrap_or(text));
        let attributes = changes.attributes.unwrap_or_else(|| json!({}));
        let (message, index) = self.shared.update(|state| state.world.say(sid, author, body, attributes));
        let event = self.event(|world| Some(events::message_added(world, world.conversation(sid)?, &message, index)));
        self.tell(event).await;
        Ok(())
    }
}

/// A message from one customer: into the conversation of the two numbers, or into a new one.
pub(crate) async fn inbound(
    shared: &Arc<Shared>,
    source: &'static str,
    from: &str,
    to: &str,
    text: &str,
) -> Result<String, Rejection> {
    let mut scene = Scene::new(shared, Origin::carrier(source));
    if let Some(sid) = shared.read(|state| state.world.with_pair(from, to).map(|known| known.sid.clone())) {
        let said = scene.said(&sid, from, text).await;
        scene.flush().await;
        return said.map(|()| sid);
    }
    let binding = events::pair(from, to);
    let message = [binding.clone(), vec![("MessageBody".to_owned(), text.to_owned())]].concat();
    let asked = scene.event(|world| {
        let mut copy = world.clone();
        let draft = copy.create(None, None).clone();
        Some(events::conversation_add(world, &draft, message.clone()))
    });
    let changes = scene.ask(asked.expect("it was just made"), None).await?;
    let sid = shared.update(|state| {
        let sid = state.world.create(changes.friendly_name, changes.attributes).sid.clone();
        let (address, proxy_address) = (Some(from.to_owned()), Some(to.to_owned()));
        // A second message of the same moment may have been faster; Twilio's answer to that is [?].
        let _ = state.world.add(&sid, Newcomer { address, proxy_address, ..Newcomer::default() });
        sid
    });
    scene.created(&sid, &message).await;
    let said = scene.said(&sid, from, text).await;
    scene.routed(&sid, &binding).await;
    scene.flush().await;
    said.map(|()| sid)
}

/// A message to several numbers, one of them the company's.
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
        let said = scene.said(&sid, author, text).await;
        scene.flush().await;
        return said.map(|()| sid);
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
    let said = scene.said(&sid, author, text).await;
    let event = scene.event(|world| {
        let conversation = world.conversation(&sid)?;
        Some(events::conversation_state_updated(world, conversation, ConversationState::Initializing, "EVENT"))
    });
    scene.tell(event).await;
    scene.flush().await;
    said.map(|()| sid)
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

/// A worker writes first: a conversation, the customer, then the worker.
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
