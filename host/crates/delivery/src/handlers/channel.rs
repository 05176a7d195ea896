//! Looks up the channel of a delivery, and handles removed channels.
//!
//! The plugin is notified of every removal; Front is notified only of removals by an operator.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_front::api;
use frontgate_front::api::{ChannelStatus, Fate};
use frontgate_runtime::CallError;

use super::{DeliveryContext, Outcome, Stop, done, failed, lease_lost, retry, sentence, unread};
use crate::front_client::FrontClient;
use crate::job::{Delivery, Kind};
use crate::store::front::{Channel, ChannelState, Removal};

/// The channel of a delivery, with a client of its app.
pub(super) struct Subject {
    pub(super) front: Arc<FrontClient>,
    pub(super) channel: Channel,
}

impl DeliveryContext {
    /// Returns the channel of a delivery, or the outcome if the channel or its app is gone.
    pub(super) async fn subject(&self, delivery: &Delivery) -> Result<Subject, Stop> {
        let id = delivery.channel.unwrap_or_default();
        let channel = self.store.channel(id).await.map_err(unread)?;
        let gone = |reason: &str| Outcome::Refused {
            reason: reason.to_owned(),
            notice: format!("Delivery failed: {reason}."),
        };
        let channel = channel.ok_or_else(|| gone("the channel was not found"))?;
        // Failures of promised messages are reported to Front even after the removal.
        let is_farewell = matches!(delivery.kind, Kind::Disconnect | Kind::Status);
        if channel.state == ChannelState::Removed && !is_farewell {
            return Err(gone("the channel was removed").into());
        }
        let Some(front) = self.fronts.get(&channel.app) else {
            let reason = format!("[tenants.NAME.front.{}] not found in the configuration", channel.app);
            return Err(retry(reason, false).into());
        };
        Ok(Subject { front: Arc::clone(front), channel })
    }

    pub(super) async fn disconnect(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let Subject { front, channel } = self.subject(delivery).await?;
        let removal: Removal = serde_json::from_str(&delivery.payload).unwrap_or_default();
        // Front is notified only once, because an admin may have reconnected the channel since.
        if removal.by_operator && delivery.plan.is_none() {
            let plan = self.set_offline(delivery, &front, &channel).await?;
            if !self.plan(delivery, &plan).await? {
                return Ok(lease_lost());
            }
        }
        let connection = front.app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let asking = self.asking(delivery);
        let plugin = asking.channel_plugin(&front.app).map_err(|error| retry(sentence(&error), true))?;
        match asking.call(&plugin, Role::Channel).disconnect(connection).await {
            Ok(()) => Ok(done()),
            Err(
                error @ (CallError::NotFound | CallError::Forbidden(_) | CallError::Invalid(_) | CallError::Failed(_)),
            ) => Ok(failed(&error)),
            Err(error @ CallError::Trap { .. }) => Ok(Outcome::Crashed { reason: sentence(&error) }),
            Err(error) => Ok(retry(format!("failed to notify the plugin: {}", sentence(&error)), true)),
        }
    }

    /// Sets an operator-removed channel to offline in Front; returns the text to store as the plan.
    async fn set_offline(&self, delivery: &Delivery, front: &FrontClient, channel: &Channel) -> Result<String, Stop> {
        const AGAIN: &str = "the channel was connected again";
        if self.store.is_reconnected(channel).await.map_err(unread)? {
            return match delivery.attempts {
                0 | 1 => Ok(format!("{AGAIN}; Front not notified")),
                // An earlier attempt may have set the channel to offline after it was reconnected.
                _ => self.set_status(delivery, front, channel, ChannelStatus::Ok, AGAIN).await,
            };
        }
        let result =
            self.set_status(delivery, front, channel, ChannelStatus::Offline, "Front shows it as offline").await?;
        // A channel that was reconnected during the call would otherwise stay offline.
        if self.store.is_reconnected(channel).await.map_err(unread)? {
            return self.set_status(delivery, front, channel, ChannelStatus::Ok, AGAIN).await;
        }
        Ok(result)
    }

    async fn set_status(
        &self,
        delivery: &Delivery,
        front: &FrontClient,
        channel: &Channel,
        status: ChannelStatus,
        done: &str,
    ) -> Result<String, Stop> {
        match front.call(delivery.replica, channel, &api::channel_status(&channel.channel_id, status)).await {
            Fate::Accepted { .. } => Ok(done.to_owned()),
            Fate::Again { after_ms, reason, .. } => {
                let after = after_ms.map(Duration::from_millis);
                Err(Outcome::Retry { after, reason, waits_for_plugin: false }.into())
            }
            // An operator can fix a rejected token, and repeating the call is harmless.
            Fate::Token(reason) | Fate::Unclear(reason) => Err(retry(reason, false).into()),
            Fate::NotFound(reason) | Fate::Refused(reason) => Ok(reason),
        }
    }
}
