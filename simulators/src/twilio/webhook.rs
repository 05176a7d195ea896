//! Sends signed webhooks with Twilio's timeouts, and interprets the responses as Twilio does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use url::form_urlencoded;
use uuid::Uuid;

use crate::common::exchange::{exchange, split};
use crate::twilio::calls::{VOICE, VOICE_ENDED, VOICE_RECORDING, VOICE_STATUS};
use crate::twilio::events::{Event, Fields, Origin, ROUTING};
use crate::twilio::numbers::{NUMBER_RECORDING, NUMBER_STATUS};
use crate::twilio::record::Fired;
use crate::twilio::sign::signature;
use crate::twilio::state::{Shared, State};
use crate::twilio::world::{
    CONVERSATION_ATTRIBUTES_BYTES_MAX, FRIENDLY_NAME_CHARS_MAX, MESSAGE_ATTRIBUTES_BYTES_MAX, attributes,
};

/// Time until Twilio stops to wait for TwiML.
const VOICE_DEADLINE: Duration = Duration::from_secs(15);

/// The outcome of a pre event.
#[derive(Debug)]
pub(crate) enum PreEventOutcome {
    Through(Changes),
    Rejected { status: u16, body: String },
    Invalid(String),
}

/// The changes that the response to a pre event requests.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) friendly_name: Option<String>,
    pub(crate) attributes: Option<Value>,
    pub(crate) body: Option<String>,
    pub(crate) author: Option<String>,
}

struct Target {
    address: SocketAddr,
    method: Method,
    url: String,
    token: String,
    deadline: Duration,
}

/// Returns true for events that are fired before a change and can reject or modify it.
fn is_pre(event: &str) -> bool {
    event.ends_with("Add") || event.ends_with("Update") || event.ends_with("Remove")
}

/// Returns the URL for an event from the configuration of the service or the account.
fn configured(state: &State, event: &str) -> Option<String> {
    let (gateway, webhooks) = (state.settings.gateway.as_ref()?, state.world.webhooks());
    let url = match event {
        ROUTING => &gateway.routing_url,
        _ if is_pre(event) => &webhooks.pre_webhook_url,
        _ => &webhooks.post_webhook_url,
    };
    Some(url.clone()).filter(|url| !url.is_empty())
}

/// Returns the URLs for an event from the conversation's own webhooks.
fn scoped(state: &State, event: &str, fields: &Fields) -> Vec<String> {
    let sid = fields.iter().find(|(name, _)| name == "ConversationSid").map(|(_, sid)| sid.as_str());
    let Some(conversation) = sid.and_then(|sid| state.world.conversation(sid)).filter(|_| event != ROUTING) else {
        return Vec::new();
    };
    let wanted = conversation.webhooks.iter().filter(|webhook| webhook.filters.iter().any(|filter| filter == event));
    wanted.filter(|_| !is_pre(event)).map(|webhook| webhook.url.clone()).collect()
}

fn target(state: &State, event: &str, url: &str) -> Option<Target> {
    let gateway = state.settings.gateway.as_ref()?;
    let deadline = match event {
        ROUTING => state.settings.routing_deadline,
        VOICE | VOICE_STATUS | VOICE_RECORDING | VOICE_ENDED | NUMBER_STATUS | NUMBER_RECORDING => VOICE_DEADLINE,
        _ => state.settings.conversations_deadline,
    };
    let is_by_get = event != ROUTING
        && state.world.webhooks().method.as_deref() == Some("GET")
        && configured(state, event).is_some_and(|configured| configured == url);
    let method = if is_by_get { Method::GET } else { Method::POST };
    // URL fragments are neither sent nor signed.
    let url = url.split('#').next().unwrap_or_default().to_owned();
    let other = state.settings.other_tokens.iter().find(|(below, _)| url.starts_with(below.as_str()));
    let token = other.map_or(&gateway.token, |(_, token)| token).clone();
    Some(Target { address: gateway.address, method, url, token, deadline })
}

fn is_wanted(state: &State, event: &str) -> bool {
    match &state.world.webhooks().filters {
        _ if event == ROUTING => state.settings.routing,
        Some(filters) => filters.iter().any(|wanted| wanted == event),
        None => true,
    }
}

