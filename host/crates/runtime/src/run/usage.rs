//! Resource usage of one call: processor time, memory, host calls.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Maximum age of a reading of a thread's clock, in nanoseconds. A reading is a system call, which takes longer than
/// many plugin calls.
const READING_AGE_MAX_NS: u64 = 1_000_000;

thread_local! {
    /// The last reading of this thread's clock.
    static READING: Cell<Reading> = const { Cell::new(Reading { at_ns: 0, cpu_ns: 0 }) };
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at_ns: u64,
    cpu_ns: u64,
}

/// Usage of one call so far. Outlives the store, so that the usage of cancelled calls is known as well.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: CpuClock,
    /// Time until the instance was ready.
    pub(crate) start: OnceLock<Duration>,
    /// Peak size of all linear memories together, in bytes.
    pub(crate) memory_bytes: AtomicUsize,
    /// Host functions that the plugin called.
    pub(crate) host_calls: AtomicU32,
    /// Output lines dropped because of the limits.
    pub(crate) lines_dropped: AtomicU64,
    /// Keys written to the plugin's state, and bytes of these keys and values.
    pub(crate) written: OnceLock<(usize, usize)>,
}

/// Processor time of a call, the sum over its polls.
///
/// Neither waiting nor preemption counts, except for up to one millisecond per poll.
#[derive(Debug, Default)]
pub(crate) struct CpuClock {
    spent_ns: AtomicU64,
    /// Monotonic time at which the current poll started.
    poll_began_ns: AtomicU64,
    /// Processor time of the polling thread at the start of the poll, or up to a millisecond earlier.
    poll_began_cpu_ns: AtomicU64,
    /// Time spent on the caller's threads before the call moved to the plugin threads.
    inline_ns: OnceLock<u64>,
}

impl CpuClock {
    /// Runs a poll and adds its processor time.
    pub(crate) fn measure<T>(&self, poll: impl FnOnce() -> T) -> T {
        let at_ns = now_ns();
        let mut reading = READING.get();
        if at_ns.saturating_sub(reading.at_ns) > READING_AGE_MAX_NS {
            reading = Reading { at_ns, cpu_ns: thread_ns() };
            READING.set(reading);
        }
        self.poll_began_ns.store(at_ns, Ordering::Relaxed);
        self.poll_began_cpu_ns.store(reading.cpu_ns, Ordering::Relaxed);
        let result = poll();
        self.spent_ns.fetch_add(self.current_ns(), Ordering::Relaxed);
        result
    }

    /// Returns the time spent, including the current poll. Must be called on the thread that polls.
    pub(crate) fn spent_in_poll(&self) -> Duration {
        self.spent() + Duration::from_nanos(self.current_ns())
    }

    /// Returns the time of the current poll. A short poll is assumed not to have been preempted.
    fn current_ns(&self) -> u64 {
        let passed = now_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        if passed < READING_AGE_MAX_NS {
            return passed;
        }
        passed.min(thread_ns() - self.poll_began_cpu_ns.load(Ordering::Relaxed))
    }

    /// Marks the move to the plugin threads. Later polls do not run on the caller's threads.
    pub(crate) fn mark_offloaded(&self) {
        self.inline_ns.get_or_init(|| self.spent_ns.load(Ordering::Relaxed));
    }

    /// Returns the time spent since the move to the plugin threads.
    pub(crate) fn spent_offloaded(&self) -> Duration {
        let inline = self.inline_ns.get();
        inline.map_or(Duration::ZERO, |inline| self.spent().saturating_sub(Duration::from_nanos(*inline)))
    }

    /// Adds time that a nested call spent on behalf of this one.
    pub(crate) fn charge(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.spent_ns.fetch_add(time, Ordering::Relaxed);
    }

    /// Returns the time of finished polls.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed))
    }
}

/// Returns the processor time of this thread, with a system call.
fn thread_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// Returns the monotonic time, without a system call.
fn now_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    Duration::try_from(time).map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
