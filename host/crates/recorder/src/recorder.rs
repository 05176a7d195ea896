//! Records requests, and lets readers find them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::announced::Announced;
use crate::attempts;
use crate::attempts::{Attempt, Attempts};
use crate::budget::{Budgets, TenantCallback};
use crate::filter::Filter;
use crate::keep::KeepReason;
use crate::reading::{self, Page};
use crate::record::{Content, Facts, Outcome, PluginCall, Record};
use crate::rings::{Bounds, Rings};
use crate::series::Series;
use crate::settings::{RecordDetail, Settings};
use crate::watch::{Watch, Watchers};

/// Shortest time for which facts of records are kept that failed, were slow or led to a delivery.
const KEPT_FACTS_MS: u64 = 24 * 3_600_000;
/// Captured bytes of each body of a request that was not accepted. Any caller can send it.
const UNACCEPTED_CAPTURE_BYTES_MAX: usize = 4 << 10;
/// Sequence numbers for each millisecond since 1970. The first number of a start is above all numbers of earlier starts,
/// and numbers stay exact in JavaScript until the year 2255.
const NUMBERS_PER_MS: u64 = 1_000;
/// Records of one conversation that [`Recorder::by_conversation`] returns.
const CONVERSATION_RECORDS_MAX: usize = 500;

/// Records of recent requests, and series of their numbers. Shared by all threads; survives reloads of the configuration.
#[derive(Debug)]
pub struct Recorder {
    settings: RwLock<Settings>,
    is_on: AtomicBool,
    rings: Rings,
    attempts: Attempts,
    /// The number before the first record.
    first: u64,
    budgets: Budgets,
    series: Series,
    watchers: Arc<Watchers>,
    announced: Announced,
}

impl Recorder {
    /// Creates a recorder for requests that end on `threads` threads. `now_ms` is Unix time.
    pub fn new(settings: &Settings, threads: usize, now_ms: u64) -> Self {
        let first = now_ms.saturating_mul(NUMBERS_PER_MS);
        Self {
            is_on: AtomicBool::new(settings.record != RecordDetail::Off),
            settings: RwLock::new(settings.clone()),
            rings: Rings::new(threads, first),
            attempts: Attempts::default(),
            first,
            budgets: Budgets::default(),
            series: Series::default(),
            watchers: Arc::default(),
            announced: Announced::default(),
        }
    }

    /// Applies changed settings at once: what they do not allow is dropped.
    pub fn configure(&self, settings: &Settings, now_ms: u64) {
        *self.settings.write() = settings.clone();
        self.is_on.store(settings.record != RecordDetail::Off, Ordering::Relaxed);
        self.expire(now_ms);
    }

    /// Returns whether requests are recorded.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Returns whether lines of plugins and bodies are recorded.
    pub fn has_content(&self) -> bool {
        self.is_on() && self.settings.read().record == RecordDetail::Full
    }

    /// Announces a request of the console's simulator. `mark` is a new id whose text sorts by time.
    pub fn announce_simulated(&self, mark: String) {
        self.announced.add(mark);
    }

