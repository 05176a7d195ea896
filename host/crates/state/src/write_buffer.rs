//! Write buffer: the uncommitted writes of one call, which the call sees before committed values.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::{Size, Value};

/// The version of a key that a swap or an increment read; `None` if the key did not exist.
///
/// If the version differs at commit, no write of the call is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base(pub(super) Option<u64>);

/// A write to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) key: String,
    /// `None` deletes the key.
    pub(super) value: Option<Value>,
    pub(super) base: Option<Base>,
}

/// The writes of one call.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    writes: BTreeMap<String, Write>,
    /// Bytes of all keys and values in the buffer, including deletions.
    bytes: usize,
    /// Size of the entries that the writes create.
    written: Size,
    /// Size of the committed entry, for some of the keys.
    known: HashMap<String, Size>,
    /// Sum of `known`.
    replaced: Size,
}

/// The last write of a key.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) value: Option<Value>,
    pub(super) base: Option<Base>,
}

impl WriteBuffer {
    pub(super) fn get(&self, key: &str) -> Option<&Write> {
        self.writes.get(key)
    }

    pub(super) fn keys(&self) -> usize {
        self.writes.len()
    }

    /// Returns the bytes of all keys and values in the buffer.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of the buffer after one more write.
    pub(super) fn bytes_with(&self, key: &str, value: Option<&Value>) -> usize {
        let old = self.writes.get(key).map_or(0, |write| weight(key, write.value.as_ref()));
        self.bytes - old + weight(key, value)
    }

    /// Returns the growth of the bucket by all writes, counting only replaced entries of known size.
    pub(super) fn growth(&self) -> Size {
        self.written - self.replaced
    }

    /// Returns the growth of the bucket after one more write, like [`WriteBuffer::growth`].
    pub(super) fn growth_with(&self, key: &str, value: Option<&Value>) -> Size {
        self.written_with(key, value) - self.replaced
    }

    fn written_with(&self, key: &str, value: Option<&Value>) -> Size {
        let old = self.writes.get(key).map(|write| size(key, write.value.as_ref())).unwrap_or_default();
        self.written - old + size(key, value)
    }

    /// Adds a write. The base of an earlier write of the key is kept.
    pub(super) fn write(&mut self, key: String, value: Option<Value>, base: Option<Base>) {
        self.bytes = self.bytes_with(&key, value.as_ref());
        self.written = self.written_with(&key, value.as_ref());
        let base = match self.writes.get(&key) {
            Some(old) => old.base,
            None => base,
        };
        self.writes.insert(key, Write { value, base });
    }

    /// Returns the keys whose committed size is unknown.
    pub(super) fn unknown(&self) -> Vec<String> {
        self.writes.keys().filter(|key| !self.known.contains_key(*key)).cloned().collect()
    }

    /// Stores the committed size of a key that has been or will be written.
    pub(super) fn set_known(&mut self, key: String, size: Size) {
        let before = self.known.insert(key, size).unwrap_or_default();
        self.replaced = self.replaced - before + size;
    }

    /// Drops the committed size of a key unless the buffer contains a write of it.
    pub(super) fn clear_known(&mut self, key: &str) {
        if !self.writes.contains_key(key) {
            let size = self.known.remove(key).unwrap_or_default();
            self.replaced = self.replaced - size;
        }
    }

    /// Returns the writes of keys after `after`, up to and including `to`.
    pub(super) fn range(&self, after: Option<&str>, to: Option<&str>) -> impl Iterator<Item = (&String, &Write)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let end = to.map_or(Bound::Unbounded, Bound::Included);
        self.writes.range::<str, _>((start, end))
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        let change = |(key, write): (String, Write)| Change { key, value: write.value, base: write.base };
        self.writes.into_iter().map(change).collect()
    }
}

fn weight(key: &str, value: Option<&Value>) -> usize {
    key.len() + value.map_or(0, |value| value.bytes.len())
}

/// Returns the size of an entry in the bucket.
fn size(key: &str, value: Option<&Value>) -> Size {
    let bytes = || i64::try_from(weight(key, value)).unwrap_or(i64::MAX);
    value.map_or_else(Size::default, |_| Size { keys: 1, bytes: bytes() })
}
