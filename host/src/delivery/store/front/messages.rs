//! Messages of teammates: each is kept once, and Front is told the same about it however often it asks.

use std::sync::{Arc, PoisonError, Weak};
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use tokio::sync::Notify;

use super::conversations::{self, Place};
use crate::delivery::job::{Event, Kind};
use crate::delivery::store::{Store, StoreError, queue};
use crate::front::answers::{Answer, Outcome};
use crate::front::ids::MINTED;
use crate::front::requests::Imported;
use crate::store::{crash, millis};

pub use super::conversations::Hints;

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
    pub answer: Option<Answer>,
}

/// Wakes whoever waits for one message's answer.
pub(in crate::delivery::store) type Waiting = std::sync::Mutex<std::collections::HashMap<i64, Weak<Notify>>>;

impl Store {
    /// Keeps a message and what is to be done about it, unless it is there already.
    pub async fn keep_message(&self, incoming: Incoming) -> Result<Kept, StoreError> {
        crash::point("accept");
        let due = self.due(&incoming.tenant);
        let kept = self
            .database
            .write_if_awaited(move |transaction| {
                if let Some(kept) = find(transaction, incoming.channel, &incoming.identity)? {
                    return Ok(kept);
                }
                keep(transaction, &incoming, millis(SystemTime::now()))
            })
            .await?;
        crash::point("accepted");
        due.notify_waiters();
        Ok(kept)
    }

