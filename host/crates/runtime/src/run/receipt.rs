//! What a call cost and how it ended: for the metrics, the trace, and the callback's line in the log.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use frontgate_telemetry::metrics::{Counter, Histogram, METRICS, labels};
use serde::Serialize;
use tokio::time::Instant;
use tracing::{Level, debug, enabled};

use super::budget::Usage;
use super::caller::Caller;
use super::store::CallStore;
use crate::error::CallError;
use crate::live::Live;
use crate::outbound::requests::Requests;

/// Each new call counts for an eighth of what is usual.
const USUAL_OF: u64 = 8;

const ANSWERED: &str = "answered";

/// The meters of one plugin, so that no call has to look for them.
pub(crate) struct Meters {
    queue: Histogram,
    start: Histogram,
    run: Histogram,
    cpu: Histogram,
    memory: Histogram,
    host_calls: Histogram,
    answered: Counter,
    usual_run_us: AtomicU64,
}

impl Meters {
    pub(crate) fn new(plugin: &str) -> Self {
        let plugin: Arc<str> = plugin.into();
        let call = labels::Call { plugin: Arc::clone(&plugin), outcome: ANSWERED };
        let plugin = labels::Plugin { plugin };
        Self {
            queue: METRICS.plugin_queue.get_or_create_owned(&plugin),
            start: METRICS.plugin_start.get_or_create_owned(&plugin),
            run: METRICS.plugin_run.get_or_create_owned(&plugin),
            cpu: METRICS.plugin_cpu.get_or_create_owned(&plugin),
            memory: METRICS.plugin_memory.get_or_create_owned(&plugin),
            host_calls: METRICS.plugin_host_calls.get_or_create_owned(&plugin),
            answered: METRICS.plugin_calls.get_or_create_owned(&call),
            usual_run_us: AtomicU64::new(0),
        }
    }

    /// How long its calls usually run.
    pub(super) fn usual_run(&self) -> Duration {
        Duration::from_micros(self.usual_run_us.load(Ordering::Relaxed))
    }

    fn ran(&self, run: Duration) {
        let usual = self.usual_run_us.load(Ordering::Relaxed);
        let usual = usual - usual / USUAL_OF + micros(run) / USUAL_OF;
        self.usual_run_us.store(usual, Ordering::Relaxed);
    }
}

/// Notes one call, until it has ended or was given up.
pub(super) struct Receipt<'c> {
    plugin: &'c Arc<Live>,
    caller: &'c Caller,
    function: Cow<'static, str>,
    began: Instant,
    /// When it had its place, and what it used and sent since then.
    admitted: Option<(Instant, Arc<Usage>, Arc<Requests>)>,
    ended: bool,
}

impl<'c> Receipt<'c> {
    pub(super) fn begin(plugin: &'c Arc<Live>, caller: &'c Caller, function: Cow<'static, str>) -> Self {
        Self { plugin, caller, function, began: Instant::now(), admitted: None, ended: false }
    }

    pub(super) fn admitted(&mut self, at: Instant, call: &CallStore) {
        self.admitted = Some((at, Arc::clone(&call.usage), Arc::clone(&call.outbound)));
    }

    pub(super) fn end<R>(mut self, result: &Result<R, CallError>) {
        let outcome = result.as_ref().err().map_or(ANSWERED, |error| error.code());
        self.note(outcome, result.as_ref().err().and_then(CallError::limit));
    }

    fn note(&mut self, outcome: &'static str, limit: Option<&'static str>) {
        self.ended = true;
        let (now, meters) = (Instant::now(), &self.plugin.meters);
        if outcome == ANSWERED {
            meters.answered.inc();
        } else {
            let call = labels::Call { plugin: Arc::clone(&self.plugin.name), outcome: limit.unwrap_or(outcome) };
            METRICS.plugin_calls.get_or_create(&call).inc();
        }
        let queue = self.admitted.as_ref().map_or(now, |(at, ..)| *at) - self.began;
        meters.queue.observe(queue.as_secs_f64());
        let run = self.admitted.as_ref().map_or(Duration::ZERO, |(at, ..)| now - *at);
        if let Some((_, usage, _)) = &self.admitted {
            meters.ran(run);
            meters.start.observe(usage.start.get().copied().unwrap_or(run).as_secs_f64());
            meters.run.observe(run.as_secs_f64());
            meters.cpu.observe(usage.cpu.spent().as_secs_f64());
            meters.memory.observe(usage.memory_bytes.load(Ordering::Relaxed) as f64);
            meters.host_calls.observe(usage.host_calls.load(Ordering::Relaxed).into());
        }
        if enabled!(Level::DEBUG) || self.caller.receipts.are_kept() {
            let (told, plugin, caller) = (self.told(outcome, limit, queue, run), self.plugin, self.caller);
            debug!(
                request = &*caller.request,
                tenant = &*caller.tenant,
                plugin = &*plugin.name,
                "a call ended: {told}"
            );
            caller.receipts.add(told);
        }
    }

