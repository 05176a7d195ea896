//! The channel that a delivery is about; and telling its plugin that it was removed, and Front as well where
//! an operator did it.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_front::api;
use frontgate_front::api::{ChannelStatus, Fate};
use frontgate_runtime::error::CallError;

use super::{Settlement, Stop, Workshop, again, done, failed, sentence, unread};
use crate::front::Front;
use crate::job::{Delivery, Kind};
use crate::store::front::{Channel, ChannelState, Removal};

/// What a delivery for Front is about.
pub(super) struct Subject {
    pub(super) front: Arc<Front>,
    pub(super) channel: Channel,
}

impl Workshop {
    /// The channel and its app, if both are still there.
    pub(super) async fn subject(&self, delivery: &Delivery) -> Result<Subject, Stop> {
        let id = delivery.channel.unwrap_or_default();
        let channel = self.store.channel(id).await.map_err(unread)?;
        let gone = |reason: &str| Settlement::Refused { reason: reason.to_owned(), told: reason.to_owned() };
        let channel = channel.ok_or_else(|| gone("there is no such channel"))?;
        // What was promised to Front, and then did not go out, is reported to the end.
        let is_farewell = matches!(delivery.kind, Kind::Disconnect | Kind::Status);
        if channel.state == ChannelState::Removed && !is_farewell {
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
        let removal: Removal = serde_json::from_str(&delivery.payload).unwrap_or_default();
        // What Front knows by now stays: an admin may have connected the channel again since.
        if removal.by_operator && delivery.plan.is_none() {
            let told = self.tell_offline(delivery, &front, &channel).await?;
            if !self.store.plan(&self.tenant.name, delivery, &told).await.map_err(Stop::Unwritten)? {
                return Ok(again("it was taken out of this worker's hands", false));
            }
        }
        let connection = front.app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let asking = self.asking(delivery);
        let plugin = asking.channel_plugin(&front.app).map_err(|error| again(sentence(&error), true))?;
        match asking.call(&plugin, Role::Channel).disconnect(connection).await {
            Ok(()) => Ok(done()),
            Err(
                error @ (CallError::NotFound | CallError::Forbidden(_) | CallError::Invalid(_) | CallError::Failed(_)),
            ) => Ok(failed(&error)),
            Err(error @ CallError::Trap { .. }) => Ok(Settlement::Crashed { reason: sentence(&error) }),
            Err(error) => Ok(again(format!("the plugin: {}", sentence(&error)), true)),
        }
    }

    /// Front shows a channel that an operator removed as offline; what came of telling it.
    async fn tell_offline(&self, delivery: &Delivery, front: &Front, channel: &Channel) -> Result<String, Stop> {
        const AGAIN: &str = "the channel was connected again";
        if self.store.is_there_again(channel).await.map_err(unread)? {
            return match delivery.attempts {
                0 | 1 => Ok(format!("{AGAIN}; Front is told nothing")),
                // What was told before may have come after the connection.
                _ => self.tell_status(front, channel, ChannelStatus::Ok, AGAIN).await,
            };
        }
        let told = self.tell_status(front, channel, ChannelStatus::Offline, "Front shows it as offline").await?;
        // Connected while Front was being told, it would be shown as offline for ever.
        if self.store.is_there_again(channel).await.map_err(unread)? {
            return self.tell_status(front, channel, ChannelStatus::Ok, AGAIN).await;
        }
        Ok(told)
    }

    async fn tell_status(
        &self,
        front: &Front,
        channel: &Channel,
        status: ChannelStatus,
        done: &str,
    ) -> Result<String, Stop> {
        match front.call(channel, &api::channel_status(&channel.channel_id, status)).await {
            Fate::Accepted { .. } => Ok(done.to_owned()),
            Fate::Again { after_ms, reason, .. } => {
                let after = after_ms.map(Duration::from_millis);
                Err(Settlement::Again { after, reason, waits_for_plugin: false }.into())
            }
            // The operator can mend a token; and twice is as good as once.
            Fate::Token(reason) | Fate::Unclear(reason) => Err(again(reason, false).into()),
            Fate::NotFound(reason) | Fate::Refused(reason) => Ok(reason),
        }
    }
}
