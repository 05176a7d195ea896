//! The queue: leases the next delivery, stores decisions before requests are sent, and applies outcomes.
//!
//! Every write about a leased delivery compares the lease, so a worker that lost it changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use frontgate_store::sql::{self, Scope, Transaction, indexed};
use frontgate_store::{NO_TENANT, Origin, values};

use super::front::apply_outcome::apply_outcome;
use super::{Store, StoreError, rows};
use crate::job::{Delivery, Kind, Transition};
use crate::reason_group::reason_group;

/// The result of [`Store::claim`].
#[derive(Debug)]
pub(crate) enum Next {
    /// The deliveries that were leased.
    Deliveries {
        all: Vec<Arc<Delivery>>,
        /// The time from which the next search starts.
        floor: i64,
    },
    /// No delivery is due; the next one becomes due after this time.
    In(Duration),
    /// No delivery is scheduled.
    Nothing,
}

/// What to lease.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) tenant: Arc<str>,
    pub(crate) kind: Kind,
    /// Number of deliveries. With SQLite, one is leased at a time.
    pub(crate) most: usize,
    /// A due time later than this from now was written with a wrong clock and is treated as due.
    pub(crate) longest: Duration,
    /// Channels that have as many deliveries in progress as they may.
    pub(crate) busy: Vec<i64>,
    /// Due time from which to search, [`ALL`] for all. Postgres would otherwise read entries of ended deliveries that a
    /// long transaction keeps.
    pub(crate) floor: i64,
    pub(crate) replica: Option<i64>,
    pub(crate) fence: i64,
}

/// The floor of a search for all deliveries.
pub(crate) const ALL: i64 = i64::MIN;

/// Maximum number of attempts that are kept of a delivery.
const ATTEMPTS_KEPT_MAX: u32 = 100;

/// Time before the last leased delivery from which the next search starts, since commits become visible out of order.
const FLOOR_MARGIN_MS: i64 = 1_000;

