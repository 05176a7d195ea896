//! Accepts events of a channel's provider: each event is stored once, before it is acknowledged.

use std::sync::Arc;
use std::time::SystemTime;

use frontgate_front::ids;
use frontgate_store::sql::{self, Row, Scope, Transaction, indexed};
use frontgate_store::{NO_TENANT, Origin, crash, millis, values};

use super::conversations::{self, ConversationKey};
use crate::job::{Kind, NewDelivery};
use crate::provider_event::{CallEvent, Import, ProviderEvent, Report};
use crate::store::{Size, Store, StoreError, rows};

/// Events of one channel's provider.
#[derive(Debug, Clone)]
pub struct ProviderBatch {
    /// Row id of the channel.
    pub channel: i64,
    /// Name of the tenant.
    pub tenant: Arc<str>,
    /// The events in order.
    pub events: Vec<ProviderEvent>,
    /// Id of the request that carried the events.
    pub request: Arc<str>,
}

impl ProviderBatch {
    /// Returns the bytes of the events in memory and on disk.
    fn bytes(&self) -> usize {
        self.events.iter().map(ProviderEvent::bytes).sum()
    }
}

impl Store {
    /// Enqueues a provider's events and returns the ids of their deliveries, unless the channel's limit `most` or the tenant's quota is reached.
    pub async fn accept_provider_events(&self, batch: ProviderBatch, most: Size) -> Result<Vec<i64>, StoreError> {
        crash::point("accept");
        let origin = Origin::import(Arc::clone(&batch.tenant), batch.channel, batch.bytes());
        let (limits, tenant, channel) = (self.limits, Arc::clone(&batch.tenant), batch.channel);
        let deliveries = self
            .database
            .write_in_time(origin, Scope::Channel(channel), move |transaction| {
                if let Err(overload) = limits.import(transaction, &batch.tenant, channel, most)? {
                    return Ok(Err(overload));
                }
                insert(transaction, &batch).map(Ok)
            })
            .await?
            .map_err(|overload| self.record_overload(&tenant, Some(channel), overload))?;
        crash::point("accepted");
        self.notify_due(&tenant);
        Ok(deliveries)
    }

    /// Finds the teammate's message that the plugin sent under this id.
    pub(crate) async fn find_sent_message(&self, channel: i64, name: String) -> Result<Option<Sent>, StoreError> {
        self.database.read(NO_TENANT, move |read| find_sent(read, channel, &name)).await
    }

    /// Returns whether a message accepted before a time is in flight, so the plugin's id for it is still unknown.
    ///
    /// With `beside`, considers only messages of the same conversation, and messages whose conversation has no id of
    /// the plugin yet.
    pub(crate) async fn has_message_in_flight(
        &self,
        channel: i64,
        before: SystemTime,
        beside: Option<i64>,
    ) -> Result<bool, StoreError> {
        let before = millis(before);
        self.database
            .read(NO_TENANT, move |read| {
                let select = "SELECT EXISTS (SELECT 1 FROM front_messages
                              WHERE channel = ?1 AND outbound AND NOT settled AND created_ms <= ?2
                                AND (?3 IS NULL OR substr(external_conversation_id, 1, length(?4)) = ?4
                                  OR external_conversation_id =
                                    (SELECT external_conversation_id FROM front_messages WHERE id = ?3)))";
                read.value(select, values![channel, before, beside, ids::GENERATED])
            })
            .await
    }
}

/// Front's ids of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) external_id: String,
    pub(crate) external_conversation_id: String,
}

/// Enqueues a delivery for each new event.
pub(super) fn insert(transaction: &Transaction<'_>, batch: &ProviderBatch) -> sql::Result<Vec<i64>> {
    let inserted = batch.events.iter().map(|event| match event {
        ProviderEvent::Message(import) => insert_import(transaction, batch, import),
        ProviderEvent::Failed(report) => insert_failure(transaction, batch, report),
        ProviderEvent::Call(event) => insert_call(transaction, batch, event),
    });
    inserted.filter_map(Result::transpose).collect()
}

