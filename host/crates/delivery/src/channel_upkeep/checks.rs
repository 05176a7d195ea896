//! Checks of connected channels, and reports to Front which of them are offline.
//!
//! A channel is checked at an interval, soon after a message could not be sent, and after it was connected. Only failures
//! are stored, so that channels that work cost no writes.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_front::api;
use frontgate_front::api::{ChannelStatus, Fate};
use frontgate_runtime::{CallError, CallRecords, Deadlines};
use frontgate_tenants::{FrontApp, PluginInvoker, Plugins, Tenant};
use tracing::{debug, info, warn};

use super::Upkeep;
use crate::front_client::FrontClient;
use crate::handlers::sentence;
use crate::store::Store;
use crate::store::front::{Channel, ChannelHealth, ChannelState, Checked};

/// Longest time between two checks of a channel that fails, and between two calls that report its status.
const FAILING_INTERVAL: Duration = Duration::from_secs(15);
/// Time limit of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// Asks a channel's plugin whether the provider answers and accepts the credential.
///
/// # Errors
///
/// Fails as the plugin does; [`CallError::Forbidden`] means that the credential is refused.
async fn check(
    plugins: &Arc<Plugins>,
    tenant: &Arc<Tenant>,
    app: &FrontApp,
    channel: &Channel,
) -> Result<(), CallError> {
    let invoker = invoker(plugins, tenant);
    let plugin = invoker.channel_plugin(app)?;
    let connection = app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
    invoker.call(&plugin, Role::Channel).check(connection).await
}

/// Checks a channel for an operator; returns why it does not work, or `None`. The schedule checks it again, and shows
/// the result in Front.
///
/// # Errors
///
/// Fails with a text if the channel is not there or not connected.
pub async fn check_by_id(
    plugins: &Arc<Plugins>,
    store: &Store,
    tenant: &Arc<Tenant>,
    id: i64,
) -> Result<Option<String>, String> {
    let (channel, app) = connected(store, tenant, id).await?;
    let checked = check(plugins, tenant, app, &channel).await;
    store.suspect(&tenant.name, id);
    Ok(checked.err().map(|error| sentence(&error)))
}

/// Connects a channel with another credential, and checks it; returns why it does not work, or `None`. A credential that
/// the plugin rejects changes nothing.
///
/// # Errors
///
/// Fails with a text if the channel is not there or not connected.
pub async fn reauthorize(
    plugins: &Arc<Plugins>,
    store: &Store,
    tenant: &Arc<Tenant>,
    id: i64,
    credential: String,
) -> Result<Option<String>, String> {
    let (mut channel, app) = connected(store, tenant, id).await?;
    if app.oauth.is_some() {
        let fix = "an admin of Front signs in again instead";
        return Err(format!("channels of app {} are connected by a sign-in; {fix}", channel.app));
    }
    channel.credential = Some(credential);
    let invoker = invoker(plugins, tenant);
    let connection = app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
    let plugin = invoker.channel_plugin(app).map_err(|error| sentence(&error))?;
    if let Err(error) = invoker.call(&plugin, Role::Channel).connect(connection).await {
        return Ok(Some(sentence(&error)));
    }
    let confirmed = store.confirm_connect(&tenant.name, id, channel.credential.clone()).await;
    if !confirmed.map_err(|error| error.to_string())? {
        return Err(format!("channel {} was removed meanwhile", channel.channel_id));
    }
    Ok(check(plugins, tenant, app, &channel).await.err().map(|error| sentence(&error)))
}

/// Returns a connected channel of a tenant, with its app.
async fn connected<'t>(store: &Store, tenant: &'t Tenant, id: i64) -> Result<(Channel, &'t Arc<FrontApp>), String> {
    let channel = store.channel(id).await.map_err(|error| error.to_string())?;
    let channel = channel.filter(|channel| channel.tenant == *tenant.name);
    let channel = channel.ok_or_else(|| "the channel was not found".to_owned())?;
    if channel.state != ChannelState::Connected {
        return Err(format!("channel {} is {}", channel.channel_id, channel.state.name()));
    }
    let app = tenant.front.get(&channel.app);
    let app = app.ok_or_else(|| format!("[tenants.NAME.front.{}] is not in the configuration", channel.app))?;
    Ok((channel, app))
}

