//! Limits on the linear memories and tables of one store, and the pools that stores share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use super::usage::Usage;
use crate::settings::Limits;

/// Memory that the running instances of one tenant, or of the whole gateway, share.
#[derive(Debug)]
pub(crate) struct MemoryPool {
    used: AtomicUsize,
    max: usize,
    /// Name of the setting that configures the pool, for the error.
    name: &'static str,
}

impl MemoryPool {
    pub(crate) fn new(max: usize, name: &'static str) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), max, name })
    }

    fn take(&self, bytes: usize) -> Result<(), &'static str> {
        let add = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map(drop).map_err(|_| self.name)
    }

    /// Checks whether half of the memory is free. Kept instances leave it to running ones.
    fn is_half_free(&self) -> bool {
        self.used.load(Ordering::Relaxed) <= self.max / 2
    }

    fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Names of the pools. Memory that a pool refuses may be free later, unlike memory beyond a plugin's limit.
pub(crate) const POOLS: [&str; 2] = ["plugins.memory_bytes_total_max", "plugins.memory_bytes_per_tenant_max"];

/// Limits the sum of all memories and the sum of all tables of one store.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    /// The tenant's pool is first: a tenant beyond its share takes nothing from the common pool.
    pools: [Option<Arc<MemoryPool>>; 2],
    memory_bytes: usize,
    /// Size of the memories when the instance had started.
    start_bytes: usize,
    memory_bytes_max: usize,
    table_elements: usize,
    table_elements_max: usize,
    /// The limit that refused growth, for the report of the trap that usually follows.
    pub(crate) refused: Option<&'static str>,
    usage: Arc<Usage>,
}

impl MemoryLimiter {
    pub(crate) fn new(limits: &Limits, usage: &Arc<Usage>, pools: [Option<Arc<MemoryPool>>; 2]) -> Self {
        Self {
            pools,
            memory_bytes: 0,
            start_bytes: 0,
            memory_bytes_max: limits.memory_bytes_max,
            table_elements: 0,
            table_elements_max: limits.table_elements_max,
            refused: None,
            usage: Arc::clone(usage),
        }
    }

    /// Notes the size of an instance that has started.
    pub(crate) fn started(&mut self) {
        self.start_bytes = self.memory_bytes;
    }

    /// Checks whether the instance may be kept: no limit was reached, the memory has grown by at most `growth` bytes, and
    /// half of each pool is free.
    pub(crate) fn may_be_kept(&self, growth: usize) -> bool {
        self.refused.is_none()
            && self.memory_bytes - self.start_bytes <= growth
            && self.pools.iter().flatten().all(|pool| pool.is_half_free())
    }

    /// Attributes later growth to the next call in the same store.
    pub(crate) fn renew(&mut self, usage: &Arc<Usage>) {
        self.refused = None;
        self.usage = Arc::clone(usage);
        usage.memory_bytes.store(self.memory_bytes, Ordering::Relaxed);
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        self.pools.iter().flatten().for_each(|pool| pool.release(self.memory_bytes));
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired - current);
        if total > self.memory_bytes_max {
            self.refused = Some("memory_bytes_max");
            return Ok(false);
        }
        let added = desired - current;
        for (taken, pool) in self.pools.iter().enumerate() {
            if let Some(Err(name)) = pool.as_ref().map(|pool| pool.take(added)) {
                self.pools[..taken].iter().flatten().for_each(|pool| pool.release(added));
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
    fn instances_share_memory_and_release_it_when_they_end() {
        let limits = Limits { memory_bytes_max: 100, ..Limits::default() };
        let (all, tenant) = (MemoryPool::new(150, POOLS[0]), MemoryPool::new(120, POOLS[1]));
        let limiter = |pools| MemoryLimiter::new(&limits, &Arc::default(), pools);
        let grow = |limiter: &mut MemoryLimiter, bytes| limiter.memory_growing(0, bytes, None).expect("an answer");
        let mut first = limiter([Some(Arc::clone(&all)), Some(Arc::clone(&tenant))]);
        assert!(grow(&mut first, 100));
        let mut second = limiter([Some(Arc::clone(&all)), Some(Arc::clone(&tenant))]);
        assert!(!grow(&mut second, 50));
        assert_eq!(second.refused, Some(POOLS[1]));
        let mut other = limiter([Some(Arc::clone(&all)), None]);
        assert!(grow(&mut other, 50), "refused growth is not charged");
        assert!(!grow(&mut other, 1));
        assert_eq!(other.refused, Some(POOLS[0]));
        drop(first);
        assert!(grow(&mut second, 50));
    }
}
