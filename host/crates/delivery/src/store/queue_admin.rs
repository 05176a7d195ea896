//! Operators' view of the queue: lists deliveries, and retries, resolves or cancels them.
//!
//! [`QueueAdmin`] opens the database whether or not a gateway is running; the methods of `Store` in [`online`] are those
//! of the console, in the gateway. Every change records an action.

mod changes;
mod channels;
mod lists;
mod online;
mod templates;

use std::sync::Arc;

use frontgate_audit::{Action, Actor, NewAction, Verification};
use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::{Shared, values};
use serde::Serialize;
use uuid::Uuid;

pub use self::changes::{Change, Resolution};
pub use self::channels::{COUNT_MAX, ChannelDetails, ChannelFilter, ChannelSummary};
pub use self::lists::{DeliveryFilter, DeliveryGroup};
pub use self::online::Preview;
pub use self::templates::{ChannelTemplate, InFront};
use super::{queue, rows};
use crate::actions::ActionPayload;
use crate::job::{Kind, NewDelivery, State};

/// An operator's connection to the queue.
pub struct QueueAdmin {
    database: Shared,
    actor: Actor,
}

/// A delivery in a list.
#[derive(Debug, Serialize)]
pub struct DeliverySummary {
    /// Id used in the commands.
    pub id: i64,
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the kind, which for a callback is the name of the callback.
    pub callback: String,
    /// Name of the event.
    pub event: String,
    /// Key of the conversation.
    pub conversation: String,
    /// The state.
    pub state: State,
    /// Number of attempts.
    pub attempts: u32,
    /// Milliseconds until the next attempt; `None` if no attempt is scheduled.
    pub due_in_ms: Option<i64>,
    /// The stored decision.
    pub plan: Option<String>,
    /// Reason for the state.
    pub reason: Option<String>,
    /// The reason without the parts that differ between deliveries.
    pub reason_group: Option<String>,
    /// The platform's id of the result.
    pub result: Option<String>,
    /// Id of the request that caused the delivery, as in the log.
    pub request: String,
    /// Time of creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// Time of the last change, in milliseconds since 1970.
    pub changed_ms: i64,
}

/// A delivery with its payload and history.
#[derive(Debug, Serialize)]
pub struct DeliveryDetails {
    /// The entry in the list.
    #[serde(flatten)]
    pub summary: DeliverySummary,
    /// The callback as received, or the content to send.
    pub payload: serde_json::Value,
    /// The last attempts that have ended, oldest first.
    pub history: Vec<Attempt>,
    /// Operators' changes, oldest first.
    pub actions: Vec<Action>,
}

/// An attempt that has ended.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Number of the attempt, from 1.
    pub number: u32,
    /// Time of its beginning, in milliseconds since 1970.
    pub begun_ms: i64,
    /// Its duration in milliseconds.
    pub took_ms: i64,
    /// State of the delivery after it.
    pub state: State,
    /// Reason for the state.
    pub reason: Option<String>,
    /// Id of the replica, if several gateways share the database.
    pub replica: Option<i64>,
}

/// Maximum number of actions that are shown for an object.
const ACTIONS_MAX: u32 = 200;

const COLUMNS: &str = "id, tenant, kind, name, conversation, state, attempts, due_ms, plan, reason, result, request, \
                       created_ms, changed_ms, reason_group";

impl QueueAdmin {
    /// Opens an existing database.
    pub fn open(settings: &frontgate_store::Settings) -> anyhow::Result<Self> {
        Ok(Self { database: Shared::open(settings)?, actor: Actor::of_command() })
    }

    /// Returns deliveries, newest first.
    pub fn list(&self, filter: &DeliveryFilter, most: u32) -> anyhow::Result<Vec<DeliverySummary>> {
        Ok(self.database.read(|read| lists::list(read, filter, most))?)
    }

    /// Returns the groups of deliveries that are open or need a decision, the largest first.
    pub fn groups(&self) -> anyhow::Result<Vec<DeliveryGroup>> {
        Ok(self.database.read(lists::groups)?)
    }

    /// Returns a delivery with its payload and history. The payload has personal data, so the look is recorded.
    ///
    /// # Errors
    ///
    /// Fails if the delivery does not exist, or the look cannot be recorded.
    pub fn show(&mut self, id: i64) -> anyhow::Result<DeliveryDetails> {
        let scope = self.database.read(|read| changes::scope(read, id))?.ok_or_else(|| changes::not_found(id))?;
        let Self { database, actor } = self;
        Ok(database.write(&scope, |transaction| {
            let found = details(transaction, id)?;
            let (tenant, object) = (Some(found.summary.tenant.as_str()), object(id));
            let look = NewAction { tenant, ..NewAction::new(actor, "show", &object) };
            frontgate_audit::append(transaction, &look).map(|_| found)
        })?)
    }