    fn told(&self, outcome: &'static str, limit: Option<&'static str>, queue: Duration, run: Duration) -> Told {
        Told {
            plugin: self.plugin.name.to_string(),
            // `crm.call_list_customers` is `crm.list-customers` in the contract.
            function: self.function.replace("call_", "").replace('_', "-"),
            outcome,
            limit,
            digest: self.plugin.digest.short(),
            queue_us: micros(queue),
            cost: self.admitted.as_ref().map(|(_, usage, requests)| Cost::of(usage, requests, run)),
        }
    }
}

/// A call that has ended, as somebody reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// Who was asked.
    pub plugin: String,
    /// `crm.list-customers` and so on.
    pub function: String,
    /// `answered`, or the code of the error.
    pub outcome: &'static str,
    /// Which limit it met, if that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// How the digest of its file begins.
    pub digest: String,
    /// How long it waited for its place.
    pub queue_us: u64,
    /// What it used, once it had one.
    #[serde(flatten)]
    pub cost: Option<Cost>,
}

/// What a call used.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// Until the plugin's code was ready to be asked.
    pub start_us: u64,
    /// By the clock, the start included.
    pub run_us: u64,
    /// On a processor.
    pub cpu_us: u64,
    /// All memories at their largest.
    pub memory_bytes: usize,
    /// Calls of the plugin into the gateway.
    pub host_calls: u32,
    /// Lines of output past its limits.
    pub lines_dropped: u64,
    /// Keys that it wrote to its state, and the bytes of keys and values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_written: Option<(usize, usize)>,
    /// Requests that it sent, those that were refused included.
    pub requests: u32,
    /// Where to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Bytes of them.
    pub bytes_out: u64,
    /// Bytes of what came back.
    pub bytes_back: u64,
}

impl Cost {
    fn of(usage: &Usage, requests: &Requests, run: Duration) -> Self {
        let sent = requests.used();
        Self {
            start_us: micros(usage.start.get().copied().unwrap_or(run)),
            run_us: micros(run),
            cpu_us: micros(usage.cpu.spent()),
            memory_bytes: usage.memory_bytes.load(Ordering::Relaxed),
            host_calls: usage.host_calls.load(Ordering::Relaxed),
            lines_dropped: usage.lines_dropped.load(Ordering::Relaxed),
            state_written: usage.written.get().copied(),
            requests: sent.requests,
            hosts: sent.hosts.into_iter().collect(),
            bytes_out: sent.sent,
            bytes_back: sent.received,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.plugin, self.function, self.outcome)?;
        if let Some(limit) = self.limit {
            write!(f, " ({limit})")?;
        }
        write!(f, ", digest {}, queue {} us", self.digest, self.queue_us)?;
        match &self.cost {
            Some(cost) => write!(f, ", {cost}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start_us, run_us, cpu_us, memory_bytes, host_calls, lines_dropped, .. } = self;
        write!(
            f,
            "start {start_us} us, run {run_us} us, cpu {cpu_us} us, memory {memory_bytes} bytes, \
             host calls {host_calls}, lines dropped {lines_dropped}"
        )?;
        if let Some((keys, bytes)) = self.state_written {
            write!(f, ", state {keys} keys ({bytes} bytes) written")?;
        }
        if self.requests > 0 {
            let (count, hosts, out, back) = (self.requests, self.hosts.join(" "), self.bytes_out, self.bytes_back);
            write!(f, ", requests {count} ({hosts}; {out} bytes out, {back} bytes back)")?;
        }
        Ok(())
    }
}

impl Drop for Receipt<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.note("caller-gone", None);
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
