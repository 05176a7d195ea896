//! Replays of Front's requests other than messages: a byte-identical request gets the stored answer.

use std::time::SystemTime;

use frontgate_front::answers::Answer;
use frontgate_store::{Origin, millis};
use rusqlite::{OptionalExtension as _, params};

use crate::store::{Store, StoreError};

/// The stored status of a request without an answer.
const OPEN: u16 = 0;

/// The state of a request that may be a replay.
#[derive(Debug, PartialEq, Eq)]
pub enum ReplayCheck {
    /// The request is new, or earlier ones got no answer.
    Open,
    /// The request was answered.
    Answered(Answer),
    /// An earlier request differs in the part that Front does not sign.
    Altered,
}

impl Store {
    /// Stores a request before it is handled, with a digest of its unsigned part.
    ///
    /// - Until the request is answered, a replay with another unsigned part is rejected.
    /// - Afterwards every replay gets the stored answer.
    pub async fn check_replay(
        &self,
        tenant: &str,
        request: String,
        unsigned: String,
    ) -> Result<ReplayCheck, StoreError> {
        let (whose, identity) = (tenant.to_owned(), replay_identity(&request));
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
                    Some((OPEN, before)) if before == unsigned.as_bytes() => ReplayCheck::Open,
                    Some((OPEN, _)) => ReplayCheck::Altered,
                    Some((status, body)) => ReplayCheck::Answered(Answer { status, body }),
                    None => {
                        if let Err(overload) = limits.event(transaction, &whose)? {
                            return Ok(Err(overload));
                        }
                        // The digest takes the column of the answer until an answer exists.
                        let mut insert = transaction.prepare_cached(
                            "INSERT INTO events (tenant, identity, answer, rejected, status, time_ms)
                             VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                        )?;
                        let now = millis(SystemTime::now());
                        insert.execute(params![whose, identity, unsigned.as_bytes(), OPEN, now])?;
                        ReplayCheck::Open
                    }
                }))
            })
            .await?
            .map_err(|overload| self.record_overload(tenant, None, overload))
    }

    /// Stores the answer for replays of a request.
    pub async fn store_replay_answer(&self, tenant: &str, request: String, answer: Answer) -> Result<(), StoreError> {
        let (whose, identity) = (tenant.to_owned(), replay_identity(&request));
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

fn replay_identity(request: &str) -> String {
    format!("front request {request}")
}
