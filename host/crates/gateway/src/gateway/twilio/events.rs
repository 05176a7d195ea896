//! Stores events before they are acknowledged, and repeats the response if a request is repeated.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_delivery::Store;
use frontgate_delivery::job::{Kind, NewDelivery};
use frontgate_delivery::store::{Accepted, StoredAnswer};
use frontgate_runtime::CallError;
use frontgate_twilio::replay;
use frontgate_twilio_callbacks::error::EncodeError;
use frontgate_twilio_callbacks::voice::{self, CallEvent};
use frontgate_twilio_callbacks::{CallbackResponse, conversations, routing};
use tokio::time::timeout_at;

use super::super::request_context::RequestContext;
use super::super::request_record::Stage;
use super::verified::VerifiedRequest;
use crate::error::Error;

/// Maximum length of an idempotency token in bytes; a longer token is ignored.
const TOKEN_BYTES_MAX: usize = 256;

/// Stores the events of one request, and looks up its earlier responses.
#[derive(Clone, Copy)]
pub(super) struct EventIntake<'r> {
    pub(super) store: &'r Store,
    pub(super) request: &'r VerifiedRequest<'r>,
}

impl EventIntake<'_> {
    /// Stores a new conversation; a delivery assigns the conversation to a worker.
    pub(super) async fn routing(&self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        let tenant = &self.request.route.tenant;
        let conversation = routing::decode(self.request.form, &tenant.numbers)?.conversation.conversation_sid;
        if tenant.roles.routing.is_empty() && tenant.default_worker.is_none() {
            return Err(CallError::NoPlugin(Role::Routing).into());
        }
        let identity = format!("routing {conversation}");
        let fields = self.request.form.pairs().collect();
        let identities = vec![identity, self.replay()];
        self.accept(context, identities, Kind::Routing, "routing", &conversation, fields).await
    }

    /// Stores an event of the Conversations webhooks.
    pub(super) async fn webhook(
        &self,
        context: &mut RequestContext<'_>,
        conversation: &str,
    ) -> Result<CallbackResponse, Error> {
        let form = self.request.form;
        let (identity, name) = (conversations::identity(form), conversations::name(form));
        let identities = vec![identity, self.replay()];
        self.accept(context, identities, Kind::Conversations, name, conversation, form.pairs().collect()).await
    }

    /// Stores an event of a call, as an event of the Conversations webhooks, or the end of the call.
    pub(super) async fn call(
        &self,
        context: &mut RequestContext<'_>,
        identities: Vec<String>,
        kind: Kind,
        event: CallEvent,
        key: &str,
    ) -> Result<(), Error> {
        let fields = voice::fields(event, self.request.form);
        self.accept(context, identities, kind, event.name(), key, fields).await.map(drop)
    }

    /// Returns the identity of every request with the same signature.
    pub(super) fn replay(&self) -> String {
        replay::key(self.request.signature)
    }

    async fn accept(
        &self,
        context: &mut RequestContext<'_>,
        identities: Vec<String>,
        kind: Kind,
        name: &str,
        conversation: &str,
        fields: Vec<(&str, &str)>,
    ) -> Result<CallbackResponse, Error> {
        let tenant = &self.request.route.tenant.name;
        let event = NewDelivery {
            tenant: Arc::clone(tenant),
            kind,
            name: name.to_owned(),
            conversation: conversation.to_owned(),
            payload: serde_json::to_string(&fields).expect("pairs of texts"),
            channel: None,
            message: None,
            request: Arc::clone(context.id()),
        };
        // Twilio's own retries have the same event identity; other replays have the same signature.
        let response = conversations::unchanged();
        let told = StoredAnswer { body: response.body.clone(), rejected: false };
        let accepted = self.store.accept(tenant, identities, told, Some(event));
        context.record.end(Stage::Calls);
        let accepted = timeout_at(self.request.deadlines.answer, accepted).await;
        context.record.end(Stage::Store);
        match accepted {
            Ok(Ok(Accepted::New(delivery))) => {
                context.record.add_deliveries(delivery.as_slice());
                Ok(response)
            }
            Ok(Ok(Accepted::Repeated(told))) => repeat(told),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Error::NotStored("callback deadline exceeded".to_owned())),
        }
    }

    /// Returns the response to an earlier attempt at this request, if there was one.
    pub(super) async fn earlier_response(
        &self,
        context: &mut RequestContext<'_>,
    ) -> Option<Result<CallbackResponse, Error>> {
        let identity = self.attempt_identity()?;
        let found = self.store.answer(&self.request.route.tenant.name, identity);
        context.record.end(Stage::Calls);
        let found = timeout_at(self.request.deadlines.answer, found).await;
        context.record.end(Stage::Store);
        match found {
            Ok(Ok(Some(told))) => Some(repeat(told)),
            _ => None,
        }
    }

    /// Stores a response for later attempts at the same request. If one was stored before, the earlier response wins.
    pub(super) async fn remember(
        &self,
        response: Result<CallbackResponse, Error>,
        context: &mut RequestContext<'_>,
    ) -> Result<CallbackResponse, Error> {
        context.record.end(Stage::Calls);
        let Some(identity) = self.attempt_identity() else {
            return response;
        };
        let told = match &response {
            Ok(response) => StoredAnswer { body: response.body.clone(), rejected: false },
            Err(_) => StoredAnswer { body: Vec::new(), rejected: true },
        };
        let accepted = self.store.accept(&self.request.route.tenant.name, vec![identity], told, None);
        let accepted = timeout_at(self.request.deadlines.answer, accepted).await;
        context.record.end(Stage::Store);
        match accepted {
            Ok(Ok(Accepted::Repeated(told))) => repeat(told),
            _ => response,
        }
    }

    /// Returns the identity that all attempts at one request share. Two requests with equal content can be separate
    /// events, so the identity includes Twilio's token. The token is not signed, so the identity also includes the
    /// signed form.
    fn attempt_identity(&self) -> Option<String> {
        let token = self.request.token.filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)?;
        let digest = self.request.form.digest_without(conversations::RETRY_COUNT);
        Some(format!("{} token {token} {digest}", self.request.route.callback.name()))
    }
}

/// Converts a stored response to the result of the request.
fn repeat(told: StoredAnswer) -> Result<CallbackResponse, Error> {
    if told.rejected {
        return Err(EncodeError::Rejected("rejected at the first attempt".to_owned()).into());
    }
    Ok(CallbackResponse { body: told.body, ..conversations::unchanged() })
}
