//! A histogram that records values without a lock. The histogram of `prometheus-client` locks a mutex for each value.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Histograms with labels.
pub type Histograms<L> = Family<L, Histogram, Bounds>;

/// Upper bounds of the buckets, in ascending order. A bucket for all larger values is added.
#[derive(Debug, Clone, Copy)]
pub struct Bounds(pub(super) &'static [f64]);

/// A histogram, which counts values in buckets. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: &'static [f64],
    /// One count for each bound, and one for larger values.
    counts: Box<[AtomicU64]>,
    /// The sum of all values, as the bits of an `f64`.
    sum: AtomicU64,
}

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        let counts = (0..=self.0.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram(Arc::new(Inner { bounds: self.0, counts, sum: AtomicU64::new(0.0_f64.to_bits()) }))
    }
}

impl Histogram {
    /// Records one value.
    pub fn observe(&self, value: f64) {
        let bucket = self.0.bounds.partition_point(|bound| *bound < value);
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum.update(Ordering::Relaxed, Ordering::Relaxed, |sum| (f64::from_bits(sum) + value).to_bits());
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = self.0.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        // The count is the sum of the buckets, so that both agree even while values are recorded.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = f64::from_bits(self.0.sum.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}
