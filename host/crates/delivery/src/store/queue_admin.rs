//! Operators' view of the queue: lists deliveries, and retries, resolves or cancels them.
//!
//! The database is opened whether or not a gateway is running. Every change writes a row of `audit`.

mod channels;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::{Shared, values};
use frontgate_twilio::action::Action;
use serde::Serialize;
use uuid::Uuid;

pub use self::channels::{ChannelDetails, ChannelFilter, ChannelSummary};
use super::front::apply_outcome::{Decision, apply_decision};
use super::{queue, rows};
use crate::actions::ActionPayload;
use crate::job::{Kind, NewDelivery, State};

/// An operator's connection to the queue.
pub struct QueueAdmin {
    database: Shared,
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
    /// Operators' changes: milliseconds since 1970, account, action.
    pub audit: Vec<(i64, String, String)>,
}

/// An operator's finding about a delivery with unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The request had its effect.
    Sent,
    /// The request had no effect.
    NotSent,
}

const COLUMNS: &str = "id, tenant, kind, name, conversation, state, attempts, due_ms, plan, reason, result, request, \
                       created_ms, changed_ms, sending, lease, message";

impl QueueAdmin {
    /// Opens an existing database.
    pub fn open(settings: &frontgate_store::Settings) -> anyhow::Result<Self> {
        Ok(Self { database: Shared::open(settings)? })
    }

