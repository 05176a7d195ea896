//! Accepted events: stores the answer and the delivery of an event in one transaction.

use std::sync::Arc;

use frontgate_store::sql::{self, Row, Scope, Transaction, indexed};
use frontgate_store::{Origin, Overload, crash, values};

use super::{Store, StoreError, queue, quotas, rows};
use crate::job::NewDelivery;

/// The result of [`Store::accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The event is on disk.
    New,
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
    if let Some(delivery) = delivery {
        rows::insert(transaction, delivery)?;
    }
    Ok(Ok(Accepted::New))
}

fn find(read: &Transaction<'_>, tenant: &str, identity: &str) -> sql::Result<Option<StoredAnswer>> {
    let select = "SELECT answer, rejected FROM events WHERE tenant = ?1 AND identity = ?2";
    let answer = |row: &Row<'_>| Ok(StoredAnswer { body: row.get(0)?, rejected: row.get(1)? });
    read.row(select, values![tenant, identity], answer)
}
