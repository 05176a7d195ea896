//! Handler of failure reports: tells Front that a message was not delivered.
//!
//! Reports come from the provider, or from the gateway when it gives up on a message.

use frontgate_front::api;
use frontgate_front::api::Fate;

use super::channel::Subject;
use super::import::{ECHO_PAUSE, outcome, retry_after};
use super::{DeliveryContext, Outcome, Stop, retry, unread};
use crate::job::Delivery;
use crate::provider_event::Report;
use crate::store::front::ChannelState;

/// Maximum attempts to report a failure in a removed channel: Front may have removed the channel as well.
const FAREWELL_TRIES_MAX: u32 = 5;

impl DeliveryContext {
    pub(super) async fn status(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let Subject { front, channel } = self.subject(delivery).await?;
        let Ok(Report { message, reason }) = serde_json::from_str::<Report>(&delivery.payload) else {
            return Ok(Outcome::Failed { reason: "stored payload is not a report".to_owned() });
        };
        // Asked before the message is looked up: a message that settles in between is found.
        let is_mention = delivery.message.is_none();
        let maybe_in_flight =
            is_mention && self.store.has_message_in_flight(channel.id, delivery.since, None).await.map_err(unread)?;
        let (external_id, conversation) = match delivery.message {
            Some(message) => match self.store.message_ids(message).await.map_err(unread)? {
                Some(place) => place,
                None => return Ok(Outcome::Failed { reason: "message deleted from the store".to_owned() }),
            },
            None => match self.store.find_sent_message(channel.id, message).await.map_err(unread)? {
                Some(sent) => (sent.external_id, sent.external_conversation_id),
                None if maybe_in_flight => {
                    return Ok(retry_after("the report may be about a message in flight", ECHO_PAUSE));
                }
                None => return Ok(Outcome::Failed { reason: "failure report for an unknown message id".to_owned() }),
            },
        };
        let call = api::failed(&channel.channel_id, &conversation, &external_id, &reason);
        match front.call(delivery.replica, &channel, &call).await {
            // Front removed the channel as well.
            Fate::NotFound(reason) | Fate::Token(reason)
                if channel.state == ChannelState::Removed && delivery.attempts >= FAREWELL_TRIES_MAX =>
            {
                Ok(Outcome::Failed { reason })
            }
            // Repeating a report is harmless, and Front may know the message a moment later.
            Fate::Unclear(reason) | Fate::NotFound(reason) => Ok(retry(reason, false)),
            fate => Ok(outcome(fate)),
        }
    }
}
