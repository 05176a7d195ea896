//! What follows, in the same transaction, from how a delivery for a channel ended, or from what an operator
//! decided about it.

use std::sync::Arc;

use frontgate_front::ids;
use frontgate_front::replies::Reply;
use rusqlite::{OptionalExtension as _, Transaction, params};
use tracing::warn;

use super::messages::tell;
use super::{Told, conversations, events};
use crate::import::Report;
use crate::job::{Delivery, Kind, Receipt, State};
use crate::store::queue;
use crate::store::queue::Change;
use crate::store::shares::Limits;

/// The status of an answer which says that a message is sent, or on its way.
const PROMISED: u16 = 200;

/// What a teammate reads.
const TAKEN_OUT: &str = "An operator took it out.";
const TAKEN_OUT_LATE: &str = "An operator took it out. It may have arrived.";

/// A message, as far as it matters here.
struct Row {
    id: i64,
    channel: i64,
    external_id: String,
    conversation: String,
    /// What Front was told.
    status: Option<u16>,
    /// Whether it had come to its end.
    is_settled: bool,
}

/// What an operator decided about a delivery.
pub(crate) struct Decision {
    pub(crate) tenant: Arc<str>,
    pub(crate) request: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) message: i64,
    /// What it is from here on.
    pub(crate) state: State,
    /// Whether it may have had its effect before.
    pub(crate) maybe_sent: bool,
}

/// Writes down what follows.
pub(crate) fn follow(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    delivery: &Delivery,
    change: &Change,
    limits: Limits,
    now: i64,
) -> rusqlite::Result<()> {
    let (Some(message), Kind::Message | Kind::Import) = (delivery.message, delivery.kind) else { return Ok(()) };
    let Some(row) = row(transaction, message)? else { return Ok(()) };
    let (request, channel) = (&delivery.request, row.channel);
    match (delivery.kind, change.state) {
        (_, State::Ready | State::Leased | State::Unknown | State::Cancelled) => Ok(()),
        (Kind::Message, State::Sent) => {
            sent(transaction, row, change.receipt.as_ref(), now)?;
            let events = change.receipt.as_ref().map(|receipt| receipt.events.clone()).unwrap_or_default();
            let told = Told { channel, tenant: Arc::clone(tenant), events, request: Arc::clone(request) };
            told_at_once(transaction, &told, limits, now)
        }
        (Kind::Message, State::Failed | State::Dead) => {
            let reason = change.told.as_deref().or(change.reason.as_deref()).unwrap_or("it could not be sent");
            failed(transaction, tenant, request, &row, reason, now)
        }
        _ => {
            let update = "UPDATE front_messages SET settled = 1, uid = coalesce(uid, ?2) WHERE id = ?1";
            transaction.prepare_cached(update)?.execute(params![message, change.result]).map(drop)
        }
    }
}

/// Writes down what follows from an operator's decision; says whether the message is still known.
pub(crate) fn decided(transaction: &Transaction<'_>, decision: &Decision, now: i64) -> rusqlite::Result<bool> {
    let Decision { tenant, request, message, .. } = decision;
    let Some(mut row) = row(transaction, *message)? else { return Ok(false) };
    match (decision.kind, decision.state) {
        (_, State::Ready | State::Leased | State::Unknown) => reopen(transaction, &row, now)?,
        (Kind::Message, State::Sent) => {
            reopen(transaction, &row, now)?;
            row.status = row.status.filter(|status| *status == PROMISED);
            sent(transaction, row, None, now)?;
        }
        (Kind::Message, _) if row.is_settled => {}
        (Kind::Message, _) => {
            let reason = if decision.maybe_sent { TAKEN_OUT_LATE } else { TAKEN_OUT };
            failed(transaction, tenant, request, &row, reason, now)?;
        }
        _ => {
            let update = "UPDATE front_messages SET settled = 1 WHERE id = ?1";
            transaction.prepare_cached(update)?.execute([message])?;
        }
    }
    Ok(true)
}

/// A message is under way again: events of its channel wait for it, a refusal that Front heard counts no
/// more, and a failure that Front has not heard of yet is none.
fn reopen(transaction: &Transaction<'_>, row: &Row, now: i64) -> rusqlite::Result<()> {
    let update = "UPDATE front_messages SET settled = 0, status = CASE WHEN status = ?2 THEN status END,
                    answer = CASE WHEN status = ?2 THEN answer END
                  WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![row.id, PROMISED])?;
    let mut update = transaction.prepare_cached(
        "UPDATE deliveries SET state = 'cancelled', due_ms = NULL, reason = ?2, changed_ms = ?3
         WHERE message = ?1 AND kind = ?4 AND state = 'ready' AND lease IS NULL
         RETURNING tenant, conversation",
    )?;
    let reason = "an operator decided anew about its message";
    let places = update.query_map(params![row.id, reason, now, Kind::Status.name()], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let places: Vec<_> = places.collect::<Result<_, _>>()?;
    places.iter().try_for_each(|(tenant, conversation)| queue::wake(transaction, tenant, conversation, now))
}

