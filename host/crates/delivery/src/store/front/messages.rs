//! Messages of teammates: each is stored once, and Front gets the same answer each time it repeats one.

use std::sync::Arc;
use std::time::SystemTime;

use frontgate_front::answers;
use frontgate_front::answers::Answer;
use frontgate_front::ids::MINTED;
use frontgate_store::{OWN, Origin, crash, millis};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::conversations::{self, ConversationKey, Hints};
use crate::job::{Kind, NewDelivery};
use crate::store::{Store, StoreError, rows};

/// A message that Front sent.
#[derive(Debug)]
pub struct Incoming {
    /// Row id of the channel.
    pub channel: i64,
    /// Name of the tenant.
    pub tenant: Arc<str>,
    /// `message` or `message_autoreply`.
    pub name: &'static str,
    /// Idempotency key, equal in every request with this message.
    pub identity: String,
    /// Front's id, `msg_...`.
    pub front_id: Option<String>,
    /// Front's information about its conversation.
    pub hints: Hints,
    /// Generated ids of message and conversation, used where neither side has an id.
    pub minted: [String; 2],
    /// Body of the request.
    pub payload: String,
    /// Id of the request.
    pub request: Arc<str>,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Row id of the message.
    pub message: i64,
    /// The answer that Front received, or receives now.
    pub answer: Option<Answer>,
}

impl Store {
    /// Stores a message and enqueues its delivery, unless it is stored already.
    pub async fn accept_message(&self, incoming: Incoming) -> Result<StoredMessage, StoreError> {
        crash::point("accept");
        let due = self.due_signal(&incoming.tenant);
        let (limits, tenant) = (self.limits, Arc::clone(&incoming.tenant));
        let origin = Origin::event(Arc::clone(&tenant), incoming.payload.len());
        let stored = self
            .database
            .write_if_awaited(origin, move |transaction| {
                if let Some(stored) = find(transaction, incoming.channel, &incoming.identity)? {
                    return Ok(Ok(stored));
                }
                if let Err(overload) = limits.delivery(transaction, &incoming.tenant)? {
                    return Ok(Err(overload));
                }
                insert(transaction, &incoming, millis(SystemTime::now())).map(Ok)
            })
            .await?
            .map_err(|overload| self.record_overload(&tenant, None, overload))?;
        crash::point("accepted");
        due.notify_waiters();
        Ok(stored)
    }

    /// Returns the answer about a message; without one, stores and returns the promise that it is sent.
    pub async fn promise_answer(&self, tenant: &str, message: i64) -> Result<Answer, StoreError> {
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
                let promise =
                    answers::Outcome::Sent { external_id: &id, external_conversation_id: &conversation }.answer();
                set_answer(transaction, message, &promise)?;
                Ok(promise)
            })
            .await
    }

    /// Returns the answer about a message, if Front has one.
    pub async fn message_answer(&self, tenant: &str, message: i64) -> Result<Option<Answer>, StoreError> {
        self.database
            .read(tenant, move |connection| {
                let select = "SELECT status, answer FROM front_messages WHERE id = ?1";
                Ok(connection.prepare_cached(select)?.query_row([message], answer).optional()?.flatten())
            })
            .await
    }

    /// Returns the plugin's names of a message's conversation and of those merged with it.
    ///
    /// For a conversation that is unknown here, those of `ids` that the gateway did not generate are returned:
    /// Front knows them from the time before this database existed.
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
                if names.is_empty() {
                    names.extend(ids.into_iter().filter(|id| !id.starts_with(MINTED)));
                }
                Ok(names)
            })
            .await
    }

    /// Returns Front's ids of a message and its conversation.
    pub(crate) async fn message_ids(&self, message: i64) -> Result<Option<(String, String)>, StoreError> {
        self.database
            .read(OWN, move |connection| {
                let select = "SELECT external_id, external_conversation_id FROM front_messages WHERE id = ?1";
                let ids = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                connection.prepare_cached(select)?.query_row([message], ids).optional()
            })
            .await
    }
}

fn find(connection: &Connection, channel: i64, identity: &str) -> rusqlite::Result<Option<StoredMessage>> {
    let select = "SELECT id, status, answer FROM front_messages WHERE channel = ?1 AND identity = ?2";
    let stored = |row: &Row<'_>| Ok(StoredMessage { message: row.get("id")?, answer: answer(row)? });
    connection.prepare_cached(select)?.query_row(params![channel, identity], stored).optional()
}

fn insert(transaction: &Transaction<'_>, incoming: &Incoming, now: i64) -> rusqlite::Result<StoredMessage> {
    let Incoming { channel, minted: [message, conversation], .. } = incoming;
    let ConversationKey { external_id, lane } =
        conversations::of_front(transaction, *channel, &incoming.hints, conversation, now)?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO front_messages (channel, identity, outbound, external_id, external_conversation_id, front_id, created_ms)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![channel, incoming.identity, message, external_id, incoming.front_id, now])?;
    let message = transaction.last_insert_rowid();
    let delivery = NewDelivery {
        tenant: Arc::clone(&incoming.tenant),
        kind: Kind::Message,
        name: incoming.name.to_owned(),
        conversation: format!("to provider {channel} {lane}"),
        payload: incoming.payload.clone(),
        channel: Some(*channel),
        message: Some(message),
        request: Arc::clone(&incoming.request),
    };
    rows::insert(transaction, &delivery, now)?;
    Ok(StoredMessage { message, answer: None })
}

/// Reads the answer from a row with `status` and `answer`.
pub(super) fn answer(row: &Row<'_>) -> rusqlite::Result<Option<Answer>> {
    let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.get("status")?, row.get("answer")?);
    Ok(status.zip(body).map(|(status, body)| Answer { status, body }))
}

/// Stores the answer about a message, unless Front already has one.
pub(super) fn set_answer(transaction: &Transaction<'_>, message: i64, answer: &Answer) -> rusqlite::Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE front_messages SET status = ?2, answer = ?3 WHERE id = ?1 AND answer IS NULL")?;
    update.execute(params![message, answer.status, answer.body]).map(drop)
}
