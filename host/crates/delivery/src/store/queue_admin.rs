//! What operators see of the queue and do to it by hand, with or without a running gateway. Whatever
//! is done here leaves a line in `audit`.

mod channels;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use frontgate_store::millis;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde::Serialize;

pub use self::channels::{ChannelLine, ChannelWhole, Filter};
use super::front::apply_outcome::{self, Decision};
use super::{queue, schema};
use crate::job::{Kind, State};

/// The queue, opened beside the gateway.
pub struct Desk {
    connection: Connection,
}

/// One delivery.
#[derive(Debug, Serialize)]
pub struct Line {
    /// As in the commands.
    pub id: i64,
    /// Whose.
    pub tenant: String,
    /// Which callback brought it.
    pub callback: String,
    /// The event's name.
    pub event: String,
    /// The conversation that it belongs to.
    pub conversation: String,
    /// How far it is.
    pub state: State,
    /// How often it was begun.
    pub attempts: u32,
    /// Milliseconds from now until it goes on; none if it waits for another of its conversation.
    pub due_in_ms: Option<i64>,
    /// What was decided.
    pub plan: Option<String>,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// What the platform calls the result.
    pub result: Option<String>,
    /// Id of the request that brought it, as in the log.
    pub request: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970.
    pub changed_ms: i64,
}

/// Everything about one delivery.
#[derive(Debug, Serialize)]
pub struct Whole {
    /// What the list shows.
    #[serde(flatten)]
    pub line: Line,
    /// What was received, or is to be told.
    pub payload: serde_json::Value,
    /// What operators did: milliseconds since 1970, who, what.
    pub audit: Vec<(i64, String, String)>,
}

/// What an operator knows of a delivery whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// It has had its effect.
    Sent,
    /// It has not.
    NotSent,
}

const COLUMNS: &str = "id, tenant, kind, name, conversation, state, attempts, due_ms, plan, reason, result, request, \
                       created_ms, changed_ms, sending, lease, message";

