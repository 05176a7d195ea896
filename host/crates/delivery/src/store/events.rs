//! Accepted events: stores the answer and the delivery of an event in one transaction.

use std::sync::Arc;

use frontgate_store::sql::{self, Row, Scope, Transaction, indexed};
use frontgate_store::{Origin, Overload, crash, values};

use super::{Store, StoreError, queue, quotas, rows};
use crate::job::NewDelivery;

/// The result of [`Store::accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The event is on disk, and its delivery has this id.
    New(Option<i64>),
    /// The event was accepted before, with this answer.
    Repeated(StoredAnswer),
}

/// The stored answer to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// JSON; empty for a rejection.
    pub body: Vec<u8>,
    /// Whether a plugin rejected the operation.
    pub rejected: bool,
}

impl Store {
    /// Stores an event with its answer and enqueues its delivery, if any.
    ///
    /// `identities` are all keys by which a repetition of the event is recognized.
    pub async fn accept(
        &self,
        tenant: &str,
        identities: Vec<String>,
        answer: StoredAnswer,
        delivery: Option<NewDelivery>,
    ) -> Result<Accepted, StoreError> {
        crash::point("accept");
        let identities: Vec<String> = identities.into_iter().map(indexed).collect();
        let bytes = answer.body.len() + delivery.as_ref().map_or(0, |delivery| delivery.payload.len());
        let (limits, owner) = (self.limits, Arc::<str>::from(tenant));
        let scope = match &delivery {
            Some(delivery) => queue::scope(&owner, &delivery.conversation, delivery.channel),
            None => Scope::Rows,
        };
        let accepted = self
            .database
            .write_in_time(Origin::event(Arc::clone(&owner), bytes), scope, move |transaction| {
                accept(transaction, limits, &owner, &identities, &answer, delivery.as_ref())
            })
            .await?
            .map_err(|overload| self.record_overload(tenant, None, overload))?;
        crash::point("accepted");
        self.notify_due(tenant);
        Ok(accepted)
    }

    /// Returns the stored answer to an event; `None` if the event is unknown.
    pub async fn answer(&self, tenant: &str, identity: String) -> Result<Option<StoredAnswer>, StoreError> {
        let (owner, identity) = (tenant.to_owned(), indexed(identity));
        self.database.read(tenant, move |read| find(read, &owner, &identity)).await
    }
}

pub(super) fn accept(
    transaction: &Transaction<'_>,
    limits: quotas::Limits,
    tenant: &str,
    identities: &[String],
    answer: &StoredAnswer,
    delivery: Option<&NewDelivery>,
) -> sql::Result<Result<Accepted, Overload>> {
    if transaction.is_shared()
        && let Some(delivery) = delivery
    {
        return accept_at_once(transaction, limits, identities, answer, delivery);
    }
    for identity in identities {
        if let Some(answer) = find(transaction, tenant, identity)? {
            return Ok(Ok(Accepted::Repeated(answer)));
        }
    }
    let mut room = limits.event(transaction, tenant)?;
    if delivery.is_some() {
        room = room.and(limits.delivery(transaction, tenant)?);
    }
    if let Err(overload) = room {
        return Ok(Err(overload));
    }
    let insert = "INSERT INTO events (tenant, identity, answer, rejected, time_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT DO NOTHING";
    for (index, identity) in identities.iter().enumerate() {
        let values = values![tenant, identity, answer.body, answer.rejected, transaction.now_ms()];
        if transaction.execute(insert, values)? == 0 {
            // Another replica has accepted the event a moment ago.
            let delete = "DELETE FROM events WHERE tenant = ?1 AND identity = ?2";
            for own in &identities[..index] {
                transaction.execute(delete, values![tenant, own])?;
            }
            return Ok(Ok(Accepted::Repeated(find(transaction, tenant, identity)?.ok_or(sql::Error::NoRow)?)));
        }
    }
    let delivery = delivery.map(|delivery| rows::insert(transaction, delivery)).transpose()?;
    Ok(Ok(Accepted::New(delivery)))
}

