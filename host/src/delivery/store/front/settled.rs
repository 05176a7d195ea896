//! What follows, in the same transaction, from how a delivery for a channel ended.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::messages::tell;
use super::{Told, conversations, events};
use crate::delivery::import::Report;
use crate::delivery::job::{Delivery, Kind, Receipt, State};
use crate::delivery::store::queue::{self, Change};
use crate::front::answers::Outcome;
use crate::front::ids;

/// A message, as far as it matters here.
struct Row {
    id: i64,
    channel: i64,
    external_id: String,
    conversation: String,
    /// What Front was told.
    status: Option<u16>,
}

/// Writes down what follows.
pub(in crate::delivery::store) fn follow(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    delivery: &Delivery,
    change: &Change,
    now: i64,
) -> rusqlite::Result<()> {
    let (Some(message), Kind::Message | Kind::Import) = (delivery.message, delivery.kind) else { return Ok(()) };
    let Some(row) = row(transaction, message)? else { return Ok(()) };
    match (delivery.kind, change.state) {
        (_, State::Ready | State::Leased | State::Unknown | State::Cancelled) => Ok(()),
        (Kind::Message, State::Sent) => sent(transaction, tenant, delivery, row, change.receipt.as_ref(), now),
        (Kind::Message, State::Failed | State::Dead) => {
            let reason = change.told.as_deref().or(change.reason.as_deref()).unwrap_or("it could not be sent");
            failed(transaction, tenant, delivery, &row, reason, now)
        }
        _ => {
            let update = "UPDATE front_messages SET settled = 1, uid = coalesce(uid, ?2) WHERE id = ?1";
            transaction.prepare_cached(update)?.execute(params![message, change.result]).map(drop)
        }
    }
}

fn row(transaction: &Transaction<'_>, message: i64) -> rusqlite::Result<Option<Row>> {
    let select = "SELECT id, channel, external_id, external_conversation_id, status FROM front_messages WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let (id, channel, external_id) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Row { id, channel, external_id, conversation: row.get(3)?, status: row.get(4)? })
    };
    transaction.prepare_cached(select)?.query_row([message], row).optional()
}

/// The provider has it. As long as Front was told nothing, it is told the plugin's ids; afterwards ours
/// stand, and the plugin's are remembered beside them.
fn sent(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    delivery: &Delivery,
    mut row: Row,
    receipt: Option<&Receipt>,
    now: i64,
) -> rusqlite::Result<()> {
    let receipt = receipt.cloned().unwrap_or_default();
    let is_told = row.status.is_some();
    if let Some(name) = &receipt.conversation {
        place(transaction, &mut row, name, is_told)?;
    }
    if let Some(name) = receipt.name.as_deref().filter(|_| !is_told) {
        row.external_id = ids::safe(name);
    }
    let update = "UPDATE front_messages SET settled = 1, name = ?2, external_id = ?3, external_conversation_id = ?4
                  WHERE id = ?1";
    let name = receipt.name.as_deref().unwrap_or(&row.external_id);
    transaction.prepare_cached(update)?.execute(params![row.id, name, row.external_id, row.conversation])?;
    let (external_id, external_conversation_id) = (&*row.external_id, &*row.conversation);
    tell(transaction, row.id, &Outcome::Sent { external_id, external_conversation_id }.answer())?;
    let (tenant, request) = (Arc::clone(tenant), Arc::clone(&delivery.request));
    events::keep(transaction, &Told { channel: row.channel, tenant, events: receipt.events, request }, now)
}

/// The plugin has said what it calls the conversation.
fn place(transaction: &Transaction<'_>, row: &mut Row, name: &str, is_told: bool) -> rusqlite::Result<()> {
    match conversations::named(transaction, row.channel, name)? {
        // Front knows this conversation already, and nobody has heard of the other one.
        Some(known) if !is_told && row.conversation.starts_with(ids::MINTED) => {
            conversations::rename(transaction, row.channel, &row.conversation, &known)?;
            row.conversation = known;
        }
        // Front knows both: it decides whether they are one.
        Some(_) => {}
        None if !is_told && row.conversation.starts_with(ids::MINTED) => {
            let external_id = ids::safe(name);
            conversations::rename(transaction, row.channel, &row.conversation, &external_id)?;
            conversations::call(transaction, row.channel, name, &external_id)?;
            row.conversation = external_id;
        }
        None => conversations::call(transaction, row.channel, name, &row.conversation)?,
    }
    Ok(())
}

/// The provider will not get it: Front is told so at once, or, where it was told otherwise, afterwards.
fn failed(
    transaction: &Transaction<'_>,
    tenant: &Arc<str>,
    delivery: &Delivery,
    row: &Row,
    reason: &str,
    now: i64,
) -> rusqlite::Result<()> {
    transaction.prepare_cached("UPDATE front_messages SET settled = 1 WHERE id = ?1")?.execute([row.id])?;
    match row.status {
        None => tell(transaction, row.id, &Outcome::Refused(reason).answer()),
        Some(200) => {
            let report = Report { message: row.external_id.clone(), reason: reason.to_owned() };
            let event = events::status(tenant, row.channel, Some(row.id), &report, &delivery.request);
            queue::insert(transaction, &event, now)
        }
        Some(_) => Ok(()),
    }
}
