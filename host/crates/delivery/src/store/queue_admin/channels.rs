//! What operators see of Front's channels, and how they remove one.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::bail;
use frontgate_store::millis;
use rusqlite::{Row, TransactionBehavior, params};
use serde::Serialize;

use super::{Desk, note};
use crate::job::State;
use crate::store::front;
use crate::store::front::{Channel, ChannelState, Removal};

/// Which channels are meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'f> {
    /// Only this tenant's.
    pub tenant: Option<&'f str>,
    /// Only those of this app.
    pub app: Option<&'f str>,
}

/// One channel, without what anybody could use.
#[derive(Debug, Serialize)]
pub struct ChannelLine {
    #[serde(skip)]
    id: i64,
    /// Whose.
    pub tenant: String,
    /// Of which app.
    pub app: String,
    /// `cha_...`.
    pub channel: String,
    /// How it stands.
    pub state: ChannelState,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it was first heard of.
    pub created_ms: i64,
    /// Messages that its provider is to get.
    pub to_provider: u64,
    /// Messages that Front is to get.
    pub to_front: u64,
    /// In its addresses: whoever knows it can write to the channel's plugin.
    #[serde(skip)]
    pub key: String,
}

/// Everything about one channel, its credential apart.
#[derive(Debug, Serialize)]
pub struct ChannelWhole {
    /// What the list shows.
    #[serde(flatten)]
    pub line: ChannelLine,
    /// In its addresses.
    pub key: String,
    /// Whether the admin typed something, which is kept for the plugin.
    pub has_credential: bool,
    /// Conversations that are known by some name.
    pub conversations: u64,
    /// Messages that are known.
    pub messages: u64,
    /// How many deliveries there are of each kind, in each state.
    pub deliveries: BTreeMap<String, BTreeMap<State, u64>>,
    /// What operators did: milliseconds since 1970, who, what.
    pub audit: Vec<(i64, String, String)>,
}

const COLUMNS: &str = "channel.id, tenant, app, channel_id, key, state, created_ms, changed_ms,
  (SELECT count(*) FROM open WHERE open.channel = channel.id AND kind = 'front-message') AS to_provider,
  (SELECT count(*) FROM open WHERE open.channel = channel.id AND kind = 'front-import') AS to_front";

/// What is under way, of all channels.
const OPEN: &str = "WITH open AS MATERIALIZED (
  SELECT channel, kind FROM deliveries WHERE state IN ('ready', 'leased', 'unknown') AND channel IS NOT NULL)";

impl Desk {
    /// Channels, the oldest first; those that were removed as well, if they are wanted.
    pub fn channels(&self, filter: Filter<'_>, removed: bool) -> anyhow::Result<Vec<ChannelLine>> {
        let mut select = self.connection.prepare(&format!(
            "{OPEN} SELECT {COLUMNS} FROM front_channels AS channel
             WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR app = ?2) AND (?3 OR state != 'removed')
             ORDER BY tenant, app, channel.id"
        ))?;
        let lines = select.query_map(params![filter.tenant, filter.app, removed], line)?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// The channel that `cha_...` or the key of an address means. One that was removed is meant only where no
    /// other is.
    pub fn channel(&self, name: &str, filter: Filter<'_>) -> anyhow::Result<ChannelLine> {
        let mut all = self.channels(filter, true)?;
        all.retain(|channel| channel.channel == name || channel.key == name);
        if all.iter().any(|channel| channel.state != ChannelState::Removed) {
            all.retain(|channel| channel.state != ChannelState::Removed);
        }
        match all.len() {
            0 => bail!("there is no channel `{name}`{}: see `frontgate channels list --all`", filter.words()),
            1 => Ok(all.swap_remove(0)),
            several => {
                let choices: Vec<String> = all.iter().map(choice).collect();
                bail!("`{name}` is {several} channels; name one of them:\n{}", choices.join("\n"))
            }
        }
    }

