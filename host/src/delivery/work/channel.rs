//! The channel that a delivery is about, and telling its plugin that it was removed.

use std::sync::Arc;

use super::{Settlement, Stop, Workshop, again, done, failed, sentence};
use crate::config::Role;
use crate::delivery::front::Front;
use crate::delivery::job::{Delivery, Kind};
use crate::delivery::store::front::{Channel, ChannelState};
use crate::error::Error;

/// What a delivery for Front is about.
pub(super) struct Subject {
    pub(super) front: Arc<Front>,
    pub(super) channel: Channel,
}

impl Workshop {
    /// The channel and its app, if both are still there.
    pub(super) async fn subject(&self, delivery: &Delivery) -> Result<Subject, Stop> {
        let id = delivery.channel.unwrap_or_default();
        let channel = self.store.channel(id).await.map_err(|error| again(format!("the store: {error}"), false))?;
        let gone = |reason: &str| Settlement::Refused { reason: reason.to_owned(), told: reason.to_owned() };
        let channel = channel.ok_or_else(|| gone("there is no such channel"))?;
        if channel.state == ChannelState::Removed && delivery.kind != Kind::Disconnect {
            return Err(gone("the channel was removed").into());
        }
        let Some(front) = self.fronts.get(&channel.app) else {
            let reason = format!("[tenants.NAME.front.{}] is not in the configuration any more", channel.app);
            return Err(again(reason, false).into());
        };
        Ok(Subject { front: Arc::clone(front), channel })
    }

    pub(super) async fn disconnect(&self, delivery: &Delivery) -> Result<Settlement, Stop> {
        let Subject { front, channel } = self.subject(delivery).await?;
        let connection = front.app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let asking = self.asking(delivery);
        let plugin = asking.channel(&front.app).map_err(|error| again(sentence(&error), true))?;
        match asking.call(&plugin, Role::Channel).disconnect(connection).await {
            Ok(()) => Ok(done()),
            Err(error @ (Error::NotFound | Error::Forbidden(_) | Error::Invalid(_) | Error::Failed(_))) => {
                Ok(failed(&error))
            }
            Err(Error::Trap { .. }) if delivery.attempts >= super::CRASHES_MAX => {
                Ok(Settlement::Failed { reason: "the plugin crashes over it".to_owned() })
            }
            Err(error) => Ok(again(format!("the plugin: {}", sentence(&error)), true)),
        }
    }
}
