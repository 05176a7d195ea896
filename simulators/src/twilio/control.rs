//! The control API below `/_control`, for people and programs.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};

use crate::common::fault::{self, Random};
use crate::common::reply::Reply;
use crate::common::upload::Upload;
use crate::twilio::fault::{Action, Fault, Faults};
use crate::twilio::message::{DeliveryStatus, Media};
use crate::twilio::numbers::CallEnd;
use crate::twilio::record::Rejection;
use crate::twilio::scenarios::{prefixed, whatsapp};
use crate::twilio::state::{Shared, State};
use crate::twilio::{calls, numbers, show, steps};

/// The help text of the control API, which the program also shows.
pub(crate) const HELP: &str = "\
POST /_control/inbound-sms        from, to, text
POST /_control/inbound-whatsapp   from, to, text
POST /_control/inbound-messenger  from, to, text: ids of a user and a page
POST /_control/inbound-rcs        from, to, text: a number and a sender
                                  [filename, content (in base64), content_type], also of the three above
POST /_control/group-mms          author, others (repeatable), to, text
POST /_control/agent              conversation, identity, text
POST /_control/delivery           message, status, [code]
POST /_control/outgoing           worker, customer, proxy, customer_id
POST /_control/inbound-call       from, to, worker
POST /_control/outbound-call      worker, to, proxy
POST /_control/number             number: adds it to the account
POST /_control/number-call        from, to, [end]: a call of such a number, reported to its status callback
POST /_control/fault              action, [call, conversation, times, number (of seconds or ms)]
POST /_control/faults-at-random   seed, probability
POST /_control/faults-off
GET  /_control/conversations      all conversations, as JSON
GET  /_control/conversations/CH…  one as text, once a worker is in it or after five seconds
GET  /                            all as text
GET  /_control/log                webhooks, requests, changes that requests made, and deviations from Twilio's description
";

/// Returns whether a path belongs to the control API rather than to the platform.
pub(crate) fn is_for(path: &str) -> bool {
    path == "/" || path.starts_with("/_control")
}

pub(crate) async fn answer(shared: &Arc<Shared>, method: &Method, path: &str, form: &[(String, String)]) -> Reply {
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let (from, to, text) = (field("from"), field("to"), field("text"));
    let file = match Upload::read(&field) {
        Ok(file) => file,
        Err(words) => return Reply::new(400, json!({ "error": words }).to_string()),
    };
    let files: Vec<_> = file.iter().map(|file| (&*file.filename, &*file.content_type, &*file.content)).collect();
    match (method.as_str(), path.trim_start_matches("/_control")) {
        ("POST", "/inbound-sms") => played(steps::inbound(shared, "SMS", from, to, text, &files).await),
        ("POST", "/inbound-whatsapp") => {
            played(steps::inbound(shared, "WHATSAPP", &whatsapp(from), &whatsapp(to), text, &files).await)
        }
        ("POST", "/inbound-messenger") => {
            let [from, to] = [from, to].map(|id| prefixed("messenger:", id));
            played(steps::inbound(shared, "MESSENGER", &from, &to, text, &files).await)
        }
        ("POST", "/inbound-rcs") => {
            let [from, to] = [from, to].map(|id| prefixed("rcs:", id));
            played(steps::inbound(shared, "RCS", &from, &to, text, &files).await)
        }
        ("POST", "/agent") => {
            let said = steps::agent(shared, field("conversation"), field("identity"), text, &[]).await;
            played(said.map(|_| field("conversation").to_owned()))
        }
        ("POST", "/delivery") => match DeliveryStatus::named(field("status")) {
            Some(status) => {
                let code = field("code").parse().ok();
                let reported = steps::delivery(shared, field("message"), status, code).await;
                Reply::new(200, format!("{}\n", json!({ "reported": reported })))
            }
            None => Reply::new(
                400,
                json!({ "error": "unknown status; known: sent, delivered, read, undelivered, failed" }).to_string(),
            ),
        },
        ("POST", "/group-mms") => {
            let others = form.iter().filter(|(name, _)| name == "others");
            let others: Vec<_> = others.map(|(_, value)| value.as_str()).collect();
            played(steps::group(shared, field("author"), &others, to, text).await)
        }
        ("POST", "/outgoing") => {
            let (customer, proxy, customer_id) = (field("customer"), field("proxy"), field("customer_id"));
            played(steps::outgoing(shared, field("worker"), customer, proxy, customer_id).await)
        }
        ("POST", "/inbound-call") => called(calls::inbound(shared, from, to, field("worker")).await),
        ("POST", "/outbound-call") => called(calls::outbound(shared, field("worker"), to, field("proxy")).await),
        ("POST", "/number") => {
            let sid = shared.update(|state| state.world.add_number(field("number")));
            Reply::new(200, format!("{}\n", json!({ "number": sid })))
        }
        ("POST", "/number-call") => number_call(shared, from, to, field("end")).await,
        ("POST", "/fault") => match fault(&field) {
            Ok(fault) => set(shared, |faults| faults.queued.push(fault)),
            Err(words) => Reply::new(400, json!({ "error": words }).to_string()),
        },
        ("POST", "/faults-at-random") => {
            let seed = field("seed").parse().unwrap_or(1);
            let probability = field("probability").parse().unwrap_or(0.5);
            let random = Random::new(seed, probability, &Action::all());
            set(shared, |faults| faults.random = Some(random))
        }
        ("POST", "/faults-off") => set(shared, |faults| *faults = Faults::default()),
        ("GET", "/") => Reply::text(shared.read(show::all)),
        ("GET", path) if path.starts_with("/conversations/") => {
            match show::assigned(shared, &path["/conversations/".len()..]).await {
                Some(text) => Reply::text(text),
                None => Reply::new(404, json!({ "error": "unknown conversation" }).to_string()),
            }
        }
        ("GET", "/conversations") => Reply::new(200, format!("{:#}\n", shared.read(conversations))),
        ("GET", "/log") => Reply::new(200, shared.read(State::to_string)),
        _ => Reply::new(404, HELP),
    }
}

