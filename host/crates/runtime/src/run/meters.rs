//! Metrics of one plugin's calls, with handles that are looked up once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use frontgate_telemetry::metrics::{Counter, Histogram, METRICS, labels};

use super::usage::Usage;

/// Divisor of the moving average of run times: each call has a weight of one eighth.
const AVERAGE_OF: u64 = 8;

/// Outcome of a call that returned `ok`.
pub(crate) const ANSWERED: &str = "answered";

/// Metrics of one plugin.
pub(crate) struct Meters {
    plugin: Arc<str>,
    queue: Histogram,
    start: Histogram,
    run: Histogram,
    cpu: Histogram,
    memory: Histogram,
    host_calls: Histogram,
    answered: Counter,
    fresh: Counter,
    reused: Counter,
    average_run_us: AtomicU64,
}

impl Meters {
    pub(crate) fn new(plugin: &str) -> Self {
        let plugin: Arc<str> = plugin.into();
        let call = labels::Call { plugin: Arc::clone(&plugin), outcome: ANSWERED };
        let series = labels::Plugin { plugin: Arc::clone(&plugin) };
        let instances = |instance| {
            METRICS.plugin_instances.get_or_create_owned(&labels::Instance { plugin: Arc::clone(&plugin), instance })
        };
        Self {
            queue: METRICS.plugin_queue.get_or_create_owned(&series),
            start: METRICS.plugin_start.get_or_create_owned(&series),
            run: METRICS.plugin_run.get_or_create_owned(&series),
            cpu: METRICS.plugin_cpu.get_or_create_owned(&series),
            memory: METRICS.plugin_memory.get_or_create_owned(&series),
            host_calls: METRICS.plugin_host_calls.get_or_create_owned(&series),
            answered: METRICS.plugin_calls.get_or_create_owned(&call),
            fresh: instances("fresh"),
            reused: instances("reused"),
            average_run_us: AtomicU64::new(0),
            plugin,
        }
    }

    /// Returns the moving average of the run times.
    pub(crate) fn average_run(&self) -> Duration {
        Duration::from_micros(self.average_run_us.load(Ordering::Relaxed))
    }

    /// Counts a call. `outcome` is [`ANSWERED`], or the limit or error code that ended it.
    pub(crate) fn count(&self, outcome: &'static str) {
        if outcome == ANSWERED {
            self.answered.inc();
        } else {
            let call = labels::Call { plugin: Arc::clone(&self.plugin), outcome };
            METRICS.plugin_calls.get_or_create(&call).inc();
        }
    }

    /// Records how long a call waited for admission.
    pub(crate) fn queued(&self, time: Duration) {
        self.queue.observe(time.as_secs_f64());
    }

    /// Records run time, usage and kind of instance of an admitted call.
    pub(crate) fn ran(&self, run: Duration, usage: &Usage, is_reused: bool) {
        if is_reused { &self.reused } else { &self.fresh }.inc();
        let average = self.average_run_us.load(Ordering::Relaxed);
        let average = average - average / AVERAGE_OF + micros(run) / AVERAGE_OF;
        self.average_run_us.store(average, Ordering::Relaxed);
        self.start.observe(usage.start.get().copied().unwrap_or(run).as_secs_f64());
        self.run.observe(run.as_secs_f64());
        self.cpu.observe(usage.cpu.spent().as_secs_f64());
        self.memory.observe(usage.memory_bytes.load(Ordering::Relaxed) as f64);
        self.host_calls.observe(usage.host_calls.load(Ordering::Relaxed).into());
    }
}

/// Returns the whole microseconds of a duration.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
