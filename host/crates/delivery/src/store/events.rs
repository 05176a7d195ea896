//! Accepting an event: its mark and its delivery in one transaction.

use std::sync::Arc;
use std::time::SystemTime;

use frontgate_store::{Origin, crash, millis};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Store, StoreError, queue};
use crate::job::Event;

/// What became of an event that was to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk.
    New,
    /// It was there before, and got this answer.
    Repeated(Told),
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// JSON.
    pub body: Vec<u8>,
    /// Whether a plugin rejected what was about to happen.
    pub rejected: bool,
}

impl Store {
    /// Writes down that an event was answered, under everything that tells it from others, and what
    /// is left to do about it.
    pub async fn accept(
        &self,
        tenant: &str,
        identities: Vec<String>,
        answer: Told,
        event: Option<Event>,
    ) -> Result<Accepted, StoreError> {
        crash::point("accept");
        let due = self.due(tenant);
        let tenant = Arc::<str>::from(tenant);
        let bytes = answer.body.len() + event.as_ref().map_or(0, |event| event.payload.len());
        let origin = Origin::event(Arc::clone(&tenant), bytes);
        let (limits, whose) = (self.limits, Arc::clone(&tenant));
        let accepted = self
            .database
            .write_in_time(origin, move |transaction| {
                let now = millis(SystemTime::now());
                let before = identities.iter().find_map(|identity| find(transaction, &tenant, identity).transpose());
                if let Some(answer) = before {
                    return Ok(Ok(Accepted::Repeated(answer?)));
                }
                let mut room = limits.event(transaction, &tenant)?;
                if event.is_some() {
                    room = room.and(limits.delivery(transaction, &tenant)?);
                }
                if let Err(overload) = room {
                    return Ok(Err(overload));
                }
                for identity in &identities {
                    let mut insert = transaction.prepare_cached(
                        "INSERT INTO events (tenant, identity, answer, rejected, time_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?;
                    insert.execute(params![&*tenant, identity, answer.body, answer.rejected, now])?;
                }
                if let Some(event) = event {
                    queue::insert(transaction, &event, now)?;
                }
                Ok(Ok(Accepted::New))
            })
            .await?
            .map_err(|overload| self.overloaded(&whose, None, overload))?;
        crash::point("accepted");
        due.notify_waiters();
        Ok(accepted)
    }

    /// What an event was answered when it was accepted.
    pub async fn answer(&self, tenant: &str, identity: String) -> Result<Option<Told>, StoreError> {
        let whose = tenant.to_owned();
        self.database.read(tenant, move |connection| find(connection, &whose, &identity)).await
    }
}

fn find(connection: &Connection, tenant: &str, identity: &str) -> rusqlite::Result<Option<Told>> {
    let select = "SELECT answer, rejected FROM events WHERE tenant = ?1 AND identity = ?2";
    let told = |row: &Row<'_>| Ok(Told { body: row.get(0)?, rejected: row.get(1)? });
    connection.prepare_cached(select)?.query_row(params![tenant, identity], told).optional()
}