fn set(shared: &Shared, change: impl FnOnce(&mut Faults)) -> Reply {
    shared.update(|state| change(&mut state.faults));
    Reply::new(200, "{}\n")
}

/// Plays a call of a number, and answers with its SIDs.
async fn number_call(shared: &Arc<Shared>, from: &str, to: &str, end: &str) -> Reply {
    let end = if end.is_empty() { "completed" } else { end };
    let Some((_, end)) = CallEnd::NAMED.into_iter().find(|(name, _)| *name == end) else {
        let known = CallEnd::NAMED.map(|(name, _)| name).join(", ");
        return Reply::new(400, json!({ "error": format!("unknown end; known: {known}") }).to_string());
    };
    match numbers::play(shared, from, to, end).await {
        Ok(call) => Reply::new(200, format!("{}\n", json!({ "call": call.sid, "recording": call.recording }))),
        Err(error) => Reply::new(409, json!({ "error": error }).to_string()),
    }
}

/// Answers with the SIDs of a call that was connected.
fn called(call: Result<calls::PlayedCall, String>) -> Reply {
    match call {
        Ok(call) => Reply::new(200, format!("{}\n", json!({ "call": call.sid, "recording": call.recording }))),
        Err(error) => Reply::new(409, json!({ "error": error }).to_string()),
    }
}

fn played(result: Result<String, Rejection>) -> Reply {
    match result {
        Ok(sid) => Reply::new(200, format!("{}\n", json!({ "conversation": sid }))),
        Err(rejection) => Reply::new(409, format!("{}\n", json!({ "rejected": rejection.to_string() }))),
    }
}

fn fault<'f>(field: &impl Fn(&str) -> &'f str) -> Result<Fault, String> {
    let known = Action::named_all(field("number").parse().ok());
    fault::parse(field, &known, "conversation")
}

fn conversations(state: &State) -> Value {
    let world = &state.world;
    let show = |conversation: &crate::twilio::model::Conversation| {
        let participants = conversation.participants.iter().map(|participant| {
            json!({
                "sid": participant.sid,
                "identity": participant.identity,
                "messaging_binding": participant.binding(),
                "attributes": participant.attributes,
            })
        });
        let messages = conversation.messages.iter();
        let messages = messages.map(|message| {
            json!({
                "sid": message.sid,
                "author": message.author,
                "body": message.body,
                "attributes": message.attributes,
                "media": message.media.iter().map(Media::json).collect::<Vec<_>>(),
            })
        });
        json!({
            "sid": conversation.sid,
            "friendly_name": conversation.friendly_name,
            "attributes": conversation.attributes,
            "state": conversation.state.name(),
            "participants": participants.collect::<Vec<_>>(),
            "messages": messages.collect::<Vec<_>>(),
        })
    };
    world.conversations.iter().map(show).collect()
}
