//! Answers a person's question: a callback without a signature, whose calls of plugins change nothing.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_contract::bindings::routing::Assignment;
use frontgate_contract::json;
use frontgate_runtime::dry_run::DryRun;
use frontgate_runtime::{CallError, CallRecord, CallRecords, Deadlines, LoadedPlugin, OutputLines};
use frontgate_tenants::PluginInvoker;
use frontgate_twilio::form::Form;
use frontgate_twilio_callbacks::conversations::Event;
use frontgate_twilio_callbacks::{CallbackResponse, conversations, routing};
use hyper::StatusCode;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::Gateway;
use super::twilio::{Frontline, decide};
use crate::error::Error;
use crate::routes::{Callback, Route};

/// A callback that a person asks.
pub struct Question<'q> {
    /// Name of the tenant.
    pub tenant: &'q str,
    /// Name of the callback, such as `crm`.
    pub callback: &'q str,
    /// The form.
    pub body: &'q [u8],
    /// A version of a plugin that answers instead of the live one.
    pub candidate: Option<Arc<LoadedPlugin>>,
}

/// The answer to a question.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status of the response that the platform would get.
    pub status: StatusCode,
    /// `ok`, or the stable code of the error.
    pub code: &'static str,
    /// Text of the error for operators.
    pub detail: Option<String>,
    /// Body of the response, or the decision about an event that Twilio does not wait for.
    pub body: Vec<u8>,
    /// Values of the plugin's answer that were left out, because Twilio would reject them.
    pub left_out: usize,
    /// Whether rows or text were cut to stay within Twilio's limits.
    pub shortened: bool,
    /// Duration in microseconds.
    pub took_us: u64,
    /// Time limit of the callback in milliseconds.
    pub deadline_ms: u64,
    /// Costs of the calls, in the order in which they ended.
    pub calls: Vec<CallRecord>,
    /// Lines that the plugins logged.
    pub lines: OutputLines,
}

/// Reason why a question was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// The configuration has no such callback.
    #[error("the configuration has no such callback")]
    Unknown,
    /// The callback stores an event, or is not from Twilio.
    #[error("only callbacks of Frontline and webhooks of Conversations can be asked again")]
    NoQuestion,
}

impl Gateway {
    /// Answers a question within the callback's time limit. Nothing is stored; `dry_run` records what the plugins did.
    ///
    /// # Errors
    ///
    /// Fails if the callback does not exist, or asks nothing.
    pub async fn ask(&self, question: Question<'_>, dry_run: &Arc<DryRun>) -> Result<Reply, NotAsked> {
        let Question { tenant, callback, body, candidate } = question;
        let route = self.0.routes.callback(tenant, callback).ok_or(NotAsked::Unknown)?;
        if route.callback.is_voice() {
            return Err(NotAsked::NoQuestion);
        }
        let plugins = candidate.map_or_else(|| Arc::clone(&self.0.plugins), |plugin| self.0.plugins.with(plugin));
        let started = Instant::now();
        let deadline_ms = route.callback.timeout_ms(&route.tenant);
        let answer = started + Duration::from_millis(deadline_ms);
        let records = CallRecords::of_dry_run(dry_run);
        let deadlines = Deadlines { queue: started + self.0.queue_timeout, answer };
        let id = uuid::Uuid::now_v7().to_string().into();
        let invoker = plugins.invoker(&route.tenant, &id, deadlines, records.clone());
        let result = timeout_at(answer, answered(route, body, &invoker)).await;
        let result = result.unwrap_or(Err(CallError::OutOfTime("deadline").into()));
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (status, code) = match &result {
            Ok(_) => (StatusCode::OK, "ok"),
            Err(error) => error.status_and_code(),
        };
        let detail = result.as_ref().err().map(|error| match error.detail() {
            Some(detail) => format!("{error}: {detail}"),
            None => error.to_string(),
        });
        let CallbackResponse { body, left_out, shortened } =
            result.unwrap_or_else(|_| CallbackResponse { body: Vec::new(), left_out: 0, shortened: false });
        let (calls, lines) = (records.take(), records.take_lines());
        Ok(Reply { status, code, detail, body, left_out, shortened, took_us, deadline_ms, calls, lines })
    }
}

async fn answered(route: &Route, body: &[u8], invoker: &PluginInvoker) -> Result<CallbackResponse, Error> {
    let form = Form::parse(body).map_err(|_| Error::NotForm)?;
    let frontline = Frontline { route, form: &form, query: None, invoker };
    match route.callback {
        Callback::Crm => frontline.crm(&mut ()).await,
        Callback::Templates => frontline.templates(&mut ()).await,
        Callback::Outgoing => frontline.outgoing(&mut ()).await,
        Callback::Routing => Ok(decision(json::json(&assignment(route, &form, invoker).await?))),
        Callback::Conversations => webhook(route, &form, invoker).await,
        // Refused before.
        Callback::Voice | Callback::VoiceStatus | Callback::VoiceRecording | Callback::VoiceEnded => {
            Err(Error::UnknownAddress)
        }
    }
}

/// Asks the routing plugins in order. The first that names a worker decides.
async fn assignment(route: &Route, form: &Form<'_>, invoker: &PluginInvoker) -> Result<Option<Assignment>, Error> {
    let conversation = routing::decode(form, &route.tenant.numbers)?.conversation;
    for plugin in invoker.candidates(Role::Routing).into_iter().flatten() {
        match invoker.call(&plugin, Role::Routing).route(conversation.clone()).await {
            Ok(Some(assignment)) => return Ok(Some(assignment)),
            Ok(None) | Err(CallError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(route.tenant.default_worker.clone().map(Assignment::Worker))
}

async fn webhook(route: &Route, form: &Form<'_>, invoker: &PluginInvoker) -> Result<CallbackResponse, Error> {
    match conversations::decode(form, &route.tenant.numbers)? {
        Event::ConversationAdd(event) => {
            let verdict = invoker.conversation_add(event.clone()).await?;
            Ok(conversations::conversation(verdict, &event)?)
        }
        Event::Pre(_) if route.tenant.roles.conversations.is_empty() => Ok(conversations::unchanged()),
        Event::Pre(event) => Ok(decide(invoker, event).await??),
        Event::ParticipantAdded(event) => Ok(decision(json::json(&invoker.participant_added(event).await?))),
        Event::Other(event) => {
            if invoker.has(Role::Conversations) {
                let plugin = invoker.plugin(Role::Conversations)?;
                invoker.call(&plugin, Role::Conversations).on_event(event).await?;
            }
            Ok(conversations::unchanged())
        }
    }
}

/// Returns a decision that Twilio does not wait for.
fn decision(decided: serde_json::Value) -> CallbackResponse {
    CallbackResponse { body: json!({ "decision": decided }).to_string().into_bytes(), left_out: 0, shortened: false }
}
