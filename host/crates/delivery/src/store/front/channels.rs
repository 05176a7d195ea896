//! Channels: an admin connects one, and each has an address that nobody can guess.

use std::time::SystemTime;

use frontgate_store::{OWN, Origin, millis};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::job::{Event, Kind};
use crate::store::{Store, StoreError, queue};

/// How a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelState {
    /// The plugin has not said yet whether it can be.
    Connecting,
    /// It works.
    Connected,
    /// Front, or an operator, removed it.
    Removed,
}

impl ChannelState {
    /// As in the database and the commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Removed => "removed",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        match name {
            "connecting" => Self::Connecting,
            "connected" => Self::Connected,
            _ => Self::Removed,
        }
    }
}

/// One channel.
#[derive(Clone)]
pub struct Channel {
    /// Ours.
    pub id: i64,
    /// Whose.
    pub tenant: String,
    /// Of which app.
    pub app: String,
    /// `cha_...`.
    pub channel_id: String,
    /// In its addresses.
    pub key: String,
    /// What the admin typed.
    pub credential: Option<String>,
    /// How it stands.
    pub state: ChannelState,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channel({})", self.channel_id)
    }
}

/// What is to be told about a channel that was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Removal {
    /// Whether Front has to hear of it: an operator did it.
    pub(crate) by_operator: bool,
}

/// What becomes of the wish to connect a channel.
#[derive(Debug)]
pub enum Begun {
    /// It is new, and connecting.
    New(Channel),
    /// It is connected already.
    Known(Channel),
    /// The app has as many as it may.
    Full,
}

pub(crate) const COLUMNS: &str = "id, tenant, app, channel_id, key, credential, state";

impl Store {
    /// The channel of an address.
    pub async fn channel_at(&self, tenant: &str, key: String) -> Result<Option<Channel>, StoreError> {
        self.database
            .read(tenant, move |connection| {
                let select = format!("SELECT {COLUMNS} FROM front_channels WHERE key = ?1");
                connection.prepare_cached(&select)?.query_row([key], channel).optional()
            })
            .await
    }

    /// One that a delivery names.
    pub(crate) async fn channel(&self, id: i64) -> Result<Option<Channel>, StoreError> {
        self.database.read(OWN, move |connection| find(connection, id)).await
    }

