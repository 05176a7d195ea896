//! The queue: which delivery is next, what was decided about it, what became of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_store::{OWN, Origin, millis};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::front::apply_outcome::follow;
use super::{Store, StoreError, quotas};
use crate::job::{Delivery, Event, Kind, Receipt, State};

/// Rows that one write deletes: others wait meanwhile.
const PRUNE_MAX: u32 = 500;

/// What is next for a tenant.
#[derive(Debug)]
pub(crate) enum Next {
    /// This one.
    Delivery(Arc<Delivery>),
    /// None before this long from now.
    In(Duration),
    /// None.
    Nothing,
}

/// What is written when a worker lets go of a delivery.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) state: State,
    /// From now, where it goes on.
    pub(crate) pause: Option<Duration>,
    pub(crate) waits_for_plugin: bool,
    /// Whether what was sent may have had its effect.
    pub(crate) maybe_sent: bool,
    pub(crate) reason: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) questions: u32,
    /// What a plugin said of a message that it has sent.
    pub(crate) receipt: Option<Receipt>,
    /// Why it did not arrive, in words for whoever wrote it.
    pub(crate) told: Option<String>,
}

/// How long what has come to its end is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    pub(crate) events: Duration,
    pub(crate) deliveries: Duration,
    pub(crate) messages: Duration,
    pub(crate) conversations: Duration,
}

pub(super) fn insert(transaction: &Transaction<'_>, event: &Event, now: i64) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, created_ms, since_ms,
           changed_ms, channel, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ready', ?7, ?7, ?7, ?8, ?9)",
    )?;
    let (tenant, kind, request) = (&*event.tenant, event.kind.name(), &*event.request);
    let (channel, message) = (event.channel, event.message);
    insert.execute(params![
        tenant,
        kind,
        event.name,
        event.conversation,
        event.payload,
        request,
        now,
        channel,
        message
    ])?;
    wake(transaction, tenant, &event.conversation, now)
}

