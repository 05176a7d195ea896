//! Replays of Front's requests other than messages: a byte-identical request gets the stored answer.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use frontgate_front::replies::ChannelResponse;
use frontgate_store::sql::{self, Row, Scope, Transaction, indexed};
use frontgate_store::{Origin, values};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::store::{Store, StoreError};

/// The stored status of a request without an answer.
const OPEN: u16 = 0;

/// The state of a request that may be a replay.
#[derive(Debug, PartialEq, Eq)]
pub enum ReplayCheck {
    /// The request is new, or earlier ones got no answer.
    Open,
    /// The request was answered.
    Answered(ChannelResponse),
    /// An earlier request differs in the part that Front does not sign.
    Altered,
}

/// Requests that are being answered, so that identical ones wait for the answer instead of calling the plugin again.
#[derive(Default)]
pub(crate) struct ReplayTurns(Mutex<HashMap<String, Weak<AsyncMutex<()>>>>);

/// The turn of one request, until it is dropped.
pub struct ReplayTurn(#[allow(dead_code, reason = "its drop lets the next request begin")] OwnedMutexGuard<()>);

impl ReplayTurns {
    fn of(&self, identity: String) -> Arc<AsyncMutex<()>> {
        let mut turns = self.0.lock();
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(&identity).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let new = Arc::default();
            turns.insert(identity, Arc::downgrade(&new));
            new
        })
    }
}

impl Store {
    /// Waits until no identical request is being answered by this gateway. Another gateway may be answering one.
    pub async fn replay_turn(&self, tenant: &str, request: &str) -> ReplayTurn {
        ReplayTurn(self.replay_turns.of(format!("{tenant} {request}")).lock_owned().await)
    }

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
            .write_in_time(Origin::event(tenant, unsigned.len()), Scope::Rows, move |transaction| {
                if let Some(known) = find(transaction, &whose, &identity, &unsigned)? {
                    return Ok(Ok(known));
                }
                if let Err(overload) = limits.event(transaction, &whose)? {
                    return Ok(Err(overload));
                }
                // The column `answer` holds the digest until an answer exists.
                let insert = "INSERT INTO events (tenant, identity, answer, rejected, status, time_ms)
                              VALUES (?1, ?2, ?3, FALSE, ?4, ?5) ON CONFLICT DO NOTHING";
                let now = transaction.now_ms();
                if transaction.execute(insert, values![whose, identity, unsigned.as_bytes(), OPEN, now])? == 1 {
                    return Ok(Ok(ReplayCheck::Open));
                }
                // Another replica has stored the request a moment ago.
                find(transaction, &whose, &identity, &unsigned)?.ok_or(sql::Error::NoRow).map(Ok)
            })
            .await?
            .map_err(|overload| self.record_overload(tenant, None, overload))
    }

    /// Stores the answer for replays of a request.
    pub async fn store_replay_answer(
        &self,
        tenant: &str,
        request: String,
        answer: ChannelResponse,
    ) -> Result<(), StoreError> {
        let (whose, identity) = (tenant.to_owned(), replay_identity(&request));
        self.database
            .write_in_time(Origin::event(tenant, answer.body.len()), Scope::Rows, move |transaction| {
                let update = "UPDATE events SET status = ?4, answer = ?3
                              WHERE tenant = ?1 AND identity = ?2 AND status = ?5";
                transaction.execute(update, values![whose, identity, answer.body, answer.status, OPEN]).map(drop)
            })
            .await
    }
}

/// Compares a request with the stored one, if any.
fn find(
    transaction: &Transaction<'_>,
    tenant: &str,
    identity: &str,
    unsigned: &str,
) -> sql::Result<Option<ReplayCheck>> {
    let select = "SELECT status, answer FROM events WHERE tenant = ?1 AND identity = ?2";
    let found = |row: &Row<'_>| Ok((row.get::<u16>(0)?, row.get::<Vec<u8>>(1)?));
    Ok(transaction.row(select, values![tenant, identity], found)?.map(|known| match known {
        (OPEN, before) if before == unsigned.as_bytes() => ReplayCheck::Open,
        (OPEN, _) => ReplayCheck::Altered,
        (status, body) => ReplayCheck::Answered(ChannelResponse { status, body }),
    }))
}

fn replay_identity(request: &str) -> String {
    indexed(format!("front request {request}"))
}