/// Does the same in one statement, because each statement costs a round trip to Postgres.
fn accept_at_once(
    transaction: &Transaction<'_>,
    limits: quotas::Limits,
    identities: &[String],
    answer: &StoredAnswer,
    delivery: &NewDelivery,
) -> sql::Result<Result<Accepted, Overload>> {
    let NewDelivery { tenant, kind, name, conversation, payload, request, channel, message } = delivery;
    let conversation = indexed(conversation.clone());
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (rows_max, bytes_max) = (number(limits.waiting.rows), number(limits.waiting.bytes));
    let (now, events_max, kind) = (transaction.now_ms(), number(limits.events_bytes), kind.name());
    let (deliveries, events) = (quotas::DELIVERIES, quotas::EVENTS);
    let mut values = values![
        tenant,
        answer.body,
        answer.rejected,
        now,
        kind,
        name,
        conversation,
        payload,
        request,
        channel,
        message,
        events_max,
        rows_max,
        bytes_max,
        deliveries,
        events
    ]
    .to_vec();
    let fixed = values.len();
    values.extend(identities.iter().map(|identity| identity as &dyn sql::Value));
    let places: Vec<String> = (1..=identities.len()).map(|index| format!("?{}", fixed + index)).collect();
    let (list, rows) = (places.join(", "), places.join("), ("));
    let accept = format!(
        "WITH known AS (SELECT answer, rejected FROM events WHERE tenant = ?1 AND identity IN ({list}) LIMIT 1),
         room AS (SELECT
           coalesce((SELECT kept_bytes >= ?12 FROM shares WHERE tenant = ?1 AND channel = ?16), FALSE) AS events_full,
           coalesce((SELECT waiting >= ?13 OR waiting_bytes >= ?14 FROM shares WHERE tenant = ?1 AND channel = ?15), FALSE)
             AS deliveries_full),
         mark AS (
           INSERT INTO events (tenant, identity, answer, rejected, time_ms)
           SELECT ?1, identity, ?2, ?3, ?4 FROM (VALUES ({rows})) AS new (identity)
           WHERE NOT EXISTS (SELECT 1 FROM known) AND NOT (SELECT events_full OR deliveries_full FROM room)
           ORDER BY identity
           ON CONFLICT DO NOTHING RETURNING identity),
         delivery AS (
           INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, created_ms, since_ms,
             changed_ms, channel, message, due_ms)
           SELECT ?1, ?5, ?6, ?7, ?8, ?9, 'ready', ?4, ?4, ?4, ?10, ?11,
             CASE WHEN NOT EXISTS (
                 SELECT 1 FROM deliveries
                 WHERE tenant = ?1 AND conversation = ?7 AND state IN ('ready', 'leased', 'unknown')) THEN ?4
               WHEN ?5 = 'routing' AND NOT EXISTS (
                 SELECT 1 FROM deliveries
                 WHERE tenant = ?1 AND conversation = ?7 AND state IN ('ready', 'leased', 'unknown')
                   AND NOT (waits_for_plugin OR state = 'ready' AND due_ms IS NULL)) THEN ?4 END
           WHERE (SELECT count(*) FROM mark) = {}
           RETURNING id)
         SELECT (SELECT answer FROM known), (SELECT rejected FROM known), (SELECT events_full FROM room),
           (SELECT deliveries_full FROM room), (SELECT id FROM delivery)",
        identities.len()
    );
    let found = transaction.one(&accept, &values, |row| {
        let known = row.get::<Option<Vec<u8>>>(0)?.zip(row.get::<Option<bool>>(1)?);
        Ok((known, row.get::<bool>(2)?, row.get::<bool>(3)?, row.get::<Option<i64>>(4)?))
    })?;
    match found {
        (Some((body, rejected)), ..) => Ok(Ok(Accepted::Repeated(StoredAnswer { body, rejected }))),
        (None, true, ..) => Ok(Err(Overload::TenantEvents)),
        (None, _, true, _) => Ok(Err(Overload::TenantWaiting)),
        (None, .., Some(delivery)) => Ok(Ok(Accepted::New(Some(delivery)))),
        // Another replica has accepted the event a moment ago: the next run finds its answer.
        (None, .., None) => Err(sql::Error::Conflict),
    }
}

pub(super) fn find(read: &Transaction<'_>, tenant: &str, identity: &str) -> sql::Result<Option<StoredAnswer>> {
    let select = "SELECT answer, rejected FROM events WHERE tenant = ?1 AND identity = ?2";
    let answer = |row: &Row<'_>| Ok(StoredAnswer { body: row.get(0)?, rejected: row.get(1)? });
    read.row(select, values![tenant, identity], answer)
}
