//! Key locks in the database: a call that swaps or increments a key excludes calls in other gateways until it ends.
//!
//! Like the locks in memory, they only reduce conflicts. The locks of a gateway that crashed are free once it was declared
//! ended, or at the deadlines of its calls.

use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::{self, Key, Scope, Transaction};
use frontgate_store::{Database, Origin, StoreError, values};
use tokio::time::{Instant, sleep};

use super::{Bucket, Buckets};

/// Pauses between two attempts to lock a key: the first one, doubled up to the last one.
const PAUSE_FIRST: Duration = Duration::from_millis(2);
const PAUSE_LONGEST: Duration = Duration::from_millis(20);

/// Time for which a lock outlives the deadline of its call, so that the commit is over by then.
const MARGIN: Duration = Duration::from_secs(5);

/// The locks of one call. Dropping them unlocks the keys.
pub(super) struct SharedLocks {
    database: Arc<Database>,
    holder: String,
    replica: i64,
    is_used: bool,
}

impl SharedLocks {
    /// Returns the locks of a new call; `None` if the database is not shared.
    pub(super) fn new(buckets: &Buckets) -> Option<Self> {
        if !buckets.database.is_shared() {
            return None;
        }
        let holder = format!("{:016x}", getrandom::u64().ok()?);
        let replica = buckets.replica.as_ref().and_then(|replica| replica()).unwrap_or_default();
        Some(Self { database: Arc::clone(&buckets.database), holder, replica, is_used: false })
    }

    /// Returns the token of the call if it has locked a key. Its commit unlocks the keys.
    pub(super) fn holder(&self) -> Option<String> {
        self.is_used.then(|| self.holder.clone())
    }

    /// Marks the keys as unlocked, after the commit.
    pub(super) fn unlocked(&mut self) {
        self.is_used = false;
    }

    /// Locks a key; returns false if another call holds it until `until`. `deadline` is that of the call.
    pub(super) async fn lock(
        &mut self,
        bucket: &Bucket,
        key: &str,
        until: Instant,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        self.is_used = true;
        let mut pause = PAUSE_FIRST;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()) + MARGIN;
            let (bucket, key, holder, replica) = (bucket.clone(), key.to_owned(), self.holder.clone(), self.replica);
            let origin = Origin::progress(Arc::clone(&bucket.tenant));
            let lock = move |transaction: &Transaction<'_>| {
                let now = transaction.now_ms();
                let end = now.saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX));
                let insert = "INSERT INTO state_locks AS held (plugin, tenant, key, holder, until_ms, replica)
                              VALUES (?1, ?2, ?3, ?4, ?5, ?7)
                              ON CONFLICT (plugin, tenant, key) DO UPDATE
                              SET holder = excluded.holder, until_ms = excluded.until_ms, replica = excluded.replica
                              WHERE held.until_ms < ?6 OR held.holder = excluded.holder
                                OR EXISTS (SELECT 1 FROM replicas WHERE id = held.replica AND state = 'ended')";
                let values = values![bucket.plugin, bucket.tenant, Key(&key), holder, end, now, replica];
                transaction.execute(insert, values)
            };
            if self.database.write_unflushed(origin, Scope::Rows, lock).await? == 1 {
                return Ok(true);
            }
            if Instant::now() + pause >= until {
                return Ok(false);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }
}

/// Unlocks the keys of a call, in the transaction of its commit.
pub(super) fn unlock(transaction: &Transaction<'_>, holder: &str) -> sql::Result<()> {
    transaction.execute("DELETE FROM state_locks WHERE holder = ?1", values![holder]).map(drop)
}

impl Drop for SharedLocks {
    fn drop(&mut self) {
        if !self.is_used {
            return;
        }
        let (database, holder) = (Arc::clone(&self.database), std::mem::take(&mut self.holder));
        let unlocking = async move {
            let delete = move |transaction: &Transaction<'_>| unlock(transaction, &holder);
            // Without success, the locks end by their time.
            let _ = database.write_unflushed(Origin::internal(), Scope::Rows, delete).await;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(unlocking);
        }
    }
}
