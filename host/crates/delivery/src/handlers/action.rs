//! Handler of actions: changes a conversation as a plugin or an operator asked.
//!
//! - A message and a new participant must not be added twice: the intention is stored before the request is sent, and
//!   after an unknown outcome Twilio is asked first.
//! - All other changes set a value, or remove what may be gone already, so they are repeated.

use frontgate_store::crash;
use frontgate_twilio::action::{Action, MARK, NewMessage, NewParticipant};
use frontgate_twilio_rest::{ApiError, ConversationsApi, Message, Participant, Repeatable, describe};
use hyper::StatusCode;

use super::routing::{is_outage, still_unknown};
use super::{DeliveryContext, Stop, lease_lost};
use crate::actions::ActionPayload;
use crate::job::{Delivery, Outcome};

/// The stored intention of a request that must not be repeated blindly.
const PLAN: &str = "send";

/// Number of pages of messages that are searched for one whose outcome is unknown, each with 100 messages.
const PAGES_MAX: usize = 10;

impl DeliveryContext {
    pub(super) async fn action(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let payload: Result<ActionPayload, _> = serde_json::from_str(&delivery.payload);
        let ActionPayload { conversation, action } =
            payload.map_err(|error| Outcome::Failed { reason: format!("unreadable action: {error}") })?;
        self.account().map_err(|stop| if delivery.unknown { still_unknown(stop) } else { stop })?;
        match action {
            Action::PostMessage(message) => self.post(delivery, &conversation, &message).await,
            Action::AddParticipant(participant) => self.add(delivery, &conversation, &participant).await,
            Action::UpdateConversation(update) => {
                let fields = update.fields();
                let updated = self.turn(delivery).await?.update_conversation(&conversation, &fields).await;
                crash::point("after-send");
                Ok(self.settle_repeatable(updated))
            }
            Action::RemoveParticipant { participant } => self.remove(delivery, &conversation, &participant).await,
            Action::Transfer { from, to } => {
                let new = NewParticipant { identity: Some(to), ..NewParticipant::default() };
                match self.add(delivery, &conversation, &new).await? {
                    Outcome::Sent { .. } => self.remove(delivery, &conversation, &from).await,
                    other => Ok(other),
                }
            }
        }
    }

    async fn post(&self, delivery: &Delivery, conversation: &str, message: &NewMessage) -> Result<Outcome, Stop> {
        // A message that may have been posted before is looked up by its mark.
        let mark = mark(delivery);
        if delivery.unknown
            && let Some(found) = self.find_message(delivery, conversation, &mark).await?
        {
            return Ok(Outcome::Sent { result: Some(found.sid) });
        }
        self.plan_once(delivery).await?;
        crash::point("before-send");
        let posted = self.turn(delivery).await?.post_message(conversation, &message.fields(&mark)).await;
        crash::point("after-send");
        match posted {
            Ok(message) => Ok(Outcome::Sent { result: Some(message.sid) }),
            Err(failure) => Ok(match self.react(&failure, Repeatable::No) {
                // Twilio knows nothing by which it would recognize the message when it is sent again. It is asked once the
                // request can no longer take effect.
                Some(Outcome::Unknown { reason, asked, .. }) => {
                    Outcome::Unknown { reason, asked, after: Some(self.effect(delivery.kind)) }
                }
                other => other.unwrap_or(Outcome::Sent { result: None }),
            }),
        }
    }

    async fn add(
        &self,
        delivery: &Delivery,
        conversation: &str,
        participant: &NewParticipant,
    ) -> Result<Outcome, Stop> {
        if delivery.unknown
            && let Some(found) = self.find_participant(delivery, conversation, participant).await?
        {
            return Ok(Outcome::Sent { result: Some(found.sid) });
        }
        self.plan_once(delivery).await?;
        crash::point("before-send");
        let added = self.turn(delivery).await?.add_participant(conversation, &participant.fields()).await;
        crash::point("after-send");
        match added {
            Ok(participant) => Ok(Outcome::Sent { result: Some(participant.sid) }),
            Err(failure) => Ok(self.react(&failure, Repeatable::No).unwrap_or(Outcome::Sent { result: None })),
        }
    }

