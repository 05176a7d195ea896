//! What one call has written so far: it sees this over what is committed, and nobody else does.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::{Size, Value};

/// The version that a swap or an increment found under a key, or that there was none: still so when it
/// is committed, or nothing of the call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base(pub(super) Option<u64>);

/// One write, as it is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) key: String,
    /// None: there is to be nothing.
    pub(super) value: Option<Value>,
    pub(super) base: Option<Base>,
}

/// The writes of one call.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    writes: BTreeMap<String, Write>,
    /// What keys and values take here.
    bytes: usize,
    /// The same, of what will be there.
    written: Size,
    /// What the committed entries of some of these keys take.
    known: HashMap<String, Size>,
    /// All of that together.
    replaced: Size,
}

/// The last write of one key.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) value: Option<Value>,
    pub(super) base: Option<Base>,
}

impl Overlay {
    pub(super) fn get(&self, key: &str) -> Option<&Write> {
        self.writes.get(key)
    }

    pub(super) fn keys(&self) -> usize {
        self.writes.len()
    }

    /// What keys and values take here.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What keys and values would take here after one more write.
    pub(super) fn bytes_with(&self, key: &str, value: Option<&Value>) -> usize {
        let old = self.writes.get(key).map_or(0, |write| weight(key, write.value.as_ref()));
        self.bytes - old + weight(key, value)
    }

    /// By how much the bucket would grow with one more write, as far as is known of what it holds.
    pub(super) fn growth_with(&self, key: &str, value: Option<&Value>) -> Size {
        self.written_with(key, value) - self.replaced
    }

    fn written_with(&self, key: &str, value: Option<&Value>) -> Size {
        let old = self.writes.get(key).map(|write| size(key, write.value.as_ref())).unwrap_or_default();
        self.written - old + size(key, value)
    }

    /// Writes. What a swap or an increment has relied on stays relied on.
    pub(super) fn write(&mut self, key: String, value: Option<Value>, base: Option<Base>) {
        self.bytes = self.bytes_with(&key, value.as_ref());
        self.written = self.written_with(&key, value.as_ref());
        let base = match self.writes.get(&key) {
            Some(old) => old.base,
            None => base,
        };
        self.writes.insert(key, Write { value, base });
    }

    /// Keys of which nobody knows what the bucket holds.
    pub(super) fn unknown(&self) -> Vec<String> {
        self.writes.keys().filter(|key| !self.known.contains_key(*key)).cloned().collect()
    }

    /// Takes note of what the bucket holds of a key that is written, or about to be.
    pub(super) fn learn(&mut self, key: String, size: Size) {
        let before = self.known.insert(key, size).unwrap_or_default();
        self.replaced = self.replaced - before + size;
    }

    /// Nothing is to be written under a key after all.
    pub(super) fn unlearn(&mut self, key: &str) {
        if !self.writes.contains_key(key) {
            let size = self.known.remove(key).unwrap_or_default();
            self.replaced = self.replaced - size;
        }
    }

    /// The keys behind one, up to and with another, and whether each is there.
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

/// What an entry takes in the bucket.
fn size(key: &str, value: Option<&Value>) -> Size {
    let bytes = || i64::try_from(weight(key, value)).unwrap_or(i64::MAX);
    value.map_or_else(Size::default, |_| Size { keys: 1, bytes: bytes() })
}
