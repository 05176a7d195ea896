//! Front channels: connecting, lookup by address, and removal.
//!
//! The address contains a random key, so only Front and the provider know it.

use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{NO_TENANT, Origin, values};
use serde::{Deserialize, Serialize};

use super::{health, templates};
use crate::job::{Kind, NewDelivery};
use crate::store::{Store, StoreError, rows};

/// The state of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelState {
    /// The plugin has not accepted it yet.
    Connecting,
    /// The plugin accepted it.
    Connected,
    /// Front or an operator removed it.
    Removed,
}

impl ChannelState {
    /// Returns the name used in the database and the commands.
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

/// A channel of a Front app.
#[derive(Clone)]
pub struct Channel {
    /// Row id.
    pub id: i64,
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the app.
    pub app: String,
    /// Front's id, `cha_...`.
    pub channel_id: String,
    /// Random key in the channel's addresses.
    pub key: String,
    /// The credential that the admin entered in Front.
    pub credential: Option<String>,
    /// The state.
    pub state: ChannelState,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channel({})", self.channel_id)
    }
}

/// The payload of the delivery for a removed channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Removal {
    /// Whether an operator removed it, so Front has to be notified.
    pub(crate) by_operator: bool,
}

/// The result of [`Store::begin_connect`].
#[derive(Debug)]
pub enum ConnectResult {
    /// The channel is being connected.
    New(Channel),
    /// The channel is connected already.
    Known(Channel),
    /// The app already has its maximum number of channels.
    Full,
}

pub(crate) const COLUMNS: &str = "id, tenant, app, channel_id, key, credential, state";

impl Store {
    /// Returns the channel with this key.
    pub async fn channel_at(&self, tenant: &str, key: String) -> Result<Option<Channel>, StoreError> {
        self.database
            .read(tenant, move |read| {
                read.row(&format!("SELECT {COLUMNS} FROM front_channels WHERE key = ?1"), values![key], channel)
            })
            .await
    }

    /// Returns the channel with this row id.
    pub(crate) async fn channel(&self, id: i64) -> Result<Option<Channel>, StoreError> {
        self.database.read(NO_TENANT, move |read| find(read, id)).await
    }

    /// Creates a channel with its address, before the plugin is asked to connect it.
    ///
    /// `names` are tenant, app and Front's id of the channel; `most` is the app's maximum number of channels.
    pub async fn begin_connect(
        &self,
        names: [String; 3],
        key: String,
        credential: Option<String>,
        most: usize,
    ) -> Result<ConnectResult, StoreError> {
        let scope = Scope::App { tenant: names[0].clone(), app: names[1].clone() };
        self.database
            .write_in_time(Origin::event(names[0].as_str(), 0), scope, move |transaction| {
                begin_connect(transaction, &names, &key, credential.as_deref(), most)
            })
            .await
    }

    /// Marks a channel as connected with this credential; returns whether it still exists.
    pub async fn confirm_connect(&self, tenant: &str, id: i64, credential: Option<String>) -> Result<bool, StoreError> {
        let confirmed = self
            .database
            .write_in_time(Origin::progress(tenant), Scope::Channel(id), move |transaction| {
                health::begin_again(transaction, id)?;
                let update = "UPDATE front_channels SET state = 'connected', credential = ?2, changed_ms = ?3
                              WHERE id = ?1 AND state <> 'removed'";
                Ok(transaction.execute(update, values![id, credential, transaction.now_ms()])? == 1)
            })
            .await;
        self.suspect(tenant, id);
        confirmed
    }

    /// Deletes a channel that the plugin rejected.
    ///
    /// A channel that is connected, or that is being connected with another credential, is kept.
    pub async fn discard_connect(&self, tenant: &str, id: i64, credential: Option<String>) -> Result<(), StoreError> {
        self.database
            .write(Origin::progress(tenant), Scope::Channel(id), move |transaction| {
                let delete = "DELETE FROM front_channels
                              WHERE id = ?1 AND state = 'connecting' AND credential IS NOT DISTINCT FROM ?2";
                transaction.execute(delete, values![id, credential]).map(drop)
            })
            .await
    }

