//! A teammate's message. It is stored first. The response contains its outcome if that is known in time, or else a
//! promise that the message will be sent.

use std::pin::pin;
use std::sync::Arc;

use frontgate_delivery::Store;
use frontgate_delivery::store::front::{Channel, Hints, Incoming};
use frontgate_front::replies::ChannelResponse;
use frontgate_front::requests::{Kind, Message};
use tokio::time::timeout_at;

use super::super::request_context::RequestContext;
use super::super::request_record::Stage;
use super::verified::{VerifiedRequest, new_id, within};
use crate::error::Error;

/// Divisor of a request's time for storing the promise: one twentieth.
const PROMISE_DIVISOR: u32 = 20;

/// A message that a teammate sends through a channel.
pub(super) struct TeammateMessage<'r> {
    pub(super) store: &'r Store,
    pub(super) request: &'r VerifiedRequest<'r>,
    pub(super) channel: &'r Channel,
    pub(super) message: &'r Message,
}

impl TeammateMessage<'_> {
    /// Stores the message and waits for its outcome.
    pub(super) async fn respond(&self, context: &mut RequestContext<'_>) -> Result<ChannelResponse, Error> {
        let (store, deadline) = (self.store, self.request.deadline);
        let tenant = &self.request.route.tenant.name;
        context.record.end(Stage::Calls);
        context.record.set_conversation(self.message.front_conversation_id.as_deref());
        let kept = within(deadline, store.accept_message(self.incoming(context))).await;
        context.record.end(Stage::Store);
        let kept = kept?;
        context.record.add_deliveries(kept.delivery.as_slice());
        if let Some(answer) = kept.answer {
            return Ok(answer);
        }
        let watch = store.watch_message(kept.message);
        let mut changed = pin!(watch.notified());
        // Register before reading the outcome, so that no change between the two is missed.
        changed.as_mut().enable();
        if let Some(answer) = within(deadline, store.message_answer(tenant, kept.message)).await? {
            return Ok(answer);
        }
        let outcome_deadline = deadline - self.request.route.app.timeout / PROMISE_DIVISOR;
        context.record.end(Stage::Store);
        let _ = timeout_at(outcome_deadline, changed).await;
        context.record.end(Stage::Calls);
        within(deadline, store.promise_answer(tenant, self.channel.id, kept.message)).await
    }

    fn incoming(&self, context: &RequestContext<'_>) -> Incoming {
        let (channel, message) = (self.channel, self.message);
        Incoming {
            channel: channel.id,
            tenant: Arc::clone(&self.request.route.tenant.name),
            name: message.kind.name(),
            identity: message.idempotency_key(&channel.channel_id),
            front_id: message.id.clone(),
            hints: hints(message),
            minted: [new_id(), new_id()],
            // The verified body was already parsed as JSON, so it is UTF-8.
            payload: String::from_utf8_lossy(self.request.body).into_owned(),
            request: Arc::clone(context.id()),
        }
    }
}

/// Returns the data that identifies the message's conversation.
fn hints(message: &Message) -> Hints {
    Hints {
        ids: message.conversation_ids.clone(),
        front_id: message.front_conversation_id.clone(),
        replied_to: message.replied_to.clone(),
        handle: message.to.first().map(|party| party.handle.clone()),
        is_answer: message.kind == Kind::Autoreply,
    }
}
