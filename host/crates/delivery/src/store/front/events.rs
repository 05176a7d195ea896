//! What a channel's provider tells: on disk before it hears that it was taken, and each thing once.

use std::sync::Arc;
use std::time::SystemTime;

use frontgate_front::ids;
use frontgate_store::{OWN, Origin, crash, millis};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::conversations::{self, Place};
use crate::import::{Happened, Import, Report};
use crate::job::{Event, Kind};
use crate::store::{Size, Store, StoreError, queue};

/// What somebody tells about a channel.
#[derive(Debug, Clone)]
pub struct Told {
    /// Ours.
    pub channel: i64,
    /// Whose.
    pub tenant: Arc<str>,
    /// In their order.
    pub events: Vec<Happened>,
    /// Id of the request that brought it.
    pub request: Arc<str>,
}

impl Told {
    /// What it takes in memory, and on disk.
    fn bytes(&self) -> usize {
        self.events.iter().map(Happened::bytes).sum()
    }
}

impl Store {
    /// Keeps what a provider tells, unless that much of its channel or tenant waits already.
    pub async fn keep_told(&self, told: Told, most: Size) -> Result<(), StoreError> {
        crash::point("accept");
        let due = self.due(&told.tenant);
        let origin = Origin::import(Arc::clone(&told.tenant), told.channel, told.bytes());
        let (limits, tenant, channel) = (self.limits, Arc::clone(&told.tenant), told.channel);
        self.database
            .write_in_time(origin, move |transaction| {
                if let Err(overload) = limits.import(transaction, &told.tenant, channel, most)? {
                    return Ok(Err(overload));
                }
                keep(transaction, &told, millis(SystemTime::now())).map(Ok)
            })
            .await?
            .map_err(|overload| self.overloaded(&tenant, Some(channel), overload))?;
        crash::point("accepted");
        due.notify_waiters();
        Ok(())
    }

    /// Whether a message is one that went out through this channel, by what the plugin calls it.
    pub(crate) async fn sent_as(&self, channel: i64, name: String) -> Result<Option<Sent>, StoreError> {
        self.database.read(OWN, move |connection| find_sent(connection, channel, &name)).await
    }

    /// Whether the name of a message that is under way is not known yet, among those that were kept before:
    /// in the conversation of another message, or in one that has no name yet; without one, in any.
    pub(crate) async fn is_sending(
        &self,
        channel: i64,
        before: SystemTime,
        beside: Option<i64>,
    ) -> Result<bool, StoreError> {
        let before = millis(before);
        self.database
            .read(OWN, move |connection| {
                let select = "SELECT EXISTS (SELECT 1 FROM front_messages
                              WHERE channel = ?1 AND outbound AND NOT settled AND created_ms <= ?2
                                AND (?3 IS NULL OR external_conversation_id GLOB ?4
                                  OR external_conversation_id =
                                    (SELECT external_conversation_id FROM front_messages WHERE id = ?3)))";
                let minted = format!("{}*", ids::GENERATED);
                connection.prepare_cached(select)?.query_row(params![channel, before, beside, minted], |row| row.get(0))
            })
            .await
    }
}

/// A message that went out, as Front knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) external_id: String,
    pub(crate) external_conversation_id: String,
}

pub(super) fn keep(transaction: &Transaction<'_>, told: &Told, now: i64) -> rusqlite::Result<()> {
    told.events.iter().try_for_each(|happened| match happened {
        Happened::Message(import) => message(transaction, told, import, now),
        Happened::Failed(report) => failed(transaction, told, report, now),
    })
}

fn message(transaction: &Transaction<'_>, told: &Told, import: &Import, now: i64) -> rusqlite::Result<()> {
    let channel = told.channel;
    if !import.is_inbound() && find_sent(transaction, channel, &import.external_id)?.is_some() {
        return Ok(());
    }
    let Place { external_id: conversation, lane } =
        conversations::of_plugin(transaction, channel, &import.conversation, import.handle(), now)?;
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO front_messages
           (channel, identity, outbound, external_id, external_conversation_id, created_ms)
         VALUES (?1, ?2, 0, ?3, ?4, ?5)",
    )?;
    let (identity, external_id) = (format!("told {}", import.external_id), ids::safe(&import.external_id));
    if insert.execute(params![channel, identity, external_id, conversation, now])? == 0 {
        return Ok(());
    }
    let event = Event {
        tenant: Arc::clone(&told.tenant),
        kind: Kind::Import,
        name: if import.is_inbound() { "inbound" } else { "outbound" }.to_owned(),
        conversation: format!("to Front {channel} {lane}"),
        payload: serde_json::to_string(import).expect("texts and numbers"),
        channel: Some(channel),
        message: Some(transaction.last_insert_rowid()),
        request: Arc::clone(&told.request),
    };
    queue::insert(transaction, &event, now)
}

fn find_sent(connection: &Connection, channel: i64, name: &str) -> rusqlite::Result<Option<Sent>> {
    let select = "SELECT external_id, external_conversation_id FROM front_messages
                  WHERE channel = ?1 AND name = ?2 AND outbound";
    let sent = |row: &Row<'_>| Ok(Sent { external_id: row.get(0)?, external_conversation_id: row.get(1)? });
    connection.prepare_cached(select)?.query_row(params![channel, name], sent).optional()
}

/// A failure is told once, however often the provider says so.
fn failed(transaction: &Transaction<'_>, told: &Told, report: &Report, now: i64) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO events (tenant, identity, answer, rejected, time_ms) VALUES (?1, ?2, '', 0, ?3)",
    )?;
    let identity = format!("front failed {} {}", told.channel, report.message);
    if insert.execute(params![&*told.tenant, identity, now])? == 0 {
        return Ok(());
    }
    queue::insert(transaction, &status(&told.tenant, told.channel, None, report, &told.request), now)
}

/// Front is to be told that a message did not arrive.
pub(super) fn status(
    tenant: &Arc<str>,
    channel: i64,
    message: Option<i64>,
    report: &Report,
    request: &Arc<str>,
) -> Event {
    Event {
        tenant: Arc::clone(tenant),
        kind: Kind::Status,
        name: "failed".to_owned(),
        conversation: format!("status {channel} {}", report.message),
        payload: serde_json::to_string(report).expect("texts"),
        channel: Some(channel),
        message,
        request: Arc::clone(request),
    }
}