    /// Returns the newest deliveries, optionally of one state or one tenant.
    pub fn list(&self, state: Option<State>, tenant: Option<&str>, most: u32) -> anyhow::Result<Vec<DeliverySummary>> {
        let select = format!(
            "SELECT {COLUMNS} FROM deliveries
             WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR tenant = ?2) ORDER BY id DESC LIMIT ?3"
        );
        let values = values![state.map(State::name), tenant, most];
        Ok(self.database.read(|read| read.rows(&select, values, |row| summary(row, read.now_ms())))?)
    }

    /// Returns a delivery with its payload and history.
    pub fn show(&self, id: i64) -> anyhow::Result<DeliveryDetails> {
        let found = self.database.read(|read| {
            let select = format!("SELECT {COLUMNS}, payload FROM deliveries WHERE id = ?1");
            let row = |row: &Row<'_>| Ok((summary(row, read.now_ms())?, row.named::<String>("payload")?));
            let Some((summary, payload)) = read.row(&select, values![id], row)? else { return Ok(None) };
            let select = "SELECT time_ms, who, action || ': ' || state_before || ' to ' || state_after FROM audit
                          WHERE delivery = ?1 ORDER BY id";
            let audit = read.rows(select, values![id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok::<_, sql::Error>(Some((summary, payload, audit)))
        })?;
        let (summary, payload, audit) = found.with_context(|| format!("delivery {id} not found"))?;
        Ok(DeliveryDetails { summary, payload: serde_json::from_str(&payload)?, audit })
    }

    /// Makes a delivery due at once.
    ///
    /// - A delivery that may have been sent becomes `unknown`, so the platform is asked first.
    /// - A delivery that had ended becomes `ready` without its earlier decision.
    ///
    /// # Errors
    ///
    /// Fails for a delivery that was sent, is leased, or whose message is deleted.
    pub fn retry(&mut self, id: i64) -> anyhow::Result<State> {
        self.change(id, "retry", |transaction, before, sending| {
            let after = match before {
                State::Sent => bail!("delivery {id} is already sent"),
                State::Unknown => State::Unknown,
                State::Dead | State::Cancelled if sending => State::Unknown,
                State::Ready | State::Leased | State::Failed | State::Dead | State::Cancelled => State::Ready,
            };
            transaction.execute(
                "UPDATE deliveries SET state = ?2, questions = 0, reason = NULL,
                   plan = CASE WHEN ?2 = 'unknown' OR state = 'ready' THEN plan END, since_ms = ?3,
                   begun_ms = NULL, due_ms = CASE WHEN due_ms IS NOT NULL AND state IN ('ready', 'unknown') THEN ?3 END
                 WHERE id = ?1",
                values![id, after.name(), transaction.now_ms()],
            )?;
            Ok(after)
        })
    }

    /// Sets the outcome of a delivery whose outcome is unknown.
    ///
    /// # Errors
    ///
    /// Fails for a delivery in any other state, and for one that is leased.
    pub fn resolve(&mut self, id: i64, fact: Resolution) -> anyhow::Result<State> {
        let action = if fact == Resolution::Sent { "resolve as sent" } else { "resolve as not sent" };
        self.change(id, action, |transaction, before, sending| {
            if !(before == State::Unknown || (before == State::Dead && sending)) {
                bail!("failed to resolve delivery {id}: it is {before}, not unknown");
            }
            let after = if fact == Resolution::Sent { State::Sent } else { State::Ready };
            transaction.execute(
                "UPDATE deliveries SET state = ?2, sending = FALSE, due_ms = NULL, reason = ?3, questions = 0,
                   since_ms = ?4, begun_ms = NULL
                 WHERE id = ?1",
                values![id, after.name(), format!("set by an operator: {action}"), transaction.now_ms()],
            )?;
            Ok(after)
        })
    }

    /// Cancels a delivery. A request that was sent already is not undone.
    ///
    /// # Errors
    ///
    /// Fails for a delivery that has ended, and for one that is leased.
    pub fn cancel(&mut self, id: i64) -> anyhow::Result<State> {
        self.change(id, "cancel", |transaction, before, _| {
            match before {
                State::Sent | State::Failed | State::Cancelled => {
                    bail!("failed to cancel delivery {id}: it is already {before}")
                }
                State::Ready | State::Leased | State::Unknown | State::Dead => {}
            }
            transaction
                .execute("UPDATE deliveries SET state = 'cancelled', due_ms = NULL WHERE id = ?1", values![id])?;
            Ok(State::Cancelled)
        })
    }

    /// Accepts a change to a conversation, and returns the id of its delivery.
    ///
    /// # Errors
    ///
    /// Fails for an action that Twilio would reject.
    pub fn act(&mut self, tenant: &str, conversation: &str, action: Action) -> anyhow::Result<i64> {
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
        self.database.write(&queue::scope(&tenant, conversation, None), |transaction| {
            let id = rows::insert(transaction, &new)?;
            audit(transaction, id, name, ["-", State::Ready.name()])?;
            Ok(id)
        })
    }

    fn change(
        &mut self,
        id: i64,
        action: &str,
        work: impl FnOnce(&Transaction<'_>, State, bool) -> anyhow::Result<State>,
    ) -> anyhow::Result<State> {
        let select = "SELECT tenant, conversation, channel FROM deliveries WHERE id = ?1";
        let keys = |row: &Row<'_>| Ok(queue::scope(&row.get::<String>(0)?.into(), &row.get::<String>(1)?, row.get(2)?));
        let scope = self.database.read(|read| read.row(select, values![id], keys))?;
        let scope = scope.with_context(|| format!("delivery {id} not found"))?;
        self.database.write(&scope, |transaction| change(transaction, id, action, work))
    }
}

fn change(
    transaction: &Transaction<'_>,
    id: i64,
    action: &str,
    work: impl FnOnce(&Transaction<'_>, State, bool) -> anyhow::Result<State>,
) -> anyhow::Result<State> {
    let now = transaction.now_ms();
    let select = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
    let found = transaction.row(&select, values![id], |row| {
        let lease = row.named::<Option<String>>("lease")?;
        Ok((summary(row, now)?, row.named("sending")?, lease, row.named::<Option<i64>>("message")?))
    })?;
    let (summary, sending, lease, message) = found.with_context(|| format!("delivery {id} not found"))?;
    // The worker may be sending at this moment.
    if lease.is_some() {
        bail!("delivery {id} is leased by a worker; try again in a moment");
    }
    let after = work(transaction, summary.state, sending)?;
    transaction.execute("UPDATE deliveries SET changed_ms = ?2 WHERE id = ?1", values![id, now])?;
    audit(transaction, id, action, [summary.state.name(), after.name()])?;
    if let (Some(message), Some(kind @ (Kind::Message | Kind::Import))) = (message, Kind::named(&summary.callback)) {
        let (tenant, request) = (summary.tenant.as_str().into(), summary.request.as_str().into());
        let decision = Decision { tenant, request, kind, message, state: after, maybe_sent: sending };
        let is_known = apply_decision(transaction, &decision)?;
        if !is_known && matches!(after, State::Ready | State::Unknown) {
            bail!("message of delivery {id} deleted after store.messages_keep_ms; cancel the delivery");
        }
    }
    rows::schedule_next(transaction, &summary.tenant, &summary.conversation)?;
    Ok(after)
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
        result: row.named("result")?,
        request: row.named("request")?,
        created_ms: row.named("created_ms")?,
        changed_ms: row.named("changed_ms")?,
    })
}

/// Writes a row of `audit`.
fn audit(transaction: &Transaction<'_>, delivery: i64, action: &str, [before, after]: [&str; 2]) -> sql::Result<()> {
    let insert = "INSERT INTO audit (time_ms, who, delivery, action, state_before, state_after)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    transaction.execute(insert, values![transaction.now_ms(), account(), delivery, action, before, after]).map(drop)
}

/// Returns the account that ran the command.
pub fn account() -> String {
    let uid = rustix::process::getuid().as_raw();
    std::env::var("USER").map_or_else(|_| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

#[cfg(test)]
mod tests;
