//! The queue: leases the next delivery, stores decisions before they are sent, and applies outcomes.
//!
//! Every write about a leased delivery compares the lease, so a worker that lost it changes nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use frontgate_store::{OWN, Origin, millis};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::front::apply_outcome::apply_outcome;
use super::{Store, StoreError, rows};
use crate::job::{Delivery, Kind, Transition};

/// The result of [`Store::claim`].
#[derive(Debug)]
pub(crate) enum Next {
    /// The delivery that was leased.
    Delivery(Arc<Delivery>),
    /// Nothing is due for this long.
    In(Duration),
    /// Nothing is scheduled.
    Nothing,
}

impl Store {
    /// Leases the tenant's next due delivery of a kind, except those of `busy` channels.
    ///
    /// A due time later than `longest` from now was written with a wrong clock and is treated as due.
    pub(crate) async fn claim(
        &self,
        tenant: &str,
        kind: Kind,
        longest: Duration,
        busy: &[i64],
    ) -> Result<Next, StoreError> {
        let tenant = Arc::<str>::from(tenant);
        let busy = busy.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        self.database
            .write(Origin::progress(Arc::clone(&tenant)), move |transaction| {
                let now = millis(SystemTime::now());
                let horizon = now.saturating_add(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
                claim(transaction, &tenant, kind.name(), &busy, [now, horizon])
            })
            .await
    }

    /// Stores a decision before it is sent; returns whether the lease is still valid.
    pub(crate) async fn plan(&self, tenant: &str, delivery: &Delivery, plan: &str) -> Result<bool, StoreError> {
        let (id, lease, plan) = (delivery.id, delivery.lease.clone(), plan.to_owned());
        self.database.write(Origin::progress(tenant), move |transaction| set_plan(transaction, id, &lease, &plan)).await
    }

    /// Chooses the next entry of a list in turn and stores it as the plan, in one transaction.
    ///
    /// Returns `None` if the lease was lost or the list is empty; the turn is then not used up.
    pub(crate) async fn plan_round_robin(
        &self,
        tenant: &str,
        delivery: &Delivery,
        list: Vec<String>,
    ) -> Result<Option<String>, StoreError> {
        let (id, lease, tenant) = (delivery.id, delivery.lease.clone(), Arc::<str>::from(tenant));
        self.database
            .write(Origin::progress(Arc::clone(&tenant)), move |transaction| {
                let key = serde_json::to_string(&list).expect("a list of texts");
                let select = "SELECT count FROM turns WHERE tenant = ?1 AND list = ?2";
                let had: i64 =
                    transaction.query_row(select, params![&*tenant, key], |row| row.get(0)).optional()?.unwrap_or(0);
                let turn = usize::try_from(had).unwrap_or_default() % list.len().max(1);
                let Some(chosen) = list.into_iter().nth(turn) else { return Ok(None) };
                if !set_plan(transaction, id, &lease, &chosen)? {
                    return Ok(None);
                }
                transaction.execute(
                    "INSERT INTO turns (tenant, list, count) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET count = excluded.count",
                    params![&*tenant, key, had + 1],
                )?;
                Ok(Some(chosen))
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
        let (due, tenant) = (self.due_signal(tenant), Arc::<str>::from(tenant));
        let delivery = Arc::clone(delivery);
        let (message, limits) = (delivery.message, self.limits);
        let held = self
            .database
            .write(Origin::progress(Arc::clone(&tenant)), move |transaction| {
                let now = millis(SystemTime::now());
                let held = release(transaction, &delivery, &transition, now)?;
                if held {
                    apply_outcome(transaction, &tenant, &delivery, &transition, limits, now)?;
                }
                rows::schedule_next(transaction, &tenant, &delivery.conversation, now)?;
                Ok(held)
            })
            .await?;
        if let Some(message) = message {
            self.notify_watchers(message);
        }
        due.notify_waiters();
        Ok(held)
    }

    /// Returns whether a tenant has open deliveries for Front channels; true if the database cannot be read.
    pub(crate) async fn has_open_for_front(&self, tenant: &str) -> bool {
        let tenant = tenant.to_owned();
        let has = self.database.read(OWN, move |connection| {
            let select = "SELECT EXISTS (SELECT 1 FROM deliveries
                          WHERE tenant = ?1 AND channel IS NOT NULL AND state IN ('ready', 'unknown'))";
            connection.query_row(select, [tenant], |row| row.get(0))
        });
        has.await.unwrap_or(true)
    }
}

fn claim(
    transaction: &Transaction<'_>,
    tenant: &str,
    kind: &str,
    busy: &str,
    [now, horizon]: [i64; 2],
) -> rusqlite::Result<Next> {
    let mut due = "state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2".to_owned();
    if !busy.is_empty() {
        due += &format!(" AND channel NOT IN ({busy})");
    }
    let mut select = transaction.prepare_cached(&format!(
        "SELECT id FROM deliveries WHERE {due} AND due_ms <= ?3
         UNION ALL SELECT id FROM deliveries WHERE {due} AND due_ms > ?4
         LIMIT 1"
    ))?;
    let id: Option<i64> = select.query_row(params![tenant, kind, now, horizon], |row| row.get(0)).optional()?;
    let Some(id) = id else {
        let mut select = transaction.prepare_cached(&format!("SELECT min(due_ms) FROM deliveries WHERE {due}"))?;
        let next: Option<i64> = select.query_row(params![tenant, kind], |row| row.get(0))?;
        return Ok(next.map_or(Next::Nothing, |next| {
            Next::In(Duration::from_millis(u64::try_from(next - now).unwrap_or_default()))
        }));
    };
    let mut update = transaction.prepare_cached(&format!(
        "UPDATE deliveries SET lease = ?2, changed_ms = ?3, begun_ms = coalesce(begun_ms, ?3),
           waits_for_plugin = 0, attempts = attempts + 1, sending = (plan IS NOT NULL),
           state = CASE state WHEN 'ready' THEN 'leased' ELSE state END
         WHERE id = ?1
         RETURNING {}",
        rows::COLUMNS
    ))?;
    let lease = uuid::Uuid::new_v4().to_string();
    let delivery = update.query_row(params![id, lease, now], rows::delivery)?;
    Ok(Next::Delivery(Arc::new(delivery)))
}

fn set_plan(transaction: &Transaction<'_>, id: i64, lease: &str, plan: &str) -> rusqlite::Result<bool> {
    let mut update =
        transaction.prepare_cached("UPDATE deliveries SET plan = ?3, sending = 1 WHERE id = ?1 AND lease = ?2")?;
    Ok(update.execute(params![id, lease, plan])? == 1)
}

fn release(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    transition: &Transition,
    now: i64,
) -> rusqlite::Result<bool> {
    let due = transition.pause.map(|pause| now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)));
    let mut update = transaction.prepare_cached(
        "UPDATE deliveries SET state = ?3, due_ms = ?4, lease = NULL, sending = ?10,
           waits_for_plugin = ?5, reason = ?6, result = coalesce(?7, result), questions = ?8,
           changed_ms = ?9
         WHERE id = ?1 AND lease = ?2",
    )?;
    let updated = update.execute(params![
        delivery.id,
        delivery.lease,
        transition.state.name(),
        due,
        transition.waits_for_plugin,
        transition.reason,
        transition.result,
        transition.questions,
        now,
        transition.maybe_sent
    ])?;
    Ok(updated == 1)
}
