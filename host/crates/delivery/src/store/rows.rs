//! Rows of the table `deliveries`: insertion, ordering within a conversation, conversion.
//!
//! The modules of `store` that enqueue or end deliveries build on these functions; this module does not import those
//! modules.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, UNIX_EPOCH};

use frontgate_runtime::CallRecords;
use frontgate_store::sql::{self, Row, Transaction, indexed};
use frontgate_store::values;

use crate::job::{Delivery, Kind, NewDelivery, State};

/// A number for each state, by tenant: of deliveries, or of seconds.
pub type Counts = BTreeMap<String, BTreeMap<State, u64>>;

/// Columns that [`delivery`] reads.
pub(super) const COLUMNS: &str = "id, kind, name, conversation, payload, request, plan, state, attempts, questions, \
                                  since_ms, begun_ms, changed_ms, lease, replica, channel, message";

/// Enqueues a delivery and returns its id.
pub(super) fn insert(transaction: &Transaction<'_>, new: &NewDelivery) -> sql::Result<i64> {
    let insert =
        "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, created_ms, since_ms,
                    changed_ms, channel, message)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ready', ?7, ?7, ?7, ?8, ?9) RETURNING id";
    let NewDelivery { tenant, kind, name, conversation, payload, request, channel, message } = new;
    let conversation = &indexed(conversation.clone());
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

/// Counts the deliveries of each tenant in each state.
pub(super) fn counts(read: &Transaction<'_>) -> sql::Result<Counts> {
    let select = "SELECT tenant, state, CAST(sum(count) AS bigint) FROM delivery_groups
                  GROUP BY tenant, state HAVING sum(count) > 0";
    let row = |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<u64>(2)?));
    let mut counts = Counts::new();
    for (tenant, state, count) in read.rows(select, values![], row)? {
        if let Some(state) = State::named(&state) {
            counts.entry(tenant).or_default().insert(state, count);
        }
    }
    Ok(counts)
}

/// Returns the age of the oldest delivery of each tenant in each of [`State::OPEN`], in seconds.
pub(super) fn oldest(read: &Transaction<'_>) -> sql::Result<Counts> {
    let select = "SELECT tenant, state, min(created_ms) FROM deliveries
                  WHERE state IN ('ready', 'leased', 'unknown') GROUP BY tenant, state";
    let row = |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?));
    let mut ages = Counts::new();
    for (tenant, state, created_ms) in read.rows(select, values![], row)? {
        if let Some(state) = State::named(&state) {
            let age_ms = u64::try_from(read.now_ms().saturating_sub(created_ms)).unwrap_or_default();
            ages.entry(tenant).or_default().insert(state, age_ms / 1_000);
        }
    }
    Ok(ages)
}

/// Releases all leases after a crash and returns their number.
///
/// A delivery whose request may have been sent becomes `unknown`, any other one `ready`.
pub fn recover(transaction: &Transaction<'_>) -> sql::Result<usize> {
    transaction.execute(
        // The end of a process does not end its requests, and a message has no other protection than the wait.
        "UPDATE deliveries SET lease = NULL, changed_ms = ?1,
           due_ms = ?1 + CASE WHEN sending AND kind = 'action' THEN coalesce(effect_ms, 0) ELSE 0 END,
           reason = CASE WHEN sending AND state = 'leased' THEN 'gateway stopped during the send' ELSE reason END,
           state = CASE WHEN sending THEN 'unknown' ELSE 'ready' END
         WHERE state = 'leased' OR lease IS NOT NULL",
        values![transaction.now_ms()],
    )
}

/// Releases the leases of replicas that have ended, and returns the tenants of the deliveries.
///
/// A delivery whose request may have been sent becomes `unknown`. It becomes due once every request about it
/// has ended: otherwise the platform would be asked too early, and the message would be sent twice.
pub(super) fn release_ended(transaction: &Transaction<'_>) -> sql::Result<Vec<String>> {
    let update = "UPDATE deliveries SET lease = NULL, replica = NULL, changed_ms = ?1,
                    due_ms = ?1 + CASE WHEN deliveries.sending AND (deliveries.kind = 'action' OR NOT ended.gone)
                      THEN coalesce(deliveries.effect_ms, 0) ELSE 0 END,
                    reason = CASE WHEN sending AND deliveries.state = 'leased'
                      THEN 'its replica ended while it was being sent' ELSE reason END,
                    state = CASE WHEN sending THEN 'unknown' ELSE 'ready' END
                  FROM replicas AS ended
                  WHERE lease IS NOT NULL AND replica = ended.id AND ended.state = 'ended'
                  RETURNING tenant";
    transaction.rows(update, values![transaction.now_ms()], |row| row.get(0))
}

/// Returns the leases of a replica.
pub(super) fn leases(read: &Transaction<'_>, replica: i64) -> sql::Result<Vec<String>> {
    let select = "SELECT lease FROM deliveries WHERE lease IS NOT NULL AND replica = ?1";
    read.rows(select, values![replica], |row| row.get(0))
}

/// Releases a lease that no worker knows, see [`release_ended`].
pub(super) fn release_orphan(transaction: &Transaction<'_>, lease: &str) -> sql::Result<Option<String>> {
    let update = "UPDATE deliveries SET lease = NULL, replica = NULL, changed_ms = ?2,
                    due_ms = ?2 + CASE WHEN sending THEN coalesce(effect_ms, 0) ELSE 0 END,
                    state = CASE WHEN sending THEN 'unknown' ELSE 'ready' END
                  WHERE lease = ?1 RETURNING tenant";
    transaction.row(update, values![lease, transaction.now_ms()], |row| row.get(0))
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
        leased: (time(row.named("changed_ms")?), Instant::now()),
        replica: row.named("replica")?,
        calls: CallRecords::kept(),
    })
}