/// Lets go on what waited for others of its conversation: the first that is open, once no other is
/// being made or about to be. A routing also goes on where all before it wait for a plugin, or for one
/// that does: a customer should not.
pub(super) fn wake(connection: &Connection, tenant: &str, conversation: &str, now: i64) -> rusqlite::Result<()> {
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

/// After an end without warning nobody holds anything any more. What may have been sent must be asked
/// after; the rest simply goes on.
pub(super) fn recover(connection: &Connection) -> rusqlite::Result<usize> {
    let now = millis(SystemTime::now());
    connection.execute(
        "UPDATE deliveries SET lease = NULL, due_ms = ?1, changed_ms = ?1,
           reason = CASE WHEN sending AND state = 'leased' THEN 'the gateway ended while it was being sent' ELSE reason END,
           state = CASE WHEN sending THEN 'unknown' ELSE 'ready' END
         WHERE state = 'leased' OR lease IS NOT NULL",
        [now],
    )
}

impl Store {
    /// Takes the tenant's next delivery of a kind that is due, of a channel that is not busy. A due time
    /// further away than any pause was written by a clock that was wrong, and counts as due.
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
                let kind = kind.name();
                let mut due =
                    "state IN ('ready', 'unknown') AND lease IS NULL AND tenant = ?1 AND kind = ?2".to_owned();
                if !busy.is_empty() {
                    due += &format!(" AND channel NOT IN ({busy})");
                }
                let mut select = transaction.prepare_cached(&format!(
                    "SELECT id FROM deliveries WHERE {due} AND due_ms <= ?3
                 UNION ALL SELECT id FROM deliveries WHERE {due} AND due_ms > ?4
                 LIMIT 1"
                ))?;
                let id: Option<i64> =
                    select.query_row(params![&*tenant, kind, now, horizon], |row| row.get(0)).optional()?;
                let Some(id) = id else {
                    let mut select =
                        transaction.prepare_cached(&format!("SELECT min(due_ms) FROM deliveries WHERE {due}"))?;
                    let next: Option<i64> = select.query_row(params![&*tenant, kind], |row| row.get(0))?;
                    return Ok(next.map_or(Next::Nothing, |next| {
                        Next::In(Duration::from_millis(u64::try_from(next - now).unwrap_or_default()))
                    }));
                };
                let mut update = transaction.prepare_cached(
                    "UPDATE deliveries SET lease = ?2, changed_ms = ?3, begun_ms = coalesce(begun_ms, ?3),
                   waits_for_plugin = 0, attempts = attempts + 1, sending = (plan IS NOT NULL),
                   state = CASE state WHEN 'ready' THEN 'leased' ELSE state END
                 WHERE id = ?1
                 RETURNING id, kind, name, conversation, payload, request, plan, state, attempts, questions, since_ms,
                   begun_ms, lease, channel, message",
                )?;
                let lease = uuid::Uuid::new_v4().to_string();
                let delivery = update.query_row(params![id, lease, now], delivery)?;
                Ok(Next::Delivery(Arc::new(delivery)))
            })
            .await
    }

    /// Writes down what was decided, before it is sent; says whether the delivery is still this
    /// worker's.
    pub(crate) async fn plan(&self, tenant: &str, delivery: &Delivery, plan: &str) -> Result<bool, StoreError> {
        let (id, lease, plan) = (delivery.id, delivery.lease.clone(), plan.to_owned());
        self.database
            .write(Origin::progress(tenant), move |transaction| {
                let mut update = transaction
                    .prepare_cached("UPDATE deliveries SET plan = ?3, sending = 1 WHERE id = ?1 AND lease = ?2")?;
                Ok(update.execute(params![id, lease, plan])? == 1)
            })
            .await
    }

    /// The next of a list in turn, written down as the plan in the same transaction, so that nobody's
    /// turn is lost or had twice.
    pub(crate) async fn plan_turn(
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
                let update = "UPDATE deliveries SET plan = ?3, sending = 1 WHERE id = ?1 AND lease = ?2";
                if transaction.execute(update, params![id, lease, chosen])? == 0 {
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

    /// Lets go of a delivery; says whether it was still this worker's.
    pub(crate) async fn settle(
        &self,
        tenant: &str,
        delivery: &Arc<Delivery>,
        change: Change,
    ) -> Result<bool, StoreError> {
        let (due, tenant) = (self.due(tenant), Arc::<str>::from(tenant));
        let delivery = Arc::clone(delivery);
        let (message, limits) = (delivery.message, self.limits);
        let held = self
            .database
            .write(Origin::progress(Arc::clone(&tenant)), move |transaction| {
                let now = millis(SystemTime::now());
                let pause = change.pause.map(|pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
                let mut update = transaction.prepare_cached(
                    "UPDATE deliveries SET state = ?3, due_ms = ?4, lease = NULL, sending = ?10,
                       waits_for_plugin = ?5, reason = ?6, result = coalesce(?7, result), questions = ?8,
                       changed_ms = ?9
                     WHERE id = ?1 AND lease = ?2",
                )?;
                let due = pause.map(|pause| now.saturating_add(pause));
                let (state, waits) = (change.state.name(), change.waits_for_plugin);
                let held = update.execute(params![
                    delivery.id,
                    delivery.lease,
                    state,
                    due,
                    waits,
                    change.reason,
                    change.result,
                    change.questions,
                    now,
                    change.maybe_sent
                ])? == 1;
                if held {
                    follow(transaction, &tenant, &delivery, &change, limits, now)?;
                }
                wake(transaction, &tenant, &delivery.conversation, now)?;
                Ok(held)
            })
            .await?;
        if let Some(message) = message {
            self.tell_watchers(message);
        }
        due.notify_waiters();
        Ok(held)
    }

    /// Whether something of a tenant waits that is about a channel; so, too, where the database does not say.
    pub(crate) async fn has_open_for_front(&self, tenant: &str) -> bool {
        let tenant = tenant.to_owned();
        let has = self.database.read(OWN, move |connection| {
            let select = "SELECT EXISTS (SELECT 1 FROM deliveries
                          WHERE tenant = ?1 AND channel IS NOT NULL AND state IN ('ready', 'unknown'))";
            connection.query_row(select, [tenant], |row| row.get(0))
        });
        has.await.unwrap_or(true)
    }

    /// Forgets what has been kept for long enough; says whether there may be more.
    pub(crate) async fn prune(&self, keep: Keep) -> Result<bool, StoreError> {
        let (Keep { events, deliveries, messages, conversations }, limits) = (keep, self.limits);
        self.database
            .write(Origin::own(), move |transaction| {
                let before = |age: Duration| millis(SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH));
                let more = quotas::prune_events(transaction, before(events))?
                    | quotas::prune_deliveries(transaction, before(deliveries))?
                    | quotas::prune_kept(transaction, limits)?;
                // What is still to be delivered refers to its message.
                let settled = transaction.execute(
                    "DELETE FROM front_messages WHERE id IN (
                   SELECT id FROM front_messages WHERE settled AND created_ms < ?1 LIMIT ?2)",
                    params![before(messages), PRUNE_MAX],
                )?;
                let mut delete = transaction.prepare_cached(
                    "DELETE FROM front_conversations WHERE (channel, external_id) IN (
                   SELECT channel, external_id FROM front_conversations WHERE used_ms < ?1 LIMIT ?2)
                 RETURNING channel, external_id",
                )?;
                let gone = params![before(conversations), PRUNE_MAX];
                let gone = delete.query_map(gone, |row| Ok((row.get(0)?, row.get(1)?)))?;
                let gone: Vec<(i64, String)> = gone.collect::<Result<_, _>>()?;
                let mut names = transaction
                    .prepare_cached("DELETE FROM front_conversation_names WHERE channel = ?1 AND external_id = ?2")?;
                gone.iter().try_for_each(|(channel, id)| names.execute(params![channel, id]).map(drop))?;
                let quiet = gone.len();
                Ok(more || settled.max(quiet) == PRUNE_MAX as usize)
            })
            .await
    }
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
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
