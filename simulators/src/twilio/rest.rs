//! The REST API: routes a request, applies the change, responds, and fires webhooks.

mod addresses;
mod content;
mod conversations;
mod media;
mod messages;
mod numbers;
mod page;
mod participants;
mod users;
mod webhooks;

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use crate::common::reply::Reply;
use crate::twilio::events::{Event, Origin};
use crate::twilio::fault::Call;
use crate::twilio::problem::Problem;
use crate::twilio::record::{Authorization, Effect};
use crate::twilio::state::Shared;
use crate::twilio::webhook::PreEventOutcome;
use crate::twilio::world::World;

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) call: Call,
    /// `/v1`, `/v1/Services/{IS}`, or `/frontline/v1`.
    pub(crate) base: String,
    pub(crate) service: Option<String>,
    pub(crate) conversation: Option<String>,
    pub(crate) participant: Option<String>,
    /// The last segment of the path.
    pub(crate) last: String,
}

impl Place {
    pub(crate) fn find(method: &str, path: &str) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments: Vec<_> = path.split('/').skip(1).map(decode).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let (service, rest) = match segments.as_slice() {
            ["v1", "Services", service, rest @ ..] => (Some((*service).to_owned()), rest),
            ["v1", rest @ ..] => (None, rest),
            ["temporary", _] | ["frontline", "v1", ..] | ["2010-04-01", ..] => (None, segments.as_slice()),
            _ => (None, [].as_slice()),
        };
        let base = match &service {
            Some(service) => format!("/v1/Services/{service}"),
            None if rest.first() == Some(&"frontline") => "/frontline/v1".to_owned(),
            None => "/v1".to_owned(),
        };
        let call = match (method, rest) {
            ("GET", ["Conversations"]) => Call::ListConversations,
            ("POST", ["Conversations"]) => Call::CreateConversation,
            ("GET", ["Conversations", _]) => Call::FetchConversation,
            ("POST", ["Conversations", _]) => Call::UpdateConversation,
            ("DELETE", ["Conversations", _]) => Call::RemoveConversation,
            ("GET", ["Conversations", _, "Participants"]) => Call::ListParticipants,
            ("POST", ["Conversations", _, "Participants"]) => Call::AddParticipant,
            ("GET", ["Conversations", _, "Participants", _]) => Call::FetchParticipant,
            ("POST", ["Conversations", _, "Participants", _]) => Call::UpdateParticipant,
            ("DELETE", ["Conversations", _, "Participants", _]) => Call::RemoveParticipant,
            ("POST", ["Conversations", _, "Messages"]) => Call::CreateMessage,
            ("GET", ["Conversations", _, "Messages"]) => Call::ListMessages,
            ("GET", ["Conversations", _, "Messages", _]) => Call::FetchMessage,
            ("POST", ["Conversations", _, "Messages", _]) => Call::UpdateMessage,
            ("DELETE", ["Conversations", _, "Messages", _]) => Call::RemoveMessage,
            ("GET", ["Conversations", _, "Messages", _, "Receipts"]) => Call::ListReceipts,
            ("POST", ["Conversations", _, "Webhooks"]) => Call::AddScopedWebhook,
            ("GET", ["Conversations", _, "Webhooks"]) => Call::ListScopedWebhooks,
            ("GET", ["Conversations", _, "Webhooks", _]) => Call::FetchScopedWebhook,
            ("POST", ["Conversations", _, "Webhooks", _]) => Call::UpdateScopedWebhook,
            ("DELETE", ["Conversations", _, "Webhooks", _]) => Call::RemoveScopedWebhook,
            ("POST", ["Media"]) if service.is_some() => Call::UploadMedia,
            ("GET", ["Media", _]) if service.is_some() => Call::FetchMedia,
            ("GET", ["Media", _, "Content"]) if service.is_some() => Call::FetchContent,
            ("GET", ["temporary", _]) => Call::DownloadContent,
            ("GET", ["frontline", _, "Users", _]) => Call::FetchUser,
            ("POST", ["frontline", _, "Users", _]) => Call::UpdateUser,
            ("GET", ["ParticipantConversations"]) => Call::ParticipantConversations,
            ("GET", ["Content"]) if service.is_none() => Call::ListContents,
            ("GET", ["ContentAndApprovals"]) if service.is_none() => Call::ListContentsAndApprovals,
            ("GET", ["Content", _]) if service.is_none() => Call::FetchTemplate,
            ("GET", ["Content", _, "ApprovalRequests"]) if service.is_none() => Call::FetchApproval,
            ("GET", ["Configuration"]) if service.is_none() => Call::FetchConfiguration,
            ("GET", ["Configuration", "Webhooks"]) => Call::FetchWebhooks,
            ("POST", ["Configuration", "Webhooks"]) => Call::UpdateWebhooks,
            ("GET", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers.json"]) => Call::ListNumbers,
            ("POST", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers", _]) => Call::UpdateNumber,
            ("GET", ["2010-04-01", "Accounts", _, "Recordings", _]) => Call::FetchRecording,
            // Address configurations belong to the account, not to a service.
            ("GET", ["Configuration", "Addresses"]) if service.is_none() => Call::ListAddresses,
            ("POST", ["Configuration", "Addresses"]) if service.is_none() => Call::CreateAddress,
            ("GET", ["Configuration", "Addresses", _]) if service.is_none() => Call::FetchAddress,
            ("POST", ["Configuration", "Addresses", _]) if service.is_none() => Call::UpdateAddress,
            ("DELETE", ["Configuration", "Addresses", _]) if service.is_none() => Call::RemoveAddress,
            _ => Call::Unknown,
        };
        let named = |kind: &str, at: usize| {
            let found = rest.get(at).filter(|_| rest.get(at - 1) == Some(&kind));
            found.map(|name| (*name).to_owned())
        };
        let (conversation, participant) = (named("Conversations", 1), named("Participants", 3));
        let last = rest.last().copied().unwrap_or_default().to_owned();
        Self { call, base, service, conversation, participant, last }
    }
}

/// A request with its complete body.
#[derive(Debug, Clone)]
pub(crate) struct RestRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) place: Place,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) is_form: bool,
    pub(crate) content_type: String,
    /// The raw body.
    pub(crate) bytes: Bytes,
    pub(crate) authorization: Authorization,
    pub(crate) webhook_enabled: bool,
    /// The base of URLs in the response.
    pub(crate) url: String,
    /// The base of download URLs.
    pub(crate) storage_url: String,
}

