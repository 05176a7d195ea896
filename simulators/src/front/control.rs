//! The control API below `/_control`, for people and programs.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};

use crate::common::fault::{self, Random};
use crate::common::reply::Reply;
use crate::common::upload::Upload;
use crate::front::admin::{self, Farewell};
use crate::front::draft::{Connect, Draft};
use crate::front::fault::{Action, Fault, Faults};
use crate::front::oauth::{self, OauthClient};
use crate::front::payload;
use crate::front::show;
use crate::front::state::{Shared, State};
use crate::front::steps::{self, Place};

/// The help text of the control API, which the program also shows.
pub(crate) const HELP: &str = "\
POST /_control/connect            server, [token, address]
POST /_control/oauth              server, client_id, client_secret; answers the URL for a browser
POST /_control/addresses          server, [token]
POST /_control/send               channel or server, to, text; a server gets a channel if it has none
                                  [author (an email address), kind (such as rule or macro)], also of replies
                                  [filename, content (in base64), content_type], also of replies
POST /_control/reply              conversation, text, [quote (msg…)]
POST /_control/autoreply          conversation, text
POST /_control/autoreply-rule     text; without one, removes the rule
POST /_control/merge              into, from
POST /_control/disconnect         channel, [farewell (signed or bodiless)]
POST /_control/fault              action, [call, channel, times, number (of seconds or ms)]
POST /_control/faults-at-random   seed, probability
POST /_control/faults-off
GET  /_control/conversations      all conversations, as JSON
GET  /_control/conversations/cnv… one as text, once the customer has answered or after five seconds
POST /_control/until              text; answers all as text once they contain it, or with 409 after five seconds
GET  /                            all as text
GET  /_control/log                requests in both directions, and conversations
";

type Outcome = Result<Value, String>;

/// Returns whether a path belongs to the control API rather than to the platform.
pub(crate) fn is_for(path: &str) -> bool {
    path == "/" || path.starts_with("/_control")
}

pub(crate) async fn answer(shared: &Arc<Shared>, method: &Method, path: &str, form: &[(String, String)]) -> Reply {
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let outcome = match (method.as_str(), path.trim_start_matches("/_control")) {
        ("GET", "/conversations") => Ok(shared.read(|state| conversations(state, &shared.url))),
        ("GET", "/") => return Reply::text(shared.read(show::all)),
        ("GET", path) if path.starts_with("/conversations/") => {
            match show::answered(shared, &path["/conversations/".len()..]).await {
                Some(text) => return Reply::text(text),
                None => Err("unknown conversation".to_owned()),
            }
        }
        ("POST", "/until") => match show::until(shared, field("text")).await {
            Some(text) => return Reply::text(text),
            None => Err(format!("no conversation contains: {}", field("text"))),
        },
        ("GET", "/log") => return Reply::new(200, shared.read(State::to_string)),
        ("POST", "/fault") => fault(&field).map(|fault| set(shared, |faults| faults.queued.push(fault))),
        ("POST", "/faults-at-random") => {
            let seed = field("seed").parse().unwrap_or(1);
            let probability = field("probability").parse().unwrap_or(0.5);
            let random = Random::new(seed, probability, &Action::all());
            Ok(set(shared, |faults| faults.random = Some(random)))
        }
        ("POST", "/faults-off") => Ok(set(shared, |faults| *faults = Faults::default())),
        ("POST", path) => match play(shared, path, &field).await {
            Some(outcome) => outcome,
            None => return Reply::new(404, HELP),
        },
        _ => return Reply::new(404, HELP),
    };
    match outcome {
        Ok(value) => Reply::new(200, format!("{value:#}\n")),
        Err(words) => Reply::new(409, format!("{}\n", json!({ "error": words }))),
    }
}

