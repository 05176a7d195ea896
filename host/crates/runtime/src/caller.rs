//! On whose behalf a call is made, and that tenant's share of the gateway's capacity.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::call_record::CallRecords;
use crate::run::memory::{MemoryPool, POOLS};

/// On whose behalf a call is made. Every line that the plugin logs names it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Name of the tenant, or `-` for a trial start.
    pub tenant: Arc<str>,
    /// Id of the request.
    pub request: Arc<str>,
    /// The tenant's share of the capacity; none for a trial start.
    pub share: Option<Arc<TenantShare>>,
    /// Where calls of the request are recorded.
    pub records: CallRecords,
}

/// Capacity for calls of one tenant.
#[derive(Debug)]
pub struct TenantShare {
    calls: Arc<Semaphore>,
    nested_calls: Arc<Semaphore>,
    /// Memory of instances.
    pub(crate) memory: Arc<MemoryPool>,
}

impl TenantShare {
    /// Limits concurrent calls, concurrent calls within them (`directory`), and the memory of their instances.
    pub fn new(calls: u32, nested_calls: u32, memory_bytes: usize) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count as usize));
        let memory = MemoryPool::new(memory_bytes, POOLS[1]);
        Self { calls: permits(calls), nested_calls: permits(nested_calls), memory }
    }

    /// Permits for calls, or for nested calls.
    pub(crate) fn permits(&self, nested: bool) -> &Arc<Semaphore> {
        if nested { &self.nested_calls } else { &self.calls }
    }
}