    /// One of them with everything.
    pub fn whole_channel(&self, line: ChannelLine) -> anyhow::Result<ChannelWhole> {
        let id = line.id;
        let count = |select: &str| self.connection.query_row(select, [id], |row| row.get::<_, i64>(0));
        let has_credential = count("SELECT credential IS NOT NULL FROM front_channels WHERE id = ?1")? == 1;
        let conversations = count("SELECT count(*) FROM front_conversations WHERE channel = ?1")?.unsigned_abs();
        let messages = count("SELECT count(*) FROM front_messages WHERE channel = ?1")?.unsigned_abs();
        let mut deliveries: BTreeMap<String, BTreeMap<State, u64>> = BTreeMap::new();
        let mut select = self
            .connection
            .prepare("SELECT kind, state, count(*) FROM deliveries WHERE channel = ?1 GROUP BY kind, state")?;
        let mut rows = select.query([id])?;
        while let Some(row) = rows.next()? {
            if let Some(state) = State::named(row.get_ref(1)?.as_str()?) {
                deliveries.entry(row.get(0)?).or_default().insert(state, row.get::<_, i64>(2)?.unsigned_abs());
            }
        }
        let mut select = self.connection.prepare(
            "SELECT time_ms, who, action || ': ' || state_before || ' to ' || state_after FROM audit
             WHERE action = ?1 ORDER BY id",
        )?;
        let audit = select.query_map([action(&line)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let audit = audit.collect::<Result<_, _>>()?;
        let key = line.key.clone();
        Ok(ChannelWhole { line, key, has_credential, conversations, messages, deliveries, audit })
    }

    /// Removes a channel. Front and its plugin are told by the gateway, in a delivery whose id this is; what is
    /// on its way to the provider comes to its end, and Front hears of that, too.
    pub fn disconnect(&mut self, line: &ChannelLine) -> anyhow::Result<i64> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now = millis(SystemTime::now());
        let select = format!("SELECT {} FROM front_channels WHERE id = ?1", front::COLUMNS);
        let channel: Channel = transaction.query_row(&select, [line.id], front::channel)?;
        let request = uuid::Uuid::now_v7().to_string();
        let Some(delivery) = front::remove(&transaction, &channel, Removal { by_operator: true }, &request, now)?
        else {
            bail!("the channel {} was removed before", line.channel);
        };
        note(&transaction, delivery, &action(line), [channel.state.name(), ChannelState::Removed.name()], now)?;
        transaction.execute(
            "UPDATE deliveries SET due_ms = ?2
             WHERE channel = ?1 AND kind IN ('front-message', 'front-import') AND state IN ('ready', 'unknown')
               AND lease IS NULL AND due_ms IS NOT NULL",
            params![line.id, now],
        )?;
        transaction.commit()?;
        Ok(delivery)
    }
}

impl Filter<'_> {
    fn words(&self) -> String {
        let tenant = self.tenant.map(|tenant| format!(" of the tenant {tenant}")).unwrap_or_default();
        let app = self.app.map(|app| format!(" of the app {app}")).unwrap_or_default();
        tenant + &app
    }
}

/// As in `audit`, where it outlives the delivery. The address of a channel that was removed opens nothing any
/// more.
fn action(line: &ChannelLine) -> String {
    format!("disconnect {} ({})", line.channel, line.key)
}

/// How to say which of several is meant.
fn choice(line: &ChannelLine) -> String {
    let ChannelLine { tenant, app, key, state, .. } = line;
    match state {
        ChannelState::Removed => format!("  {key}, which was removed from app {app} of tenant {tenant}"),
        _ => format!("  --tenant {tenant} --app {app}"),
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<ChannelLine> {
    let count = |name: &str| row.get::<_, i64>(name).map(i64::unsigned_abs);
    Ok(ChannelLine {
        id: row.get("id")?,
        tenant: row.get("tenant")?,
        app: row.get("app")?,
        channel: row.get("channel_id")?,
        state: ChannelState::named(row.get_ref("state")?.as_str()?),
        since_ms: row.get("changed_ms")?,
        created_ms: row.get("created_ms")?,
        to_provider: count("to_provider")?,
        to_front: count("to_front")?,
        key: row.get("key")?,
    })
}
