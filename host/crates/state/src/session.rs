//! One call's view of a bucket: uncommitted writes override committed values; key locks and limits apply.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Origin, StoreError, crash};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::error::{NotCommitted, Refusal};
use super::joint::JointWrites;
use super::key_locks::KeyLock;
use super::rows::{self, Conflict};
use super::shared_locks::{self, SharedLocks};
use super::write_buffer::{Base, WriteBuffer};
use super::{Bucket, Buckets, SessionOptions, Size, Value};
use crate::settings::StateLimits;

/// Estimated bytes of memory for a key, besides its text.
const KEY_OVERHEAD: usize = 256;

/// Percentage of a limit from which it is exact also for concurrent commits.
const NEAR_PERCENT: i64 = 90;

/// Why the writes of a commit are undone.
enum Undone {
    Refused(NotCommitted),
    Failed(sql::Error),
}

impl From<sql::Error> for Undone {
    fn from(error: sql::Error) -> Self {
        Self::Failed(error)
    }
}

/// Keys in order, and the cursor of the next page.
pub(crate) type Page = (Vec<String>, Option<u64>);

/// One call's view of one bucket.
pub struct Session {
    buckets: Arc<Buckets>,
    call: SessionOptions,
    buffer: WriteBuffer,
    locks: HashMap<String, KeyLock>,
    /// The same keys, locked for calls in other gateways. Dropped before `locks`.
    shared_locks: Option<SharedLocks>,
    /// Committed size of the bucket when it was last read.
    size: Option<Size>,
    /// The last key of each returned page; its index in this list is the cursor.
    cursors: Vec<String>,
}

impl Session {
    /// Opens a bucket for one call.
    pub fn open(buckets: &Arc<Buckets>, call: SessionOptions) -> Self {
        Self {
            buckets: Arc::clone(buckets),
            call,
            buffer: WriteBuffer::default(),
            locks: HashMap::new(),
            shared_locks: SharedLocks::new(buckets),
            size: None,
            cursors: Vec::new(),
        }
    }

    /// Returns the limits of the bucket.
    pub fn limits(&self) -> &StateLimits {
        &self.call.limits
    }

    /// Returns the number of keys written, and the bytes of keys and values.
    pub fn written(&self) -> (usize, usize) {
        (self.buffer.keys(), self.buffer.bytes())
    }

    /// Returns the estimated bytes of memory that the session uses.
    pub fn held(&self) -> usize {
        let texts: usize = self.cursors.iter().chain(self.locks.keys()).map(String::len).sum();
        self.buffer.bytes() + texts + (self.buffer.keys() + self.cursors.len() + self.locks.len()) * KEY_OVERHEAD
    }

    /// Returns the value of a key.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read in time.
    pub async fn get(&self, key: &str) -> Result<Option<Value>, Refusal> {
        match self.buffer.get(key) {
            Some(write) => Ok(write.value.clone().filter(|value| value.is_live(self.now()))),
            None => self.committed(key).await,
        }
    }

    /// Returns whether the call has written a key.
    pub fn has_written(&self, key: &str) -> bool {
        self.buffer.get(key).is_some()
    }

    /// Writes a value, which expires after `seconds` or the operator's limit, whichever is shorter.
    ///
    /// # Errors
    ///
    /// Fails if a limit is exceeded, or if the database cannot be read in time.
    pub async fn set(&mut self, key: String, bytes: Vec<u8>, seconds: Option<u32>) -> Result<(), Refusal> {
        self.put(key, bytes, seconds, None).await
    }

    /// Writes a value if the key has this version (`None`: no value); returns whether the version matched.
    ///
    /// # Errors
    ///
    /// Fails like [`Session::set`], or if another call holds the lock of the key.
    pub async fn swap(
        &mut self,
        key: String,
        version: Option<u64>,
        bytes: Vec<u8>,
        seconds: Option<u32>,
    ) -> Result<bool, Refusal> {
        self.fits(&key, &bytes)?;
        let (value, base) = self.lock(&key).await?;
        if value.map(|value| value.version) != version {
            return Ok(false);
        }
        self.put(key, bytes, seconds, base).await?;
        Ok(true)
    }

