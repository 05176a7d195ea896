//! The pages of Front's channels.

use std::sync::Arc;

use frontgate_console_access::Right;
use frontgate_console_pages::pages::{Channel, ChannelPage, Channels, Fact};
use frontgate_console_pages::{mask_text, words};
use frontgate_delivery::store::StoreError;
use frontgate_delivery::store::queue_admin::ChannelSummary;
use hyper::StatusCode;

use super::answers::{Answer, Refusal};
use super::deliveries::{by, number, with_status};
use super::{Call, Console, page};
use crate::service::channels_api::ChannelCommand;

impl Console {
    pub(super) async fn channels(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let all = self.sources.store.channel_summaries().await?;
        let channels = all.iter().filter(|channel| call.session.sees(&channel.tenant)).map(row).collect();
        Ok(page(call, "/channels", Channels { channels }))
    }

    pub(super) async fn channel(
        self: &Arc<Self>,
        call: Call,
        id: &str,
        notice: Option<(StatusCode, String)>,
    ) -> Result<Answer, Refusal> {
        let found = self.sources.store.channel_details(number(id)?).await?;
        call.needs_tenant(&found.summary.tenant)?;
        let mut facts = vec![
            Fact::new("Tenant", found.summary.tenant.clone()),
            Fact::new("App", found.summary.app.clone()),
            Fact::new("Connected", words::time(found.summary.created_ms)),
            Fact::new("Credential", if found.has_credential { "stored" } else { "not stored" }),
            Fact::new("Conversations", words::number(found.conversations)),
            Fact::new("Messages", words::number(found.messages)),
        ];
        for (kind, states) in &found.deliveries {
            let states: Vec<_> =
                states.iter().map(|(state, count)| format!("{} {state}", words::number(*count))).collect();
            let name = match kind.as_str() {
                "front-message" => "To the provider",
                "front-import" => "To Front",
                "front-status" => "Statuses to Front",
                _ => "Other deliveries",
            };
            facts.push(Fact::new(name, states.join(", ")));
        }
        let (status, notice) = notice.map_or((StatusCode::OK, None), |(status, notice)| (status, Some(notice)));
        let actions = found.actions.iter().map(by).collect();
        let view = ChannelPage { channel: row(&found.summary), facts, actions, notice };
        Ok(with_status(status, page(call, "/channels", view)))
    }

    /// Checks or disconnects a channel, and shows it again.
    pub(super) async fn change_channel(
        self: &Arc<Self>,
        call: Call,
        id: &str,
        action: &str,
    ) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let row = number(id)?;
        let store = &self.sources.store;
        let found = store.channel_details(row).await?;
        call.needs_tenant(&found.summary.tenant)?;
        let actor = call.session.actor();
        let notice = if action == "disconnect" {
            match store.disconnect_channel(&actor, row).await {
                Ok(delivery) => (StatusCode::OK, format!("Disconnected. Delivery {delivery} notifies Front.")),
                Err(StoreError::Rejected(reason)) => (StatusCode::CONFLICT, format!("Not possible: {reason}.")),
                Err(error) => return Err(error.into()),
            }
        } else {
            let tenant = Some(found.summary.tenant.as_str());
            store.record_action(&actor, tenant, "check", &format!("channel {row}"), None).await?;
            match self.sources.channels.check(ChannelCommand::of(&found.summary, None)).await {
                Ok(None) => (StatusCode::OK, "The channel works.".to_owned()),
                Ok(Some(problem)) => (StatusCode::OK, format!("The channel does not work: {}", mask_text(&problem))),
                Err(reason) => (StatusCode::CONFLICT, format!("Not possible: {}.", mask_text(&reason))),
            }
        };
        self.channel(call, id, Some(notice)).await
    }
}

fn row(summary: &ChannelSummary) -> Channel {
    Channel {
        id: summary.id,
        tenant: summary.tenant.clone(),
        app: summary.app.clone(),
        channel: summary.channel.clone(),
        state: summary.state.name(),
        since_ms: summary.failing_since_ms.unwrap_or(summary.since_ms),
        to_provider: summary.to_provider,
        to_front: summary.to_front,
        is_offline: summary.is_offline,
        reason: summary.reason.as_deref().map(mask_text),
    }
}
