//! Checks the connected channels of a tenant, and reports to Front which of them are offline.
//!
//! The gateway that delivers to Front checks each channel at an interval, soon after a message could not be sent, and
//! after the channel was connected. Only failures are stored, so that channels that work cost no writes.

mod schedule;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_front::api;
use frontgate_front::api::{ChannelStatus, Fate};
use frontgate_replicas::Part;
use frontgate_runtime::{CallError, CallRecords, Deadlines};
use frontgate_tenants::{FrontApp, PluginInvoker, Plugins, Tenant};
use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::schedule::Schedule;
use crate::front_client::FrontClient;
use crate::handlers::{DeliveryContext, sentence};
use crate::store::Store;
use crate::store::front::{Channel, ChannelHealth, ChannelState, Checked};

/// How often the list of channels is read.
const LIST_INTERVAL: Duration = Duration::from_secs(2);
/// Longest time between two checks of a channel that fails, and between two calls that report its status.
const FAILING_INTERVAL: Duration = Duration::from_secs(15);
/// Concurrent checks of a tenant.
const CHECKS_AT_ONCE: usize = 8;
/// Time limit of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// Checks a tenant's channels until `stop`.
pub(crate) async fn watch(context: Arc<DeliveryContext>, stop: CancellationToken) {
    let signal = context.store.suspect_signal(&context.tenant.name);
    let mut schedule = Schedule::default();
    while !stop.is_cancelled() {
        let mut suspected = pin!(signal.notified());
        suspected.as_mut().enable();
        let is_keeper = context.store.replica().begin(&context.tenant.name, Part::Front).is_some();
        if is_keeper {
            tokio::select! {
                () = stop.cancelled() => return,
                () = round(&context, &mut schedule) => {}
            }
        } else {
            schedule = Schedule::default();
        }
        let pause = schedule.next(Instant::now()).map_or(LIST_INTERVAL, |next| next.min(LIST_INTERVAL));
        tokio::select! {
            () = stop.cancelled() => return,
            () = suspected => {}
            () = sleep(pause) => {}
        }
    }
}

/// Checks the channels that are due.
async fn round(context: &DeliveryContext, schedule: &mut Schedule) {
    let tenant = &*context.tenant.name;
    match context.store.watched_channels(tenant).await {
        Ok(channels) => schedule.follow(&channels, Instant::now(), context.check_interval()),
        Err(error) => warn!(
            event = "channel.list_failed",
            tenant, "failed to read the channels of tenant `{tenant}`, trying again: {error}"
        ),
    }
    for channel in context.store.take_suspects(tenant) {
        schedule.hurry(channel, Instant::now());
    }
    let due = schedule.take_due(Instant::now());
    let checks = due.into_iter().map(async |id| (id, context.check_channel(id).await));
    let mut checks = pin!(futures_util::stream::iter(checks).buffer_unordered(CHECKS_AT_ONCE));
    while let Some((id, pause)) = checks.next().await {
        schedule.checked(id, Instant::now(), pause);
    }
}

/// Asks a channel's plugin whether the provider answers and accepts the credential.
///
/// # Errors
///
/// Fails as the plugin does; [`CallError::Forbidden`] means that the credential is refused.
pub async fn check(
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

impl DeliveryContext {
    /// Returns the shortest interval of the tenant's apps, over which the first checks are spread.
    fn check_interval(&self) -> Duration {
        self.fronts.values().map(|front| front.app.check_interval).min().unwrap_or(FAILING_INTERVAL)
    }

    /// Checks a channel; returns the time until the next check, or `None` if the channel is not to be checked.
    async fn check_channel(&self, id: i64) -> Option<Duration> {
        let channel = match self.store.channel(id).await {
            Ok(channel) => channel.filter(|channel| channel.state == ChannelState::Connected)?,
            Err(error) => {
                debug!("failed to read channel {id}: {error}");
                return Some(FAILING_INTERVAL);
            }
        };
        let front = self.fronts.get(&channel.app)?;
        let checked = match check(&self.plugins, &self.tenant, &front.app, &channel).await {
            Ok(()) => Checked::Works,
            Err(error) => {
                Checked::Fails { is_refused: matches!(error, CallError::Forbidden(_)), reason: sentence(&error) }
            }
        };
        let offline_after_ms = i64::try_from(front.app.offline_after.as_millis()).unwrap_or(i64::MAX);
        let noted = self.store.note_check(&channel, checked, offline_after_ms).await;
        let [before, after] = match noted {
            Ok(both) => both,
            Err(error) => {
                debug!("failed to store the check of channel {id}: {error}");
                return Some(FAILING_INTERVAL);
            }
        };
        report(&channel, &before, &after);
        let is_reported = after.is_reported || self.report_status(front, &channel, after.is_offline).await;
        let interval = front.app.check_interval;
        let works = after.failing_since_ms.is_none() && is_reported;
        Some(if works { interval } else { interval.min(FAILING_INTERVAL) })
    }

    /// Reports to Front whether a channel is offline; returns whether no further report is needed.
    async fn report_status(&self, front: &FrontClient, channel: &Channel, is_offline: bool) -> bool {
        let Some(turn) = self.store.replica().begin(&self.tenant.name, Part::Front) else { return false };
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
        self.store.note_reported(channel, is_offline).await.is_ok()
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
