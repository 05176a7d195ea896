//! What a call cost and how it ended: for the metrics, the trace, and the callback's line in the log.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use tokio::time::Instant;
use tracing::{Level, debug, enabled};

use super::budget::Usage;
use super::caller::Caller;
use super::store::CallStore;
use crate::error::Error;
use crate::plugin::live::Live;
use crate::plugin::outbound::requests::Requests;

/// Each new call counts for an eighth of what is usual.
const USUAL_OF: u64 = 8;

const CALLS: &str = "frontgate_plugin_calls_total";
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
        let plugin = plugin.to_owned();
        Self {
            queue: histogram!("frontgate_plugin_queue_seconds", "plugin" => plugin.clone()),
            start: histogram!("frontgate_plugin_start_seconds", "plugin" => plugin.clone()),
            run: histogram!("frontgate_plugin_run_seconds", "plugin" => plugin.clone()),
            cpu: histogram!("frontgate_plugin_cpu_seconds", "plugin" => plugin.clone()),
            memory: histogram!("frontgate_plugin_memory_bytes", "plugin" => plugin.clone()),
            host_calls: histogram!("frontgate_plugin_host_calls", "plugin" => plugin.clone()),
            answered: counter!(CALLS, "plugin" => plugin, "outcome" => ANSWERED),
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
    function: &'static str,
    began: Instant,
    /// When it had its place, and what it used and sent since then.
    admitted: Option<(Instant, Arc<Usage>, Arc<Requests>)>,
    ended: bool,
}

impl<'c> Receipt<'c> {
    pub(super) fn begin(plugin: &'c Arc<Live>, caller: &'c Caller, function: &'static str) -> Self {
        Self { plugin, caller, function, began: Instant::now(), admitted: None, ended: false }
    }

    pub(super) fn admitted(&mut self, at: Instant, call: &CallStore) {
        self.admitted = Some((at, Arc::clone(&call.usage), Arc::clone(&call.outbound)));
    }

    pub(super) fn end<R>(mut self, result: &Result<R, Error>) {
        let outcome = result.as_ref().err().map_or(ANSWERED, |error| error.answer().1);
        self.note(outcome, result.as_ref().err().and_then(Error::limit));
    }

    fn note(&mut self, outcome: &'static str, limit: Option<&'static str>) {
        self.ended = true;
        let (now, meters) = (Instant::now(), &self.plugin.meters);
        if outcome == ANSWERED {
            meters.answered.increment(1);
        } else {
            let labels = [("plugin", self.plugin.name.to_string()), ("outcome", limit.unwrap_or(outcome).to_owned())];
            counter!(CALLS, &labels).increment(1);
        }
        let queue = self.admitted.as_ref().map_or(now, |(at, ..)| *at) - self.began;
        meters.queue.record(queue);
        let run = self.admitted.as_ref().map_or(Duration::ZERO, |(at, ..)| now - *at);
        if let Some((_, usage, _)) = &self.admitted {
            meters.ran(run);
            meters.start.record(usage.start.get().copied().unwrap_or(run));
            meters.run.record(run);
            meters.cpu.record(usage.cpu.spent());
            meters.memory.record(u32::try_from(usage.memory_bytes.load(Ordering::Relaxed)).unwrap_or(u32::MAX));
            meters.host_calls.record(usage.host_calls.load(Ordering::Relaxed));
        }
        if enabled!(Level::DEBUG) {
            self.tell(outcome, limit, queue, run);
        }
    }

    fn tell(&self, outcome: &str, limit: Option<&str>, queue: Duration, run: Duration) {
        let Self { plugin, caller, .. } = self;
        // `crm.call_list_customers` is `crm.list-customers` in the contract.
        let function = self.function.replace("call_", "").replace('_', "-");
        let mut text = format!("{} {}: {outcome}", plugin.name, function);
        if let Some(limit) = limit {
            let _ = write!(text, " ({limit})");
        }
        let _ = write!(text, ", digest {}, queue {} us", plugin.digest.short(), micros(queue));
        if let Some((_, usage, requests)) = &self.admitted {
            let start = micros(usage.start.get().copied().unwrap_or(run));
            let (run, cpu) = (micros(run), micros(usage.cpu.spent()));
            let memory = usage.memory_bytes.load(Ordering::Relaxed);
            let host_calls = usage.host_calls.load(Ordering::Relaxed);
            let dropped = usage.lines_dropped.load(Ordering::Relaxed);
            let _ = write!(
                text,
                ", start {start} us, run {run} us, cpu {cpu} us, memory {memory} bytes, host calls {host_calls}, \
                 lines dropped {dropped}"
            );
            if let Some((keys, bytes)) = usage.written.get() {
                let _ = write!(text, ", state {keys} keys ({bytes} bytes) written");
            }
            let sent = requests.used();
            if sent.requests > 0 {
                let hosts = sent.hosts.into_iter().collect::<Vec<_>>().join(" ");
                let (count, out, back) = (sent.requests, sent.sent, sent.received);
                let _ = write!(text, ", requests {count} ({hosts}; {out} bytes out, {back} bytes back)");
            }
        }
        debug!(request = &*caller.request, tenant = &*caller.tenant, plugin = &*plugin.name, "a call ended: {text}");
        caller.receipts.add(text);
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