    /// Adds to a number in decimal digits and returns the sum. A missing key has the value 0.
    ///
    /// # Errors
    ///
    /// Fails like [`Session::swap`], if the value is not a number, or if the sum is out of range or below `least`.
    pub async fn increment(&mut self, key: String, by: i64, seconds: Option<u32>, least: i64) -> Result<i64, Refusal> {
        self.fits(&key, &[])?;
        let (value, base) = self.lock(&key).await?;
        let number = match &value {
            Some(value) => std::str::from_utf8(&value.bytes).ok().and_then(|digits| digits.parse::<i64>().ok()),
            None => Some(0),
        };
        let sum = number.and_then(|number| number.checked_add(by)).filter(|sum| *sum >= least);
        let sum = sum.ok_or(Refusal::NotANumber)?;
        self.put(key, sum.to_string().into_bytes(), seconds, base).await?;
        Ok(sum)
    }

    /// Deletes a key.
    ///
    /// # Errors
    ///
    /// Fails if the call has reached its limits, or if the database cannot be read in time.
    pub async fn delete(&mut self, key: String) -> Result<(), Refusal> {
        // A key that is too long cannot exist.
        if self.fits(&key, &[]).is_err() {
            return Ok(());
        }
        self.write(key, None, None).await
    }

    /// Returns a page of at most `most` keys with the cursor of the next page; `None` for an unknown cursor.
    ///
    /// # Errors
    ///
    /// Fails if the call has used all its cursors, or if the database cannot be read in time.
    pub async fn page(&mut self, cursor: Option<u64>, most: usize) -> Result<Option<Page>, Refusal> {
        let after = match cursor {
            Some(cursor) => match usize::try_from(cursor).ok().and_then(|cursor| self.cursors.get(cursor)) {
                Some(after) => Some(after.clone()),
                None => return Ok(None),
            },
            None => None,
        };
        let (keys, last) = self.keys(after.as_deref(), most).await?;
        let Some(last) = last else { return Ok(Some((keys, None))) };
        if self.cursors.len() >= self.call.limits.call_keys_max {
            return Err(Refusal::Full);
        }
        self.cursors.push(last);
        Ok(Some((keys, u64::try_from(self.cursors.len() - 1).ok())))
    }

    /// Returns the first keys that follow `after`, and the last of them if more keys exist.
    async fn keys(&self, after: Option<&str>, most: usize) -> Result<(Vec<String>, Option<String>), Refusal> {
        let (bucket, behind, now) = (self.call.bucket.clone(), after.map(str::to_owned), self.now());
        let committed = self
            .buckets
            .database
            .read(&self.call.bucket.tenant, move |read| rows::keys(read, &bucket, behind.as_deref(), most, now));
        let mut keys = committed.await.map_err(|error| self.failed(&error))?;
        let last = if keys.len() == most { keys.last().cloned() } else { None };
        keys.retain(|key| self.buffer.get(key).is_none());
        let written = self.buffer.range(after, last.as_deref());
        let live = written.filter(|(_, write)| write.value.as_ref().is_some_and(|value| value.is_live(now)));
        keys.extend(live.map(|(key, _)| key.clone()));
        keys.sort_unstable();
        Ok((keys, last))
    }