impl RestRequest {
    fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a field, or `None` if the value is empty.
    fn filled(&self, name: &str) -> Option<String> {
        self.field(name).filter(|value| !value.is_empty()).map(ToOwned::to_owned)
    }

    fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn base(&self) -> String {
        format!("{}{}", self.url, self.place.base)
    }

    /// Adds the service to a resource that names it only below `/Services/{IS}`.
    fn within_service(&self, mut resource: Value) -> Value {
        if let Some(service) = &self.place.service {
            resource["chat_service_sid"] = service.as_str().into();
        }
        resource
    }

    fn conversation(&self) -> &str {
        self.place.conversation.as_deref().unwrap_or_default()
    }

    fn participant(&self) -> &str {
        self.place.participant.as_deref().unwrap_or_default()
    }

    fn message(&self) -> &str {
        let mut segments = self.path.split('/').skip_while(|segment| *segment != "Messages");
        segments.nth(1).unwrap_or_default()
    }

    fn media(&self) -> &str {
        let mut segments = self.path.split('/').skip_while(|segment| !matches!(*segment, "Media" | "temporary"));
        segments.nth(1).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: String) {
        self.form.retain(|(known, _)| known != name);
        self.form.push((name.to_owned(), value));
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        let reply = Self::new(problem.status, problem.body().to_string());
        if problem.status == 401 { reply.header("www-authenticate", "Basic realm=\"Twilio API\"") } else { reply }
    }
}

/// The result of a successful request.
struct Done {
    status: u16,
    body: Option<Value>,
    effects: Vec<Effect>,
    /// The pre event, which may reject the request.
    before: Option<Event>,
    after: Vec<Event>,
}

impl Done {
    fn read(body: Value) -> Self {
        Self { status: 200, body: Some(body), effects: Vec::new(), before: None, after: Vec::new() }
    }
}

/// Executes a request. Returns the response, and whether the request had an effect.
pub(crate) async fn act(shared: &Arc<Shared>, mut request: RestRequest) -> (Reply, bool) {
    if request.place.call == Call::DownloadContent {
        let reply = shared.read(|state| media::download(&state.world, &request));
        let acted = reply.status == 200;
        return (reply, acted);
    }
    if let Err(problem) = shared.read(|state| guard(&state.world, &request)) {
        return (problem.into(), false);
    }
    if let Call::FetchContent | Call::FetchRecording = request.place.call {
        let reply = shared.read(|state| match request.place.call {
            Call::FetchContent => media::content(&state.world, &request),
            _ => numbers::recording(&state.world, &request),
        });
        let acted = reply.is_ok();
        return (reply.unwrap_or_else(Reply::from), acted);
    }
    let origin = Origin::api();
    if request.webhook_enabled {
        // Apply the change to a copy first: the pre event contains the result.
        let mut copy = shared.read(|state| state.world.clone());
        if let Ok(Done { before: Some(event), .. }) = perform(&mut copy, &request) {
            let name = event.name;
            match shared.fire_pre(event, &origin).await {
                PreEventOutcome::Through(changes) => {
                    if let Some(friendly_name) = changes.friendly_name {
                        request.set("FriendlyName", friendly_name);
                    }
                    if let Some(attributes) = changes.attributes {
                        request.set("Attributes", attributes.to_string());
                    }
                    if let Some(body) = changes.body {
                        request.set("Body", body);
                    }
                    if let Some(author) = changes.author {
                        request.set("Author", author);
                    }
                }
                PreEventOutcome::Rejected { .. } => return (Problem::rejected(name).into(), false),
                PreEventOutcome::Invalid(error) => return (Problem::invalid_answer(name, &error).into(), false),
            }
        }
    }
    let done = shared.update(|state| {
        let done = perform(&mut state.world, &request)?;
        state.effects.extend(done.effects.iter().cloned());
        Ok(done)
    });
    let done: Done = match done {
        Ok(done) => done,
        Err(problem) => return (Problem::into(problem), false),
    };
    if request.webhook_enabled {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            for event in done.after {
                shared.fire_post(event, &origin).await;
            }
        });
    }
    (Reply::new(done.status, done.body.map(|body| body.to_string()).unwrap_or_default()), true)
}