impl Store {
    /// Leases the tenant's next due deliveries of a kind, except those of busy channels.
    pub(crate) async fn claim(&self, wanted: Wanted) -> Result<Next, StoreError> {
        let origin = Origin::progress(Arc::clone(&wanted.tenant));
        // A claim that a crash of the database undoes is harmless: the delivery is ready again, and the replica that claimed it
        // fails to store a plan.
        let (lease, has_run) = (uuid::Uuid::new_v4().to_string(), AtomicBool::new(false));
        let claim = move |transaction: &Transaction<'_>| {
            if !transaction.is_shared() {
                return claim_one(transaction, &wanted, &lease);
            }
            // The answer to the commit of an earlier run may have been lost.
            if has_run.swap(true, Ordering::Relaxed) {
                let claimed = claimed(transaction, &wanted, &lease)?;
                if !claimed.is_empty() {
                    return Ok(Next::Deliveries { all: claimed, floor: ALL });
                }
            }
            claim_shared(transaction, &wanted, &lease)
        };
        let next = self.database.write_unflushed(origin, Scope::Rows, claim).await?;
        if let Next::Deliveries { all, .. } = &next {
            self.leases.lock().extend(all.iter().map(|delivery| delivery.lease.clone()));
        }
        Ok(next)
    }

    /// Stores a decision before its request is sent; returns whether the lease is still valid. `effect` is the longest
    /// time for which the request may be on its way.
    pub(crate) async fn plan(
        &self,
        tenant: &str,
        delivery: &Delivery,
        plan: &str,
        effect: Duration,
    ) -> Result<bool, StoreError> {
        let (id, lease, plan) = (delivery.id, delivery.lease.clone(), plan.to_owned());
        let write = move |transaction: &Transaction<'_>| set_plan(transaction, id, &lease, &plan, effect);
        self.database.write(Origin::progress(tenant), Scope::Rows, write).await
    }

    /// Chooses the next entry of a list by round robin and stores it as the plan, in one transaction.
    ///
    /// Returns `None` if the lease was lost or the list is empty; the round robin then does not advance.
    pub(crate) async fn plan_round_robin(
        &self,
        tenant: &str,
        delivery: &Delivery,
        list: Vec<String>,
        effect: Duration,
    ) -> Result<Option<String>, StoreError> {
        let (id, lease, tenant) = (delivery.id, delivery.lease.clone(), Arc::<str>::from(tenant));
        self.database
            .write(Origin::progress(Arc::clone(&tenant)), Scope::Rows, move |transaction| {
                let key = indexed(serde_json::to_string(&list).expect("a list of texts"));
                // A plan that stands was stored by this write, whose answer was lost.
                let select = "SELECT plan FROM deliveries WHERE id = ?1 AND lease = ?2";
                match transaction.row(select, values![id, lease], |row| row.get::<Option<String>>(0))? {
                    None => return Ok(None),
                    Some(Some(chosen)) => return Ok(Some(chosen)),
                    Some(None) if list.is_empty() => return Ok(None),
                    Some(None) => {}
                }
                let count = "INSERT INTO turns (tenant, list, count, used_ms) VALUES (?1, ?2, 1, ?3)
                             ON CONFLICT (tenant, list) DO UPDATE SET count = turns.count + 1, used_ms = excluded.used_ms
                             RETURNING count";
                let count: i64 = transaction.value(count, values![tenant, key, transaction.now_ms()])?;
                let turn = usize::try_from(count - 1).unwrap_or_default() % list.len();
                let chosen = list[turn].clone();
                // The row was read in this transaction, so the lease can only be lost to another replica's burial.
                let is_held = set_plan(transaction, id, &lease, &chosen, effect)?;
                Ok(is_held.then_some(chosen))
            })
            .await
    }

    /// Releases a lease with the new state; returns whether the lease was still valid.
    pub(crate) async fn settle(
        &self,
        tenant: &str,
        delivery: &Arc<Delivery>,
        transition: Transition,
    ) -> Result<bool, StoreError> {
        let tenant = Arc::<str>::from(tenant);
        let (delivery, lease) = (Arc::clone(delivery), delivery.lease.clone());
        let (message, limits) = (delivery.message, self.limits);
        let due = self.due_signal(&tenant);
        let scope = scope(&tenant, &delivery.conversation, delivery.channel);
        let held = self
            .database
            .write(Origin::progress(Arc::clone(&tenant)), scope, move |transaction| {
                let held = release(transaction, &delivery, &transition)?;
                if held {
                    apply_outcome(transaction, &tenant, &delivery, &transition, limits)?;
                }
                rows::schedule_next(transaction, &tenant, &delivery.conversation)?;
                Ok(held || transaction.is_shared() && is_settled(transaction, &delivery, &transition)?)
            })
            .await?;
        self.leases.lock().remove(&lease);
        if let Some(message) = message {
            self.notify_watchers(message);
            self.ring_message(message);
        }
        // The next delivery of the conversation is of the same part, which this replica keeps.
        due.notify_waiters();
        Ok(held)
    }

    /// Returns whether a tenant has open deliveries for Front channels; true if the database cannot be read.
    pub(crate) async fn has_open_for_front(&self, tenant: &str) -> bool {
        let tenant = tenant.to_owned();
        let has = self.database.read(NO_TENANT, move |read| {
            let select = "SELECT EXISTS (SELECT 1 FROM deliveries
                          WHERE tenant = ?1 AND channel IS NOT NULL AND state IN ('ready', 'unknown'))";
            read.value(select, values![tenant])
        });
        has.await.unwrap_or(true)
    }
}