    /// Changes a delivery and returns its new state.
    ///
    /// # Errors
    ///
    /// Fails if the change is not possible.
    pub fn change(&mut self, id: i64, change: Change) -> anyhow::Result<State> {
        let scope = self.database.read(|read| changes::scope(read, id))?.ok_or_else(|| changes::not_found(id))?;
        let Self { database, actor } = self;
        Ok(database.write(&scope, |transaction| changes::apply(transaction, actor, id, change, None))?)
    }

    /// Returns the record of people's actions, newest first.
    pub fn actions(&self, filter: &frontgate_audit::Filter, most: u32) -> anyhow::Result<Vec<Action>> {
        Ok(self.database.read(|read| frontgate_audit::list(read, filter, most))?)
    }

    /// Verifies the digests of the record of people's actions.
    pub fn verify_actions(&self) -> anyhow::Result<Verification> {
        Ok(self.database.read(frontgate_audit::verify)?)
    }

    /// Accepts a change to a conversation, and returns the id of its delivery.
    ///
    /// # Errors
    ///
    /// Fails for an action that Twilio would reject.
    pub fn act(
        &mut self,
        tenant: &str,
        conversation: &str,
        action: frontgate_twilio::action::Action,
    ) -> anyhow::Result<i64> {
        let (tenant, name) = (Arc::<str>::from(tenant), action.name());
        let payload = ActionPayload::checked(conversation, action).map_err(anyhow::Error::msg)?;
        let new = NewDelivery {
            tenant: Arc::clone(&tenant),
            kind: Kind::Action,
            name: format!("operator: {name}"),
            conversation: conversation.to_owned(),
            payload,
            channel: None,
            message: None,
            request: format!("act-{}", Uuid::now_v7()).into(),
        };
        let Self { database, actor } = self;
        database.write(&queue::scope(&tenant, conversation, None), |transaction| {
            let id = rows::insert(transaction, &new)?;
            let object = object(id);
            let action = NewAction {
                tenant: Some(&tenant),
                before: Some("-"),
                after: Some(State::Ready.name()),
                ..NewAction::new(actor, name, &object)
            };
            frontgate_audit::append(transaction, &action)?;
            Ok(id)
        })
    }
}

/// Returns the object of actions about a delivery.
fn object(id: i64) -> String {
    format!("delivery {id}")
}

/// Returns a delivery with its payload and history.
fn details(read: &Transaction<'_>, id: i64) -> sql::Result<DeliveryDetails> {
    let select = format!("SELECT {COLUMNS}, payload FROM deliveries WHERE id = ?1");
    let row = |row: &Row<'_>| Ok((summary(row, read.now_ms())?, row.named::<String>("payload")?));
    let (summary, payload) = read.row(&select, values![id], row)?.ok_or_else(|| changes::not_found(id))?;
    let history = attempts(read, id)?;
    let actions = frontgate_audit::of_object(read, &object(id), ACTIONS_MAX)?;
    let payload = serde_json::from_str(&payload).unwrap_or(serde_json::Value::String(payload));
    Ok(DeliveryDetails { summary, payload, history, actions })
}

/// Returns the attempts of a delivery, oldest first.
fn attempts(read: &Transaction<'_>, id: i64) -> sql::Result<Vec<Attempt>> {
    let select = "SELECT number, begun_ms, took_ms, state, reason, replica FROM attempts
                  WHERE delivery = ?1 ORDER BY number";
    read.rows(select, values![id], |row| {
        Ok(Attempt {
            number: row.get(0)?,
            begun_ms: row.get(1)?,
            took_ms: row.get(2)?,
            state: State::named(&row.get::<String>(3)?).unwrap_or(State::Dead),
            reason: row.get(4)?,
            replica: row.get(5)?,
        })
    })
}

fn summary(row: &Row<'_>, now: i64) -> sql::Result<DeliverySummary> {
    let due: Option<i64> = row.named("due_ms")?;
    let state = State::named(&row.named::<String>("state")?).unwrap_or(State::Dead);
    let waits = matches!(state, State::Ready | State::Unknown);
    Ok(DeliverySummary {
        id: row.named("id")?,
        tenant: row.named("tenant")?,
        callback: row.named("kind")?,
        event: row.named("name")?,
        conversation: row.named("conversation")?,
        state,
        attempts: row.named("attempts")?,
        due_in_ms: due.filter(|_| waits).map(|due| (due - now).max(0)),
        plan: row.named("plan")?,
        reason: row.named("reason")?,
        reason_group: row.named("reason_group")?,
        result: row.named("result")?,
        request: row.named("request")?,
        created_ms: row.named("created_ms")?,
        changed_ms: row.named("changed_ms")?,
    })
}

#[cfg(test)]
mod tests;
