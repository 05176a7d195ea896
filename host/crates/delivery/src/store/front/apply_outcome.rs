//! Applies the outcome of a delivery, or an operator's decision, to its Front message.
//!
//! Both run in the transaction that changes the delivery, so message and delivery never disagree. The answer that
//! Front received for a message never changes, except where an operator reopens a failed one.

use std::sync::Arc;

use frontgate_front::ids;
use frontgate_front::replies::Reply;
use frontgate_store::sql::{self, Transaction};
use frontgate_store::values;
use tracing::warn;

use super::messages::set_answer;
use super::{ProviderBatch, conversations, provider_events};
use crate::job::{Delivery, Kind, ProviderReceipt, State, Transition};
use crate::provider_event::Report;
use crate::store::quotas::Limits;
use crate::store::rows;

/// HTTP status of an answer that promises to send the message.
const PROMISED: u16 = 200;

/// Texts that a teammate reads in Front.
const CANCELLED: &str = "Cancelled by an operator.";
const CANCELLED_LATE: &str = "Cancelled by an operator. It may have been delivered already.";

/// The columns of a message that outcomes and decisions depend on.
struct Row {
    id: i64,
    channel: i64,
    external_id: String,
    conversation: String,
    /// Status of the answer that Front received.
    status: Option<u16>,
    /// Whether the delivery of the message has ended.
    is_settled: bool,
}

/// An operator's decision about a delivery.
pub(crate) struct Decision {
    pub(crate) tenant: Arc<str>,
    pub(crate) request: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) message: i64,
    /// The new state.
    pub(crate) state: State,
    /// Whether an earlier request may have had its effect.
    pub(crate) maybe_sent: bool,
}

/// Applies the outcome of an attempt to the delivery's message.
pub(crate) fn apply_outcome(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    delivery: &Delivery,
    transition: &Transition,
    limits: Limits,
) -> sql::Result<()> {
    let (Some(message), Kind::Message | Kind::Import) = (delivery.message, delivery.kind) else { return Ok(()) };
    let Some(row) = row(transaction, message)? else { return Ok(()) };
    let (request, channel) = (&delivery.request, row.channel);
    match (delivery.kind, transition.state) {
        (_, State::Ready | State::Leased | State::Unknown | State::Cancelled) => Ok(()),
        (Kind::Message, State::Sent) => {
            let receipt = transition.receipt.as_ref();
            sent(transaction, row, receipt)?;
            let events = receipt.map(|receipt| receipt.events.clone()).unwrap_or_default();
            let batch = ProviderBatch { channel, tenant: Arc::clone(tenant), events, request: Arc::clone(request) };
            accept_receipt_events(transaction, &batch, limits)
        }
        (Kind::Message, State::Failed | State::Dead) => {
            let reason = transition.notice.as_deref().or(transition.reason.as_deref()).unwrap_or("Delivery failed.");
            failed(transaction, tenant, request, &row, reason)
        }
        _ => {
            let update = "UPDATE front_messages SET settled = TRUE, uid = coalesce(uid, ?2) WHERE id = ?1";
            transaction.execute(update, values![message, transition.result]).map(drop)
        }
    }
}

/// Applies an operator's decision to the delivery's message; returns whether the message still exists.
pub(crate) fn apply_decision(transaction: &Transaction<'_>, decision: &Decision) -> sql::Result<bool> {
    let Decision { tenant, request, message, .. } = decision;
    let Some(mut row) = row(transaction, *message)? else { return Ok(false) };
    match (decision.kind, decision.state) {
        (_, State::Ready | State::Leased | State::Unknown) => reopen(transaction, &row)?,
        (Kind::Message, State::Sent) => {
            reopen(transaction, &row)?;
            row.status = row.status.filter(|status| *status == PROMISED);
            sent(transaction, row, None)?;
        }
        (Kind::Message, _) if row.is_settled => {}
        (Kind::Message, _) => {
            let reason = if decision.maybe_sent { CANCELLED_LATE } else { CANCELLED };
            failed(transaction, tenant, request, &row, reason)?;
        }
        _ => {
            let update = "UPDATE front_messages SET settled = TRUE WHERE id = ?1";
            transaction.execute(update, values![message])?;
        }
    }
    Ok(true)
}

/// Reopens a message.
///
/// - Imports of the channel wait for the message again.
/// - A rejection that Front received is dropped, so Front gets a new answer when it repeats the message.
/// - A failure report that has not been sent yet is cancelled.
fn reopen(transaction: &Transaction<'_>, row: &Row) -> sql::Result<()> {
    let update = "UPDATE front_messages SET settled = FALSE, status = CASE WHEN status = ?2 THEN status END,
                    answer = CASE WHEN status = ?2 THEN answer END
                  WHERE id = ?1";
    transaction.execute(update, values![row.id, PROMISED])?;
    let update = "UPDATE deliveries SET state = 'cancelled', due_ms = NULL, reason = ?2, changed_ms = ?3
                  WHERE message = ?1 AND kind = ?4 AND state = 'ready' AND lease IS NULL
                  RETURNING tenant, conversation";
    let reason = "superseded by an operator's decision about the message";
    let cancelled =
        transaction.rows(update, values![row.id, reason, transaction.now_ms(), Kind::Status.name()], |row| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?))
        })?;
    cancelled.iter().try_for_each(|(tenant, conversation)| rows::schedule_next(transaction, tenant, conversation))
}

