//! Rows of the table `deliveries`: insertion, ordering within a conversation, conversion.
//!
//! The modules of `store` that enqueue or end deliveries build on these functions; this module does not import those
//! modules.

use std::time::{Duration, UNIX_EPOCH};

use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::values;

use crate::job::{Delivery, Kind, NewDelivery, State};

/// Columns that [`delivery`] reads.
pub(super) const COLUMNS: &str = "id, kind, name, conversation, payload, request, plan, state, attempts, questions, \
                                  since_ms, begun_ms, lease, channel, message";

/// Enqueues a delivery and returns its id.
pub(super) fn insert(transaction: &Transaction<'_>, new: &NewDelivery) -> sql::Result<i64> {
    let insert =
        "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, created_ms, since_ms,
                    changed_ms, channel, message)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ready', ?7, ?7, ?7, ?8, ?9) RETURNING id";
    let NewDelivery { tenant, kind, name, conversation, payload, request, channel, message } = new;
    let now = transaction.now_ms();
    let id = transaction
        .value(insert, values![tenant, kind.name(), name, conversation, payload, request, now, channel, message])?;
    schedule_next(transaction, tenant, conversation)?;
    Ok(id)
}

/// Schedules the next delivery of a conversation.
///
/// - The first open delivery becomes due once no other delivery of the conversation is leased or due.
/// - A routing also becomes due if every earlier delivery waits for a plugin, or for a delivery that waits for one:
///   the customer must not wait for that plugin.
pub(super) fn schedule_next(transaction: &Transaction<'_>, tenant: &str, conversation: &str) -> sql::Result<()> {
    let now = transaction.now_ms();
    transaction.execute(
        "UPDATE deliveries SET due_ms = ?3
         WHERE state IN ('ready', 'unknown') AND due_ms IS NULL
           AND id = (
             SELECT min(id) FROM deliveries INDEXED BY deliveries_open
             WHERE tenant = ?1 AND conversation = ?2 AND state IN ('ready', 'leased', 'unknown'))
           AND NOT EXISTS (
             SELECT 1 FROM deliveries INDEXED BY deliveries_active
             WHERE tenant = ?1 AND conversation = ?2 AND state IN ('ready', 'leased', 'unknown')
               AND due_ms IS NOT NULL)",
        values![tenant, conversation, now],
    )?;
    let routings = transaction.execute(
        "UPDATE deliveries INDEXED BY deliveries_routing SET due_ms = ?3
         WHERE tenant = ?1 AND conversation = ?2 AND kind = 'routing' AND state = 'ready' AND due_ms IS NULL
           AND NOT EXISTS (
             SELECT 1 FROM deliveries AS earlier INDEXED BY deliveries_in_the_way
             WHERE earlier.tenant = ?1 AND earlier.conversation = ?2 AND earlier.id < deliveries.id
               AND earlier.state IN ('ready', 'leased', 'unknown')
               AND NOT (earlier.waits_for_plugin OR earlier.state = 'ready' AND earlier.due_ms IS NULL))",
        values![tenant, conversation, now],
    );
    routings.map(drop)
}

/// Releases all leases after a crash and returns their number.
///
/// A delivery whose request may have been sent becomes `unknown`, any other one `ready`.
pub(super) fn recover(transaction: &Transaction<'_>) -> sql::Result<usize> {
    transaction.execute(
        "UPDATE deliveries SET lease = NULL, due_ms = ?1, changed_ms = ?1,
           reason = CASE WHEN sending AND state = 'leased' THEN 'gateway stopped during the send' ELSE reason END,
           state = CASE WHEN sending THEN 'unknown' ELSE 'ready' END
         WHERE state = 'leased' OR lease IS NOT NULL",
        values![transaction.now_ms()],
    )
}

/// Converts a leased row with [`COLUMNS`].
pub(super) fn delivery(row: &Row<'_>) -> sql::Result<Delivery> {
    let time = |ms: i64| UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    let kind = Kind::named(&row.named::<String>("kind")?);
    Ok(Delivery {
        id: row.named("id")?,
        kind: kind.ok_or(sql::Error::Column("an unknown kind of delivery"))?,
        name: row.named("name")?,
        conversation: row.named("conversation")?,
        payload: row.named("payload")?,
        channel: row.named("channel")?,
        message: row.named("message")?,
        request: row.named::<String>("request")?.into(),
        plan: row.named("plan")?,
        unknown: row.named::<String>("state")? == State::Unknown.name(),
        attempts: row.named("attempts")?,
        questions: row.named("questions")?,
        since: time(row.named("since_ms")?),
        begun: time(row.named("begun_ms")?),
        lease: row.named("lease")?,
    })
}