impl Desk {
    /// Opens a database that a gateway has made.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { connection: schema::open_beside(path)? })
    }

    /// The newest deliveries, of one state or of all.
    pub fn list(&self, state: Option<State>, tenant: Option<&str>, most: u32) -> anyhow::Result<Vec<Line>> {
        let mut select = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM deliveries
             WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR tenant = ?2) ORDER BY id DESC LIMIT ?3"
        ))?;
        let lines = select.query_map(params![state.map(State::name), tenant, most], line)?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// One delivery with everything.
    pub fn show(&self, id: i64) -> anyhow::Result<Whole> {
        let select = format!("SELECT {COLUMNS}, payload FROM deliveries WHERE id = ?1");
        let found = self.connection.query_row(&select, [id], |row| Ok((line(row)?, row.get::<_, String>("payload")?)));
        let (line, payload) = found.optional()?.with_context(|| format!("there is no delivery {id}"))?;
        let mut select = self
            .connection
            .prepare("SELECT time_ms, who, action || ': ' || state_before || ' to ' || state_after FROM audit WHERE delivery = ?1 ORDER BY id")?;
        let audit = select.query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Whole { line, payload: serde_json::from_str(&payload)?, audit: audit.collect::<Result<_, _>>()? })
    }

    /// How many deliveries of each tenant are in each state.
    pub fn counts(&self) -> anyhow::Result<BTreeMap<String, BTreeMap<State, u64>>> {
        let mut counts: BTreeMap<String, BTreeMap<State, u64>> = BTreeMap::new();
        let mut select =
            self.connection.prepare_cached("SELECT tenant, state, count(*) FROM deliveries GROUP BY tenant, state")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(state) = State::named(row.get_ref(1)?.as_str()?) {
                counts.entry(row.get(0)?).or_default().insert(state, row.get::<_, i64>(2)?.unsigned_abs());
            }
        }
        Ok(counts)
    }

    /// Lets a delivery go on at once. One that may have been sent is asked after first; for one that
    /// had come to its end, everything is decided anew.
    pub fn retry(&mut self, id: i64) -> anyhow::Result<State> {
        self.change(id, "retry", |transaction, before, sending| {
            let after = match before {
                State::Sent => bail!("delivery {id} was sent; nothing is left to do"),
                State::Unknown => State::Unknown,
                State::Dead | State::Cancelled if sending => State::Unknown,
                State::Ready | State::Leased | State::Failed | State::Dead | State::Cancelled => State::Ready,
            };
            transaction.execute(
                "UPDATE deliveries SET state = ?2, questions = 0, reason = NULL,
                   plan = CASE WHEN ?2 = 'unknown' OR state = 'ready' THEN plan END, since_ms = ?3,
                   begun_ms = NULL, due_ms = CASE WHEN due_ms IS NOT NULL AND state IN ('ready', 'unknown') THEN ?3 END
                 WHERE id = ?1",
                params![id, after.name(), millis(SystemTime::now())],
            )?;
            Ok(after)
        })
    }

    /// Says what became of a delivery whose outcome nobody could find out.
    pub fn resolve(&mut self, id: i64, fact: Fact) -> anyhow::Result<State> {
        let action = if fact == Fact::Sent { "resolve as sent" } else { "resolve as not sent" };
        self.change(id, action, |transaction, before, sending| {
            if !(before == State::Unknown || (before == State::Dead && sending)) {
                bail!("there is nothing to find out about delivery {id}: it is {before}");
            }
            let after = if fact == Fact::Sent { State::Sent } else { State::Ready };
            transaction.execute(
                "UPDATE deliveries SET state = ?2, sending = 0, due_ms = NULL, reason = ?3, questions = 0,
                   since_ms = ?4, begun_ms = NULL
                 WHERE id = ?1",
                params![id, after.name(), format!("an operator said so: {action}"), millis(SystemTime::now())],
            )?;
            Ok(after)
        })
    }

    /// Takes a delivery out; what it may have sent already is not taken back.
    pub fn cancel(&mut self, id: i64) -> anyhow::Result<State> {
        self.change(id, "cancel", |transaction, before, _| {
            match before {
                State::Sent | State::Failed | State::Cancelled => {
                    bail!("delivery {id} is {before}; nothing is left to take out")
                }
                State::Ready | State::Leased | State::Unknown | State::Dead => {}
            }
            transaction.execute("UPDATE deliveries SET state = 'cancelled', due_ms = NULL WHERE id = ?1", [id])?;
            Ok(State::Cancelled)
        })
    }

    fn change(
        &mut self,
        id: i64,
        action: &str,
        work: impl FnOnce(&Transaction<'_>, State, bool) -> anyhow::Result<State>,
    ) -> anyhow::Result<State> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let select = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
        let found = transaction.query_row(&select, [id], |row| {
            let lease = row.get::<_, Option<String>>("lease")?;
            Ok((line(row)?, row.get("sending")?, lease, row.get::<_, Option<i64>>("message")?))
        });
        let (line, sending, lease, message) =
            found.optional()?.with_context(|| format!("there is no delivery {id}"))?;
        // Whoever holds it may be sending at this moment.
        if lease.is_some() {
            bail!("delivery {id} is being worked on; try again in a moment");
        }
        let after = work(&transaction, line.state, sending)?;
        let now = millis(SystemTime::now());
        transaction.execute("UPDATE deliveries SET changed_ms = ?2 WHERE id = ?1", params![id, now])?;
        note(&transaction, id, action, [line.state.name(), after.name()], now)?;
        if let (Some(message), Some(kind @ (Kind::Message | Kind::Import))) = (message, Kind::named(&line.callback)) {
            let (tenant, request) = (line.tenant.as_str().into(), line.request.as_str().into());
            let decision = Decision { tenant, request, kind, message, state: after, maybe_sent: sending };
            let is_known = apply_outcome::decided(&transaction, &decision, now)?;
            if !is_known && matches!(after, State::Ready | State::Unknown) {
                bail!("store.messages_keep_ms has passed since delivery {id} was accepted; cancel it");
            }
        }
        queue::wake(&transaction, &line.tenant, &line.conversation, now)?;
        transaction.commit()?;
        Ok(after)
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    let due: Option<i64> = row.get("due_ms")?;
    let state = State::named(row.get_ref("state")?.as_str()?).unwrap_or(State::Dead);
    let waits = matches!(state, State::Ready | State::Unknown);
    Ok(Line {
        id: row.get("id")?,
        tenant: row.get("tenant")?,
        callback: row.get("kind")?,
        event: row.get("name")?,
        conversation: row.get("conversation")?,
        state,
        attempts: row.get("attempts")?,
        due_in_ms: due.filter(|_| waits).map(|due| (due - millis(SystemTime::now())).max(0)),
        plan: row.get("plan")?,
        reason: row.get("reason")?,
        result: row.get("result")?,
        request: row.get("request")?,
        created_ms: row.get("created_ms")?,
        changed_ms: row.get("changed_ms")?,
    })
}

/// Leaves a line in `audit`.
fn note(
    transaction: &Transaction<'_>,
    delivery: i64,
    action: &str,
    [before, after]: [&str; 2],
    now: i64,
) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT INTO audit (time_ms, who, delivery, action, state_before, state_after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![now, who(), delivery, action, before, after],
        )
        .map(drop)
}

/// The account that ran the command.
fn who() -> String {
    let uid = rustix::process::getuid().as_raw();
    std::env::var("USER").map_or_else(|_| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

#[cfg(test)]
mod tests;