    /// An admin wants to connect a channel: it gets its address, before anybody knows whether it can be.
    pub async fn begin_channel(
        &self,
        [tenant, app, channel_id]: [String; 3],
        key: String,
        credential: Option<String>,
        most: usize,
    ) -> Result<Begun, StoreError> {
        self.database
            .write_in_time(Origin::event(tenant.as_str(), 0), move |transaction| {
                let now = millis(SystemTime::now());
                let select = format!(
                    "SELECT {COLUMNS} FROM front_channels
                     WHERE tenant = ?1 AND app = ?2 AND channel_id = ?3 AND state != 'removed'"
                );
                let known = transaction.query_row(&select, params![tenant, app, channel_id], channel).optional()?;
                if let Some(known) = known {
                    return Ok(match known.state {
                        ChannelState::Connected => Begun::Known(known),
                        _ => {
                            let update = "UPDATE front_channels SET credential = ?2 WHERE id = ?1";
                            transaction.execute(update, params![known.id, credential])?;
                            Begun::New(Channel { credential, ..known })
                        }
                    });
                }
                let count = "SELECT count(*) FROM front_channels WHERE tenant = ?1 AND app = ?2 AND state != 'removed'";
                let count: i64 = transaction.query_row(count, params![tenant, app], |row| row.get(0))?;
                if usize::try_from(count).unwrap_or(usize::MAX) >= most {
                    return Ok(Begun::Full);
                }
                transaction.execute(
                    "INSERT INTO front_channels (tenant, app, channel_id, key, credential, state, created_ms, changed_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, 'connecting', ?6, ?6)",
                    params![tenant, app, channel_id, key, credential, now],
                )?;
                let id = transaction.last_insert_rowid();
                Ok(Begun::New(find(transaction, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?))
            })
            .await
    }

    /// The plugin has taken it, with this credential; says whether it is still there.
    pub async fn connected(&self, tenant: &str, id: i64, credential: Option<String>) -> Result<bool, StoreError> {
        self.database
            .write_in_time(Origin::progress(tenant), move |transaction| {
                let update = "UPDATE front_channels SET state = 'connected', credential = ?2, changed_ms = ?3
                              WHERE id = ?1 AND state != 'removed'";
                Ok(transaction.execute(update, params![id, credential, millis(SystemTime::now())])? == 1)
            })
            .await
    }

    /// The plugin has not taken it with this credential: nothing is left of one that was not connected before,
    /// and that nobody tries to connect with another.
    pub async fn refused(&self, tenant: &str, id: i64, credential: Option<String>) -> Result<(), StoreError> {
        self.database
            .write(Origin::progress(tenant), move |transaction| {
                let delete = "DELETE FROM front_channels WHERE id = ?1 AND state = 'connecting' AND credential IS ?2";
                transaction.execute(delete, params![id, credential]).map(drop)
            })
            .await
    }

    /// It is removed; the plugin will be told. Says whether it was there.
    pub async fn remove_channel(&self, channel: &Channel, request: &str) -> Result<bool, StoreError> {
        let due = self.due(&channel.tenant);
        let (channel, request) = (channel.clone(), request.to_owned());
        let removed = self
            .database
            .write_in_time(Origin::event(channel.tenant.as_str(), 0), move |transaction| {
                remove(transaction, &channel, Removal::default(), &request, millis(SystemTime::now()))
            })
            .await?;
        due.notify_waiters();
        Ok(removed.is_some())
    }

    /// Whether a channel that was removed is there again, with another address.
    pub(crate) async fn is_there_again(&self, channel: &Channel) -> Result<bool, StoreError> {
        let [tenant, app, channel_id] = [&channel.tenant, &channel.app, &channel.channel_id].map(String::clone);
        self.database
            .read(OWN, move |connection| {
                let select = "SELECT EXISTS (SELECT 1 FROM front_channels
                              WHERE tenant = ?1 AND app = ?2 AND channel_id = ?3 AND state != 'removed')";
                let names = params![tenant, app, channel_id];
                connection.prepare_cached(select)?.query_row(names, |row| row.get(0))
            })
            .await
    }
}

/// Removes a channel; the delivery that tells of it, if it was there.
pub(crate) fn remove(
    transaction: &Transaction<'_>,
    channel: &Channel,
    removal: Removal,
    request: &str,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    let update = "UPDATE front_channels SET state = 'removed', changed_ms = ?2 WHERE id = ?1 AND state != 'removed'";
    if transaction.execute(update, params![channel.id, now])? == 0 {
        return Ok(None);
    }
    let event = Event {
        tenant: channel.tenant.as_str().into(),
        kind: Kind::Disconnect,
        name: if removal.by_operator { "disconnect" } else { "delete" }.to_owned(),
        conversation: format!("{} {}", channel.app, channel.channel_id),
        payload: serde_json::to_string(&removal).expect("a flag"),
        channel: Some(channel.id),
        message: None,
        request: request.into(),
    };
    queue::insert(transaction, &event, now)?;
    Ok(Some(transaction.last_insert_rowid()))
}

pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Channel>> {
    let select = format!("SELECT {COLUMNS} FROM front_channels WHERE id = ?1");
    connection.prepare_cached(&select)?.query_row([id], channel).optional()
}

pub(crate) fn channel(row: &Row<'_>) -> rusqlite::Result<Channel> {
    Ok(Channel {
        id: row.get("id")?,
        tenant: row.get("tenant")?,
        app: row.get("app")?,
        channel_id: row.get("channel_id")?,
        key: row.get("key")?,
        credential: row.get("credential")?,
        state: ChannelState::named(row.get_ref("state")?.as_str()?),
    })
}
