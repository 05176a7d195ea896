//! The tenant and request of a call, and the tenant's share of the gateway's capacity.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::call_record::CallRecords;
use crate::dry_run::DryRun;
use crate::run::kept_instances::KEPT_PER_TENANT_MAX;
use crate::run::memory::{MemoryPool, POOLS};

/// The tenant and request of a call. Every line that the plugin logs names both.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Name of the tenant, or `-` for a trial start, which checks a new file (`trial`).
    pub tenant: Arc<str>,
    /// Id of the request.
    pub request: Arc<str>,
    /// The tenant's share of the capacity; `None` for a trial start.
    pub share: Option<Arc<TenantShare>>,
    /// Records of the request's calls.
    pub records: CallRecords,
}

impl Caller {
    /// Returns the dry run to which the call belongs, if any.
    pub(crate) fn dry_run(&self) -> Option<&Arc<DryRun>> {
        self.records.dry_run()
    }
}

/// Capacity for calls of one tenant.
#[derive(Debug)]
pub struct TenantShare {
    calls: Arc<Semaphore>,
    nested_calls: Arc<Semaphore>,
    /// Places for instances that are kept between calls.
    pub(crate) kept: Arc<Semaphore>,
    /// Memory for instances of the tenant.
    pub(crate) memory: Arc<MemoryPool>,
}

impl TenantShare {
    /// Creates a share with limits on concurrent calls, concurrent nested calls (`directory`), and memory of instances.
    pub fn new(calls: u32, nested_calls: u32, memory_bytes: usize) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        let memory = MemoryPool::new(memory_bytes, POOLS[1]);
        Self {
            calls: permits(calls as usize),
            nested_calls: permits(nested_calls as usize),
            kept: permits(KEPT_PER_TENANT_MAX),
            memory,
        }
    }

    /// Returns the permits for calls, or for nested calls.
    pub(crate) fn permits(&self, nested: bool) -> &Arc<Semaphore> {
        if nested { &self.nested_calls } else { &self.calls }
    }
}
