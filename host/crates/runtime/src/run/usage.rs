//! What one call may use and has used: time on a processor, memories, tables.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::ResourceLimiter;

use crate::settings::Limits;

/// How old a reading of a thread's clock may be. A reading costs a system call, more than many calls
/// compute.
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

/// What one call has used so far; also known of a call that was given up.
#[derive(Debug, Default)]
pub struct Usage {
    pub(crate) cpu: CpuClock,
    /// Until the plugin's code was ready to be asked.
    pub(crate) start: OnceLock<Duration>,
    /// All memories at their largest.
    pub(crate) memory_bytes: AtomicUsize,
    /// Calls of the plugin into the gateway.
    pub(crate) host_calls: AtomicU32,
    /// Lines of output that were not logged.
    pub(crate) lines_dropped: AtomicU64,
    /// Keys that were written to its state, and the bytes of keys and values.
    pub(crate) written: OnceLock<(usize, usize)>,
}

/// Time on a processor, as the sum of the polls of a call: neither waiting nor being preempted costs
/// anything, but for a millisecond of a poll at most.
#[derive(Debug, Default)]
pub(crate) struct CpuClock {
    spent_ns: AtomicU64,
    /// When the current poll began.
    poll_began_ns: AtomicU64,
    /// What the polling thread's clock said then, or a moment before.
    poll_began_cpu_ns: AtomicU64,
    /// What had been spent on the threads of whoever made the call when it left them.
    left_at_ns: OnceLock<u64>,
}

impl CpuClock {
    /// Counts what `poll` takes.
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

    /// What is used up, the current poll included; to be asked from inside it.
    pub(crate) fn spent_in_poll(&self) -> Duration {
        self.spent() + Duration::from_nanos(self.current_ns())
    }

    /// What the current poll has used. A short one is taken to have had the processor all the time.
    fn current_ns(&self) -> u64 {
        let passed = now_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        if passed < READING_AGE_MAX_NS {
            return passed;
        }
        passed.min(thread_ns() - self.poll_began_cpu_ns.load(Ordering::Relaxed))
    }

    /// From here on polls do not happen within those of whoever made the call.
    pub(crate) fn leave(&self) {
        self.left_at_ns.get_or_init(|| self.spent_ns.load(Ordering::Relaxed));
    }

    /// What was used since then.
    pub(crate) fn spent_away(&self) -> Duration {
        let left_at = self.left_at_ns.get();
        left_at.map_or(Duration::ZERO, |at| self.spent().saturating_sub(Duration::from_nanos(*at)))
    }

    /// Adds what another call used on behalf of this one.
    pub(crate) fn charge(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.spent_ns.fetch_add(time, Ordering::Relaxed);
    }

    /// What finished polls have used.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed))
    }
}

/// The processor time of this thread: a system call.
fn thread_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// A clock that costs next to nothing to read.
fn now_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    Duration::try_from(time).map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// Memory that running instances share: of all, or of one tenant.
#[derive(Debug)]
pub(crate) struct Pool {
    used: AtomicUsize,
    max: usize,
    /// The setting's name, for the error.
    name: &'static str,
}

impl Pool {
    pub(crate) fn new(max: usize, name: &'static str) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), max, name })
    }

    fn take(&self, bytes: usize) -> Result<(), &'static str> {
        let add = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map(drop).map_err(|_| self.name)
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What refuses memory that would be there at another moment.
pub(crate) const POOLS: [&str; 2] = ["plugins.memory_bytes_total_max", "plugins.memory_bytes_per_tenant_max"];

/// Adds up all memories and all tables of a store.
#[derive(Debug)]
pub struct Space {
    /// Of the tenant and of the gateway: who is past their own share takes nothing of the other.
    pools: [Option<Arc<Pool>>; 2],
    memory_bytes: usize,
    memory_bytes_max: usize,
    table_elements: usize,
    table_elements_max: usize,
    /// Which limit refused something, for the report of the trap that usually follows.
    pub refused: Option<&'static str>,
    usage: Arc<Usage>,
}

impl Space {
    pub(crate) fn new(limits: &Limits, usage: &Arc<Usage>, pools: [Option<Arc<Pool>>; 2]) -> Self {
        Self {
            pools,
            memory_bytes: 0,
            memory_bytes_max: limits.memory_bytes_max,
            table_elements: 0,
            table_elements_max: limits.table_elements_max,
            refused: None,
            usage: Arc::clone(usage),
        }
    }

    /// What the next call in the same store uses is its own, but for what is there already.
    pub(crate) fn renew(&mut self, usage: &Arc<Usage>) {
        self.refused = None;
        self.usage = Arc::clone(usage);
        usage.memory_bytes.store(self.memory_bytes, Ordering::Relaxed);
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.pools.iter().flatten().for_each(|pool| pool.give_back(self.memory_bytes));
    }
}

impl ResourceLimiter for Space {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired - current);
        if total > self.memory_bytes_max {
            self.refused = Some("memory_bytes_max");
            return Ok(false);
        }
        let added = desired - current;
        for (taken, pool) in self.pools.iter().enumerate() {
            if let Some(Err(name)) = pool.as_ref().map(|pool| pool.take(added)) {
                self.pools[..taken].iter().flatten().for_each(|pool| pool.give_back(added));
                self.refused = Some(name);
                return Ok(false);
            }
        }
        self.memory_bytes = total;
        self.usage.memory_bytes.store(total, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(desired - current);
        if total > self.table_elements_max {
            self.refused = Some("table_elements_max");
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_share_what_there_is_and_give_it_back_when_they_end() {
        let limits = Limits { memory_bytes_max: 100, ..Limits::default() };
        let (all, tenant) = (Pool::new(150, POOLS[0]), Pool::new(120, POOLS[1]));
        let space = |pools| Space::new(&limits, &Arc::default(), pools);
        let grow = |space: &mut Space, bytes| space.memory_growing(0, bytes, None).expect("an answer");
        let mut first = space([Some(Arc::clone(&all)), Some(Arc::clone(&tenant))]);
        assert!(grow(&mut first, 100));
        let mut second = space([Some(Arc::clone(&all)), Some(Arc::clone(&tenant))]);
        assert!(!grow(&mut second, 50));
        assert_eq!(second.refused, Some(POOLS[1]));
        let mut other = space([Some(Arc::clone(&all)), None]);
        assert!(grow(&mut other, 50), "what was refused is not charged");
        assert!(!grow(&mut other, 1));
        assert_eq!(other.refused, Some(POOLS[0]));
        drop(first);
        assert!(grow(&mut second, 50));
    }
}
