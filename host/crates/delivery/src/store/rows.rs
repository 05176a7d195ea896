//! Rows of the table `deliveries`: insertion, ordering within a conversation, conversion.
//!
//! Everything in `store` that enqueues or ends deliveries builds on these functions; this module imports none of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_store::millis;
use rusqlite::{Connection, Row, Transaction, params};

use crate::job::{Delivery, Kind, NewDelivery, State};

/// Columns that [`delivery`] reads.
pub(super) const COLUMNS: &str = "id, kind, name, conversation, payload, request, plan, state, attempts, questions, \
                                  since_ms, begun_ms, lease, channel, message";

/// Enqueues a delivery.
pub(super) fn insert(transaction: &Transaction<'_>, new: &NewDelivery, now: i64) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, created_ms, since_ms,
           changed_ms, channel, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ready', ?7, ?7, ?7, ?8, ?9)",
    )?;
    let (tenant, kind, request) = (&*new.tenant, new.kind.name(), &*new.request);
    insert.execute(params![
        tenant,
        kind,
        new.name,
        new.conversation,
        new.payload,
        request,
        now,
        new.channel,
        new.message
    ])?;
    schedule_next(transaction, tenant, &new.conversation, now)
}

/// Schedules the next delivery of a conversation.
///
/// - The first open delivery becomes due once no other delivery of the conversation is leased or due.
/// - A routing also becomes due if every earlier delivery waits for a plugin, or for one that does: the customer
///   must not wait for that plugin.
pub(super) fn schedule_next(
    connection: &Connection,
    tenant: &str,
    conversation: &str,
    now: i64,
) -> rusqlite::Result<()> {
    let mut first = connection.prepare_cached(
        "UPDATE deliveries SET due_ms = ?3
         WHERE state IN ('ready', 'unknown') AND due_ms IS NULL
           AND id = (
             SELECT min(id) FROM deliveries INDEXED BY deliveries_open
             WHERE tenant = ?1 AND conversation = ?2 AND state IN ('ready', 'leased', 'unknown'))
           AND NOT EXISTS (
             SELECT 1 FROM deliveries INDEXED BY deliveries_active
             WHERE tenant = ?1 AND conversation = ?2 AND state IN ('ready', 'leased', 'unknown')
               AND due_ms IS NOT NULL)",
    )?;
    first.execute(params![tenant, conversation, now])?;
    let mut routing = connection.prepare_cached(
        "UPDATE deliveries INDEXED BY deliveries_routing SET due_ms = ?3
         WHERE tenant = ?1 AND conversation = ?2 AND kind = 'routing' AND state = 'ready' AND due_ms IS NULL
           AND NOT EXISTS (
             SELECT 1 FROM deliveries AS earlier INDEXED BY deliveries_in_the_way
             WHERE earlier.tenant = ?1 AND earlier.conversation = ?2 AND earlier.id < deliveries.id
               AND earlier.state IN ('ready', 'leased', 'unknown')
               AND NOT (earlier.waits_for_plugin OR earlier.state = 'ready' AND earlier.due_ms IS NULL))",
    )?;
    routing.execute(params![tenant, conversation, now]).map(drop)
}

/// Releases all leases after a crash and returns how many there were.
///
/// A delivery whose request may have been sent becomes `unknown`, any other one `ready`.
pub(super) fn recover(connection: &Connection) -> rusqlite::Result<usize> {
    let now = millis(SystemTime::now());
    connection.execute(
        "UPDATE deliveries SET lease = NULL, due_ms = ?1, changed_ms = ?1,
           reason = CASE WHEN sending AND state = 'leased' THEN 'gateway stopped during the send' ELSE reason END,
           state = CASE WHEN sending THEN 'unknown' ELSE 'ready' END
         WHERE state = 'leased' OR lease IS NOT NULL",
        [now],
    )
}

/// Converts a leased row with [`COLUMNS`].
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let time = |ms: i64| UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    let state: String = row.get("state")?;
    Ok(Delivery {
        id: row.get("id")?,
        kind: Kind::named(row.get_ref("kind")?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?,
        name: row.get("name")?,
        conversation: row.get("conversation")?,
        payload: row.get("payload")?,
        channel: row.get("channel")?,
        message: row.get("message")?,
        request: Arc::from(row.get_ref("request")?.as_str()?),
        plan: row.get("plan")?,
        unknown: state == State::Unknown.name(),
        attempts: row.get("attempts")?,
        questions: row.get("questions")?,
        since: time(row.get("since_ms")?),
        begun: time(row.get("begun_ms")?),
        lease: row.get("lease")?,
    })
}
