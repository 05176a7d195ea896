//! What a platform tells: events are on disk before they are acknowledged, and worked off afterwards.
//! Only what happens next waits for a plugin: whether a message may pass, how a conversation looks.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_delivery::job::{Kind, NewDelivery};
use frontgate_delivery::store::{Accepted, StoredAnswer};
use frontgate_runtime::CallError;
use frontgate_twilio::replay;
use frontgate_twilio_callbacks::conversations;
use frontgate_twilio_callbacks::conversations::{Event, Moment};
use frontgate_twilio_callbacks::error::EncodeError;
use frontgate_twilio_callbacks::{Answer, routing};
use tokio::time::timeout_at;

use super::trip::Trip;
use super::{Gateway, Question};
use crate::error::Error;

impl Gateway {
    /// Somebody will get this conversation: who, is decided from the queue.
    pub(super) async fn routing(&self, question: &Question<'_>, trip: &mut Trip<'_>) -> Result<Answer, Error> {
        let tenant = &question.route.tenant;
        let conversation = routing::decode(question.form, &tenant.numbers)?.conversation.conversation_sid;
        if tenant.roles.routing.is_empty() && tenant.default_worker.is_none() {
            return Err(CallError::NoPlugin(Role::Routing).into());
        }
        let identity = format!("routing {conversation}");
        self.accept(question, trip, identity, Kind::Routing, "routing", &conversation).await
    }

    pub(super) async fn conversations(&self, question: &Question<'_>, trip: &mut Trip<'_>) -> Result<Answer, Error> {
        let moment = conversations::moment(question.form);
        if moment == Moment::Before && question.route.tenant.webhooks_fail_open() {
            trip.fail_open();
        }
        trip.event(conversations::name(question.form));
        match conversations::decode(question.form, &question.route.tenant.numbers)? {
            Event::ConversationAdd(event) => {
                if let Some(before) = self.answered_before(question).await {
                    return before;
                }
                let asking = self.asking(question, trip);
                trip.answered_by(&asking);
                let changes = asking.conversation_add(event.clone()).await?;
                self.remember(question, Ok(conversations::encode_conversation(&changes, &event))).await
            }
            Event::MessageAdd(event) => {
                if let Some(before) = self.answered_before(question).await {
                    return before;
                }
                let asking = self.asking(question, trip);
                trip.answered_by(&asking);
                let verdict = asking.message_add(event).await?;
                self.remember(question, conversations::encode_verdict(verdict).map_err(Error::from)).await
            }
            Event::ParticipantAdded(event) => {
                if self.asking(question, trip).conversations_role().is_none() {
                    return Ok(conversations::unchanged());
                }
                self.stored(question, trip, &event.conversation_sid).await
            }
            Event::Other(_) => {
                if question.route.tenant.roles.conversations.is_empty() {
                    return Ok(conversations::unchanged());
                }
                let form = question.form;
                let about = ["ConversationSid", "UserSid", "ChatServiceSid"];
                let about = about.iter().find_map(|name| form.get(name)).unwrap_or("-");
                self.stored(question, trip, about).await
            }
        }
    }

    /// An event of the Conversations webhooks, for later.
    async fn stored(&self, question: &Question<'_>, trip: &Trip<'_>, conversation: &str) -> Result<Answer, Error> {
        let form = question.form;
        self.accept(
            question,
            trip,
            conversations::identity(form),
            Kind::Conversations,
            conversations::name(form),
            conversation,
        )
        .await
    }

    async fn accept(
        &self,
        question: &Question<'_>,
        trip: &Trip<'_>,
        identity: String,
        kind: Kind,
        name: &str,
        conversation: &str,
    ) -> Result<Answer, Error> {
        let tenant = &question.route.tenant.name;
        let fields: Vec<_> = question.form.pairs().collect();
        let event = NewDelivery {
            tenant: Arc::clone(tenant),
            kind,
            name: name.to_owned(),
            conversation: conversation.to_owned(),
            payload: serde_json::to_string(&fields).expect("pairs of texts"),
            channel: None,
            message: None,
            request: Arc::clone(trip.id()),
        };
        // Twilio's own repeats have the event's identity; other replays have the same signature.
        let identities = vec![identity, replay::key(question.signature)];
        let answer = conversations::unchanged();
        let told = StoredAnswer { body: answer.body.clone(), rejected: false };
        let accepted = self.store.accept(tenant, identities, told, Some(event));
        match timeout_at(question.deadlines.answer, accepted).await {
            Ok(Ok(Accepted::New)) => Ok(answer),
            Ok(Ok(Accepted::Repeated(told))) => again(told),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Error::NotStored("the callback's deadline passed".to_owned())),
        }
    }

    /// What the first attempt at this very request was answered, if this is not the first.
    async fn answered_before(&self, question: &Question<'_>) -> Option<Result<Answer, Error>> {
        let identity = token(question)?;
        let found = timeout_at(question.deadlines.answer, self.store.answer(&question.route.tenant.name, identity));
        match found.await {
            Ok(Ok(Some(told))) => Some(again(told)),
            _ => None,
        }
    }

    /// Keeps an answer for the next attempt at the same request. What another attempt said first stands.
    async fn remember(&self, question: &Question<'_>, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        let Some(identity) = token(question) else {
            return answer;
        };
        let told = match &answer {
            Ok(answer) => StoredAnswer { body: answer.body.clone(), rejected: false },
            Err(_) => StoredAnswer { body: Vec::new(), rejected: true },
        };
        let accepted = self.store.accept(&question.route.tenant.name, vec![identity], told, None);
        match timeout_at(question.deadlines.answer, accepted).await {
            Ok(Ok(Accepted::Repeated(told))) => again(told),
            _ => answer,
        }
    }
}

/// The answer that was given before.
fn again(told: StoredAnswer) -> Result<Answer, Error> {
    if told.rejected {
        return Err(EncodeError::Rejected("as at the first attempt".to_owned()).into());
    }
    Ok(Answer { body: told.body, ..conversations::unchanged() })
}

/// The same for every attempt at one question, and for one question only: what is about to happen can happen again,
/// with the same words. The header is not signed, so a token counts for what was signed with it.
fn token(question: &Question<'_>) -> Option<String> {
    let token = question.token.filter(|token| !token.is_empty() && token.len() <= 256)?;
    let digest = question.form.digest_without(conversations::RETRY_COUNT);
    Some(format!("{} token {token} {digest}", question.route.callback.name()))
}