/// Returns an invoker for one check.
fn invoker(plugins: &Arc<Plugins>, tenant: &Arc<Tenant>) -> PluginInvoker {
    let request: Arc<str> = uuid::Uuid::now_v7().to_string().into();
    let deadlines = Deadlines::within(CHECK_TIMEOUT);
    plugins.invoker(tenant, &request, deadlines, CallRecords::default())
}

impl Upkeep {
    /// Checks a channel; returns the time until the next check.
    pub(super) async fn check(&self, front: &FrontClient, channel: &Channel) -> Duration {
        let context = &self.context;
        let checked = match check(&context.plugins, &context.tenant, &front.app, channel).await {
            Ok(()) => Checked::Works,
            Err(error) => {
                Checked::Fails { is_refused: matches!(error, CallError::Forbidden(_)), reason: sentence(&error) }
            }
        };
        let offline_after_ms = i64::try_from(front.app.offline_after.as_millis()).unwrap_or(i64::MAX);
        let noted = context.store.note_check(channel, checked, offline_after_ms).await;
        let [before, after] = match noted {
            Ok(both) => both,
            Err(error) => {
                debug!("failed to store the check of channel {}: {error}", channel.id);
                return FAILING_INTERVAL;
            }
        };
        report(channel, &before, &after);
        let is_reported = after.is_reported || self.report_status(front, channel, after.is_offline).await;
        let interval = front.app.check_interval;
        let works = after.failing_since_ms.is_none() && is_reported;
        if works { interval } else { interval.min(FAILING_INTERVAL) }
    }

    /// Reports to Front whether a channel is offline; returns whether no further report is needed.
    async fn report_status(&self, front: &FrontClient, channel: &Channel, is_offline: bool) -> bool {
        let Some(turn) = self.turn() else { return false };
        let status = if is_offline { ChannelStatus::Offline } else { ChannelStatus::Ok };
        let sent = front.call(turn.replica, channel, &api::channel_status(&channel.channel_id, status)).await;
        match sent {
            Fate::Accepted { .. } => {}
            Fate::Again { reason, .. } | Fate::Unclear(reason) | Fate::Token(reason) => {
                warn!(
                    event = "channel.status_delayed",
                    tenant = channel.tenant,
                    app = channel.app,
                    channel = channel.channel_id,
                    "failed to set the status of channel {} in Front, retrying: {reason}",
                    channel.channel_id
                );
                return false;
            }
            // The channel does not exist in Front.
            Fate::NotFound(reason) | Fate::Refused(reason) => warn!(
                event = "channel.status_refused",
                tenant = channel.tenant,
                app = channel.app,
                channel = channel.channel_id,
                "Front refuses the status of channel {}: {reason}",
                channel.channel_id
            ),
        }
        self.context.store.note_reported(channel, is_offline).await.is_ok()
    }
}

/// Logs what a check has changed.
fn report(channel: &Channel, before: &ChannelHealth, after: &ChannelHealth) {
    let Channel { tenant, app, channel_id, .. } = channel;
    let reason = after.reason.as_deref().unwrap_or("-");
    if after.is_offline && !before.is_offline {
        warn!(
            event = "channel.offline",
            tenant,
            app,
            channel = channel_id,
            "channel {channel_id} is offline: {reason}"
        );
    } else if before.is_offline && !after.is_offline {
        info!(event = "channel.online", tenant, app, channel = channel_id, "channel {channel_id} works again");
    } else if before.failing_since_ms.is_none() && after.failing_since_ms.is_some() {
        warn!(
            event = "channel.check_failed",
            tenant,
            app,
            channel = channel_id,
            "channel {channel_id} fails, checking again: {reason}"
        );
    }
}
