//! Metrics of one plugin's calls, with handles that are looked up once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::usage::Usage;

/// Weight of each call in the moving average of run times: one eighth.
const AVERAGE_OF: u64 = 8;

const CALLS: &str = "frontgate_plugin_calls_total";

/// Outcome of a call that returned `ok`.
pub(crate) const ANSWERED: &str = "answered";

/// Metrics of one plugin.
pub(crate) struct Meters {
    plugin: String,
    queue: Histogram,
    start: Histogram,
    run: Histogram,
    cpu: Histogram,
    memory: Histogram,
    host_calls: Histogram,
    answered: Counter,
    average_run_us: AtomicU64,
}

impl Meters {
    pub(crate) fn new(plugin: &str) -> Self {
        let plugin = plugin.to_owned();
        Self {
            queue: histogram!("frontgate_plugin_queue_seconds", "plugin" => plugin.clone()),
            start: histogram!("frontgate_plugin_start_seconds", "plugin" => plugin.clone()),
            run: histogram!("frontgate_plugin_run_seconds", "plugin" => plugin.clone()),
            cpu: histogram!("frontgate_plugin_cpu_seconds", "plugin" => plugin.clone()),
            memory: histogram!("frontgate_plugin_memory_bytes", "plugin" => plugin.clone()),
            host_calls: histogram!("frontgate_plugin_host_calls", "plugin" => plugin.clone()),
            answered: counter!(CALLS, "plugin" => plugin.clone(), "outcome" => ANSWERED),
            average_run_us: AtomicU64::new(0),
            plugin,
        }
    }

    /// Moving average of the run times.
    pub(crate) fn average_run(&self) -> Duration {
        Duration::from_micros(self.average_run_us.load(Ordering::Relaxed))
    }

    /// Counts a call. `outcome` is [`ANSWERED`], or the limit or error code that ended it.
    pub(crate) fn count(&self, outcome: &'static str) {
        if outcome == ANSWERED {
            self.answered.increment(1);
        } else {
            counter!(CALLS, "plugin" => self.plugin.clone(), "outcome" => outcome).increment(1);
        }
    }

    /// Records how long a call waited for admission.
    pub(crate) fn queued(&self, time: Duration) {
        self.queue.record(time);
    }

    /// Records what an admitted call used.
    pub(crate) fn ran(&self, run: Duration, usage: &Usage) {
        let average = self.average_run_us.load(Ordering::Relaxed);
        let average = average - average / AVERAGE_OF + micros(run) / AVERAGE_OF;
        self.average_run_us.store(average, Ordering::Relaxed);
        self.start.record(usage.start.get().copied().unwrap_or(run));
        self.run.record(run);
        self.cpu.record(usage.cpu.spent());
        self.memory.record(u32::try_from(usage.memory_bytes.load(Ordering::Relaxed)).unwrap_or(u32::MAX));
        self.host_calls.record(usage.host_calls.load(Ordering::Relaxed));
    }
}

/// Whole microseconds of a duration.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