    async fn remove(&self, delivery: &Delivery, conversation: &str, participant: &str) -> Result<Outcome, Stop> {
        let removed = self.turn(delivery).await?.remove_participant(conversation, participant).await;
        crash::point("after-send");
        match removed {
            // Gone already.
            Err(ApiError::Rejected { status: StatusCode::NOT_FOUND, code: Some(_), .. }) => {
                Ok(Outcome::Sent { result: None })
            }
            removed => Ok(self.settle_repeatable(removed)),
        }
    }

    fn settle_repeatable(&self, done: Result<(), ApiError>) -> Outcome {
        let sent = Outcome::Sent { result: None };
        match done {
            Ok(()) => sent,
            Err(failure) => self.react(&failure, Repeatable::Yes).unwrap_or(sent),
        }
    }

    /// Stores that a request is about to be sent, so that a crash makes its outcome unknown.
    async fn plan_once(&self, delivery: &Delivery) -> Result<(), Stop> {
        if delivery.plan.is_none() && !self.plan(delivery, PLAN).await? {
            return Err(lease_lost().into());
        }
        crash::point("planned");
        Ok(())
    }

    /// Asks Twilio for the message of an earlier attempt, newest messages first.
    async fn find_message(&self, delivery: &Delivery, conversation: &str, mark: &str) -> Result<Option<Message>, Stop> {
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = self.ask(delivery).await?.messages(conversation, token.as_deref()).await;
            crash::point("asked");
            let page = match page {
                Ok(page) => page,
                Err(ApiError::Rejected { status: StatusCode::NOT_FOUND, code: Some(_), .. }) => return Ok(None),
                Err(failure) => return Err(self.unanswered_question(&failure)),
            };
            if let Some(found) = page.messages.into_iter().find(|message| is_marked(message, mark)) {
                return Ok(Some(found));
            }
            token = page.next;
            if token.is_none() {
                return Ok(None);
            }
        }
        let reason = format!("the conversation has more than {PAGES_MAX}00 messages; the earlier one was not found");
        Err(Outcome::Lost { reason }.into())
    }

    /// Asks Twilio for the participant of an earlier attempt.
    async fn find_participant(
        &self,
        delivery: &Delivery,
        conversation: &str,
        participant: &NewParticipant,
    ) -> Result<Option<Participant>, Stop> {
        let rest = self.ask(delivery).await?;
        let found = match &participant.identity {
            Some(identity) => rest.participant(conversation, identity).await.map(Some),
            None => rest.participants(conversation).await.map(|all| {
                let has_address = |one: &Participant| {
                    one.messaging_binding.as_ref().is_some_and(|binding| binding.address == participant.address)
                };
                all.into_iter().find(has_address)
            }),
        };
        crash::point("asked");
        match found {
            Ok(found) => Ok(found),
            Err(ApiError::Rejected { status: StatusCode::NOT_FOUND, code: Some(_), .. }) => Ok(None),
            Err(failure) => Err(self.unanswered_question(&failure)),
        }
    }

    async fn ask(&self, delivery: &Delivery) -> Result<&ConversationsApi, Stop> {
        self.turn(delivery).await.map_err(still_unknown)
    }

    /// Returns the outcome of a failed question about an earlier request.
    pub(super) fn unanswered_question(&self, failure: &ApiError) -> Stop {
        let reason = format!("failed to ask Twilio about the outcome: {}", describe(failure));
        match self.react(failure, Repeatable::Yes) {
            // An outage says nothing about this delivery, so it does not increment `questions`.
            Some(Outcome::Retry { after, .. }) if is_outage(failure) => {
                Outcome::Unknown { reason, asked: false, after }
            }
            _ => Outcome::Unknown { reason, asked: true, after: None },
        }
        .into()
    }
}

/// Returns the mark of a message, which is the same in every attempt.
fn mark(delivery: &Delivery) -> String {
    format!("{}-{}", delivery.request, delivery.id)
}

fn is_marked(message: &Message, mark: &str) -> bool {
    let attributes = message.attributes.as_deref().unwrap_or_default();
    let attributes: Option<serde_json::Value> = serde_json::from_str(attributes).ok();
    attributes.is_some_and(|attributes| attributes[MARK] == mark)
}
