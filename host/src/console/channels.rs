//! The pages of Front's channels.

use std::sync::Arc;

use frontgate_console_access::Right;
use frontgate_console_pages::pages::{Channel, ChannelPage, Channels, Fact};
use frontgate_console_pages::{mask_text, words};
use frontgate_delivery::store::StoreError;
use frontgate_delivery::store::queue_admin::{COUNT_MAX, ChannelSummary};
use hyper::StatusCode;

use super::answers::{Answer, Refusal};
use super::deliveries::{by, number, with_status};
use super::{Call, Console, page};
use crate::service::channels_api::ChannelCommand;

impl Console {
    pub(super) async fn channels(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let store = &self.sources.store;
        let after = call.query("after").map(number).transpose()?;
        let most = self.sources.access.settings().rows_max;
        let mut found = Vec::new();
        for tenant in call.session.tenants.as_ref().map_or_else(|| vec![None], |all| sorted(all)) {
            let rest = most.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            found.extend(store.channel_page(tenant, after, rest).await?);
        }
        let last = found.last().filter(|_| found.len() >= usize::try_from(most).unwrap_or(usize::MAX));
        let next = last.map(|last| format!("/channels?after={}", last.id));
        let offline = store.offline_channels().await?;
        let offline = offline.iter().filter(|tenant| call.session.sees(tenant)).count();
        let channels = found.iter().map(row).collect();
        Ok(page(call, "/channels", Channels { channels, offline: u64::try_from(offline).unwrap_or_default(), next }))
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
            Fact::new("Conversations", many(found.conversations)),
            Fact::new("Messages", many(found.messages)),
        ];
        for (kind, states) in &found.deliveries {
            let states: Vec<_> = states.iter().map(|(state, count)| format!("{} {state}", many(*count))).collect();
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

/// Returns tenants in the order of a list.
fn sorted(tenants: &[String]) -> Vec<Option<String>> {
    let mut all: Vec<_> = tenants.iter().cloned().map(Some).collect();
    all.sort_unstable();
    all
}

/// Returns a number that is not counted to the end.
fn many(count: u64) -> String {
    let more = if count >= u64::from(COUNT_MAX) { " or more" } else { "" };
    format!("{}{more}", words::number(count))
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
