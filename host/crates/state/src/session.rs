//! A bucket as one call sees it: its own writes over what is committed, keys that it holds, and the
//! limits of what it may keep.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_store::{Origin, StoreError, crash};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::key_locks::Hold;
use super::rows::{self, Misfit};
use super::write_buffer::{Base, Overlay};
use super::{Bucket, Buckets, Size, Value};
use crate::settings::StateLimits;

/// What a key takes in memory beside its text.
const KEY_OVERHEAD: usize = 256;

/// For which call a bucket is opened.
pub struct Call {
    pub bucket: Bucket,
    pub limits: StateLimits,
    /// The same, not merely an equal one, for calls within others.
    pub request: Arc<str>,
    pub deadline: Instant,
}

/// Why a bucket does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Key or value is larger than a limit.
    TooLarge,
    /// The bucket, or what one call may write, is used up.
    Full,
    /// What stands under the key does not count, or would count past the range.
    NoNumber,
    /// The database did not answer, or another call holds the key.
    Unavailable,
}

/// Why nothing of a call was committed.
#[derive(Debug, thiserror::Error)]
pub enum NotCommitted {
    /// Others of the plugin were faster.
    #[error("what it wrote to its state does not fit: plugins.state.keys_max or bytes_max is reached")]
    Full,
    /// A plain write came between.
    #[error("a key of its state that it had swapped or incremented was changed meanwhile")]
    Changed,
    /// The database did not write it, or not in time.
    #[error("its state could not be written: {0}")]
    Store(#[from] StoreError),
}

/// Keys in order, and where the next page begins.
pub(crate) type Page = (Vec<String>, Option<u64>);

/// One call's view of one bucket.
pub struct Session {
    buckets: Arc<Buckets>,
    call: Call,
    overlay: Overlay,
    held: HashMap<String, Hold>,
    /// What the bucket held when somebody last looked.
    size: Option<Size>,
    /// Behind which keys pages begin.
    cursors: Vec<String>,
}

impl Session {
    pub fn open(buckets: &Arc<Buckets>, call: Call) -> Self {
        Self {
            buckets: Arc::clone(buckets),
            call,
            overlay: Overlay::default(),
            held: HashMap::new(),
            size: None,
            cursors: Vec::new(),
        }
    }

    /// The limits of the bucket.
    pub fn limits(&self) -> &StateLimits {
        &self.call.limits
    }

    /// How many keys it has written, and the bytes of keys and values.
    pub fn written(&self) -> (usize, usize) {
        (self.overlay.keys(), self.overlay.bytes())
    }

    /// What it takes in memory.
    pub fn held(&self) -> usize {
        let texts: usize = self.cursors.iter().chain(self.held.keys()).map(String::len).sum();
        self.overlay.bytes() + texts + (self.overlay.keys() + self.cursors.len() + self.held.len()) * KEY_OVERHEAD
    }

    pub async fn get(&self, key: &str) -> Result<Option<Value>, Refusal> {
        match self.overlay.get(key) {
            Some(write) => Ok(write.value.clone().filter(|value| value.is_there(self.now()))),
            None => self.committed(key).await,
        }
    }

    pub async fn set(&mut self, key: String, bytes: Vec<u8>, seconds: Option<u32>) -> Result<(), Refusal> {
        self.put(key, bytes, seconds, None).await
    }

    pub async fn swap(
        &mut self,
        key: String,
        version: Option<u64>,
        bytes: Vec<u8>,
        seconds: Option<u32>,
    ) -> Result<bool, Refusal> {
        self.fits(&key, &bytes)?;
        let (value, base) = self.hold(&key).await?;
        if value.map(|value| value.version) != version {
            return Ok(false);
        }
        self.put(key, bytes, seconds, base).await?;
        Ok(true)
    }

    /// Adds to a number that is written in digits, and is not to come below `least`.
    pub async fn increment(&mut self, key: String, by: i64, seconds: Option<u32>, least: i64) -> Result<i64, Refusal> {
        self.fits(&key, &[])?;
        let (value, base) = self.hold(&key).await?;
        let number = match &value {
            Some(value) => std::str::from_utf8(&value.bytes).ok().and_then(|digits| digits.parse::<i64>().ok()),
            None => Some(0),
        };
        let sum = number.and_then(|number| number.checked_add(by)).filter(|sum| *sum >= least);
        let sum = sum.ok_or(Refusal::NoNumber)?;
        self.put(key, sum.to_string().into_bytes(), seconds, base).await?;
        Ok(sum)
    }

    pub async fn delete(&mut self, key: String) -> Result<(), Refusal> {
        // Nothing can stand under a key that is too long.
        if self.fits(&key, &[]).is_err() {
            return Ok(());
        }
        self.write(key, None, None).await
    }

    /// A page of keys, and the cursor of the next one, if there is more. None for a cursor that no page had.
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

