//! Transactional key-value state of plugins, in the gateway's database.
//!
//! Each plugin has one bucket for each tenant. A call reads its own writes; they are committed together after the
//! call succeeds, or discarded if it fails. No call ever sees uncommitted writes of another call.
//!
//! - [`Buckets`]: all buckets of a database.
//! - [`Session`]: one call's view of a bucket, with its limits.
//! - [`oauth_tokens`]: tokens that the gateway stores for bound secrets of plugins.
//!
//! In reading order: `session`, `write_buffer` (uncommitted writes of a call), `key_locks` and `shared_locks`, `rows` (the tables).
//! This crate is part of the flow of a callback (see ARCHITECTURE.md) if the plugin imports `state`.

mod error;
mod joint;
mod key_locks;
pub mod oauth_tokens;
mod rows;
mod session;
pub mod settings;
mod shared_locks;
mod write_buffer;

use std::ops::{Add, Sub};
use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::{Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError};
use tokio::time::{Instant, sleep};
use tracing::warn;

pub use self::error::{NotCommitted, Refusal};
pub use self::joint::JointWrites;
use self::key_locks::KeyLocks;
pub use self::session::Session;
use self::settings::StateLimits;

/// Interval of the search for expired keys, and the pause between two deletions.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(10);
const EXPIRE_PAUSE: Duration = Duration::from_millis(100);

/// Returns the row of this process in the table `replicas`.
type ReplicaId = Box<dyn Fn() -> Option<i64> + Send + Sync>;

/// All buckets of a database.
pub struct Buckets {
    database: Arc<Database>,
    locks: Arc<KeyLocks>,
    /// Returns the row of this process, in a database that several gateways share.
    replica: Option<ReplicaId>,
    /// Replaces the clock of the database in tests.
    clock: Option<fn() -> i64>,
}

/// The name of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Name of the tenant.
    pub tenant: Arc<str>,
}

/// Options of the call that opens a bucket.
pub struct SessionOptions {
    /// The bucket.
    pub bucket: Bucket,
    /// Limits of the bucket and of the call.
    pub limits: StateLimits,
    /// Id of the request. Nested calls share the same `Arc`, which identifies them.
    pub request: Arc<str>,
    /// The deadline of the call.
    pub deadline: Instant,
}

/// A value with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The bytes that the plugin wrote.
    pub bytes: Vec<u8>,
    /// A random number that changes with each write.
    pub version: u64,
    /// Time of expiry, in milliseconds since 1970.
    expires_ms: Option<i64>,
}

/// The size of one bucket.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Name of the plugin.
    pub plugin: String,
    /// Name of the tenant.
    pub tenant: String,
    /// Number of keys and bytes.
    pub size: Size,
}

/// A number of keys, and the bytes of keys and values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Number of keys.
    pub keys: i64,
    /// Bytes of keys and values.
    pub bytes: i64,
}

impl Buckets {
    /// Returns the buckets of a database.
    pub fn new(database: &Arc<Database>) -> Arc<Self> {
        Arc::new(Self { database: Arc::clone(database), locks: Arc::default(), replica: None, clock: None })
    }

    /// Returns the buckets of a database that other gateways use as well. `replica` returns the row of this process.
    pub fn shared(database: &Arc<Database>, replica: impl Fn() -> Option<i64> + Send + Sync + 'static) -> Arc<Self> {
        let (database, replica) = (Arc::clone(database), Some(Box::new(replica) as ReplicaId));
        Arc::new(Self { database, locks: Arc::default(), replica, clock: None })
    }

    /// Returns the size of every bucket.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read in time.
    pub async fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        self.database.read(NO_TENANT, rows::usage).await
    }

    /// Deletes expired keys, a few at a time; never returns.
    pub async fn delete_expired(self: Arc<Self>) {
        loop {
            let pause = match self.delete_some_expired().await {
                Ok(true) => EXPIRE_PAUSE,
                Ok(false) => EXPIRE_INTERVAL,
                Err(error) => {
                    warn!(event = "state.expire_failed", "failed to delete expired keys, retrying: {error}");
                    EXPIRE_INTERVAL
                }
            };
            sleep(pause).await;
        }
    }

    /// Returns the current time by the clock of the database, in milliseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.map_or_else(|| self.database.now_ms(), |clock| clock())
    }

    /// Deletes some expired keys; returns whether more may have expired.
    async fn delete_some_expired(&self) -> Result<bool, StoreError> {
        let now = self.now();
        if !self.database.read(NO_TENANT, move |read| rows::has_expired(read, now)).await? {
            return Ok(false);
        }
        let delete = move |transaction: &Transaction<'_>| rows::delete_expired(transaction, now);
        self.database.write(Origin::internal(), Scope::Rows, delete).await
    }
}

impl Value {
    fn is_live(&self, now: i64) -> bool {
        self.expires_ms.is_none_or(|expires| expires > now)
    }
}

impl Size {
    /// Returns whether the bucket exceeds a limit and has grown; a bucket over its limit may still shrink.
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

#[cfg(test)]
mod tests;
