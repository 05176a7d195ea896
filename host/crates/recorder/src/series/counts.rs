//! Counts and a latency histogram of one interval.

use std::sync::atomic::{AtomicU32, Ordering};

/// Buckets of a latency histogram.
pub const BUCKETS: usize = 24;

/// Upper bounds of all buckets but the last, in microseconds: 10 us times powers of 1.8, up to 4.1 s.
const BOUNDS_US: [u64; BUCKETS - 1] = [
    10, 18, 32, 58, 105, 189, 340, 612, 1_102, 1_984, 3_570, 6_427, 11_568, 20_823, 37_481, 67_466, 121_439, 218_590,
    393_464, 708_235, 1_274_823, 2_294_682, 4_130_428,
];
/// Upper bound of the last bucket for percentiles: longer requests are shown with this latency.
const LONGEST_US: u64 = 7_434_770;

/// Returns the upper bound of a bucket in microseconds. The last bucket also has all longer latencies.
pub fn bucket_bound_us(bucket: usize) -> u64 {
    BOUNDS_US.get(bucket).copied().unwrap_or(LONGEST_US)
}

/// Counts of requests or calls.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Those that failed, were answered 200 despite an error, or lost their caller.
    pub errors: u32,
    /// Those that were refused.
    pub refusals: u32,
    /// All, by latency; see [`bucket_bound_us`].
    pub latencies: [u32; BUCKETS],
}

impl Counts {
    /// Returns the number of all.
    pub fn count(&self) -> u64 {
        self.latencies.iter().map(|count| u64::from(*count)).sum()
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.errors = self.errors.saturating_add(other.errors);
        self.refusals = self.refusals.saturating_add(other.refusals);
        for (own, count) in self.latencies.iter_mut().zip(other.latencies) {
            *own = own.saturating_add(count);
        }
    }

    /// Returns the latency in microseconds below which this percentage is; `None` without requests.
    ///
    /// Interpolates within a bucket, so the result is within a factor of 1.8 of the exact value.
    pub fn percentile_us(&self, percent: u32) -> Option<u64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = (total * u64::from(percent.min(100))).div_ceil(100).max(1);
        let mut below = 0;
        for (bucket, count) in self.latencies.iter().enumerate() {
            let count = u64::from(*count);
            if below + count >= rank {
                let low = bucket.checked_sub(1).map_or(0, bucket_bound_us);
                return Some(low + (bucket_bound_us(bucket) - low) * (rank - below) / count);
            }
            below += count;
        }
        None
    }
}

/// Counts of the current interval. Adding takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    errors: AtomicU32,
    refusals: AtomicU32,
    latencies: [AtomicU32; BUCKETS],
}

impl Meter {
    pub(crate) fn add(&self, took_us: u64, is_error: bool, is_refusal: bool) {
        let bucket = BOUNDS_US.partition_point(|bound| *bound < took_us);
        self.latencies[bucket].fetch_add(1, Ordering::Relaxed);
        if is_error {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        if is_refusal {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the counts, and starts from zero.
    pub(crate) fn take(&self) -> Counts {
        let take = |count: &AtomicU32| count.swap(0, Ordering::Relaxed);
        let latencies = std::array::from_fn(|bucket| take(&self.latencies[bucket]));
        Counts { errors: take(&self.errors), refusals: take(&self.refusals), latencies }
    }
}
