//! Requests of Front that are no messages: the very same bytes again get the answer that they got.

use std::time::SystemTime;

use frontgate_front::replies::ChannelResponse;
use frontgate_store::{Origin, millis};
use rusqlite::{OptionalExtension as _, params};

use crate::store::{Store, StoreError};

/// Stands for the status of a request that has no answer yet.
const OPEN: u16 = 0;

/// How a request stands that may have come before.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is the first one, or the ones before it got no answer.
    Open,
    /// It was answered.
    Answered(ChannelResponse),
    /// It came before, with something else in the part that Front does not sign.
    Altered,
}

impl Store {
    /// Notes a request before anything is done about it, with a digest of what it shows unsigned. Until it is answered,
    /// a replay with anything else there is refused; afterwards any replay gets the stored answer.
    pub async fn attempt(&self, tenant: &str, request: String, unsigned: String) -> Result<Attempt, StoreError> {
        let (whose, identity) = (tenant.to_owned(), replay(&request));
        let limits = self.limits;
        self.database
            .write_in_time(Origin::event(tenant, unsigned.len()), move |transaction| {
                let select = "SELECT status, answer FROM events WHERE tenant = ?1 AND identity = ?2";
                let found = transaction
                    .prepare_cached(select)?
                    .query_row(params![whose, identity], |row| {
                        let (status, body): (u16, Vec<u8>) = (row.get("status")?, row.get("answer")?);
                        Ok((status, body))
                    })
                    .optional()?;
                Ok(Ok(match found {
                    Some((OPEN, before)) if before == unsigned.as_bytes() => Attempt::Open,
                    Some((OPEN, _)) => Attempt::Altered,
                    Some((status, body)) => Attempt::Answered(ChannelResponse { status, body }),
                    None => {
                        if let Err(overload) = limits.event(transaction, &whose)? {
                            return Ok(Err(overload));
                        }
                        // Until there is an answer, the digest has its place.
                        let mut insert = transaction.prepare_cached(
                            "INSERT INTO events (tenant, identity, answer, rejected, status, time_ms)
                             VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                        )?;
                        let now = millis(SystemTime::now());
                        insert.execute(params![whose, identity, unsigned.as_bytes(), OPEN, now])?;
                        Attempt::Open
                    }
                }))
            })
            .await?
            .map_err(|overload| self.overloaded(tenant, None, overload))
    }

    /// Keeps an answer for whoever sends the very same request again.
    pub async fn remember_answer(
        &self,
        tenant: &str,
        request: String,
        answer: ChannelResponse,
    ) -> Result<(), StoreError> {
        let (whose, identity) = (tenant.to_owned(), replay(&request));
        self.database
            .write_in_time(Origin::event(tenant, answer.body.len()), move |transaction| {
                let mut update = transaction.prepare_cached(
                    "UPDATE events SET status = ?4, answer = ?3
                     WHERE tenant = ?1 AND identity = ?2 AND status = ?5",
                )?;
                update.execute(params![whose, identity, answer.body, answer.status, OPEN]).map(drop)
            })
            .await
    }
}

fn replay(request: &str) -> String {
    format!("front request {request}")
}
