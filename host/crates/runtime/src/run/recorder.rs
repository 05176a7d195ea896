//! Records one call in the metrics, the debug log and the records of the request.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use frontgate_telemetry::capture;
use tokio::time::Instant;
use tracing::{Level, debug, enabled};

use super::meters::{ANSWERED, micros};
use super::usage::Usage;
use crate::call_record::{CallRecord, Cost};
use crate::caller::Caller;
use crate::error::CallError;
use crate::loaded_plugin::LoadedPlugin;
use crate::outbound::requests::Requests;

/// Records one call when it ends, or when it is dropped because its caller went away.
pub(crate) struct Recorder<'c> {
    plugin: &'c LoadedPlugin,
    caller: &'c Caller,
    function: Cow<'static, str>,
    pub(crate) began: Instant,
    admitted: Option<Admitted>,
    ended: bool,
}

/// The time of admission, and usage since then.
struct Admitted {
    at: Instant,
    usage: Arc<Usage>,
    requests: Arc<Requests>,
    /// Whether the call reuses an instance.
    is_reused: bool,
}

impl<'c> Recorder<'c> {
    pub(crate) fn begin(plugin: &'c LoadedPlugin, caller: &'c Caller, function: Cow<'static, str>) -> Self {
        Self { plugin, caller, function, began: Instant::now(), admitted: None, ended: false }
    }

    pub(crate) fn admitted(&mut self, at: Instant, usage: &Arc<Usage>, requests: &Arc<Requests>, is_reused: bool) {
        self.admitted = Some(Admitted { at, usage: Arc::clone(usage), requests: Arc::clone(requests), is_reused });
    }

    pub(crate) fn end<R>(mut self, result: &Result<R, CallError>) {
        let error = result.as_ref().err();
        self.record(error.map_or(ANSWERED, CallError::code), error.and_then(CallError::limit));
    }

    fn record(&mut self, outcome: &'static str, limit: Option<&'static str>) {
        self.ended = true;
        let (now, meters) = (Instant::now(), &self.plugin.meters);
        let queue = self.admitted.as_ref().map_or(now, |admitted| admitted.at) - self.began;
        let run = self.admitted.as_ref().map_or(Duration::ZERO, |admitted| now - admitted.at);
        if self.caller.dry_run().is_none() {
            meters.count(limit.unwrap_or(outcome));
            meters.queued(queue);
            if let Some(Admitted { usage, is_reused, .. }) = &self.admitted {
                meters.ran(run, usage, *is_reused);
            }
        }
        if enabled!(target: capture::CALLS, Level::DEBUG) || self.caller.records.are_kept() {
            let (record, plugin, caller) = (self.call_record(outcome, limit, queue, run), self.plugin, self.caller);
            debug!(
                target: capture::CALLS,
                request = &*caller.request,
                tenant = &*caller.tenant,
                plugin = &*plugin.name,
                "{}{record}",
                capture::CALL_ENDED
            );
            caller.records.add(record);
        }
    }

    fn call_record(
        &self,
        outcome: &'static str,
        limit: Option<&'static str>,
        queue: Duration,
        run: Duration,
    ) -> CallRecord {
        CallRecord {
            plugin: Arc::clone(&self.plugin.name),
            function: self.function.clone(),
            outcome,
            limit,
            digest: self.plugin.digest,
            queue_us: micros(queue),
            cost: self.admitted.as_ref().map(|admitted| admitted.cost(run)),
        }
    }
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.record("caller-gone", None);
        }
    }
}

impl Admitted {
    fn cost(&self, run: Duration) -> Cost {
        let (usage, sent) = (&self.usage, self.requests.used());
        Cost {
            is_reused: self.is_reused,
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