fn guard(world: &World, request: &RestRequest) -> Result<(), Problem> {
    if !matches!(request.authorization, Authorization::AuthToken | Authorization::ApiKey) {
        return Err(Problem::authenticate());
    }
    if !matches!(request.method.as_str(), "GET" | "POST" | "DELETE") {
        return Err(Problem::method_not_allowed());
    }
    if request.place.service.as_ref().is_some_and(|service| *service != world.service_sid) {
        return Err(Problem::not_found(&request.path));
    }
    let account = request.path.strip_prefix("/2010-04-01/Accounts/").and_then(|rest| rest.split('/').next());
    if account.is_some_and(|account| account != world.account_sid) {
        return Err(Problem::not_found(&request.path));
    }
    if !request.is_form && request.place.call != Call::UploadMedia {
        // [?] Twilio's response to other content types is undocumented. The body is ignored.
        return Err(Problem::invalid("The body must be application/x-www-form-urlencoded"));
    }
    Ok(())
}

fn perform(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    match request.place.call {
        Call::AddParticipant => participants::add(world, request),
        Call::FetchParticipant => participants::fetch(world, request),
        Call::UpdateParticipant => participants::update(world, request),
        Call::RemoveParticipant => participants::remove(world, request),
        Call::ListParticipants => participants::list(world, request),
        Call::CreateConversation => conversations::create(world, request),
        Call::FetchConversation => conversations::fetch(world, request),
        Call::UpdateConversation => conversations::update(world, request),
        Call::RemoveConversation => conversations::remove(world, request),
        Call::ListConversations => conversations::list(world, request),
        Call::ParticipantConversations => participants::conversations(world, request),
        Call::CreateMessage => messages::create(world, request),
        Call::FetchMessage => messages::fetch(world, request),
        Call::ListMessages => messages::list(world, request),
        Call::UpdateMessage => messages::update(world, request),
        Call::RemoveMessage => messages::remove(world, request),
        Call::ListReceipts => messages::receipts(world, request),
        Call::UploadMedia => media::upload(world, request),
        Call::FetchMedia => media::fetch(world, request),
        Call::AddScopedWebhook => addresses::add_webhook(world, request),
        Call::ListScopedWebhooks => addresses::list_webhooks(world, request),
        Call::FetchScopedWebhook => addresses::fetch_webhook(world, request),
        Call::UpdateScopedWebhook => addresses::update_webhook(world, request),
        Call::RemoveScopedWebhook => addresses::remove_webhook(world, request),
        Call::ListAddresses => addresses::list_addresses(world, request),
        Call::CreateAddress => addresses::create_address(world, request),
        Call::FetchAddress => addresses::fetch_address(world, request),
        Call::UpdateAddress => addresses::update_address(world, request),
        Call::RemoveAddress => addresses::remove_address(world, request),
        Call::FetchUser => users::fetch(world, request),
        Call::UpdateUser => users::update(world, request),
        Call::ListContents => content::list(world, request, false),
        Call::ListContentsAndApprovals => content::list(world, request, true),
        Call::FetchTemplate => content::fetch(world, request),
        Call::FetchApproval => content::approval(world, request),
        Call::FetchConfiguration => Ok(webhooks::configuration(world, request)),
        Call::FetchWebhooks => Ok(webhooks::fetch(world, request)),
        Call::UpdateWebhooks => webhooks::update(world, request),
        Call::ListNumbers => Ok(numbers::list(world, request)),
        Call::UpdateNumber => numbers::update(world, request),
        Call::FetchContent | Call::DownloadContent | Call::FetchRecording | Call::Unknown | Call::Any => {
            Err(Problem::not_found(&request.path))
        }
    }
}

/// Identifies the credentials of a request.
pub(crate) fn authorization(header: Option<&str>, credentials: &[(String, String)]) -> Authorization {
    let Some(header) = header else { return Authorization::Missing };
    let Some(encoded) = header.strip_prefix("Basic ") else { return Authorization::Wrong };
    let Ok(decoded) = BASE64_STANDARD.decode(encoded) else { return Authorization::Wrong };
    let decoded = String::from_utf8_lossy(&decoded);
    if credentials.is_empty() {
        return if decoded.starts_with("SK") { Authorization::ApiKey } else { Authorization::AuthToken };
    }
    let known = credentials.iter().find(|(user, secret)| decoded == format!("{user}:{secret}"));
    match known {
        Some((user, _)) if user.starts_with("SK") => Authorization::ApiKey,
        Some(_) => Authorization::AuthToken,
        None => Authorization::Wrong,
    }
}

/// Parses a form or a query into pairs.
pub(crate) fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().collect()
}
