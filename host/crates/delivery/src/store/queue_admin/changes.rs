//! Operators' changes to single deliveries: retry, resolve and cancel.

use frontgate_audit::{Actor, NewAction};
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::values;

use super::{COLUMNS, DeliverySummary, summary};
use crate::job::{Kind, State};
use crate::store::front::apply_outcome::{Decision, apply_decision};
use crate::store::{queue, rows};

/// An operator's finding about a delivery with unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The request had its effect.
    Sent,
    /// The request had no effect.
    NotSent,
}

/// An operator's change to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Makes the delivery due at once.
    ///
    /// - A delivery that may have been sent becomes `unknown`, so the platform is asked first.
    /// - A delivery that had ended becomes `ready` without its earlier decision.
    ///
    /// Rejected for a delivery that was sent, is leased, or whose message is deleted.
    Retry,
    /// Sets the outcome of a delivery whose outcome is unknown. Rejected in any other state, and while it is leased.
    Resolve(Resolution),
    /// Cancels the delivery. A request that was sent already is not undone. Rejected for a delivery that has ended, and
    /// for one that is leased.
    Cancel,
}

impl Change {
    /// Returns the name in the record of actions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Resolve(Resolution::Sent) => "resolve as sent",
            Self::Resolve(Resolution::NotSent) => "resolve as not sent",
            Self::Cancel => "cancel",
        }
    }

    /// Returns the state after the change, or why the change is rejected. `maybe_sent`: a request may have had its effect.
    pub(super) fn state_after(self, id: i64, before: State, maybe_sent: bool) -> Result<State, String> {
        match (self, before) {
            (Self::Retry, State::Sent) => Err(format!("delivery {id} is already sent")),
            (Self::Retry, State::Unknown) => Ok(State::Unknown),
            (Self::Retry, State::Dead | State::Cancelled) if maybe_sent => Ok(State::Unknown),
            (Self::Retry, _) => Ok(State::Ready),
            (Self::Resolve(resolution), before) => {
                if !(before == State::Unknown || (before == State::Dead && maybe_sent)) {
                    return Err(format!("failed to resolve delivery {id}: it is {before}, not unknown"));
                }
                Ok(if resolution == Resolution::Sent { State::Sent } else { State::Ready })
            }
            (Self::Cancel, State::Sent | State::Failed | State::Cancelled) => {
                Err(format!("failed to cancel delivery {id}: it is already {before}"))
            }
            (Self::Cancel, _) => Ok(State::Cancelled),
        }
    }

    fn update(self, transaction: &Transaction<'_>, id: i64, after: State) -> sql::Result<()> {
        let now = transaction.now_ms();
        match self {
            Self::Retry => transaction.execute(
                "UPDATE deliveries SET state = ?2, questions = 0, reason = NULL, reason_group = NULL,
                   plan = CASE WHEN ?2 = 'unknown' OR state = 'ready' THEN plan END, since_ms = ?3, changed_ms = ?3,
                   begun_ms = NULL, due_ms = CASE WHEN due_ms IS NOT NULL AND state IN ('ready', 'unknown') THEN ?3 END
                 WHERE id = ?1",
                values![id, after.name(), now],
            ),
            Self::Resolve(_) => transaction.execute(
                "UPDATE deliveries SET state = ?2, sending = FALSE, due_ms = NULL, reason = ?3, reason_group = ?3,
                   questions = 0, since_ms = ?4, changed_ms = ?4, begun_ms = NULL
                 WHERE id = ?1",
                values![id, after.name(), format!("set by an operator: {}", self.name()), now],
            ),
            Self::Cancel => transaction.execute(
                "UPDATE deliveries SET state = 'cancelled', due_ms = NULL, changed_ms = ?2 WHERE id = ?1",
                values![id, now],
            ),
        }
        .map(drop)
    }
}

/// The columns of a delivery that decide whether a change is possible.
pub(super) struct Subject {
    pub(super) summary: DeliverySummary,
    /// Whether a request that was sent may have had its effect.
    pub(super) maybe_sent: bool,
    is_leased: bool,
    message: Option<i64>,
}

impl Subject {
    pub(super) fn columns() -> String {
        format!("{COLUMNS}, sending, lease, message")
    }

    pub(super) fn read(row: &Row<'_>, now: i64) -> sql::Result<Self> {
        Ok(Self {
            summary: summary(row, now)?,
            maybe_sent: row.named("sending")?,
            is_leased: row.named::<Option<String>>("lease")?.is_some(),
            message: row.named("message")?,
        })
    }

    /// Returns the state after a change, or why the change is rejected.
    pub(super) fn state_after(&self, change: Change) -> Result<State, String> {
        let id = self.summary.id;
        if self.is_leased {
            // The worker may be sending at this moment.
            return Err(format!("delivery {id} is leased by a worker; try again in a moment"));
        }
        change.state_after(id, self.summary.state, self.maybe_sent)
    }
}

/// Returns the scope of a write about a delivery, or `None` if the delivery does not exist.
pub(super) fn scope(read: &Transaction<'_>, id: i64) -> sql::Result<Option<Scope>> {
    let select = "SELECT tenant, conversation, channel FROM deliveries WHERE id = ?1";
    read.row(select, values![id], |row| {
        Ok(queue::scope(&row.get::<String>(0)?.into(), &row.get::<String>(1)?, row.get(2)?))
    })
}

/// Applies a change, records it, and returns the new state.
///
/// # Errors
///
/// Fails with [`sql::Error::Rejected`] if the change is not possible.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    actor: &Actor,
    id: i64,
    change: Change,
    reason: Option<&str>,
) -> sql::Result<State> {
    let now = transaction.now_ms();
    let select = format!("SELECT {} FROM deliveries WHERE id = ?1", Subject::columns());
    let subject = transaction.row(&select, values![id], |row| Subject::read(row, now))?;
    let subject = subject.ok_or_else(|| not_found(id))?;
    let after = subject.state_after(change).map_err(sql::Error::Rejected)?;
    change.update(transaction, id, after)?;
    let Subject { summary, maybe_sent, message, .. } = subject;
    record(transaction, actor, &summary, change, after, reason)?;
    if let (Some(message), Some(kind @ (Kind::Message | Kind::Import))) = (message, Kind::named(&summary.callback)) {
        let (tenant, request) = (summary.tenant.as_str().into(), summary.request.as_str().into());
        let decision = Decision { tenant, request, kind, message, state: after, maybe_sent };
        let is_known = apply_decision(transaction, &decision)?;
        if !is_known && matches!(after, State::Ready | State::Unknown) {
            return Err(sql::Error::Rejected(format!(
                "message of delivery {id} deleted after store.messages_keep_ms; cancel the delivery"
            )));
        }
    }
    rows::schedule_next(transaction, &summary.tenant, &summary.conversation)?;
    Ok(after)
}

pub(super) fn not_found(id: i64) -> sql::Error {
    sql::Error::Rejected(format!("delivery {id} not found"))
}

fn record(
    transaction: &Transaction<'_>,
    actor: &Actor,
    summary: &DeliverySummary,
    change: Change,
    after: State,
    reason: Option<&str>,
) -> sql::Result<()> {
    let object = super::object(summary.id);
    let new = NewAction {
        tenant: Some(&summary.tenant),
        before: Some(summary.state.name()),
        after: Some(after.name()),
        reason,
        ..NewAction::new(actor, change.name(), &object)
    };
    frontgate_audit::append(transaction, &new).map(drop)
}