impl Shared {
    /// Fires a pre event and returns the outcome.
    pub(crate) async fn fire_pre(self: &Arc<Self>, event: Event, origin: &Origin) -> PreEventOutcome {
        let through = || PreEventOutcome::Through(Changes::default());
        if !self.read(|state| is_wanted(state, event.name)) {
            return through();
        }
        let fields = self.complete(event.name, event.fields, origin);
        match self.fire(event.name, fields, Uuid::new_v4().to_string()).await {
            Some(fired) => self.judge(fired),
            None => through(),
        }
    }

    fn judge(&self, fired: Fired) -> PreEventOutcome {
        match (fired.status, fired.error) {
            (Some(status), _) if status >= 400 => PreEventOutcome::Rejected { status, body: fired.body },
            (Some(_), Some(error)) => PreEventOutcome::Invalid(error),
            (Some(200), None) => {
                let mut changes = changes(&fired.event, &fired.body).unwrap_or_default();
                if fired.event.starts_with("onConversation") && !self.read(|state| state.settings.answered_attributes) {
                    changes.attributes = None;
                }
                PreEventOutcome::Through(changes)
            }
            _ => PreEventOutcome::Through(Changes::default()),
        }
    }

    /// Fires a post event or the routing callback. Duplicates and retries follow the settings.
    pub(crate) async fn fire_post(self: &Arc<Self>, event: Event, origin: &Origin) {
        let urls = self.read(|state| {
            let configured = configured(state, event.name).filter(|_| is_wanted(state, event.name));
            configured.into_iter().chain(scoped(state, event.name, &event.fields)).collect::<Vec<_>>()
        });
        let fields = self.complete(event.name, event.fields, origin);
        for url in urls {
            self.fire_post_to(&url, event.name, fields.clone()).await;
        }
    }

    async fn fire_post_to(self: &Arc<Self>, url: &str, event: &'static str, fields: Fields) {
        let token = Uuid::new_v4().to_string();
        self.attempt(url, event, fields.clone(), token.clone()).await;
        let twice = self.update(|state| {
            let (rng, probability) = state.settings.duplicate.as_mut()?;
            rng.happens(*probability).then(|| rng.below(2) == 0)
        });
        if let Some(same_token) = twice {
            let token = if same_token { token } else { Uuid::new_v4().to_string() };
            self.attempt(url, event, fields, token).await;
        }
    }

    async fn attempt(self: &Arc<Self>, url: &str, event: &'static str, fields: Fields, token: String) {
        let (retries, pause) = self.read(|state| (state.settings.retries, state.settings.retry_pause));
        let Some(mut fired) = self.send(url, event, fields, token).await else { return };
        if fired.acknowledged || retries == 0 {
            return;
        }
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            for _ in 0..retries {
                sleep(pause).await;
                match shared.send(&fired.url, event, retried(fired.fields), fired.token).await {
                    Some(again) if !again.acknowledged => fired = again,
                    _ => return,
                }
            }
        });
    }

    /// Adds the fields that every Conversations webhook has.
    pub(crate) fn complete(&self, event: &str, mut fields: Fields, origin: &Origin) -> Fields {
        if event == ROUTING {
            return fields;
        }
        let account_sid = self.read(|state| state.world.account_sid.clone());
        let common = [("AccountSid", account_sid.as_str()), ("EventType", event), ("RetryCount", "0")];
        let source = [("Source", origin.source)];
        let client_identity = origin.client_identity.iter().map(|identity| ("ClientIdentity", identity.as_str()));
        for (name, value) in common.into_iter().chain(source).chain(client_identity) {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
        fields
    }

    /// Sends a webhook once to the configured URL and records it. Does nothing without a URL.
    pub(crate) async fn fire(&self, event: &str, fields: Fields, token: String) -> Option<Fired> {
        let url = self.read(|state| configured(state, event))?;
        self.send(&url, event, fields, token).await
    }

    /// Sends a webhook once to a URL and records it. Does nothing if the gateway's address is not set.
    pub(crate) async fn send(&self, url: &str, event: &str, fields: Fields, token: String) -> Option<Fired> {
        let target = self.update(|state| {
            let target = target(state, event, url)?;
            let wrong = &mut state.settings.wrong_signatures;
            let is_wrong = *wrong > 0;
            *wrong = wrong.saturating_sub(1);
            Some(if is_wrong { Target { token: format!("{}, but wrong", target.token), ..target } } else { target })
        })?;
        let started = Instant::now();
        let answer = timeout(target.deadline, exchange_with(&target, &fields, &token)).await;
        let mut fired = Fired {
            event: event.to_owned(),
            url: target.url,
            fields,
            token,
            status: None,
            body: String::new(),
            elapsed: started.elapsed(),
            unreachable: false,
            late: false,
            acknowledged: false,
            error: None,
        };
        match answer {
            Ok(Ok((status, body))) => {
                fired.acknowledged = (200..300).contains(&status);
                fired.error = error(event, status, &body);
                (fired.status, fired.body) = (Some(status), body);
            }
            Ok(Err(error)) => (fired.unreachable, fired.error) = (true, Some(error)),
            Err(_) => {
                let (late, code) = (true, if event == ROUTING { 48005 } else { 50076 });
                (fired.late, fired.error) = (late, Some(format!("{code}: no answer in time")));
            }
        }
        self.update(|state| state.webhooks.push(fired.clone()));
        Some(fired)
    }
}