    /// Removes a channel and enqueues the notification of its plugin; returns whether the channel existed.
    pub async fn remove_channel(&self, channel: &Channel, request: &str) -> Result<bool, StoreError> {
        let (channel, request, tenant) = (channel.clone(), request.to_owned(), channel.tenant.clone());
        let removed = self
            .database
            .write_in_time(Origin::event(channel.tenant.as_str(), 0), Scope::Channel(channel.id), move |transaction| {
                remove(transaction, &channel, Removal::default(), &request)
            })
            .await?;
        self.notify_due(&tenant);
        Ok(removed.is_some())
    }

    /// Returns whether a removed channel was connected again, with another address.
    pub(crate) async fn is_reconnected(&self, channel: &Channel) -> Result<bool, StoreError> {
        let [tenant, app, channel_id] = [&channel.tenant, &channel.app, &channel.channel_id].map(String::clone);
        self.database
            .read(NO_TENANT, move |read| {
                let select = "SELECT EXISTS (SELECT 1 FROM front_channels
                              WHERE tenant = ?1 AND app = ?2 AND channel_id = ?3 AND state <> 'removed')";
                read.value(select, values![tenant, app, channel_id])
            })
            .await
    }
}

fn begin_connect(
    transaction: &Transaction<'_>,
    [tenant, app, channel_id]: &[String; 3],
    key: &str,
    credential: Option<&str>,
    most: usize,
) -> sql::Result<ConnectResult> {
    let select = format!(
        "SELECT {COLUMNS} FROM front_channels
         WHERE tenant = ?1 AND app = ?2 AND channel_id = ?3 AND state <> 'removed'"
    );
    if let Some(known) = transaction.row(&select, values![tenant, app, channel_id], channel)? {
        return Ok(match known.state {
            ChannelState::Connected => ConnectResult::Known(known),
            _ => {
                let update = "UPDATE front_channels SET credential = ?2 WHERE id = ?1 AND state = 'connecting'";
                if transaction.execute(update, values![known.id, credential])? == 0 {
                    // Another request has connected or removed it a moment ago.
                    return Err(sql::Error::Conflict);
                }
                ConnectResult::New(Channel { credential: credential.map(str::to_owned), ..known })
            }
        });
    }
    let count = "SELECT count(*) FROM front_channels WHERE tenant = ?1 AND app = ?2 AND state <> 'removed'";
    let count: i64 = transaction.value(count, values![tenant, app])?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= most {
        return Ok(ConnectResult::Full);
    }
    let insert = format!(
        "INSERT INTO front_channels (tenant, app, channel_id, key, credential, state, created_ms, changed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 'connecting', ?6, ?6) RETURNING {COLUMNS}"
    );
    let values = values![tenant, app, channel_id, key, credential, transaction.now_ms()];
    transaction.one(&insert, values, channel).map(ConnectResult::New)
}

/// Removes a channel; returns the id of the delivery that notifies its plugin, if the channel existed.
pub(crate) fn remove(
    transaction: &Transaction<'_>,
    channel: &Channel,
    removal: Removal,
    request: &str,
) -> sql::Result<Option<i64>> {
    let update = "UPDATE front_channels SET state = 'removed', changed_ms = ?2 WHERE id = ?1 AND state <> 'removed'";
    if transaction.execute(update, values![channel.id, transaction.now_ms()])? == 0 {
        return Ok(None);
    }
    health::forget(transaction, channel.id)?;
    templates::delete(transaction, channel.id)?;
    let delivery = NewDelivery {
        tenant: channel.tenant.as_str().into(),
        kind: Kind::Disconnect,
        name: if removal.by_operator { "disconnect" } else { "delete" }.to_owned(),
        conversation: format!("{} {}", channel.app, channel.channel_id),
        payload: serde_json::to_string(&removal).expect("a flag"),
        channel: Some(channel.id),
        message: None,
        request: request.into(),
    };
    rows::insert(transaction, &delivery).map(Some)
}

pub(super) fn find(read: &Transaction<'_>, id: i64) -> sql::Result<Option<Channel>> {
    read.row(&format!("SELECT {COLUMNS} FROM front_channels WHERE id = ?1"), values![id], channel)
}

pub(crate) fn channel(row: &Row<'_>) -> sql::Result<Channel> {
    Ok(Channel {
        id: row.named("id")?,
        tenant: row.named("tenant")?,
        app: row.named("app")?,
        channel_id: row.named("channel_id")?,
        key: row.named("key")?,
        credential: row.named("credential")?,
        state: ChannelState::named(&row.named::<String>("state")?),
    })
}
