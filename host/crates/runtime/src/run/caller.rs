//! For whom a call is made, how many of theirs may run at one time, and what their calls came to.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::call_record::CallRecord;
use super::usage::{POOLS, Pool};

/// For whom a call is made; stands in every line that the plugin logs.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Name of the tenant, or `-` for a trial run.
    pub tenant: Arc<str>,
    /// Id of the request.
    pub request: Arc<str>,
    /// The tenant's shares of the places for calls; none for a trial run.
    pub share: Option<Arc<TenantShare>>,
    /// What the request's calls came to.
    pub receipts: CallRecords,
}

/// The receipts of a request's calls, where somebody will read them.
#[derive(Debug, Clone, Default)]
pub struct CallRecords(Option<Arc<Mutex<Vec<CallRecord>>>>);

impl CallRecords {
    /// Keeps them if the log shows them.
    pub fn kept_at_debug() -> Self {
        Self(tracing::enabled!(tracing::Level::DEBUG).then(Arc::default))
    }

    /// Keeps them.
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// All of them so far, a sentence each; none if there are none, or they are not kept.
    pub fn text(&self) -> Option<String> {
        let all: Vec<String> = self.all().iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// All of them so far.
    pub fn all(&self) -> Vec<CallRecord> {
        let kept = self.0.as_ref().map(|all| all.lock().unwrap_or_else(PoisonError::into_inner).clone());
        kept.unwrap_or_default()
    }

    pub(super) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn add(&self, receipt: CallRecord) {
        if let Some(all) = &self.0 {
            all.lock().unwrap_or_else(PoisonError::into_inner).push(receipt);
        }
    }
}

/// How many calls of one tenant may run at one time.
#[derive(Debug)]
pub struct TenantShare {
    calls: Arc<Semaphore>,
    directory: Arc<Semaphore>,
    /// Memory of instances.
    pub(super) memory: Arc<Pool>,
}

impl TenantShare {
    /// So many calls, so many within them, and so much memory of their instances.
    pub fn new(calls: u32, directory: u32, memory_bytes: usize) -> Self {
        let places = |count| Arc::new(Semaphore::new(count as usize));
        let memory = Pool::new(memory_bytes, POOLS[1]);
        Self { calls: places(calls), directory: places(directory), memory }
    }

    /// The places for calls, or for calls within them.
    pub(crate) fn places(&self, within: bool) -> &Arc<Semaphore> {
        if within { &self.directory } else { &self.calls }
    }
}
