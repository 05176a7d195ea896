//! Metrics of the operating system about this process, read when the metrics are scraped.

use std::fmt;
use std::fs;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::registration::Entry;

/// A function that returns the value of a family.
type Read = fn(&Snapshot) -> Option<f64>;

/// The families, each with the function that returns its value. Values that Linux does not provide are omitted.
pub(super) const FAMILIES: [(Entry, Read); 7] = [
    (counter("process_cpu_seconds_total", "CPU time of the process, user and system"), |_| Some(cpu_seconds())),
    (gauge("process_start_time_seconds", "Start of the process, since 1970-01-01 UTC"), |now| now.started),
    (gauge("process_resident_memory_bytes", "Resident memory of the process"), |now| {
        Some(now.stat.as_ref()?.resident_pages * page_size() as f64)
    }),
    (gauge("process_virtual_memory_bytes", "Virtual memory of the process"), |now| {
        Some(now.stat.as_ref()?.virtual_bytes)
    }),
    (gauge("process_threads", "Threads of the process"), |now| Some(now.stat.as_ref()?.threads)),
    (gauge("process_open_fds", "Open file descriptors of the process"), |_| open_files()),
    (gauge("process_max_fds", "Limit of open file descriptors of the process"), |_| {
        Some(getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, |limit| limit as f64))
    }),
];

/// The collector that encodes [`FAMILIES`].
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Start time of the process. It is computed only once, since changes of the system's clock would change it.
    started: OnceLock<f64>,
}

/// The data that is read for one scrape.
pub(super) struct Snapshot {
    stat: Option<Stat>,
    started: Option<f64>,
}

/// Fields of `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    threads: f64,
    /// Start time of the process, in clock ticks since the system started.
    start_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|text| Stat::parse(&text));
        let started = stat.as_ref().map(|stat| *self.started.get_or_init(|| stat.start_time()));
        let now = Snapshot { stat, started };
        for (entry, value) in FAMILIES {
            let Some(value) = value(&now) else { continue };
            let (help, unit) = (format!("{}.", entry.help), entry.unit());
            let metric = encoder.encode_descriptor(entry.stem(), &help, unit.as_ref(), entry.kind)?;
            match entry.kind {
                MetricType::Counter => ConstCounter::new(value).encode(metric)?,
                _ => ConstGauge::new(value).encode(metric)?,
            }
        }
        Ok(())
    }
}

impl Stat {
    /// Parses the fields after the program's name, which may contain spaces and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // The first field after the name has number 3 in proc(5).
        let field = |number: usize| fields.get(number - 3)?.parse().ok();
        Some(Self {
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }

    /// Returns the start time of the process, in seconds since 1970.
    fn start_time(&self) -> f64 {
        let age = seconds(clock_gettime(ClockId::Boottime)) - self.start_ticks / clock_ticks_per_second() as f64;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs_f64() - age
    }
}

const fn counter(name: &'static str, help: &'static str) -> Entry {
    Entry { name, kind: MetricType::Counter, labels: &[], help }
}

const fn gauge(name: &'static str, help: &'static str) -> Entry {
    Entry { name, kind: MetricType::Gauge, labels: &[], help }
}

fn cpu_seconds() -> f64 {
    seconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// Returns the number of open descriptors, without the descriptor that is used to list them.
fn open_files() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

fn seconds(time: Timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_is_skipped() {
        let text = format!("7 (a) (b) S {}5 0 250 4096 12 0", "0 ".repeat(16));
        let expected = Stat { threads: 5.0, start_ticks: 250.0, virtual_bytes: 4096.0, resident_pages: 12.0 };
        assert_eq!(Stat::parse(&text), Some(expected));
    }

    #[test]
    fn a_damaged_line_has_no_fields() {
        assert_eq!(Stat::parse("7 (a) S 1 2"), None);
    }

    #[test]
    fn the_process_started_in_the_past() {
        let stat = Stat::parse(&fs::read_to_string("/proc/self/stat").expect("a file")).expect("the fields");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs_f64();
        // The process started within the last day. The time may be up to a clock tick in the future.
        assert!((-0.1..86_400.0).contains(&(now - stat.start_time())), "{stat:?}");
    }
}
