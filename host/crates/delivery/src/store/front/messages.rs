//! Messages of teammates: each is kept once, and Front is told the same about it however often it asks.

use std::sync::Arc;
use std::time::SystemTime;

use frontgate_front::ids::GENERATED;
use frontgate_front::replies::{ChannelResponse, Reply};
use frontgate_store::{OWN, Origin, crash, millis};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::conversations::{self, Hints, Place};
use crate::job::{Event, Kind};
use crate::store::{Store, StoreError, queue};

/// A message that Front sent, to be kept.
#[derive(Debug)]
pub struct Incoming {
    /// Ours.
    pub channel: i64,
    /// Whose.
    pub tenant: Arc<str>,
    /// `message` or `message_autoreply`.
    pub name: &'static str,
    /// The same for every request with this message.
    pub identity: String,
    /// What Front calls it.
    pub front_id: Option<String>,
    /// Where it belongs.
    pub hints: Hints,
    /// Ids for message and conversation, where nobody has others.
    pub minted: [String; 2],
    /// The request's body.
    pub payload: String,
    /// Id of the request.
    pub request: Arc<str>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Ours.
    pub message: i64,
    /// What Front was told before, or what it is to be told by now.
    pub answer: Option<ChannelResponse>,
}

impl Store {
    /// Keeps a message and what is to be done about it, unless it is there already.
    pub async fn keep_message(&self, incoming: Incoming) -> Result<Kept, StoreError> {
        crash::point("accept");
        let due = self.due(&incoming.tenant);
        let (limits, tenant) = (self.limits, Arc::clone(&incoming.tenant));
        let origin = Origin::event(Arc::clone(&tenant), incoming.payload.len());
        let kept = self
            .database
            .write_if_awaited(origin, move |transaction| {
                if let Some(kept) = find(transaction, incoming.channel, &incoming.identity)? {
                    return Ok(Ok(kept));
                }
                if let Err(overload) = limits.delivery(transaction, &incoming.tenant)? {
                    return Ok(Err(overload));
                }
                keep(transaction, &incoming, millis(SystemTime::now())).map(Ok)
            })
            .await?
            .map_err(|overload| self.overloaded(&tenant, None, overload))?;
        crash::point("accepted");
        due.notify_waiters();
        Ok(kept)
    }

    /// What Front was told about a message; if nothing yet, it is told from here on that it is on its way.
    pub async fn promise(&self, tenant: &str, message: i64) -> Result<ChannelResponse, StoreError> {
        self.database
            .write_in_time(Origin::progress(tenant), move |transaction| {
                let select =
                    "SELECT external_id, external_conversation_id, status, answer FROM front_messages WHERE id = ?1";
                let (id, conversation, answer) = transaction.prepare_cached(select)?.query_row([message], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, answer(row)?))
                })?;
                if let Some(answer) = answer {
                    return Ok(answer);
                }
                let told = Reply::Sent { external_id: &id, external_conversation_id: &conversation }.response();
                tell(transaction, message, &told)?;
                Ok(told)
            })
            .await
    }

    /// What Front was told about a message, if anything.
    pub async fn told(&self, tenant: &str, message: i64) -> Result<Option<ChannelResponse>, StoreError> {
        self.database
            .read(tenant, move |connection| {
                let select = "SELECT status, answer FROM front_messages WHERE id = ?1";
                Ok(connection.prepare_cached(select)?.query_row([message], answer).optional()?.flatten())
            })
            .await
    }

    /// What the plugin calls the conversation of a message, and all that were merged with it.
    pub(crate) async fn conversation_names(
        &self,
        channel: i64,
        message: i64,
        ids: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        self.database
            .read(OWN, move |connection| {
                let select = "SELECT external_conversation_id FROM front_messages WHERE id = ?1";
                let own: String = connection.prepare_cached(select)?.query_row([message], |row| row.get(0))?;
                let lane = conversations::lane(connection, channel, &own)?;
                let mut names = conversations::names(connection, channel, &lane)?;
                // What was connected before this database was: Front knows ids that it has not heard here.
                if names.is_empty() {
                    names.extend(ids.into_iter().filter(|id| !id.starts_with(GENERATED)));
                }
                Ok(names)
            })
            .await
    }

    /// What Front knows a message and its conversation by.
    pub(crate) async fn place(&self, message: i64) -> Result<Option<(String, String)>, StoreError> {
        self.database
            .read(OWN, move |connection| {
                let select = "SELECT external_id, external_conversation_id FROM front_messages WHERE id = ?1";
                let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                connection.prepare_cached(select)?.query_row([message], place).optional()
            })
            .await
    }
}

fn find(connection: &Connection, channel: i64, identity: &str) -> rusqlite::Result<Option<Kept>> {
    let select = "SELECT id, status, answer FROM front_messages WHERE channel = ?1 AND identity = ?2";
    let kept = |row: &Row<'_>| Ok(Kept { message: row.get("id")?, answer: answer(row)? });
    connection.prepare_cached(select)?.query_row(params![channel, identity], kept).optional()
}

fn keep(transaction: &Transaction<'_>, incoming: &Incoming, now: i64) -> rusqlite::Result<Kept> {
    let Incoming { channel, minted: [message, conversation], .. } = incoming;
    let Place { external_id, lane } =
        conversations::of_front(transaction, *channel, &incoming.hints, conversation, now)?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO front_messages (channel, identity, outbound, external_id, external_conversation_id, front_id, created_ms)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![channel, incoming.identity, message, external_id, incoming.front_id, now])?;
    let message = transaction.last_insert_rowid();
    let event = Event {
        tenant: Arc::clone(&incoming.tenant),
        kind: Kind::Message,
        name: incoming.name.to_owned(),
        conversation: format!("to provider {channel} {lane}"),
        payload: incoming.payload.clone(),
        channel: Some(*channel),
        message: Some(message),
        request: Arc::clone(&incoming.request),
    };
    queue::insert(transaction, &event, now)?;
    Ok(Kept { message, answer: None })
}

/// What a row says that Front was told.
pub(super) fn answer(row: &Row<'_>) -> rusqlite::Result<Option<ChannelResponse>> {
    let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.get("status")?, row.get("answer")?);
    Ok(status.zip(body).map(|(status, body)| ChannelResponse { status, body }))
}

/// From here on this is what Front was told.
pub(super) fn tell(transaction: &Transaction<'_>, message: i64, answer: &ChannelResponse) -> rusqlite::Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE front_messages SET status = ?2, answer = ?3 WHERE id = ?1 AND answer IS NULL")?;
    update.execute(params![message, answer.status, answer.body]).map(drop)
}
