//! Plays people at the simulated platforms, and faults of the platforms.

use std::collections::BTreeMap;

use frontgate_simulators::front::{self, Connect, Draft};
use frontgate_simulators::twilio::{self, DeliveryStatus};
use frontgate_simulators::{Front, Twilio};

use super::platforms::{App, Platforms};

/// Number of requests that a fault hits.
const TIMES: usize = 2;
/// Seconds after which a request that got 429 may be repeated.
const RETRY_AFTER_S: u64 = 2;
/// Duration of a slow answer.
const SLOW_MS: u64 = 3_000;

/// Fields of an action.
struct Fields<'f>(&'f BTreeMap<String, String>);

impl<'f> Fields<'f> {
    fn get(&self, name: &str) -> &'f str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    fn needs(&self, name: &str) -> Result<&'f str, String> {
        Some(self.get(name)).filter(|text| !text.is_empty()).ok_or_else(|| format!("`{name}` is empty"))
    }
}

/// Plays an action. Returns what happened, or why it was not possible.
pub(super) fn play(platforms: &Platforms, action: &str, fields: &BTreeMap<String, String>) -> Result<String, String> {
    let fields = Fields(fields);
    match action {
        "customer-writes" => customer_writes(platforms, &fields),
        "worker-answers" => {
            let (conversation, worker) = (fields.needs("conversation")?, fields.needs("worker")?);
            let twilio = &platforms.twilio;
            known(twilio.look(|state| state.conversation(conversation).is_some()), "conversation", conversation)?;
            use_frontline(platforms, platforms.has_frontline);
            let written = twilio.agent_writes(conversation, worker, fields.needs("text")?, &[]);
            written.map_err(|rejection| rejection.to_string())?;
            Ok("The worker's message is in the conversation.".to_owned())
        }
        "receipt" => {
            let status = fields.needs("status")?;
            let status = DeliveryStatus::named(status).ok_or_else(|| format!("unknown status `{status}`"))?;
            let message = fields.needs("message")?;
            let code = (status == DeliveryStatus::Undelivered).then_some(30_003);
            match platforms.twilio.try_delivery(message, status, code) {
                true => Ok(format!("Twilio reported {}.", status.name())),
                false => Err("the message has no recipient with an address".to_owned()),
            }
        }
        "connect" => {
            let app = app(platforms, &fields)?;
            let connect = Connect::to(&app.server);
            let token = fields.get("token");
            let connect = if token.is_empty() { connect } else { connect.token(token) };
            let channel = app.front.connect(connect).map_err(|refusal| refusal.to_string())?;
            Ok(format!("Channel {channel} is connected."))
        }
        "teammate-writes" => {
            let (app, channel) = (app(platforms, &fields)?, fields.needs("channel")?);
            let is_connected = |state: &front::State| state.channel(channel).is_some_and(|known| known.is_connected);
            known(app.front.look(is_connected), "connected channel", channel)?;
            let draft = Draft::new(fields.needs("text")?).to(fields.needs("to")?);
            sent(app.front.send(channel, draft))
        }
        "teammate-replies" => {
            let (app, conversation) = (app(platforms, &fields)?, fields.needs("conversation")?);
            known(app.front.look(|state| state.conversation(conversation).is_some()), "conversation", conversation)?;
            sent(app.front.reply(conversation, fields.needs("text")?))
        }
        "fault" => fault(platforms, fields.needs("fault")?),
        _ => Err(format!("unknown action `{action}`")),
    }
}

fn known(is_known: bool, thing: &str, id: &str) -> Result<(), String> {
    if is_known { Ok(()) } else { Err(format!("unknown {thing} `{id}`")) }
}

fn app<'p>(platforms: &'p Platforms, fields: &Fields<'_>) -> Result<&'p App, String> {
    let name = fields.needs("app")?;
    platforms.apps.iter().find(|app| app.name == name).ok_or_else(|| format!("unknown app `{name}`"))
}

