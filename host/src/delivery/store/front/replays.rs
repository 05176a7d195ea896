//! Requests of Front that are no messages: the very same bytes again get the answer that they got.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, params};

use super::messages::answer;
use crate::delivery::store::{Store, StoreError};
use crate::front::answers::Answer;
use crate::store::millis;

impl Store {
    /// What the very same request was answered before.
    pub async fn replayed(&self, tenant: &str, request: String) -> Result<Option<Answer>, StoreError> {
        let (tenant, identity) = (tenant.to_owned(), replay(&request));
        self.database
            .read(move |connection| {
                let select = "SELECT status, answer FROM events WHERE tenant = ?1 AND identity = ?2";
                Ok(connection
                    .prepare_cached(select)?
                    .query_row(params![tenant, identity], answer)
                    .optional()?
                    .flatten())
            })
            .await
    }

    /// Keeps an answer for whoever sends the very same request again.
    pub async fn remember_answer(&self, tenant: &str, request: String, answer: Answer) -> Result<(), StoreError> {
        let (tenant, identity) = (tenant.to_owned(), replay(&request));
        self.database
            .write_in_time(move |transaction| {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR IGNORE INTO events (tenant, identity, answer, rejected, status, time_ms)
                     VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                )?;
                let now = millis(SystemTime::now());
                insert.execute(params![tenant, identity, answer.body, answer.status, now]).map(drop)
            })
            .await
    }
}

fn replay(request: &str) -> String {
    format!("front request {request}")
}
