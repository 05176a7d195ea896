//! Operators' view of Front channels: lists them, shows one, and removes one.

use std::collections::BTreeMap;

use anyhow::bail;
use frontgate_audit::{Action, Actor, NewAction};
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::values;
use serde::Serialize;

use super::{ACTIONS_MAX, QueueAdmin};
use crate::job::{Kind, State};
use crate::store::front;
use crate::store::front::{Channel, ChannelState, Removal};

/// A filter that restricts channels to a tenant or an app.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChannelFilter<'f> {
    /// Name of the tenant.
    pub tenant: Option<&'f str>,
    /// Name of the app.
    pub app: Option<&'f str>,
}

/// A channel in a list, without its secrets.
#[derive(Debug, Serialize)]
pub struct ChannelSummary {
    /// Row id.
    pub id: i64,
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the app.
    pub app: String,
    /// Front's id, `cha_...`.
    pub channel: String,
    /// The state.
    pub state: ChannelState,
    /// Time of the last change of state, in milliseconds since 1970.
    pub since_ms: i64,
    /// Time of creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// Number of open messages to the provider.
    pub to_provider: u64,
    /// Number of open messages to Front.
    pub to_front: u64,
    /// Whether Front shows the channel as offline.
    pub is_offline: bool,
    /// Time of the first of its failed checks, in milliseconds since 1970; `None` if the last check succeeded.
    pub failing_since_ms: Option<i64>,
    /// Why the last check failed.
    pub reason: Option<String>,
    /// Key in its addresses. Secret: it gives access to the channel's plugin.
    #[serde(skip)]
    pub key: String,
}

/// A channel with its counts and history, without its credential.
#[derive(Debug, Serialize)]
pub struct ChannelDetails {
    /// The entry in the list.
    #[serde(flatten)]
    pub summary: ChannelSummary,
    /// Key in the channel's addresses.
    pub key: String,
    /// Whether a credential is stored for the plugin.
    pub has_credential: bool,
    /// Number of stored conversations.
    pub conversations: u64,
    /// Number of stored messages.
    pub messages: u64,
    /// Number of deliveries of each kind in each state.
    pub deliveries: BTreeMap<String, BTreeMap<State, u64>>,
    /// Operators' changes, oldest first.
    pub actions: Vec<Action>,
}

const COLUMNS: &str = "channel.id, tenant, app, channel_id, key, state, created_ms, changed_ms, is_offline, \
                       failing_since_ms, reason";

/// SQL clause of channels with their health.
const CHANNELS: &str =
    "front_channels AS channel LEFT JOIN front_channel_health AS health ON health.channel = channel.id";

/// Maximum number that a page of the console counts to.
pub const COUNT_MAX: u32 = 100_000;

/// Whether the open deliveries of listed channels are counted, and how far. A number that is not counted is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    No,
    UpTo(u32),
}

impl QueueAdmin {
    /// Returns channels sorted by tenant, app and age, including removed channels if `removed`.
    pub fn channels(&self, filter: ChannelFilter<'_>, removed: bool) -> anyhow::Result<Vec<ChannelSummary>> {
        Ok(self.database.read(|read| list(read, filter, removed))?)
    }

    /// Returns the channel with an id `cha_...` or a key. A removed channel matches only if no other does.
    ///
    /// # Errors
    ///
    /// Fails if no channel matches, or several; the error then lists the choices.
    pub fn channel(&self, name: &str, filter: ChannelFilter<'_>) -> anyhow::Result<ChannelSummary> {
        let mut all = self.channels(filter, true)?;
        all.retain(|channel| channel.channel == name || channel.key == name);
        if all.iter().any(|channel| channel.state != ChannelState::Removed) {
            all.retain(|channel| channel.state != ChannelState::Removed);
        }
        match all.len() {
            0 => bail!("channel `{name}`{} not found: see `frontgate channels list --all`", filter.description()),
            1 => Ok(all.swap_remove(0)),
            several => {
                let choices: Vec<String> = all.iter().map(choice).collect();
                bail!("`{name}` matches {several} channels; choose one of them:\n{}", choices.join("\n"))
            }
        }
    }