    /// The first keys behind one, in order, and behind which key there are more.
    async fn keys(&self, after: Option<&str>, most: usize) -> Result<(Vec<String>, Option<String>), Refusal> {
        let (bucket, behind, now) = (self.call.bucket.clone(), after.map(str::to_owned), self.now());
        let committed = self.buckets.database.read(&self.call.bucket.tenant, move |connection| {
            rows::keys(connection, &bucket, behind.as_deref(), most, now)
        });
        let mut keys = committed.await.map_err(|error| self.failed(&error))?;
        let last = if keys.len() == most { keys.last().cloned() } else { None };
        keys.retain(|key| self.overlay.get(key).is_none());
        let written = self.overlay.range(after, last.as_deref());
        let there = written.filter(|(_, write)| write.value.as_ref().is_some_and(|value| value.is_there(now)));
        keys.extend(there.map(|(key, _)| key.clone()));
        keys.sort_unstable();
        Ok((keys, last))
    }

    /// Commits what the call has written, if anything, and lets go of its keys when that is on disk.
    pub async fn commit(self) -> Result<(), NotCommitted> {
        if self.overlay.keys() == 0 {
            return Ok(());
        }
        crash::point("state-commit");
        let (bucket, most, now) = (self.call.bucket.clone(), self.most(), self.now());
        let origin = Origin::state(Arc::clone(&bucket.tenant), self.overlay.bytes());
        let changes = self.overlay.into_changes();
        let written = self
            .buckets
            .database
            .write_if_awaited(origin, move |transaction| rows::write(transaction, &bucket, &changes, most, now));
        let outcome = written.await?;
        crash::point("state-committed");
        drop(self.held);
        outcome.map_err(|misfit| match misfit {
            Misfit::Full => NotCommitted::Full,
            Misfit::Changed => NotCommitted::Changed,
        })
    }

    /// Holds a key until the call ends, and says what stands there and what a write of it relies on.
    async fn hold(&mut self, key: &str) -> Result<(Option<Value>, Option<Base>), Refusal> {
        if !self.held.contains_key(key) {
            if self.held.len() >= self.call.limits.call_keys_max {
                return Err(Refusal::Full);
            }
            let patience = Duration::from_millis(self.call.limits.wait_ms);
            let until = self.call.deadline.min(Instant::now() + patience);
            let hold = self.buckets.holds.hold(&self.call.bucket, key, &self.call.request, until).await;
            let Some(hold) = hold else {
                let (bucket, request) = (&self.call.bucket, &*self.call.request);
                debug!(request, tenant = &*bucket.tenant, plugin = &*bucket.plugin, "another call held a key of state");
                return Err(Refusal::Unavailable);
            };
            self.held.insert(key.to_owned(), hold);
        }
        if let Some(write) = self.overlay.get(key) {
            let value = write.value.clone().filter(|value| value.is_there(self.now()));
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
        let is_new = self.overlay.get(&key).is_none();
        if (is_new && self.overlay.keys() >= limits.call_keys_max)
            || self.overlay.bytes_with(&key, value.as_ref()) > limits.call_bytes_max
        {
            return Err(Refusal::Full);
        }
        self.has_room(&key, value.as_ref()).await?;
        self.overlay.write(key, value, base);
        Ok(())
    }

    /// Whether the bucket would hold one more write. Only one that is nearly full is looked at closely.
    async fn has_room(&mut self, key: &str, value: Option<&Value>) -> Result<(), Refusal> {
        let most = self.most();
        let size = match self.size {
            Some(size) => size,
            None => self.look(Vec::new()).await?,
        };
        if value.is_none() || !(size + self.overlay.growth_with(key, value)).grew_past(most, size) {
            return Ok(());
        }
        let mut unknown = self.overlay.unknown();
        unknown.push(key.to_owned());
        let size = self.look(unknown).await?;
        if (size + self.overlay.growth_with(key, value)).grew_past(most, size) {
            self.overlay.unlearn(key);
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Looks what the bucket holds, of some keys apart.
    async fn look(&mut self, keys: Vec<String>) -> Result<Size, Refusal> {
        let (bucket, now) = (self.call.bucket.clone(), self.now());
        let found = self.buckets.database.read(&self.call.bucket.tenant, move |connection| {
            Ok((rows::size(connection, &bucket, now)?, rows::sizes(connection, &bucket, keys, now)?))
        });
        let (size, sizes) = found.await.map_err(|error| self.failed(&error))?;
        for (key, was) in sizes {
            self.overlay.learn(key, was);
        }
        self.size = Some(size);
        Ok(size)
    }

    async fn committed(&self, key: &str) -> Result<Option<Value>, Refusal> {
        let (bucket, key, now) = (self.call.bucket.clone(), key.to_owned(), self.now());
        let found = self
            .buckets
            .database
            .read(&self.call.bucket.tenant, move |connection| rows::get(connection, &bucket, &key, now));
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

    /// From when on nobody sees what is written now.
    fn expires(&self, seconds: Option<u32>) -> Option<i64> {
        let longest = self.call.limits.keep_seconds_max;
        let seconds = [seconds, longest].into_iter().flatten().min()?;
        Some(self.now().saturating_add(i64::from(seconds) * 1_000))
    }

    fn now(&self) -> i64 {
        (self.buckets.clock)()
    }

    fn failed(&self, error: &StoreError) -> Refusal {
        let (bucket, request) = (&self.call.bucket, &*self.call.request);
        warn!(request, tenant = &*bucket.tenant, plugin = &*bucket.plugin, "state cannot be read: {error}");
        Refusal::Unavailable
    }
}
