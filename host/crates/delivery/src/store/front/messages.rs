//! Messages of teammates: each message is stored once, and Front gets the same answer whenever it repeats one.

use std::sync::Arc;

use frontgate_front::ids::GENERATED;
use frontgate_front::replies::{ChannelResponse, Reply};
use frontgate_store::sql::{self, Row, Scope, Transaction, indexed};
use frontgate_store::{NO_TENANT, Origin, crash, values};

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
    /// Front's information about the conversation.
    pub hints: Hints,
    /// Generated ids of the message and its conversation, used if neither Front nor the plugin has an id.
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
    pub answer: Option<ChannelResponse>,
    /// Id of the delivery; `None` if the message was stored before.
    pub delivery: Option<i64>,
}

impl Store {
    /// Stores a message and enqueues its delivery, unless it is stored already.
    pub async fn accept_message(&self, incoming: Incoming) -> Result<StoredMessage, StoreError> {
        crash::point("accept");
        let (limits, tenant) = (self.limits, Arc::clone(&incoming.tenant));
        let origin = Origin::event(Arc::clone(&tenant), incoming.payload.len());
        let stored = self
            .database
            .write_if_awaited(origin, Scope::Channel(incoming.channel), move |transaction| {
                if let Some(stored) = find(transaction, incoming.channel, &incoming.identity)? {
                    return Ok(Ok(stored));
                }
                if let Err(overload) = limits.delivery(transaction, &incoming.tenant)? {
                    return Ok(Err(overload));
                }
                insert(transaction, &incoming).map(Ok)
            })
            .await?
            .map_err(|overload| self.record_overload(&tenant, None, overload))?;
        crash::point("accepted");
        self.notify_due(&tenant);
        Ok(stored)
    }

    /// Returns the answer about a message. If no answer exists, stores and returns a promise to send the message.
    pub async fn promise_answer(
        &self,
        tenant: &str,
        channel: i64,
        message: i64,
    ) -> Result<ChannelResponse, StoreError> {
        self.database
            .write_in_time(Origin::progress(tenant), Scope::Channel(channel), move |transaction| {
                let select =
                    "SELECT external_id, external_conversation_id, status, answer FROM front_messages WHERE id = ?1";
                let (id, conversation, answer) = transaction.one(select, values![message], |row| {
                    Ok((row.get::<String>(0)?, row.get::<String>(1)?, answer(row)?))
                })?;
                if let Some(answer) = answer {
                    return Ok(answer);
                }
                let promise = Reply::Sent { external_id: &id, external_conversation_id: &conversation }.response();
                set_answer(transaction, message, &promise)?;
                Ok(promise)
            })
            .await
    }

    /// Returns the answer about a message, if Front has one.
    pub async fn message_answer(&self, tenant: &str, message: i64) -> Result<Option<ChannelResponse>, StoreError> {
        self.database
            .read(tenant, move |read| {
                let select = "SELECT status, answer FROM front_messages WHERE id = ?1";
                Ok(read.row(select, values![message], answer)?.flatten())
            })
            .await
    }

    /// Returns the plugin's names for a message's conversation and for the conversations merged with it.
    ///
    /// If the database has no name, returns the `ids` that the gateway did not generate: Front received them before
    /// this database existed.
    pub(crate) async fn conversation_names(
        &self,
        channel: i64,
        message: i64,
        ids: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        self.database
            .read(NO_TENANT, move |read| {
                let select = "SELECT external_conversation_id FROM front_messages WHERE id = ?1";
                let own: String = read.value(select, values![message])?;
                let lane = conversations::lane(read, channel, &own)?;
                let mut names = conversations::names(read, channel, &lane)?;
                if names.is_empty() {
                    names.extend(ids.iter().filter(|id| !id.starts_with(GENERATED)).cloned());
                }
                Ok(names)
            })
            .await
    }

    /// Returns Front's ids of a message and its conversation.
    pub(crate) async fn message_ids(&self, message: i64) -> Result<Option<(String, String)>, StoreError> {
        self.database
            .read(NO_TENANT, move |read| {
                let select = "SELECT external_id, external_conversation_id FROM front_messages WHERE id = ?1";
                read.row(select, values![message], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .await
    }
}

fn find(read: &Transaction<'_>, channel: i64, identity: &str) -> sql::Result<Option<StoredMessage>> {
    let select = "SELECT id, status, answer FROM front_messages WHERE channel = ?1 AND identity = ?2";
    let stored = |row: &Row<'_>| Ok(StoredMessage { message: row.named("id")?, answer: answer(row)?, delivery: None });
    read.row(select, values![channel, indexed(identity.to_owned())], stored)
}

fn insert(transaction: &Transaction<'_>, incoming: &Incoming) -> sql::Result<StoredMessage> {
    let Incoming { channel, minted: [message, conversation], .. } = incoming;
    let ConversationKey { external_id, lane } =
        conversations::of_front(transaction, *channel, &incoming.hints, conversation)?;
    let insert = "INSERT INTO front_messages
                    (channel, identity, outbound, external_id, external_conversation_id, front_id, created_ms)
                  VALUES (?1, ?2, TRUE, ?3, ?4, ?5, ?6) RETURNING id";
    let (now, front_id) = (transaction.now_ms(), incoming.front_id.clone().map(indexed));
    let identity = indexed(incoming.identity.clone());
    let message = transaction.value(insert, values![channel, identity, message, external_id, front_id, now])?;
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
    let delivery = Some(rows::insert(transaction, &delivery)?);
    Ok(StoredMessage { message, answer: None, delivery })
}

/// Reads the answer from a row with `status` and `answer`.
pub(super) fn answer(row: &Row<'_>) -> sql::Result<Option<ChannelResponse>> {
    let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.named("status")?, row.named("answer")?);
    Ok(status.zip(body).map(|(status, body)| ChannelResponse { status, body }))
}

/// Stores the answer about a message, unless Front already has one.
pub(super) fn set_answer(transaction: &Transaction<'_>, message: i64, answer: &ChannelResponse) -> sql::Result<()> {
    let update = "UPDATE front_messages SET status = ?2, answer = ?3 WHERE id = ?1 AND answer IS NULL";
    transaction.execute(update, values![message, answer.status, answer.body]).map(drop)
}
