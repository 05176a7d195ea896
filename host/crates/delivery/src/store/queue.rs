//! The queue: leases the next delivery, stores decisions before requests are sent, and applies outcomes.
//!
//! Every write about a leased delivery compares the lease, so a worker that lost it changes nothing.

use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{NO_TENANT, Origin, values};

use super::front::apply_outcome::apply_outcome;
use super::{Store, StoreError, rows};
use crate::job::{Delivery, Kind, Transition};

/// The result of [`Store::claim`].
#[derive(Debug)]
pub(crate) enum Next {
    /// The delivery that was leased.
    Delivery(Arc<Delivery>),
    /// No delivery is due; the next one becomes due after this time.
    In(Duration),
    /// No delivery is scheduled.
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
            .write(Origin::progress(Arc::clone(&tenant)), Scope::Rows, move |transaction| {
                claim(transaction, &tenant, kind.name(), &busy, longest)
            })
            .await
    }

    /// Stores a decision before its request is sent; returns whether the lease is still valid.
    pub(crate) async fn plan(&self, tenant: &str, delivery: &Delivery, plan: &str) -> Result<bool, StoreError> {
        let (id, lease, plan) = (delivery.id, delivery.lease.clone(), plan.to_owned());
        let write = move |transaction: &Transaction<'_>| set_plan(transaction, id, &lease, &plan);
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
    ) -> Result<Option<String>, StoreError> {
        let (id, lease, tenant) = (delivery.id, delivery.lease.clone(), Arc::<str>::from(tenant));
        self.database
            .write(Origin::progress(Arc::clone(&tenant)), Scope::Rows, move |transaction| {
                let key = serde_json::to_string(&list).expect("a list of texts");
                let select = "SELECT count FROM turns WHERE tenant = ?1 AND list = ?2";
                let had: i64 = transaction.row(select, values![tenant, key], |row| row.get(0))?.unwrap_or(0);
                let turn = usize::try_from(had).unwrap_or_default() % list.len().max(1);
                let Some(chosen) = list.get(turn) else { return Ok(None) };
                if !set_plan(transaction, id, &lease, chosen)? {
                    return Ok(None);
                }
                transaction.execute(
                    "INSERT INTO turns (tenant, list, count) VALUES (?1, ?2, ?3)
                     ON CONFLICT (tenant, list) DO UPDATE SET count = excluded.count",
                    values![tenant, key, had + 1],
                )?;
                Ok(Some(chosen.clone()))
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
        let scope = scope(&tenant, &delivery.conversation, delivery.channel);
        let held = self
            .database
            .write(Origin::progress(Arc::clone(&tenant)), scope, move |transaction| {
                let held = release(transaction, &delivery, &transition)?;
                if held {
                    apply_outcome(transaction, &tenant, &delivery, &transition, limits)?;
                }
                rows::schedule_next(transaction, &tenant, &delivery.conversation)?;
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
        let has = self.database.read(NO_TENANT, move |read| {
            let select = "SELECT EXISTS (SELECT 1 FROM deliveries
                          WHERE tenant = ?1 AND channel IS NOT NULL AND state IN ('ready', 'unknown'))";
            read.value(select, values![tenant])
        });
        has.await.unwrap_or(true)
    }
}

fn claim(transaction: &Transaction<'_>, tenant: &str, kind: &str, busy: &str, longest: Duration) -> sql::Result<Next> {
    let now = transaction.now_ms();
    let horizon = now.saturating_add(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
    let mut due = "state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2".to_owned();
    if !busy.is_empty() {
        due += &format!(" AND channel NOT IN ({busy})");
    }
    let select = format!(
        "SELECT id FROM (SELECT id, due_ms FROM deliveries WHERE {due} AND due_ms <= ?3 ORDER BY due_ms, id LIMIT 1)
         UNION ALL SELECT id FROM deliveries WHERE {due} AND due_ms > ?4
         LIMIT 1"
    );
    let id: Option<i64> = transaction.row(&select, values![tenant, kind, now, horizon], |row| row.get(0))?;
    let Some(id) = id else {
        let select = format!("SELECT min(due_ms) FROM deliveries WHERE {due}");
        let next: Option<i64> = transaction.value(&select, values![tenant, kind])?;
        return Ok(next.map_or(Next::Nothing, |next| {
            Next::In(Duration::from_millis(u64::try_from(next - now).unwrap_or_default()))
        }));
    };
    let update = format!(
        "UPDATE deliveries SET lease = ?2, changed_ms = ?3, begun_ms = coalesce(begun_ms, ?3),
           waits_for_plugin = FALSE, attempts = attempts + 1, sending = (plan IS NOT NULL),
           state = CASE state WHEN 'ready' THEN 'leased' ELSE state END
         WHERE id = ?1
         RETURNING {}",
        rows::COLUMNS
    );
    let lease = uuid::Uuid::new_v4().to_string();
    let delivery = transaction.one(&update, values![id, lease, now], rows::delivery)?;
    Ok(Next::Delivery(Arc::new(delivery)))
}

/// Returns the scope of writes about a delivery.
pub(super) fn scope(tenant: &Arc<str>, conversation: &str, channel: Option<i64>) -> Scope {
    match channel {
        Some(channel) => Scope::Channel(channel),
        None => Scope::Conversation { tenant: Arc::clone(tenant), conversation: conversation.to_owned() },
    }
}

fn set_plan(transaction: &Transaction<'_>, id: i64, lease: &str, plan: &str) -> sql::Result<bool> {
    let update = "UPDATE deliveries SET plan = ?3, sending = TRUE WHERE id = ?1 AND lease = ?2";
    Ok(transaction.execute(update, values![id, lease, plan])? == 1)
}

fn release(transaction: &Transaction<'_>, delivery: &Delivery, transition: &Transition) -> sql::Result<bool> {
    let now = transaction.now_ms();
    let due = transition.pause.map(|pause| now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)));
    let updated = transaction.execute(
        "UPDATE deliveries SET state = ?3, due_ms = ?4, lease = NULL, sending = ?10,
           waits_for_plugin = ?5, reason = ?6, result = coalesce(?7, result), questions = ?8,
           changed_ms = ?9
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
            transition.maybe_sent
        ],
    )?;
    Ok(updated == 1)
}