/// Returns the fields with an incremented `RetryCount`.
pub(crate) fn retried(mut fields: Fields) -> Fields {
    for (_, count) in fields.iter_mut().filter(|(name, _)| name == "RetryCount") {
        *count = (count.parse::<u32>().unwrap_or(0) + 1).to_string();
    }
    fields
}

fn error(event: &str, status: u16, body: &str) -> Option<String> {
    if status >= 400 {
        return Some(format!("11217: the webhook answered {status}"));
    }
    if !is_pre(event) {
        return None;
    }
    if status != 200 {
        return Some(format!("the webhook answered {status} rather than 200"));
    }
    changes(event, body).err()
}

/// Parses the response to a pre event. Ignores unknown keys.
fn changes(event: &str, body: &str) -> Result<Changes, String> {
    if body.is_empty() {
        return Ok(Changes::default());
    }
    let body: Value = serde_json::from_str(body).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let text = |key: &str| match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key} is not a string")),
    };
    let mut changes = Changes::default();
    let attributes_of = |bytes_max: usize| {
        let parsed = text("attributes")?.map(|text| attributes(&text, bytes_max));
        parsed.transpose().map_err(|problem| problem.message)
    };
    if event.starts_with("onConversation") {
        changes.friendly_name = text("friendly_name")?;
        if changes.friendly_name.as_ref().is_some_and(|name| name.chars().count() > FRIENDLY_NAME_CHARS_MAX) {
            return Err("friendly_name is longer than 256 characters".to_owned());
        }
        changes.attributes = attributes_of(CONVERSATION_ATTRIBUTES_BYTES_MAX)?;
    }
    if event.starts_with("onMessage") {
        changes.attributes = attributes_of(MESSAGE_ATTRIBUTES_BYTES_MAX)?;
        (changes.body, changes.author) = (text("body")?, text("author")?);
    }
    Ok(changes)
}

/// Sends the fields in the body, or in the query for GET. The signature covers the URL, and the fields of a body.
async fn exchange_with(target: &Target, fields: &Fields, token: &str) -> Result<(u16, String), String> {
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let (url, body, signed) = match target.method {
        Method::GET => {
            let separator = if target.url.contains('?') { '&' } else { '?' };
            (format!("{}{separator}{encoded}", target.url), String::new(), &[][..])
        }
        _ => (target.url.clone(), encoded, fields.as_slice()),
    };
    let (host, path) = split(&url);
    let request = Request::builder()
        .method(target.method.clone())
        .uri(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header("i-twilio-idempotency-token", token)
        .header("x-twilio-signature", signature(&target.token, &url, signed))
        .header(header::ACCEPT, "*/*")
        .header("x-home-region", "us1")
        .header(header::USER_AGENT, "TwilioProxy/1.1")
        .body(Full::<Bytes>::from(body))
        .map_err(|error| error.to_string())?;
    exchange(target.address, request).await
}