/// Reschedules a channel's deliveries that wait for the outcome of a message in flight: they are due now.
fn wake_waiting(transaction: &Transaction<'_>, channel: i64) -> sql::Result<()> {
    let update = "UPDATE deliveries SET due_ms = ?2
                  WHERE channel = ?1 AND state = 'ready' AND lease IS NULL AND plan IS NULL AND due_ms > ?2
                    AND kind IN ('front-import', 'front-status')";
    transaction.execute(update, values![channel, transaction.now_ms()]).map(drop)
}

fn row(transaction: &Transaction<'_>, message: i64) -> sql::Result<Option<Row>> {
    let select = "SELECT id, channel, external_id, external_conversation_id, status, settled FROM front_messages
                  WHERE id = ?1";
    transaction.row(select, values![message], |row| {
        let (id, channel, external_id) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (conversation, status, is_settled) = (row.get(3)?, row.get(4)?, row.get(5)?);
        Ok(Row { id, channel, external_id, conversation, status, is_settled })
    })
}

/// Settles a message that the provider has received.
///
/// If Front has no answer yet, the answer contains the plugin's ids. Otherwise the ids that Front knows are kept, and
/// the plugin's ids are stored beside them.
fn sent(transaction: &Transaction<'_>, mut row: Row, receipt: Option<&ProviderReceipt>) -> sql::Result<()> {
    wake_waiting(transaction, row.channel)?;
    let receipt = receipt.cloned().unwrap_or_default();
    let is_answered = row.status.is_some();
    if let Some(name) = &receipt.conversation {
        name_conversation(transaction, &mut row, name)?;
    }
    if let Some(name) = receipt.name.as_deref().filter(|_| !is_answered) {
        row.external_id = ids::safe(name);
    }
    let update = "UPDATE front_messages SET settled = TRUE, name = ?2, external_id = ?3, external_conversation_id = ?4
                  WHERE id = ?1";
    let name = receipt.name.as_deref().unwrap_or(&row.external_id);
    transaction.execute(update, values![row.id, name, row.external_id, row.conversation])?;
    let (external_id, external_conversation_id) = (&*row.external_id, &*row.conversation);
    set_answer(transaction, row.id, &Reply::Sent { external_id, external_conversation_id }.response())
}

/// Enqueues the events of a plugin's receipt.
///
/// The plugin does not repeat these events, so they may use the tenant's whole quota, not only the imports' part.
fn accept_receipt_events(transaction: &Transaction<'_>, batch: &ProviderBatch, limits: Limits) -> sql::Result<()> {
    if batch.events.is_empty() {
        return Ok(());
    }
    if let Err(overload) = limits.delivery(transaction, &batch.tenant)? {
        overload.count(&batch.tenant);
        warn!(
            event = "store.receipt_events_dropped",
            request = &*batch.request,
            tenant = &*batch.tenant,
            "{} events of a receipt dropped: {overload}",
            batch.events.len()
        );
        return Ok(());
    }
    provider_events::insert(transaction, batch).map(drop)
}

/// Stores the plugin's name for a conversation; it becomes the external id if Front knows no other id yet.
fn name_conversation(transaction: &Transaction<'_>, row: &mut Row, name: &str) -> sql::Result<()> {
    let known = conversations::named(transaction, row.channel, name)?;
    let is_new = row.conversation.starts_with(ids::GENERATED) && !is_known_to_front(transaction, row)?;
    match (known, is_new) {
        (Some(known), true) => {
            conversations::rename(transaction, row.channel, &row.conversation, &known)?;
            row.conversation = known;
        }
        // Front knows both ids and may treat them as two conversations; the plugin gets both.
        (Some(known), false) => {
            conversations::merge(transaction, row.channel, &[row.conversation.clone(), known])?;
        }
        (None, true) => {
            let external_id = ids::safe(name);
            conversations::rename(transaction, row.channel, &row.conversation, &external_id)?;
            conversations::add_name(transaction, row.channel, name, &external_id)?;
            row.conversation = external_id;
        }
        (None, false) => conversations::add_name(transaction, row.channel, name, &row.conversation)?,
    }
    Ok(())
}

/// Returns whether Front received the conversation's id in an answer about any message.
fn is_known_to_front(transaction: &Transaction<'_>, row: &Row) -> sql::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM front_messages
                  WHERE channel = ?1 AND external_conversation_id = ?2 AND status = ?3)";
    transaction.value(select, values![row.channel, row.conversation, PROMISED])
}

/// Settles a message that the provider will not receive.
///
/// Front learns of the failure from the answer, or from a failure report if it already received a promise.
fn failed(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    request: &Arc<str>,
    row: &Row,
    reason: &str,
) -> sql::Result<()> {
    wake_waiting(transaction, row.channel)?;
    transaction.execute("UPDATE front_messages SET settled = TRUE WHERE id = ?1", values![row.id])?;
    match row.status {
        None => set_answer(transaction, row.id, &Reply::Refused(reason).response()),
        Some(PROMISED) => {
            let report = Report { message: row.external_id.clone(), reason: reason.to_owned() };
            let delivery = provider_events::failure_report(tenant, row.channel, Some(row.id), &report, request);
            rows::insert(transaction, &delivery).map(drop)
        }
        Some(_) => Ok(()),
    }
}