    /// Returns a channel with its counts and history.
    pub fn channel_details(&self, summary: ChannelSummary) -> anyhow::Result<ChannelDetails> {
        Ok(self.database.read(|read| details(read, summary, u32::MAX))?)
    }

    /// Removes a channel and returns the id of the delivery that notifies Front and the plugin.
    ///
    /// The gateway fails open messages to the provider and reports the failures to Front.
    pub fn disconnect(&mut self, summary: &ChannelSummary) -> anyhow::Result<i64> {
        let Self { database, actor } = self;
        Ok(database.write(&Scope::Channel(summary.id), |transaction| disconnect(transaction, actor, summary))?)
    }
}

/// Returns channels sorted by tenant, app and age, including removed channels if `removed`.
pub(super) fn list(
    read: &Transaction<'_>,
    filter: ChannelFilter<'_>,
    removed: bool,
) -> sql::Result<Vec<ChannelSummary>> {
    let select = format!(
        "SELECT {COLUMNS} FROM {CHANNELS}
         WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR app = ?2) AND (?3 OR state <> 'removed')
         ORDER BY tenant, app, channel.id"
    );
    let found = read.rows(&select, values![filter.tenant, filter.app, removed], summary)?;
    found.into_iter().map(|channel| counted(read, channel, Counting::UpTo(u32::MAX))).collect()
}

/// Returns channels that are not removed, of all tenants or of one, sorted by tenant, app and age, after the channel with
/// a row id. Only the channels of the page are counted.
pub(super) fn page(
    read: &Transaction<'_>,
    tenant: Option<&str>,
    after: Option<i64>,
    most: u32,
    counting: Counting,
) -> sql::Result<Vec<ChannelSummary>> {
    let select = "SELECT tenant, app FROM front_channels WHERE id = ?1";
    let last = match after {
        Some(id) => read.row(select, values![id], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?,
        None => None,
    };
    let (last_tenant, last_app) = last.unwrap_or_default();
    let of_tenant = if tenant.is_some() { "tenant = ?4" } else { "?4 IS NULL" };
    let select = format!(
        "SELECT {COLUMNS} FROM {CHANNELS}
         WHERE state <> 'removed' AND (tenant, app, channel.id) > (?1, ?2, ?3) AND {of_tenant}
         ORDER BY tenant, app, channel.id LIMIT ?5"
    );
    let values = values![last_tenant, last_app, after.unwrap_or_default(), tenant, most];
    let found = read.rows(&select, values, summary)?;
    found.into_iter().map(|channel| counted(read, channel, counting)).collect()
}

/// Returns a channel by its row id.
pub(super) fn by_id(read: &Transaction<'_>, id: i64) -> sql::Result<ChannelSummary> {
    let select = format!("SELECT {COLUMNS} FROM {CHANNELS} WHERE channel.id = ?1");
    let found = read.row(&select, values![id], summary)?;
    let found = found.ok_or_else(|| sql::Error::Rejected(format!("channel {id} not found")))?;
    counted(read, found, Counting::UpTo(COUNT_MAX))
}

/// Adds the numbers of open deliveries.
fn counted(read: &Transaction<'_>, channel: ChannelSummary, counting: Counting) -> sql::Result<ChannelSummary> {
    let Counting::UpTo(most) = counting else { return Ok(channel) };
    let open = |kind: Kind| {
        let states =
            [State::Ready, State::Leased, State::Unknown].map(|state| of_state(read, channel.id, kind, state, most));
        states.into_iter().sum::<sql::Result<u64>>()
    };
    let (to_provider, to_front) = (open(Kind::Message)?, open(Kind::Import)?);
    Ok(ChannelSummary { to_provider, to_front, ..channel })
}

/// Returns the number of deliveries of a channel of a kind in a state, at most `most`.
fn of_state(read: &Transaction<'_>, channel: i64, kind: Kind, state: State, most: u32) -> sql::Result<u64> {
    let select = "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_of_channel
                    WHERE channel = ?1 AND kind = ?2 AND state = ?3 LIMIT ?4) AS counted";
    read.value(select, values![channel, kind.name(), state.name(), most])
}