    /// What Front was told about a message; if nothing yet, it is told from here on that it is on its way.
    pub async fn promise(&self, message: i64) -> Result<Answer, StoreError> {
        self.database
            .write_in_time(move |transaction| {
                let select =
                    "SELECT external_id, external_conversation_id, status, answer FROM front_messages WHERE id = ?1";
                let (id, conversation, answer) = transaction.prepare_cached(select)?.query_row([message], |row| {
                    let answer = row.get::<_, Option<u16>>(2)?.zip(row.get::<_, Option<Vec<u8>>>(3)?);
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, answer))
                })?;
                if let Some((status, body)) = answer {
                    return Ok(Answer { status, body });
                }
                let told = Outcome::Sent { external_id: &id, external_conversation_id: &conversation }.answer();
                tell(transaction, message, &told)?;
                Ok(told)
            })
            .await
    }

    /// What Front was told about a message, if anything.
    pub async fn told(&self, message: i64) -> Result<Option<Answer>, StoreError> {
        self.database
            .read(move |connection| {
                let select = "SELECT status, answer FROM front_messages WHERE id = ?1 AND answer IS NOT NULL";
                let answer = |row: &rusqlite::Row<'_>| Ok(Answer { status: row.get(0)?, body: row.get(1)? });
                connection.prepare_cached(select)?.query_row([message], answer).optional()
            })
            .await
    }

    /// What the very same request was answered before.
    pub async fn replayed(&self, tenant: &str, request: String) -> Result<Option<Answer>, StoreError> {
        let (tenant, identity) = (tenant.to_owned(), replay(&request));
        self.database
            .read(move |connection| {
                let select = "SELECT status, answer FROM events WHERE tenant = ?1 AND identity = ?2";
                let answer = |row: &rusqlite::Row<'_>| Ok(Answer { status: row.get(0)?, body: row.get(1)? });
                connection.prepare_cached(select)?.query_row(params![tenant, identity], answer).optional()
            })
            .await
    }

    /// Keeps an answer for whoever sends the very same request again.
    pub async fn remember_answer(&self, tenant: &str, request: String, answer: Answer) -> Result<(), StoreError> {
        let (tenant, identity) = (tenant.to_owned(), replay(&request));
        self.database
            .write_in_time(move |transaction| {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR IGNORE INTO events (tenant, identity, answer, rejected, status, time_ms)
                     VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                )?;
                let now = millis(SystemTime::now());
                insert.execute(params![tenant, identity, answer.body, answer.status, now]).map(drop)
            })
            .await
    }

    /// What is told whenever something has become of a message.
    pub fn watch_message(&self, message: i64) -> Arc<Notify> {
        let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, watch| watch.strong_count() > 0);
        if let Some(watch) = all.get(&message).and_then(Weak::upgrade) {
            return watch;
        }
        let watch = Arc::new(Notify::new());
        all.insert(message, Arc::downgrade(&watch));
        watch
    }

    /// Something has become of it.
    pub(in crate::delivery) fn tell_watchers(&self, message: i64) {
        let watch = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&message).and_then(Weak::upgrade);
        if let Some(watch) = watch {
            watch.notify_waiters();
        }
    }

    /// Front has taken what it was told: its own ids are known from here on, and nobody asks any more
    /// whether it arrived.
    pub async fn imported(&self, channel: i64, tenant: &str, imported: Imported) -> Result<(), StoreError> {
        let due = self.due(tenant);
        self.database
            .write_in_time(move |transaction| {
                let now = millis(SystemTime::now());
                let Imported { message_id, message_uid, front_conversation_id, external_id, conversation_ids, .. } =
                    imported;
                // One after the other: together, neither index would be used.
                let mut messages: Vec<i64> = Vec::new();
                for known in ["external_id = ?2 AND ?2 IS NOT NULL", "uid = ?3 AND uid IS NOT NULL"] {
                    let mut update = transaction.prepare_cached(&format!(
                        "UPDATE front_messages SET front_id = coalesce(?4, front_id), uid = coalesce(?3, uid)
                         WHERE channel = ?1 AND {known} RETURNING id"
                    ))?;
                    let found = params![channel, external_id, message_uid, message_id];
                    let found: Vec<i64> = update.query_map(found, |row| row.get(0))?.collect::<Result<_, _>>()?;
                    messages.extend(found);
                }
                let mut wake = transaction.prepare_cached(
                    "UPDATE deliveries SET due_ms = ?2
                     WHERE message = ?1 AND state = 'unknown' AND lease IS NULL AND due_ms IS NOT NULL",
                )?;
                messages.iter().try_for_each(|message| wake.execute(params![message, now]).map(drop))?;
                if let Some(front_id) = &front_conversation_id {
                    conversations::note_front_id(transaction, channel, &conversation_ids, front_id)?;
                }
                conversations::merge(transaction, channel, &conversation_ids)
            })
            .await?;
        due.notify_waiters();
        Ok(())
    }

    /// What the plugin calls the conversation of a message, and all that were merged with it.
    pub(in crate::delivery) async fn conversation_names(
        &self,
        channel: i64,
        message: i64,
        ids: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        self.database
            .read(move |connection| {
                let select = "SELECT external_conversation_id FROM front_messages WHERE id = ?1";
                let own: String = connection.prepare_cached(select)?.query_row([message], |row| row.get(0))?;
                let lane = conversations::lane(connection, channel, &own)?;
                let mut names = conversations::names(connection, channel, &lane)?;
                // What was connected before this database was: Front knows ids that it has not heard here.
                if names.is_empty() {
                    names.extend(ids.into_iter().filter(|id| !id.starts_with(MINTED)));
                }
                Ok(names)
            })
            .await
    }

    /// What Front knows a message and its conversation by.
    pub(in crate::delivery) async fn place(&self, message: i64) -> Result<Option<(String, String)>, StoreError> {
        self.database
            .read(move |connection| {
                let select = "SELECT external_id, external_conversation_id FROM front_messages WHERE id = ?1";
                let place = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
                connection.prepare_cached(select)?.query_row([message], place).optional()
            })
            .await
    }

    /// Whether something of a tenant waits that is about a channel; so, too, where the database does not say.
    pub(in crate::delivery) async fn has_open_for_front(&self, tenant: &str) -> bool {
        let tenant = tenant.to_owned();
        let has = self.database.read(move |connection| {
            let select = "SELECT EXISTS (SELECT 1 FROM deliveries
                          WHERE tenant = ?1 AND channel IS NOT NULL AND state IN ('ready', 'unknown'))";
            connection.query_row(select, [tenant], |row| row.get(0))
        });
        has.await.unwrap_or(true)
    }

    /// Whether Front has said that it has a message that it was told of.
    pub(in crate::delivery) async fn is_imported(&self, message: i64) -> Result<bool, StoreError> {
        self.database
            .read(move |connection| {
                let select = "SELECT front_id IS NOT NULL FROM front_messages WHERE id = ?1";
                Ok(connection
                    .prepare_cached(select)?
                    .query_row([message], |row| row.get(0))
                    .optional()?
                    .unwrap_or(false))
            })
            .await
    }
}

fn replay(request: &str) -> String {
    format!("front request {request}")
}

fn find(connection: &Connection, channel: i64, identity: &str) -> rusqlite::Result<Option<Kept>> {
    let select = "SELECT id, status, answer FROM front_messages WHERE channel = ?1 AND identity = ?2";
    let kept = |row: &rusqlite::Row<'_>| {
        let answer = row.get::<_, Option<u16>>(1)?.zip(row.get::<_, Option<Vec<u8>>>(2)?);
        Ok(Kept { message: row.get(0)?, answer: answer.map(|(status, body)| Answer { status, body }) })
    };
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

/// From here on this is what Front was told.
pub(super) fn tell(transaction: &Transaction<'_>, message: i64, answer: &Answer) -> rusqlite::Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE front_messages SET status = ?2, answer = ?3 WHERE id = ?1 AND answer IS NULL")?;
    update.execute(params![message, answer.status, answer.body]).map(drop)
}