/// What waits to hear whether it is, or is about, a message that was under way.
fn wake(transaction: &Transaction<'_>, channel: i64, now: i64) -> rusqlite::Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE deliveries SET due_ms = ?2
         WHERE channel = ?1 AND state = 'ready' AND lease IS NULL AND plan IS NULL AND due_ms > ?2
           AND kind IN ('front-import', 'front-status')",
    )?;
    update.execute(params![channel, now]).map(drop)
}

fn row(transaction: &Transaction<'_>, message: i64) -> rusqlite::Result<Option<Row>> {
    let select = "SELECT id, channel, external_id, external_conversation_id, status, settled FROM front_messages
                  WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let (id, channel, external_id) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (conversation, status, is_settled) = (row.get(3)?, row.get(4)?, row.get(5)?);
        Ok(Row { id, channel, external_id, conversation, status, is_settled })
    };
    transaction.prepare_cached(select)?.query_row([message], row).optional()
}

/// The provider has it. As long as Front was told nothing, it is told the plugin's ids; afterwards ours
/// stand, and the plugin's are remembered beside them.
fn sent(transaction: &Transaction<'_>, mut row: Row, receipt: Option<&Receipt>, now: i64) -> rusqlite::Result<()> {
    wake(transaction, row.channel, now)?;
    let receipt = receipt.cloned().unwrap_or_default();
    let is_told = row.status.is_some();
    if let Some(name) = &receipt.conversation {
        place(transaction, &mut row, name)?;
    }
    if let Some(name) = receipt.name.as_deref().filter(|_| !is_told) {
        row.external_id = ids::safe(name);
    }
    let update = "UPDATE front_messages SET settled = 1, name = ?2, external_id = ?3, external_conversation_id = ?4
                  WHERE id = ?1";
    let name = receipt.name.as_deref().unwrap_or(&row.external_id);
    transaction.prepare_cached(update)?.execute(params![row.id, name, row.external_id, row.conversation])?;
    let (external_id, external_conversation_id) = (&*row.external_id, &*row.conversation);
    tell(transaction, row.id, &Reply::Sent { external_id, external_conversation_id }.response())
}

/// Keeps what the provider told in its answer. It is not repeated, so that it may take all of the tenant's
/// share, not an import's part.
fn told_at_once(transaction: &Transaction<'_>, told: &Told, limits: Limits, now: i64) -> rusqlite::Result<()> {
    if told.events.is_empty() {
        return Ok(());
    }
    if let Err(overload) = limits.delivery(transaction, &told.tenant)? {
        overload.count(&told.tenant);
        warn!(
            event = "store.receipt_events_dropped",
            request = &*told.request,
            tenant = &*told.tenant,
            "{} events of a receipt dropped: {overload}",
            told.events.len()
        );
        return Ok(());
    }
    events::keep(transaction, told, now)
}

/// The plugin has said what it calls the conversation. As long as Front has heard of no other name, that is
/// the name.
fn place(transaction: &Transaction<'_>, row: &mut Row, name: &str) -> rusqlite::Result<()> {
    let known = conversations::named(transaction, row.channel, name)?;
    let is_new = row.conversation.starts_with(ids::GENERATED) && !is_told_of(transaction, row)?;
    match (known, is_new) {
        (Some(known), true) => {
            conversations::rename(transaction, row.channel, &row.conversation, &known)?;
            row.conversation = known;
        }
        // Front knows both, and may never learn that they are one: the plugin is told both names.
        (Some(known), false) => {
            conversations::merge(transaction, row.channel, &[row.conversation.clone(), known])?;
        }
        (None, true) => {
            let external_id = ids::safe(name);
            conversations::rename(transaction, row.channel, &row.conversation, &external_id)?;
            conversations::call(transaction, row.channel, name, &external_id)?;
            row.conversation = external_id;
        }
        (None, false) => conversations::call(transaction, row.channel, name, &row.conversation)?,
    }
    Ok(())
}

/// Whether Front has heard of a message's conversation, by this message or another.
fn is_told_of(transaction: &Transaction<'_>, row: &Row) -> rusqlite::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM front_messages
                  WHERE channel = ?1 AND external_conversation_id = ?2 AND status = ?3)";
    let found = params![row.channel, row.conversation, PROMISED];
    transaction.prepare_cached(select)?.query_row(found, |found| found.get(0))
}

/// The provider will not get it: Front is told so at once, or, where it was told otherwise, afterwards.
fn failed(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    request: &Arc<str>,
    row: &Row,
    reason: &str,
    now: i64,
) -> rusqlite::Result<()> {
    wake(transaction, row.channel, now)?;
    transaction.prepare_cached("UPDATE front_messages SET settled = 1 WHERE id = ?1")?.execute([row.id])?;
    match row.status {
        None => tell(transaction, row.id, &Reply::Refused(reason).response()),
        Some(PROMISED) => {
            let report = Report { message: row.external_id.clone(), reason: reason.to_owned() };
            let event = events::status(tenant, row.channel, Some(row.id), &report, request);
            queue::insert(transaction, &event, now)
        }
        Some(_) => Ok(()),
    }
}