async fn play<'f>(shared: &Arc<Shared>, path: &str, field: &impl Fn(&str) -> &'f str) -> Option<Outcome> {
    let (text, channel, conversation) = (field("text"), field("channel"), field("conversation"));
    let named = |name: &str| Some(field(name)).filter(|value| !value.is_empty()).map(ToOwned::to_owned);
    let connect = || {
        let connect = Connect::to(field("server"));
        Connect { token: named("token"), address: named("address"), ..connect }
    };
    let file = match Upload::read(field) {
        Ok(file) => file,
        Err(words) => return Some(Err(words)),
    };
    let draft = || {
        let draft = file.iter().fold(Draft::new(text), |draft, Upload { filename, content_type, content }| {
            draft.attach(filename, content_type, content.clone())
        });
        let draft = named("author").map_or_else(|| draft.clone(), |email| draft.clone().author(&email));
        named("kind").map_or_else(|| draft.clone(), |kind| draft.clone().author_kind(&kind))
    };
    let is_channel = shared.read(|state| state.world.channel(channel).is_some());
    let is_conversation = shared.read(|state| state.world.conversation(conversation).is_some());
    let outcome = match path {
        "/connect" => {
            let id = shared.update(|state| state.world.id("cha"));
            let connected = admin::authorize(shared, id, connect()).await;
            connected.map(|id| json!({ "channel": id })).map_err(|refusal| refusal.to_string())
        }
        "/oauth" => {
            let [server_url, client_id, client_secret] =
                ["server", "client_id", "client_secret"].map(|name| field(name).to_owned());
            let channel = shared.update(|state| state.world.id("cha"));
            let client = OauthClient { server_url, client_id, client_secret };
            Ok(json!({ "url": oauth::begin(shared, &client, channel) }))
        }
        "/addresses" => {
            let listed = admin::addresses(shared, connect()).await.map_err(|refusal| refusal.to_string());
            listed.map(|all| all.into_iter().map(|known| known.address).collect())
        }
        "/send" if channel.is_empty() && named("server").is_some() => match channel_of(shared, connect()).await {
            Ok(channel) => sent(shared, &Place::New { channel: &channel }, &draft().to(field("to"))).await,
            Err(words) => Err(words),
        },
        "/send" if is_channel => sent(shared, &Place::New { channel }, &draft().to(field("to"))).await,
        "/reply" if is_conversation => match named("quote") {
            None => sent(shared, &Place::Reply { conversation }, &draft()).await,
            Some(quote) if is_in(shared, conversation, &quote) => {
                sent(shared, &Place::Reply { conversation }, &draft().quote(&quote)).await
            }
            Some(_) => Err("unknown message".to_owned()),
        },
        "/autoreply" if is_conversation => sent(shared, &Place::Autoreply { conversation }, &text.into()).await,
        "/autoreply-rule" => {
            shared.update(|state| state.settings.autoreply = named("text"));
            Ok(json!({}))
        }
        "/merge" => match shared.update(|state| state.world.merge(field("into"), field("from"))) {
            true => Ok(json!({})),
            false => Err("the conversations cannot be merged".to_owned()),
        },
        "/disconnect" if is_channel => {
            let farewell = if field("farewell") == "bodiless" { Farewell::Bodiless } else { Farewell::Signed };
            let fired = admin::remove(shared, channel, farewell).await;
            fired.error.map_or(Ok(json!({})), Err)
        }
        "/send" | "/disconnect" => Err("channel is not connected".to_owned()),
        "/reply" | "/autoreply" => Err("unknown conversation".to_owned()),
        _ => return None,
    };
    Some(outcome)
}

/// Returns whether a conversation has a message.
fn is_in(shared: &Shared, conversation: &str, message: &str) -> bool {
    shared.read(|state| {
        let found = state.world.conversation(conversation);
        found.is_some_and(|found| found.messages.iter().any(|known| known.id == message))
    })
}

/// Returns a connected channel of a server. Connects one if necessary.
async fn channel_of(shared: &Shared, connect: Connect) -> Result<String, String> {
    let connected = shared.read(|state| {
        let mut channels = state.world.channels.iter().filter(|channel| channel.is_connected);
        channels.find(|channel| channel.server_url == connect.server_url).map(|channel| channel.id.clone())
    });
    match connected {
        Some(id) => Ok(id),
        None => {
            let id = shared.update(|state| state.world.id("cha"));
            admin::authorize(shared, id, connect).await.map_err(|refusal| refusal.to_string())
        }
    }
}

async fn sent(shared: &Shared, place: &Place<'_>, draft: &Draft) -> Outcome {
    let id = steps::compose(shared, place, draft);
    let (external_id, thread) = steps::dispatch(shared, &id, draft).await?;
    let conversation = shared.read(|state| state.world.message(&id).map(|(found, _)| found.id.clone()));
    let (message, ids) = (id, json!({ "external_id": external_id, "external_conversation_id": thread }));
    Ok(json!({ "message": message, "conversation": conversation, "answered": ids }))
}

fn set(shared: &Shared, change: impl FnOnce(&mut Faults)) -> Value {
    shared.update(|state| change(&mut state.faults));
    json!({})
}

fn fault<'f>(field: &impl Fn(&str) -> &'f str) -> Result<Fault, String> {
    let known = Action::named_all(field("number").parse().ok());
    fault::parse(field, &known, "channel")
}

fn conversations(state: &State, base: &str) -> Value {
    let show = |conversation: &crate::front::model::Conversation| {
        let mut shown = payload::conversation(conversation, base);
        let messages = conversation.messages.iter().map(|message| {
            json!({
                "id": message.id,
                "external_id": message.external_id,
                "is_inbound": message.is_inbound,
                "text": message.text,
                "state": format!("{:?}", message.state),
            })
        });
        shown["channel"] = conversation.channel.as_str().into();
        shown["messages"] = messages.collect();
        shown
    };
    state.world.conversations.iter().map(show).collect()
}
