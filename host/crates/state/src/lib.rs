//! What plugins keep: for each plugin and tenant a bucket of keys in the gateway's database. The writes
//! of a call are committed together when it has succeeded, and not at all otherwise.
//!
//! In reading order: [`session`] is the bucket as one call sees it, `overlay` what the call has written,
//! `holds` who holds which key, `table` what is in the database.

mod key_locks;
mod rows;
pub mod session;
pub mod settings;
mod write_buffer;

use std::ops::{Add, Sub};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use frontgate_store::{Database, OWN, Origin, StoreError, millis};
use tokio::time::sleep;
use tracing::warn;

use self::key_locks::Holds;

/// How often somebody looks for what has expired, and how long others have between two deletions.
const FORGET_INTERVAL: Duration = Duration::from_secs(10);
const FORGET_PAUSE: Duration = Duration::from_millis(100);

/// Every bucket.
pub struct Buckets {
    database: Arc<Database>,
    holds: Arc<Holds>,
    clock: fn() -> i64,
}

/// Whose keys they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    pub plugin: Arc<str>,
    pub tenant: Arc<str>,
}

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub bytes: Vec<u8>,
    /// Another one with every write.
    pub version: u64,
    /// From when on nobody sees it.
    expires_ms: Option<i64>,
}

/// What one bucket holds.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Whose.
    pub plugin: String,
    /// For whom.
    pub tenant: String,
    /// How much.
    pub size: Size,
}

/// Keys, and the bytes of keys and values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// How many keys.
    pub keys: i64,
    /// Bytes of keys and values.
    pub bytes: i64,
}

impl Buckets {
    /// The buckets of a database.
    pub fn new(database: &Arc<Database>) -> Arc<Self> {
        Arc::new(Self { database: Arc::clone(database), holds: Arc::default(), clock: now })
    }

    /// What every bucket holds.
    pub async fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        self.database.read(OWN, rows::usage).await
    }

    /// Deletes what has expired, for ever and a little at a time.
    pub async fn forget_expired(self: Arc<Self>) {
        loop {
            let pause = match self.forget_some().await {
                Ok(true) => FORGET_PAUSE,
                Ok(false) => FORGET_INTERVAL,
                Err(error) => {
                    warn!("expired keys are not deleted: {error}");
                    FORGET_INTERVAL
                }
            };
            sleep(pause).await;
        }
    }

    async fn forget_some(&self) -> Result<bool, StoreError> {
        let now = (self.clock)();
        if !self.database.read(OWN, move |connection| rows::has_expired(connection, now)).await? {
            return Ok(false);
        }
        self.database.write(Origin::own(), move |transaction| rows::forget(transaction, now)).await
    }
}

impl Value {
    fn is_there(&self, now: i64) -> bool {
        self.expires_ms.is_none_or(|expires| expires > now)
    }
}

impl Size {
    /// Whether it has grown and is past a limit. Who is past one already may still shrink.
    fn grew_past(self, most: Self, before: Self) -> bool {
        (self.keys > most.keys && self.keys > before.keys) || (self.bytes > most.bytes && self.bytes > before.bytes)
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { keys: self.keys + other.keys, bytes: self.bytes + other.bytes }
    }
}

impl Sub for Size {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { keys: self.keys - other.keys, bytes: self.bytes - other.bytes }
    }
}

fn now() -> i64 {
    millis(SystemTime::now())
}

#[cfg(test)]
mod tests;