fn insert_import(transaction: &Transaction<'_>, batch: &ProviderBatch, import: &Import) -> sql::Result<Option<i64>> {
    let channel = batch.channel;
    if !import.is_inbound() && find_sent(transaction, channel, &import.external_id)?.is_some() {
        return Ok(None);
    }
    let ConversationKey { external_id: conversation, lane } =
        conversations::of_plugin(transaction, channel, &import.conversation, import.handle())?;
    let insert = "INSERT INTO front_messages
                    (channel, identity, outbound, external_id, external_conversation_id, created_ms, name)
                  VALUES (?1, ?2, FALSE, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING id";
    let (identity, external_id) = (indexed(format!("told {}", import.external_id)), ids::safe(&import.external_id));
    let now = transaction.now_ms();
    let row = values![channel, identity, external_id, conversation, now, import.external_id];
    let message = transaction.row(insert, row, |row| row.get::<i64>(0))?;
    let Some(message) = message else { return Ok(None) };
    let delivery = NewDelivery {
        tenant: Arc::clone(&batch.tenant),
        kind: Kind::Import,
        name: if import.is_inbound() { "inbound" } else { "outbound" }.to_owned(),
        conversation: format!("to Front {channel} {lane}"),
        payload: serde_json::to_string(import).expect("texts and numbers"),
        channel: Some(channel),
        message: Some(message),
        request: Arc::clone(&batch.request),
    };
    rows::insert(transaction, &delivery).map(Some)
}

fn find_sent(read: &Transaction<'_>, channel: i64, name: &str) -> sql::Result<Option<Sent>> {
    let select = "SELECT external_id, external_conversation_id FROM front_messages
                  WHERE channel = ?1 AND name = ?2 AND outbound";
    let sent = |row: &Row<'_>| Ok(Sent { external_id: row.get(0)?, external_conversation_id: row.get(1)? });
    read.row(select, values![channel, name], sent)
}

/// Enqueues a failure report, once for each message.
fn insert_failure(transaction: &Transaction<'_>, batch: &ProviderBatch, report: &Report) -> sql::Result<Option<i64>> {
    if !is_new(transaction, batch, format!("front failed {} {}", batch.channel, report.message))? {
        return Ok(None);
    }
    let delivery = failure_report(&batch.tenant, batch.channel, None, report, &batch.request);
    rows::insert(transaction, &delivery).map(Some)
}

/// Enqueues an event of a call, once. Events of one call are delivered in order.
fn insert_call(transaction: &Transaction<'_>, batch: &ProviderBatch, event: &CallEvent) -> sql::Result<Option<i64>> {
    let channel = batch.channel;
    if !is_new(transaction, batch, format!("front call {channel} {}", event.identity()))? {
        return Ok(None);
    }
    let delivery = NewDelivery {
        tenant: Arc::clone(&batch.tenant),
        // Counts towards the channel's and the tenant's limits of imports.
        kind: Kind::Import,
        name: event.name(),
        conversation: format!("call {channel} {}", event.call),
        payload: serde_json::to_string(event).expect("texts and numbers"),
        channel: Some(channel),
        message: None,
        request: Arc::clone(&batch.request),
    };
    rows::insert(transaction, &delivery).map(Some)
}

/// Stores the identity of an event that is not a message; returns whether it was unknown.
fn is_new(transaction: &Transaction<'_>, batch: &ProviderBatch, identity: String) -> sql::Result<bool> {
    let insert = "INSERT INTO events (tenant, identity, answer, rejected, time_ms) VALUES (?1, ?2, ?3, FALSE, ?4)
                  ON CONFLICT DO NOTHING";
    let nothing: &[u8] = &[];
    let row = values![batch.tenant, indexed(identity), nothing, transaction.now_ms()];
    Ok(transaction.execute(insert, row)? == 1)
}

/// Returns a delivery that reports to Front that a message was not delivered.
pub(super) fn failure_report(
    tenant: &Arc<str>,
    channel: i64,
    message: Option<i64>,
    report: &Report,
    request: &Arc<str>,
) -> NewDelivery {
    NewDelivery {
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
