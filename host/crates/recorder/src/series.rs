//! Series of counts and latencies over 25 hours: 10-second intervals of the last hour, and 5-minute intervals before.

mod bytes;
mod counts;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

pub use self::bytes::SeriesError;
pub(crate) use self::counts::Meter;
pub use self::counts::{BUCKETS, Counts, bucket_bound_us};

/// Most series. An idle series needs little memory, a busy one up to 75 KB.
pub(crate) const SERIES_MAX: usize = 512;
/// Duration of a short interval. [`Recorder::tick`](crate::Recorder::tick) is called once in this time.
const SHORT_MS: u64 = 10_000;
/// Short intervals that are stored: one hour.
const SHORT_MAX: u64 = 360;
/// Duration of a long interval.
const LONG_MS: u64 = 300_000;
/// Long intervals that are stored: the 24 hours before that.
const LONG_MAX: u64 = 288;
/// Age in long intervals at which they are removed.
const LONG_AGE_MAX: u64 = LONG_MAX + SHORT_MAX * SHORT_MS / LONG_MS;

/// Name of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesKey {
    /// Requests of one callback of one tenant. Both are `-` for requests without a route.
    Callback {
        /// Name of the tenant.
        tenant: Arc<str>,
        /// Name of the callback.
        callback: Arc<str>,
    },
    /// Calls of one plugin on behalf of requests and deliveries.
    Plugin {
        /// Name of the plugin.
        plugin: Arc<str>,
    },
}

/// Counts of one interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Unix time in milliseconds at which the interval started.
    pub at_ms: u64,
    /// Duration of the interval in milliseconds.
    pub span_ms: u64,
    /// Counts of the interval.
    pub counts: Counts,
}

/// All series.
#[derive(Debug, Default)]
pub struct Series(Mutex<BTreeMap<SeriesKey, Entry>>);

#[derive(Debug, Default)]
struct Entry {
    meter: Arc<Meter>,
    history: History,
}

/// Intervals that had a request, in ascending order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct History {
    short: VecDeque<Interval>,
    long: VecDeque<Interval>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Interval {
    /// Time of the start, in durations of an interval since 1970.
    number: u64,
    counts: Counts,
}

impl Series {
    /// Returns the meter of a series; `None` if there are 512 others.
    pub(crate) fn meter(&self, key: SeriesKey) -> Option<Arc<Meter>> {
        let mut all = self.0.lock();
        if all.len() >= SERIES_MAX && !all.contains_key(&key) {
            return None;
        }
        Some(Arc::clone(&all.entry(key).or_default().meter))
    }

    /// Moves the counts of all meters to the interval that ended last.
    pub(crate) fn tick(&self, now_ms: u64) {
        // Half an interval of tolerance, since the caller is late at times.
        let number = now_ms.saturating_sub(SHORT_MS / 2) / SHORT_MS;
        for entry in self.0.lock().values_mut() {
            let counts = entry.meter.take();
            if counts.count() > 0 {
                add(&mut entry.history.short, number, &counts);
            }
            entry.history.expire(now_ms);
        }
    }

    /// Returns the names of all series.
    pub fn keys(&self) -> Vec<SeriesKey> {
        self.0.lock().keys().cloned().collect()
    }

    /// Returns the intervals of a series that ended after a time, in ascending order: first the long ones, then the short
    /// ones. Intervals without a request are absent, and so is the current one.
    pub fn points(&self, key: &SeriesKey, after_ms: u64) -> Vec<Point> {
        let all = self.0.lock();
        let Some(Entry { history, .. }) = all.get(key) else { return Vec::new() };
        let points = |intervals: &VecDeque<Interval>, span_ms| -> Vec<Point> {
            let points = intervals.iter().map(|interval| Point {
                at_ms: interval.number * span_ms,
                span_ms,
                counts: interval.counts.clone(),
            });
            points.filter(|point| point.at_ms + point.span_ms > after_ms).collect()
        };
        let mut found = points(&history.long, LONG_MS);
        found.extend(points(&history.short, SHORT_MS));
        found
    }

    /// Returns the sum of the intervals of a series that ended after a time.
    pub fn sum(&self, key: &SeriesKey, after_ms: u64) -> Counts {
        let mut sum = Counts::default();
        self.points(key, after_ms).iter().for_each(|point| sum.add(&point.counts));
        sum
    }

    /// Returns all series as bytes, for [`load`](Self::load).
    pub fn to_bytes(&self) -> Vec<u8> {
        let all = self.0.lock();
        bytes::write(all.iter().map(|(key, entry)| (key, &entry.history)))
    }

    /// Adds intervals that an earlier start of the gateway stored. Returns the number of series.
    ///
    /// Fails without effect if the bytes are damaged or of another version.
    pub fn load(&self, bytes: &[u8], now_ms: u64) -> Result<usize, SeriesError> {
        let loaded = bytes::read(bytes)?;
        let (count, mut all) = (loaded.len(), self.0.lock());
        for (key, mut history) in loaded {
            history.expire(now_ms);
            if history == History::default() || (all.len() >= SERIES_MAX && !all.contains_key(&key)) {
                continue;
            }
            let own = &mut all.entry(key).or_default().history;
            let newer = std::mem::replace(own, history);
            newer.long.iter().for_each(|interval| add(&mut own.long, interval.number, &interval.counts));
            newer.short.iter().for_each(|interval| add(&mut own.short, interval.number, &interval.counts));
        }
        Ok(count)
    }
}

impl History {
    /// Moves short intervals that are older than an hour into long ones, and removes old long ones.
    fn expire(&mut self, now_ms: u64) {
        let oldest = (now_ms / SHORT_MS).saturating_sub(SHORT_MAX);
        while let Some(interval) = self.short.pop_front_if(|interval| interval.number < oldest) {
            add(&mut self.long, interval.number * SHORT_MS / LONG_MS, &interval.counts);
        }
        let oldest = (now_ms / LONG_MS).saturating_sub(LONG_AGE_MAX);
        while self.long.pop_front_if(|interval| interval.number < oldest).is_some() {}
    }
}

/// Adds counts to an interval. If the clock was set back, the last interval gets them, so that the order remains.
fn add(intervals: &mut VecDeque<Interval>, number: u64, counts: &Counts) {
    match intervals.back_mut() {
        Some(last) if last.number >= number => last.counts.add(counts),
        _ => intervals.push_back(Interval { number, counts: counts.clone() }),
    }
}

#[cfg(test)]
mod tests;