/// Leases one delivery. No other gateway writes.
fn claim_one(transaction: &Transaction<'_>, wanted: &Wanted, lease: &str) -> sql::Result<Next> {
    let Wanted { tenant, kind, longest, busy, .. } = wanted;
    let now = transaction.now_ms();
    let horizon = now.saturating_add(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
    let mut due = "state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2".to_owned();
    if !busy.is_empty() {
        due += &format!(" AND channel NOT IN ({})", list(busy));
    }
    let select = format!(
        "SELECT id FROM (SELECT id, due_ms FROM deliveries WHERE {due} AND due_ms <= ?3 ORDER BY due_ms, id LIMIT 1)
         UNION ALL SELECT id FROM deliveries WHERE {due} AND due_ms > ?4
         LIMIT 1"
    );
    let id: Option<i64> = transaction.row(&select, values![tenant, kind.name(), now, horizon], |row| row.get(0))?;
    let Some(id) = id else {
        let select = format!("SELECT min(due_ms) FROM deliveries WHERE {due}");
        let next: Option<i64> = transaction.value(&select, values![tenant, kind.name()])?;
        return Ok(later(next, now));
    };
    let update = format!("UPDATE deliveries SET {LEASE} WHERE id = ?4 RETURNING {}", rows::COLUMNS);
    let delivery = transaction.one(&update, values![lease, now, None::<i64>, id], rows::delivery)?;
    Ok(Next::Deliveries { all: vec![Arc::new(delivery)], floor: ALL })
}

/// Leases several deliveries, as long as this replica keeps their part. Postgres only.
fn claim_shared(transaction: &Transaction<'_>, wanted: &Wanted, lease: &str) -> sql::Result<Next> {
    let Wanted { tenant, kind, most, longest, busy, floor, replica, fence } = wanted;
    let now = transaction.now_ms();
    let horizon = now.saturating_add(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
    // `MATERIALIZED` keeps the planner from updating more rows than the limit. The time is a parameter: the server would
    // not search the index for the result of a function.
    let update = format!(
        "WITH next AS MATERIALIZED (
           SELECT id AS chosen, due_ms AS was_due FROM deliveries
           WHERE tenant = ?4 AND kind = ?5 AND state IN ('ready', 'unknown') AND lease IS NULL
             AND due_ms >= ?6 AND due_ms <= ?7
             AND (channel IS NULL OR channel <> ALL (string_to_array(?8, ',')::bigint[]))
             AND EXISTS (SELECT 1 FROM keepers WHERE tenant = ?4 AND part = ?9 AND replica = ?3 AND fence = ?10)
           ORDER BY due_ms, id LIMIT ?11 FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE deliveries SET {LEASE} FROM next WHERE id = next.chosen RETURNING was_due, {}",
        rows::COLUMNS
    );
    let (most, busy) = (i64::try_from(*most).unwrap_or(i64::MAX), list(busy));
    let between = |from: i64, to: i64| {
        let (kind, part) = (kind.name(), kind.part().name());
        let values = values![lease, now, replica, tenant, kind, from, to, busy, part, fence, most];
        transaction.rows(&update, values, |row| Ok((row.get::<i64>(0)?, rows::delivery(row)?)))
    };
    let mut found = between(*floor, now)?;
    if found.is_empty() && *floor == ALL {
        found = between(horizon.saturating_add(1), i64::MAX)?;
    }
    if found.is_empty() {
        let select = "SELECT min(due_ms) FROM deliveries
                      WHERE state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2
                        AND due_ms >= ?4
                        AND (channel IS NULL OR channel <> ALL (string_to_array(?3, ',')::bigint[]))";
        return Ok(later(transaction.value(select, values![tenant, kind.name(), busy, floor])?, now));
    }
    found.sort_by_key(|(due, delivery)| (*due, delivery.id));
    let floor = found.last().map_or(ALL, |(due, _)| due.min(&now).saturating_sub(FLOOR_MARGIN_MS));
    Ok(Next::Deliveries { all: found.into_iter().map(|(_, delivery)| Arc::new(delivery)).collect(), floor })
}

/// Returns the deliveries that an earlier run of a claim has leased.
fn claimed(transaction: &Transaction<'_>, wanted: &Wanted, lease: &str) -> sql::Result<Vec<Arc<Delivery>>> {
    let select = format!(
        "SELECT {} FROM deliveries
         WHERE lease IS NOT NULL AND replica = ?1 AND substr(lease, 1, length(?2)) = ?2 ORDER BY id",
        rows::COLUMNS
    );
    transaction.rows(&select, values![wanted.replica, lease], |row| rows::delivery(row).map(Arc::new))
}

/// The changes of a row when it is leased. Leases of one claim have a common beginning, followed by the row's id.
const LEASE: &str = "lease = ?1 || ' ' || id, changed_ms = ?2, replica = ?3, begun_ms = coalesce(begun_ms, ?2),
  waits_for_plugin = FALSE, attempts = attempts + 1, sending = (plan IS NOT NULL),
  state = CASE state WHEN 'ready' THEN 'leased' ELSE state END";

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// Returns how to wait for the next delivery, which is due at this time.
fn later(next: Option<i64>, now: i64) -> Next {
    next.map_or(Next::Nothing, |next| Next::In(Duration::from_millis(u64::try_from(next - now).unwrap_or_default())))
}

/// Returns the scope of writes about a delivery.
pub(super) fn scope(tenant: &Arc<str>, conversation: &str, channel: Option<i64>) -> Scope {
    match channel {
        Some(channel) => Scope::Channel(channel),
        None => Scope::Conversation { tenant: Arc::clone(tenant), conversation: indexed(conversation.to_owned()) },
    }
}

fn set_plan(transaction: &Transaction<'_>, id: i64, lease: &str, plan: &str, effect: Duration) -> sql::Result<bool> {
    let update = "UPDATE deliveries SET plan = ?3, sending = TRUE, effect_ms = ?4 WHERE id = ?1 AND lease = ?2";
    let effect = i64::try_from(effect.as_millis()).unwrap_or(i64::MAX);
    Ok(transaction.execute(update, values![id, lease, plan, effect])? == 1)
}

/// Returns whether an earlier run of the same write has released the lease: its answer was lost.
fn is_settled(transaction: &Transaction<'_>, delivery: &Delivery, transition: &Transition) -> sql::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM deliveries
                  WHERE id = ?1 AND lease IS NULL AND attempts = ?2 AND state = ?3)";
    transaction.value(select, values![delivery.id, delivery.attempts, transition.state.name()])
}

pub(super) fn release(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    transition: &Transition,
) -> sql::Result<bool> {
    let now = transaction.now_ms();
    if !store_attempt(transaction, delivery, transition)? {
        return Ok(false);
    }
    let due = transition.pause.map(|pause| now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)));
    let updated = transaction.execute(
        "UPDATE deliveries SET state = ?3, due_ms = ?4, lease = NULL, replica = NULL, sending = ?10,
           waits_for_plugin = ?5, reason = ?6, result = coalesce(?7, result), questions = ?8,
           changed_ms = ?9, reason_group = ?11
         WHERE id = ?1 AND lease = ?2",
        values![
            delivery.id,
            delivery.lease,
            transition.state.name(),
            due,
            transition.waits_for_plugin,
            transition.reason,
            transition.result,
            transition.questions,
            now,
            transition.maybe_sent,
            transition.reason.as_deref().map(reason_group)
        ],
    )?;
    Ok(updated == 1)
}

/// Stores an attempt that has ended, and deletes one that is too old; returns whether the lease is still valid.
fn store_attempt(transaction: &Transaction<'_>, delivery: &Delivery, transition: &Transition) -> sql::Result<bool> {
    // The row was last changed when it was leased.
    let insert = "INSERT INTO attempts (delivery, number, begun_ms, took_ms, state, reason, replica)
                  SELECT id, attempts, changed_ms, ?3 - changed_ms, ?4, ?5, replica FROM deliveries
                  WHERE id = ?1 AND lease = ?2";
    let values = values![delivery.id, delivery.lease, transaction.now_ms(), transition.state.name(), transition.reason];
    let is_held = transaction.execute(insert, values)? == 1;
    if is_held && delivery.attempts > ATTEMPTS_KEPT_MAX {
        let delete = "DELETE FROM attempts WHERE delivery = ?1 AND number <= ?2";
        transaction.execute(delete, values![delivery.id, delivery.attempts - ATTEMPTS_KEPT_MAX])?;
    }
    Ok(is_held)
}
