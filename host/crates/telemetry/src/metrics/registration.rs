//! Registers metric families, and keeps their descriptions for the reference page.

use prometheus_client::encoding::EncodeMetric as _;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::histogram::{Bounds, Histograms};
use super::labels::Labels;
use super::process::{self, Process};

/// The description of one metric family.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name in `/metrics`, with unit and suffix.
    pub name: &'static str,
    /// The type of the metric. The text format shows an info as a gauge.
    pub kind: MetricType,
    /// The names of the labels.
    pub labels: &'static [&'static str],
    /// The help text: one sentence without a period at the end.
    pub help: &'static str,
}

impl Entry {
    /// Returns the name without the suffixes that the encoder appends.
    pub(super) fn stem(&self) -> &'static str {
        let suffix = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        let name = self.name.strip_suffix(suffix).expect("the name of a counter or info has its suffix");
        ["_seconds", "_bytes"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name)
    }

    /// Returns the unit, which is part of the name.
    pub(super) fn unit(&self) -> Option<Unit> {
        match self.name[self.stem().len()..].split('_').nth(1)? {
            "seconds" => Some(Unit::Seconds),
            "bytes" => Some(Unit::Bytes),
            _ => None,
        }
    }
}

/// The registry and the descriptions while metrics are registered.
#[derive(Default)]
pub(super) struct Registration {
    registry: Registry,
    entries: Vec<Entry>,
}

impl Registration {
    /// Registers a counter or gauge without labels.
    pub(super) fn metric<M: Metric + Clone + Default>(&mut self, name: &'static str, help: &'static str) -> M {
        self.register(name, &[], help, M::default())
    }

    /// Registers counters or gauges with labels.
    pub(super) fn family<L: Labels, M: Default>(&mut self, name: &'static str, help: &'static str) -> Family<L, M>
    where
        Family<L, M>: Metric,
    {
        self.register(name, L::NAMES, help, Family::default())
    }

    /// Registers histograms with labels.
    pub(super) fn histograms<L: Labels>(
        &mut self,
        name: &'static str,
        bounds: Bounds,
        help: &'static str,
    ) -> Histograms<L> {
        self.register(name, L::NAMES, help, Family::new_with_constructor(bounds))
    }

    /// Registers the metric whose label is the version of the program.
    pub(super) fn version(&mut self, name: &'static str, version: &'static str, help: &'static str) {
        let info = Info::new([("version", version)]);
        let entry = Entry { name, kind: info.metric_type(), labels: &["version"], help };
        self.registry.register(entry.stem(), help, info);
        self.entries.push(entry);
    }

    /// Registers the metrics of the operating system about this process.
    pub(super) fn process(&mut self) {
        self.registry.register_collector(Box::new(Process::default()));
        self.entries.extend(process::FAMILIES.map(|(entry, _)| entry));
    }

    /// Returns the registry and the descriptions.
    pub(super) fn into_parts(self) -> (Registry, Vec<Entry>) {
        (self.registry, self.entries)
    }

    fn register<M: Metric + Clone>(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
        metric: M,
    ) -> M {
        let entry = Entry { name, kind: metric.metric_type(), labels, help };
        match entry.unit() {
            Some(unit) => self.registry.register_with_unit(entry.stem(), help, unit, metric.clone()),
            None => self.registry.register(entry.stem(), help, metric.clone()),
        }
        self.entries.push(entry);
        metric
    }
}