/// Returns a channel with its counts, each at most `most`, and its history.
pub(super) fn details(read: &Transaction<'_>, summary: ChannelSummary, most: u32) -> sql::Result<ChannelDetails> {
    let id = summary.id;
    let count = |table: &str| {
        let select = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE channel = ?1 LIMIT ?2) AS counted");
        read.value::<u64>(&select, values![id, most])
    };
    let has_credential = read.value("SELECT credential IS NOT NULL FROM front_channels WHERE id = ?1", values![id])?;
    let (conversations, messages) = (count("front_conversations")?, count("front_messages")?);
    let mut deliveries: BTreeMap<String, BTreeMap<State, u64>> = BTreeMap::new();
    for (kind, state) in Kind::ALL.into_iter().flat_map(|kind| State::ALL.map(|state| (kind, state))) {
        let count = of_state(read, id, kind, state, most)?;
        if count > 0 {
            deliveries.entry(kind.name().to_owned()).or_default().insert(state, count);
        }
    }
    let actions = frontgate_audit::of_object(read, &object(&summary), ACTIONS_MAX)?;
    let key = summary.key.clone();
    Ok(ChannelDetails { summary, key, has_credential, conversations, messages, deliveries, actions })
}

/// Removes a channel and returns the id of the delivery that notifies Front and the plugin.
pub(super) fn disconnect(transaction: &Transaction<'_>, actor: &Actor, summary: &ChannelSummary) -> sql::Result<i64> {
    let select = format!("SELECT {} FROM front_channels WHERE id = ?1", front::COLUMNS);
    let channel: Channel = transaction.one(&select, values![summary.id], front::channel)?;
    let request = uuid::Uuid::now_v7().to_string();
    let Some(delivery) = front::remove(transaction, &channel, Removal { by_operator: true }, &request)? else {
        return Err(sql::Error::Rejected(format!("channel {} is already removed", summary.channel)));
    };
    let object = object(summary);
    let action = NewAction {
        tenant: Some(&summary.tenant),
        before: Some(channel.state.name()),
        after: Some(ChannelState::Removed.name()),
        ..NewAction::new(actor, "disconnect", &object)
    };
    frontgate_audit::append(transaction, &action)?;
    let update = "UPDATE deliveries SET due_ms = ?2
                  WHERE channel = ?1 AND kind IN ('front-message', 'front-import')
                    AND state IN ('ready', 'unknown') AND lease IS NULL AND due_ms IS NOT NULL";
    transaction.execute(update, values![summary.id, transaction.now_ms()])?;
    Ok(delivery)
}

impl ChannelFilter<'_> {
    fn description(&self) -> String {
        let tenant = self.tenant.map(|tenant| format!(" of the tenant {tenant}")).unwrap_or_default();
        let app = self.app.map(|app| format!(" of the app {app}")).unwrap_or_default();
        tenant + &app
    }
}

/// Returns the object of actions about a channel.
fn object(summary: &ChannelSummary) -> String {
    format!("channel {}", summary.id)
}

/// Returns the options, or the key, that select one of several channels.
fn choice(summary: &ChannelSummary) -> String {
    let ChannelSummary { tenant, app, key, state, .. } = summary;
    match state {
        ChannelState::Removed => format!("  {key}, removed from app {app} of tenant {tenant}"),
        _ => format!("  --tenant {tenant} --app {app}"),
    }
}

fn summary(row: &Row<'_>) -> sql::Result<ChannelSummary> {
    Ok(ChannelSummary {
        id: row.named("id")?,
        tenant: row.named("tenant")?,
        app: row.named("app")?,
        channel: row.named("channel_id")?,
        state: ChannelState::named(&row.named::<String>("state")?),
        since_ms: row.named("changed_ms")?,
        created_ms: row.named("created_ms")?,
        to_provider: 0,
        to_front: 0,
        is_offline: row.named::<Option<bool>>("is_offline")?.unwrap_or_default(),
        failing_since_ms: row.named("failing_since_ms")?,
        reason: row.named("reason")?,
        key: row.named("key")?,
    })
}