    /// Returns whether a request is simulated. `mark` returns the text of its header, and is called only if some request is
    /// announced. A mark is valid once.
    pub fn is_simulated<'m>(&self, mark: impl FnOnce() -> Option<&'m str>) -> bool {
        self.announced.is_any() && mark().is_some_and(|mark| self.announced.take(mark))
    }

    /// Returns one callback of a tenant, to record a request of it; `None` if nothing is recorded. Tenant and callback are
    /// names of the configuration, never of a request, because they are kept until the end of the process.
    pub fn callback(&self, tenant: Option<&Arc<str>>, callback: &'static str) -> Option<Arc<TenantCallback>> {
        self.is_on().then(|| self.budgets.callback(tenant, callback, &self.series))
    }

    /// Takes a capture from the budget of a callback. Returns the largest part of each body that may be captured, in
    /// bytes; `None` if no content is recorded or the budget is used up. `is_accepted`: whether the request was verified.
    pub fn take_capture(&self, of: &TenantCallback, is_accepted: bool, now_ms: u64) -> Option<usize> {
        let settings = self.settings.read();
        if settings.record != RecordDetail::Full {
            return None;
        }
        let most = settings.capture_bytes_max;
        let most = if is_accepted { most } else { most.min(UNACCEPTED_CAPTURE_BYTES_MAX) };
        of.take_capture(now_ms, is_accepted, settings.captures_per_second_max).then_some(most)
    }

    /// Records a request that has ended, and returns its sequence number. `facts.tenant` and `facts.callback` must be
    /// those of `of`; `now_ms` is the time of the end. Wakes readers.
    pub fn record(&self, of: &TenantCallback, facts: Facts, content: Content, now_ms: u64) -> u64 {
        debug_assert_eq!((&facts.tenant, facts.callback), (&of.tenant, of.callback));
        if let Some(meter) = of.meter.as_ref().filter(|_| !facts.is_simulated) {
            let is_refused = facts.outcome == Outcome::Refused && !facts.is_failed();
            meter.add(facts.took_us, facts.is_failed(), is_refused);
        }
        let mut is_new_version = false;
        for call in &facts.calls {
            let plugin = self.budgets.plugin(&call.plugin, &self.series);
            if !facts.is_simulated {
                plugin.count(call);
            }
            is_new_version |= plugin.is_new_version(call);
        }
        let bounds = self.bounds(now_ms);
        let is_sample = of.is_sample(now_ms);
        let kept = KeepReason::of(&facts)
            .or(is_new_version.then_some(KeepReason::NewVersion))
            .or(is_sample.then_some(KeepReason::Sample));
        // The budget of captures also bounds the memory of lines, except for records that are kept.
        let content = if kept.is_some() || content.capture.is_some() { content } else { Content::default() };
        let sequence = self.rings.add(Record::new(facts, content, kept), bounds);
        self.watchers.wake();
        sequence
    }

    /// Counts and records the calls of plugins in an attempt of a delivery that ended at `now_ms`.
    pub fn record_attempt(&self, delivery: i64, number: u32, calls: Vec<PluginCall>, now_ms: u64) {
        if calls.is_empty() || !self.is_on() {
            return;
        }
        for call in &calls {
            self.budgets.plugin(&call.plugin, &self.series).count(call);
        }
        let attempt = Attempt { delivery, number, at_ms: now_ms, calls, calls_dropped: 0 };
        self.attempts.add(attempt, self.attempt_bounds(now_ms));
    }

    /// Returns the recorded attempts of a delivery, the oldest first.
    pub fn attempts(&self, delivery: i64) -> Vec<Arc<Attempt>> {
        self.attempts.of(delivery)
    }

    /// Adds records of earlier starts, in ascending order, before the first request of this one. Readers that wait for new
    /// records do not get them.
    pub fn restore(&self, records: Vec<Record>, now_ms: u64) {
        let bounds = self.bounds(now_ms);
        for record in records.into_iter().filter(|record| record.sequence <= self.first) {
            self.rings.restore(record, bounds);
        }
    }

    /// Completes an interval of the series, and removes old records. The owner calls this every 10 seconds.
    pub fn tick(&self, now_ms: u64) {
        self.series.tick(now_ms);
        self.expire(now_ms);
    }

    /// Returns matching records after a sequence number, in ascending order, at most `max`. Further calls with
    /// [`Page::next`] return each later record exactly once, or count it as skipped if it is gone by then. 0 reads from
    /// the start, and [`last`](Self::last) only what follows.
    pub fn after(&self, sequence: u64, filter: &Filter, max: usize) -> Page {
        reading::after(&self.rings, self.first, sequence, filter, max)
    }

    /// Returns the newest matching records, the newest first.
    pub fn newest(&self, filter: &Filter, max: usize) -> Vec<Arc<Record>> {
        reading::newest(&self.rings, |record| filter.matches(record), max)
    }

    /// Returns the newest matching records that a reader may see, the newest first.
    pub fn newest_where(&self, filter: &Filter, sees: impl Fn(&Record) -> bool, max: usize) -> Vec<Arc<Record>> {
        reading::newest(&self.rings, |record| filter.matches(record) && sees(record), max)
    }

    /// Returns the record of a request.
    pub fn by_id(&self, id: &str) -> Option<Arc<Record>> {
        reading::newest(&self.rings, |record| *record.facts.id == *id, 1).pop()
    }

    /// Returns the newest 500 records of a conversation, in ascending order.
    pub fn by_conversation(&self, tenant: &str, conversation: &str) -> Vec<Arc<Record>> {
        let matches = |record: &Record| {
            let facts = &record.facts;
            facts.tenant.as_deref() == Some(tenant) && facts.conversation.as_deref() == Some(conversation)
        };
        let mut found = reading::newest(&self.rings, matches, CONVERSATION_RECORDS_MAX);
        found.reverse();
        found
    }

    /// Returns the sequence number of the last record.
    pub fn last(&self) -> u64 {
        self.rings.last()
    }

    /// Registers a reader that waits. The callback is called on the thread of a request: it must neither block nor panic
    /// nor use the recorder. It is called once for each [`Watch::arm`].
    pub fn watch(&self, wake: impl Fn() + Send + Sync + 'static) -> Watch {
        self.watchers.add(Box::new(wake))
    }

    /// Returns the number of readers that wait.
    pub fn watchers(&self) -> usize {
        self.watchers.count()
    }

    /// Returns the series of numbers over time.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Returns the memory that records use, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.rings.bytes() + self.attempts.bytes()
    }

    /// Removes what is too old or exceeds the memory.
    fn expire(&self, now_ms: u64) {
        self.rings.expire(self.bounds(now_ms));
        self.attempts.expire(self.attempt_bounds(now_ms));
    }

    fn attempt_bounds(&self, now_ms: u64) -> attempts::Bounds {
        let settings = self.settings.read();
        let bytes_max = match settings.record {
            RecordDetail::Off => 0,
            RecordDetail::Facts | RecordDetail::Full => settings.memory_bytes_max / attempts::SHARE,
        };
        attempts::Bounds { bytes_max, from_ms: now_ms.saturating_sub(settings.keep_ms.max(KEPT_FACTS_MS)) }
    }

    fn bounds(&self, now_ms: u64) -> Bounds {
        let settings = self.settings.read();
        let recent_from_ms = now_ms.saturating_sub(settings.keep_ms);
        let bounds = Bounds {
            memory_bytes_max: settings.memory_bytes_max - settings.memory_bytes_max / attempts::SHARE,
            recent_from_ms,
            content_from_ms: recent_from_ms,
            kept_from_ms: now_ms.saturating_sub(settings.keep_ms.max(KEPT_FACTS_MS)),
        };
        match settings.record {
            RecordDetail::Off => Bounds { memory_bytes_max: 0, ..bounds },
            RecordDetail::Facts => Bounds { content_from_ms: u64::MAX, ..bounds },
            RecordDetail::Full => bounds,
        }
    }
}