    /// Commits the writes of the call and those that belong to them, if any, and releases its locks once they are on
    /// disk.
    ///
    /// # Errors
    ///
    /// Fails if the bucket is full, a swapped or incremented key has changed, or the database cannot write in time.
    /// In these cases nothing is committed, except that a write past its deadline may still succeed.
    pub async fn commit(self, joint: Option<Arc<dyn JointWrites>>) -> Result<(), NotCommitted> {
        if self.buffer.keys() == 0 {
            return match joint {
                Some(joint) => self.buckets.commit_alone(&self.call.bucket.tenant, joint).await,
                None => Ok(()),
            };
        }
        crash::point("state-commit");
        let (bucket, most, now) = (self.call.bucket.clone(), self.most(), self.now());
        let scope = match &joint {
            Some(joint) => Scope::All([vec![self.scope()], joint.scopes()].concat()),
            None => self.scope(),
        };
        let bytes = self.buffer.bytes() + joint.as_ref().map_or(0, |joint| joint.bytes());
        let origin = Origin::state(Arc::clone(&bucket.tenant), bytes);
        let changes = self.buffer.into_changes();
        let holder = self.shared_locks.as_ref().and_then(SharedLocks::holder);
        let written = self.buckets.database.write_if_awaited(origin, scope, move |transaction| {
            let write = |transaction: &Transaction<'_>| match rows::write(transaction, &bucket, &changes, most, now)? {
                Ok(()) => match joint.as_ref().map_or(Ok(Ok(())), |joint| joint.write(transaction))? {
                    Ok(()) => Ok(()),
                    Err(overload) => Err(Undone::Refused(NotCommitted::Store(StoreError::Overload(overload)))),
                },
                Err(Conflict::Full) => Err(Undone::Refused(NotCommitted::Full)),
                Err(Conflict::Changed) => Err(Undone::Refused(NotCommitted::Changed)),
            };
            // State and joint writes are undone together; without joint writes, a conflict leaves nothing to undo.
            let written = if joint.is_some() { transaction.savepoint(write) } else { write(transaction) };
            let outcome = match written {
                Ok(()) => Ok(()),
                Err(Undone::Refused(refusal)) => Err(refusal),
                Err(Undone::Failed(error)) => return Err(error),
            };
            if let Some(holder) = &holder {
                shared_locks::unlock(transaction, holder)?;
            }
            Ok(outcome)
        });
        let outcome = written.await?;
        let mut locks = self.shared_locks;
        locks.iter_mut().for_each(SharedLocks::unlocked);
        crash::point("state-committed");
        drop((locks, self.locks));
        outcome
    }

    /// Returns the scope of the commit. Near a limit, commits of a bucket run one after the other, so that the limit is
    /// exact.
    fn scope(&self) -> Scope {
        let (size, most) = (self.size.unwrap_or_default() + self.buffer.growth(), self.most());
        let is_near = |number: i64, most: i64| number > most / 100 * NEAR_PERCENT;
        if is_near(size.keys, most.keys) || is_near(size.bytes, most.bytes) {
            let Bucket { plugin, tenant } = self.call.bucket.clone();
            return Scope::Bucket { plugin, tenant };
        }
        Scope::Rows
    }

    /// Locks a key until the call ends; returns the key's value and the base for a write.
    async fn lock(&mut self, key: &str) -> Result<(Option<Value>, Option<Base>), Refusal> {
        if !self.locks.contains_key(key) {
            if self.locks.len() >= self.call.limits.call_keys_max {
                return Err(Refusal::Full);
            }
            let patience = Duration::from_millis(self.call.limits.wait_ms);
            let until = self.call.deadline.min(Instant::now() + patience);
            let lock = self.buckets.locks.lock(&self.call.bucket, key, &self.call.request, until).await;
            let Some(lock) = lock else {
                let (bucket, request) = (&self.call.bucket, &*self.call.request);
                debug!(request, tenant = &*bucket.tenant, plugin = &*bucket.plugin, "state key locked by another call");
                return Err(Refusal::Unavailable);
            };
            if let Some(shared) = &mut self.shared_locks {
                let locked = shared.lock(&self.call.bucket, key, until, self.call.deadline).await;
                if !locked.map_err(|error| self.failed(&error))? {
                    return Err(Refusal::Unavailable);
                }
            }
            self.locks.insert(key.to_owned(), lock);
        }
        if let Some(write) = self.buffer.get(key) {
            let value = write.value.clone().filter(|value| value.is_live(self.now()));
            return Ok((value, write.base));
        }
        let value = self.committed(key).await?;
        let base = Base(value.as_ref().map(|value| value.version));
        Ok((value, Some(base)))
    }

    async fn put(
        &mut self,
        key: String,
        bytes: Vec<u8>,
        seconds: Option<u32>,
        base: Option<Base>,
    ) -> Result<(), Refusal> {
        self.fits(&key, &bytes)?;
        let version = getrandom::u64().map_err(|_| Refusal::Unavailable)?;
        let value = Value { bytes, version, expires_ms: self.expires(seconds) };
        self.write(key, Some(value), base).await
    }

    async fn write(&mut self, key: String, value: Option<Value>, base: Option<Base>) -> Result<(), Refusal> {
        let limits = &self.call.limits;
        let is_new = self.buffer.get(&key).is_none();
        if (is_new && self.buffer.keys() >= limits.call_keys_max)
            || self.buffer.bytes_with(&key, value.as_ref()) > limits.call_bytes_max
        {
            return Err(Refusal::Full);
        }
        self.check_room(&key, value.as_ref()).await?;
        self.buffer.write(key, value, base);
        Ok(())
    }

    /// Checks whether the bucket has room for one more write.
    ///
    /// Sizes of replaced entries are read only if the bucket would be full without them.
    async fn check_room(&mut self, key: &str, value: Option<&Value>) -> Result<(), Refusal> {
        let most = self.most();
        let size = match self.size {
            Some(size) => size,
            None => self.read_sizes(Vec::new()).await?,
        };
        if value.is_none() || !(size + self.buffer.growth_with(key, value)).grew_past(most, size) {
            return Ok(());
        }
        let mut unknown = self.buffer.unknown();
        unknown.push(key.to_owned());
        let size = self.read_sizes(unknown).await?;
        if (size + self.buffer.growth_with(key, value)).grew_past(most, size) {
            self.buffer.clear_known(key);
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Reads the size of the bucket and the sizes of some keys; returns the size of the bucket.
    async fn read_sizes(&mut self, keys: Vec<String>) -> Result<Size, Refusal> {
        let (bucket, now) = (self.call.bucket.clone(), self.now());
        let found = self.buckets.database.read(&self.call.bucket.tenant, move |read| {
            Ok((rows::size(read, &bucket, now)?, rows::sizes(read, &bucket, &keys, now)?))
        });
        let (size, sizes) = found.await.map_err(|error| self.failed(&error))?;
        for (key, size) in sizes {
            self.buffer.set_known(key, size);
        }
        self.size = Some(size);
        Ok(size)
    }

    async fn committed(&self, key: &str) -> Result<Option<Value>, Refusal> {
        let (bucket, key, now) = (self.call.bucket.clone(), key.to_owned(), self.now());
        let found =
            self.buckets.database.read(&self.call.bucket.tenant, move |read| rows::get(read, &bucket, &key, now));
        found.await.map_err(|error| self.failed(&error))
    }

    fn fits(&self, key: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let limits = &self.call.limits;
        let fits = key.len() <= limits.key_bytes_max && bytes.len() <= limits.value_bytes_max;
        if fits { Ok(()) } else { Err(Refusal::TooLarge) }
    }

    fn most(&self) -> Size {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        Size { keys: number(self.call.limits.keys_max), bytes: number(self.call.limits.bytes_max) }
    }

    /// Returns the expiry of a value that is written now.
    fn expires(&self, seconds: Option<u32>) -> Option<i64> {
        let longest = self.call.limits.keep_seconds_max;
        let seconds = [seconds, longest].into_iter().flatten().min()?;
        Some(self.now().saturating_add(i64::from(seconds) * 1_000))
    }

    fn now(&self) -> i64 {
        self.buckets.now()
    }

    /// Logs a failed read and returns its error.
    fn failed(&self, error: &StoreError) -> Refusal {
        let (bucket, request) = (&self.call.bucket, &*self.call.request);
        let (tenant, plugin) = (&*bucket.tenant, &*bucket.plugin);
        warn!(event = "state.read_failed", request, tenant, plugin, "failed to read state: {error}");
        Refusal::Unavailable
    }
}
