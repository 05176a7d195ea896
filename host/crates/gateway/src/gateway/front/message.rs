//! A teammate's message: kept first, answered with what becomes of it if that is known in time, and
//! otherwise with the promise that it is on its way.

use std::pin::pin;
use std::sync::Arc;

use frontgate_delivery::store::front::{Channel, Hints, Incoming};
use frontgate_front::answers::Answer;
use frontgate_front::requests::{Kind, Message};
use tokio::time::timeout_at;

use super::super::trip::Trip;
use super::{Asked, mint, within};
use crate::error::Error;
use crate::gateway::Gateway;

impl Gateway {
    pub(super) async fn message(
        &self,
        asked: &Asked<'_>,
        channel: &Channel,
        message: &Message,
        trip: &Trip<'_>,
    ) -> Result<Answer, Error> {
        let incoming = Incoming {
            channel: channel.id,
            tenant: Arc::clone(&asked.route.tenant.name),
            name: message.kind.name(),
            identity: message.idempotency_key(&channel.channel_id),
            front_id: message.id.clone(),
            hints: hints(message),
            minted: [mint(), mint()],
            // What was verified was parsed as JSON before.
            payload: String::from_utf8_lossy(asked.body).into_owned(),
            request: Arc::clone(trip.id()),
        };
        let tenant = &asked.route.tenant.name;
        let kept = within(asked.deadline, self.store.accept_message(incoming)).await?;
        if let Some(answer) = kept.answer {
            return Ok(answer);
        }
        let watch = self.store.watch_message(kept.message);
        let mut changed = pin!(watch.notified());
        // From here on nothing is missed; what was decided before is read.
        changed.as_mut().enable();
        if let Some(answer) = within(asked.deadline, self.store.message_answer(tenant, kept.message)).await? {
            return Ok(answer);
        }
        // The last moments belong to the promise itself.
        let patience = asked.deadline - asked.route.app.timeout / 20;
        let _ = timeout_at(patience, changed).await;
        within(asked.deadline, self.store.promise_answer(tenant, kept.message)).await
    }
}

fn hints(message: &Message) -> Hints {
    Hints {
        ids: message.conversation_ids.clone(),
        front_id: message.front_conversation_id.clone(),
        replied_to: message.replied_to.clone(),
        handle: message.to.first().map(|party| party.handle.clone()),
        is_answer: message.kind == Kind::Autoreply,
    }
}