fn sent(sent: front::Sent) -> Result<String, String> {
    match sent.outcome {
        Ok(_) => Ok("The gateway accepted the message.".to_owned()),
        Err(why) => Err(format!("Front shows that the message was not sent: {why}")),
    }
}

/// Plays a customer's message, as Twilio does: webhooks before the conversation and the message, routing, and webhooks
/// after them.
fn customer_writes(platforms: &Platforms, fields: &Fields<'_>) -> Result<String, String> {
    let (from, to, text) = (fields.needs("from")?, fields.needs("to")?, fields.needs("text")?);
    let twilio = &platforms.twilio;
    // A number of a Front channel belongs to another service than Frontline's.
    let is_channel = |app: &App| app.numbers.iter().any(|number| number == to);
    use_frontline(platforms, platforms.has_frontline && !platforms.apps.iter().any(is_channel));
    let write = match (fields.get("over"), from.split_once(':')) {
        ("whatsapp", _) | (_, Some(("whatsapp", _))) => Twilio::inbound_whatsapp,
        (_, Some(("messenger", _))) => Twilio::inbound_messenger,
        (_, Some(("rcs", _))) => Twilio::inbound_rcs,
        _ => Twilio::inbound_sms,
    };
    let conversation = write(twilio, from, to, text).map_err(|rejection| rejection.to_string())?;
    Ok(format!("The message is in conversation {conversation}."))
}

/// Sends Frontline's routing and the account's webhooks, or only those of numbers and conversations.
fn use_frontline(platforms: &Platforms, is_used: bool) {
    platforms.twilio.custom_routing(is_used);
    platforms.twilio.filters(if is_used { &Twilio::EVENTS } else { &[] });
}

fn fault(platforms: &Platforms, fault: &str) -> Result<String, String> {
    use twilio::{Action, Call};
    let twilio = &platforms.twilio;
    let fault_of = |action: Action| twilio::Fault::new(action);
    match fault {
        "too-many-requests" => twilio.fault(fault_of(Action::TooManyRequestsFor(RETRY_AFTER_S)).times(TIMES)),
        "lost-participant" => twilio.fault(fault_of(Action::CloseAfterActing).on(Call::AddParticipant)),
        "lost-message" => twilio.fault(fault_of(Action::CloseAfterActing).on(Call::CreateMessage)),
        "slow" => twilio.fault(fault_of(Action::Slow(SLOW_MS))),
        "front-unavailable" => {
            let fault = || front::Fault::new(front::Action::FailBefore(503)).times(TIMES);
            platforms.apps.iter().for_each(|app| app.front.fault(fault()));
        }
        "wrong-signature" => twilio.wrong_signatures(1),
        "repeat" => {
            let last = twilio.look(|state| state.webhooks().last().cloned()).ok_or("Twilio has sent no webhook yet")?;
            let again = twilio.repeat(&last, true);
            return Ok(format!("Sent {} again: {}", again.event, answered(again.status)));
        }
        "repeat-front" => {
            let last = |app: &App| app.front.look(|state| state.hooks().last().cloned().map(|last| (last.at, last)));
            let sent = platforms.apps.iter().filter_map(|app| Some((&app.front, last(app)?)));
            let newest = sent.max_by_key(|(_, (at, _))| *at).ok_or("Front has sent no request yet")?;
            let (front, (_, last)): (&Front, _) = newest;
            let again = front.repeat(&last);
            return Ok(format!("Sent {} again: {}", again.kind, answered(again.status)));
        }
        "off" => {
            twilio.faults_off();
            twilio.wrong_signatures(0);
            platforms.apps.iter().for_each(|app| app.front.faults_off());
        }
        _ => return Err(format!("unknown fault `{fault}`")),
    }
    Ok("The fault hits the next requests.".to_owned())
}

fn answered(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |status| format!("answered {status}"))
}
