//! Channels: an admin connects one, and each has an address that nobody can guess.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;

use crate::delivery::job::{Event, Kind};
use crate::delivery::store::{Store, StoreError, queue};
use crate::store::millis;

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
    fn named(name: &str) -> Self {
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

const COLUMNS: &str = "id, tenant, app, channel_id, key, credential, state";

impl Store {
    /// The channel of an address.
    pub async fn channel_at(&self, key: String) -> Result<Option<Channel>, StoreError> {
        self.database
            .read(move |connection| {
                let select = format!("SELECT {COLUMNS} FROM front_channels WHERE key = ?1");
                connection.prepare_cached(&select)?.query_row([key], channel).optional()
            })
            .await
    }

    /// One that a delivery names.
    pub(in crate::delivery) async fn channel(&self, id: i64) -> Result<Option<Channel>, StoreError> {
        self.database.read(move |connection| find(connection, id)).await
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
            .write_in_time(move |transaction| {
                let now = millis(SystemTime::now());
                let select = format!(
                    "SELECT {COLUMNS} FROM front_channels
                     WHERE tenant = ?1 AND app = ?2 AND channel_id = ?3 AND state != 'removed'"
                );
                let known = transaction.query_row(&select, params![tenant, app, channel_id], channel).optional()?;
                if let Some(known) = known {
                    return Ok(match known.state {
                        ChannelState::Connected => Begun::Known(known),
                        _ => Begun::New(Channel { credential, ..known }),
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

    /// The plugin has taken it, with this credential.
    pub async fn connected(&self, id: i64, credential: Option<String>) -> Result<(), StoreError> {
        self.database
            .write_in_time(move |transaction| {
                let update = "UPDATE front_channels SET state = 'connected', credential = ?2, changed_ms = ?3
                              WHERE id = ?1 AND state != 'removed'";
                transaction.execute(update, params![id, credential, millis(SystemTime::now())]).map(drop)
            })
            .await
    }

    /// The plugin has not: nothing is left of one that was not connected before.
    pub async fn refused(&self, id: i64) -> Result<(), StoreError> {
        self.database
            .write(move |transaction| {
                transaction.execute("DELETE FROM front_channels WHERE id = ?1 AND state = 'connecting'", [id]).map(drop)
            })
            .await
    }

    /// It is removed; the plugin will be told. Says whether it was there.
    pub async fn remove_channel(&self, channel: &Channel, request: &str) -> Result<bool, StoreError> {
        let (id, tenant) = (channel.id, channel.tenant.clone());
        let event = Event {
            tenant: tenant.as_str().into(),
            kind: Kind::Disconnect,
            name: "delete".to_owned(),
            conversation: format!("{} {}", channel.app, channel.channel_id),
            payload: "{}".to_owned(),
            channel: Some(id),
            message: None,
            request: request.into(),
        };
        let due = self.due(&tenant);
        let removed = self
            .database
            .write_in_time(move |transaction| {
                let now = millis(SystemTime::now());
                let update = "UPDATE front_channels SET state = 'removed', changed_ms = ?2
                              WHERE id = ?1 AND state != 'removed'";
                let removed = transaction.execute(update, params![id, now])? == 1;
                if removed {
                    queue::insert(transaction, &event, now)?;
                }
                Ok(removed)
            })
            .await?;
        due.notify_waiters();
        Ok(removed)
    }
}

pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Channel>> {
    let select = format!("SELECT {COLUMNS} FROM front_channels WHERE id = ?1");
    connection.prepare_cached(&select)?.query_row([id], channel).optional()
}

pub(in crate::delivery::store) fn channel(row: &Row<'_>) -> rusqlite::Result<Channel> {
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
