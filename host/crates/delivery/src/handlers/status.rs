//! Front is told that a message did not arrive: the provider says so, or the gateway has given it up.

use frontgate_front::api;
use frontgate_front::api::Fate;

use super::channel::Subject;
use super::import::{ECHO_PAUSE, settle, wait};
use super::{Settlement, Stop, Workshop, again, unread};
use crate::provider_event::Report;
use crate::job::Delivery;
use crate::store::front::ChannelState;

/// How often Front is told of a failure in a channel that was removed: it may have removed it, too.
const FAREWELL_TRIES_MAX: u32 = 5;

impl Workshop {
    pub(super) async fn status(&self, delivery: &Delivery) -> Result<Settlement, Stop> {
        let Subject { front, channel } = self.subject(delivery).await?;
        let Ok(Report { message, reason }) = serde_json::from_str::<Report>(&delivery.payload) else {
            return Ok(Settlement::Failed { reason: "what is kept is no report".to_owned() });
        };
        let (external_id, conversation) = match delivery.message {
            Some(message) => match self.store.place(message).await.map_err(unread)? {
                Some(place) => place,
                None => return Ok(Settlement::Failed { reason: "the message is not known any more".to_owned() }),
            },
            None => match self.store.sent_as(channel.id, message).await.map_err(unread)? {
                Some(sent) => (sent.external_id, sent.external_conversation_id),
                None if self.store.is_sending(channel.id, delivery.since, None).await.map_err(unread)? => {
                    return Ok(wait("it may be about a message that is under way", ECHO_PAUSE));
                }
                None => return Ok(Settlement::Failed { reason: "no message of this id went out here".to_owned() }),
            },
        };
        let call = api::failed(&channel.channel_id, &conversation, &external_id, &reason);
        match front.call(&channel, &call).await {
            // Front removed it, too.
            Fate::NotFound(reason) | Fate::Token(reason)
                if channel.state == ChannelState::Removed && delivery.attempts >= FAREWELL_TRIES_MAX =>
            {
                Ok(Settlement::Failed { reason })
            }
            // Twice is as good as once, and what Front does not know yet it may know in a moment.
            Fate::Unclear(reason) | Fate::NotFound(reason) => Ok(again(reason, false)),
            fate => Ok(settle(fate)),
        }
    }
}
