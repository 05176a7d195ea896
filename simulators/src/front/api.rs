//! The REST API: routes a request, applies the change, and responds.

mod calls;
mod channels;
mod fetch;
mod messages;
mod templates;

use std::sync::Arc;
use std::time::Instant;

use percent_encoding::percent_decode_str;

use crate::common::reply::Reply;
use crate::front::admin;
use crate::front::draft::Connect;
use crate::front::fault::Call;
use crate::front::form::Form;
use crate::front::problem::Problem;
use crate::front::record::Authorization;
use crate::front::state::{Shared, State};
use crate::front::steps;

/// A parsed path with decoded names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) call: Call,
    names: Vec<String>,
}

impl Place {
    pub(crate) fn find(method: &str, path: &str) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments: Vec<_> = path.split('/').skip(1).map(decode).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let (call, names) = match (method, segments.as_slice()) {
            ("PATCH", ["channels", channel]) => (Call::UpdateChannel, vec![*channel]),
            ("POST", ["channels", channel, "inbound_messages"]) => (Call::Inbound, vec![*channel]),
            ("POST", ["channels", channel, "outbound_messages"]) => (Call::Outbound, vec![*channel]),
            ("PUT", ["channels", channel, "conversations", thread, "messages", message, "status"]) => {
                (Call::MessageStatus, vec![*channel, *thread, *message])
            }
            ("POST", ["inboxes", inbox, "channels"]) => (Call::CreateChannel, vec![*inbox]),
            ("PUT", ["channels", channel, "application_message_templates"]) => (Call::PutTemplate, vec![*channel]),
            ("PATCH", ["channels", channel, "application_message_templates", id]) => {
                (Call::PatchTemplate, vec![*channel, *id])
            }
            ("POST", ["channels", channel, "calls"]) => (Call::CreateCall, vec![*channel]),
            ("PATCH", ["channels", channel, "calls", id]) => (Call::UpdateCall, vec![*channel, *id]),
            ("POST", ["channels", channel, "calls", id, "recording"]) => (Call::AddRecording, vec![*channel, *id]),
            ("POST", ["channels", channel, "calls", id, "transcript"]) => (Call::AddTranscript, vec![*channel, *id]),
            ("POST", ["channels", channel, "calls", id, "summary"]) => (Call::AddSummary, vec![*channel, *id]),
            ("GET", ["messages", message]) => (Call::FetchMessage, vec![*message]),
            ("GET", ["messages", message, "download", file]) => (Call::Download, vec![*message, *file]),
            ("GET", ["conversations", conversation]) => (Call::FetchConversation, vec![*conversation]),
            _ => (Call::Unknown, Vec::new()),
        };
        Self { call, names: names.into_iter().map(ToOwned::to_owned).collect() }
    }

    /// Returns the place of every request to the storage.
    pub(crate) fn storage() -> Self {
        Self { call: Call::Storage, names: Vec::new() }
    }

    /// Returns the id of the channel in the path. Resolves an alias.
    pub(crate) fn channel(&self, state: &State) -> Option<String> {
        let is_channel = matches!(
            self.call,
            Call::UpdateChannel
                | Call::Inbound
                | Call::Outbound
                | Call::MessageStatus
                | Call::PutTemplate
                | Call::PatchTemplate
                | Call::CreateCall
                | Call::UpdateCall
                | Call::AddRecording
                | Call::AddTranscript
                | Call::AddSummary
        );
        let name = self.names.first().filter(|_| is_channel)?;
        Some(state.world.channel(name).map_or_else(|| name.clone(), |channel| channel.id.clone()))
    }
}

/// A request with its complete body.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) place: Place,
    pub(crate) channel: Option<String>,
    pub(crate) authorization: Authorization,
    /// The parsed body, or the body's problem, which is reported after all other errors.
    pub(crate) form: Result<Form, Problem>,
    /// The index of the request's record.
    pub(crate) index: usize,
}

impl ApiRequest {
    fn name(&self, at: usize) -> &str {
        &self.place.names[at]
    }
}

/// The result of a successful request.
struct Done {
    reply: Reply,
    /// The id of the message to import.
    accepted: Option<String>,
    /// The channel to authorize at the app's server.
    created: Option<(String, Connect)>,
}

impl From<Reply> for Done {
    fn from(reply: Reply) -> Self {
        Self { reply, accepted: None, created: None }
    }
}

/// Executes a request and returns the response.
pub(crate) fn act(shared: &Arc<Shared>, request: &ApiRequest) -> Reply {
    match perform(shared, request) {
        Ok(Done { reply, accepted, created }) => {
            if let Some((id, connect)) = created {
                let shared = Arc::clone(shared);
                tokio::spawn(async move { admin::authorize(&shared, id, connect).await });
            }
            if let Some(id) = accepted {
                tokio::spawn(steps::imported(Arc::clone(shared), id));
            }
            reply
        }
        Err(problem) => problem.into(),
    }
}

fn perform(shared: &Shared, request: &ApiRequest) -> Result<Done, Problem> {
    if request.place.call == Call::Unknown {
        return Err(Problem::not_found());
    }
    if request.place.call == Call::CreateChannel {
        return channels::create(shared, request);
    }
    let channel = allowed(request)?.to_owned();
    shared.update(|state| limit(state, request))?;
    if shared.read(|state| state.world.channel(&channel).is_none()) {
        return Err(Problem::not_found());
    }
    let form = request.form.clone()?;
    shared.update(|state| {
        let done = match request.place.call {
            Call::Inbound | Call::Outbound => messages::import(state, request, &channel, &form),
            Call::MessageStatus => channels::message_status(state, request, &channel, &form.fields),
            Call::UpdateChannel => channels::update(state, &channel, &form.fields),
            Call::PutTemplate => templates::put(state, &channel, &form.fields),
            Call::PatchTemplate => templates::patch(state, request, &channel, &form.fields),
            Call::CreateCall => calls::create(state, &channel, &form.fields),
            Call::UpdateCall | Call::AddRecording | Call::AddTranscript | Call::AddSummary => {
                calls::change(state, request, &channel, &form)
            }
            Call::Download => fetch::download(state, shared, request, &channel),
            Call::FetchMessage => fetch::message(&state.world, request, &channel, &shared.url),
            Call::FetchConversation => fetch::conversation(&state.world, request, &channel, &shared.url),
            Call::CreateChannel | Call::Storage | Call::Unknown | Call::Any => Err(Problem::not_found()),
        };
        state.requests[request.index].acted = done.is_ok();
        done
    })
}

/// Returns the channel of the token if it has access.
fn allowed(request: &ApiRequest) -> Result<&str, Problem> {
    match &request.authorization {
        Authorization::Missing => Err(Problem::unauthorized("no Authorization header")),
        Authorization::Wrong(why) => Err(Problem::unauthorized(why)),
        Authorization::Channel { channel, .. } => Ok(channel),
        // [?] Whether the Channel API accepts API tokens.
        Authorization::Api => Err(Problem::unauthorized("an API token")),
    }
}

fn limit(state: &mut State, request: &ApiRequest) -> Result<(), Problem> {
    let resource = request.channel.as_ref().or(request.place.names.first());
    let taken = state.limits.take(resource.map_or("", String::as_str), Instant::now());
    taken.map_err(|limited| {
        state.limited += 1;
        Problem::limited(limited)
    })
}
