//! Admission control: limits concurrent calls per pool, plugin and tenant, and rejects callers that cannot be admitted
//! before their deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::{Instant, timeout_at};

use crate::caller::TenantShare;
use crate::error::CallError;
use crate::settings::Plugins;

/// Deadlines of a call.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Deadline for admission.
    pub queue: Instant,
    /// Deadline for the answer.
    pub answer: Instant,
}

impl Deadlines {
    /// Returns deadlines that both end after this time.
    pub fn within(time: Duration) -> Self {
        let until = Instant::now() + time;
        Self { queue: until, answer: until }
    }
}

/// Capacity for calls of the whole process, and the queue of callers that wait for it.
pub(crate) struct Admission {
    calls: Arc<Semaphore>,
    /// Permits for nested calls (`directory`), which calls that hold all other permits cannot block.
    nested_calls: Arc<Semaphore>,
    queue: Queue,
}

/// Permits that a call holds until its store is dropped: of the pool, its plugin and its tenant.
pub(crate) struct Admitted {
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Admission {
    pub(crate) fn new(config: &Plugins) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(config.calls_max as usize)),
            nested_calls: Arc::new(Semaphore::new(config.directory_calls_max as usize)),
            queue: Queue { waiting: AtomicU32::new(0), max: config.queue_max },
        }
    }

    /// Returns the number of free permits for calls that are not nested.
    pub(crate) fn free(&self) -> usize {
        self.calls.available_permits()
    }

    /// Admits a call at once, or from the queue while at least `average_run` is left until its deadline.
    pub(crate) async fn admit(
        &self,
        plugin: &Arc<Semaphore>,
        share: Option<&TenantShare>,
        nested: bool,
        deadlines: Deadlines,
        average_run: Duration,
    ) -> Result<Admitted, CallError> {
        let calls = if nested { &self.nested_calls } else { &self.calls };
        let limits = [Some(plugin), share.map(|share| share.permits(nested)), Some(calls)];
        // The common case needs no timer and no slot in the queue.
        if let Ok(permits) = at_once(limits) {
            return Ok(Admitted { _permits: permits });
        }
        let _waiting = self.queue.join().ok_or(CallError::Busy("plugins.queue_max calls are waiting"))?;
        let in_turn = async {
            let mut permits = [const { None }; 3];
            for (permit, limit) in permits.iter_mut().zip(limits) {
                if let Some(limit) = limit {
                    *permit = Some(Arc::clone(limit).acquire_owned().await.expect("the semaphore is never closed"));
                }
            }
            Admitted { _permits: permits }
        };
        let latest = deadlines.answer.checked_sub(average_run).unwrap_or(deadlines.answer);
        let admitted = timeout_at(deadlines.queue.min(latest), in_turn).await;
        admitted.map_err(|_| CallError::Busy("no slot free before the deadline"))
    }
}

/// Takes a permit of each limit if all are free.
fn at_once(limits: [Option<&Arc<Semaphore>>; 3]) -> Result<[Option<OwnedSemaphorePermit>; 3], TryAcquireError> {
    let permit = |limit: Option<&Arc<Semaphore>>| limit.map(|limit| Arc::clone(limit).try_acquire_owned()).transpose();
    Ok([permit(limits[0])?, permit(limits[1])?, permit(limits[2])?])
}

/// Counts waiting callers.
#[derive(Debug)]
struct Queue {
    waiting: AtomicU32,
    max: u32,
}

impl Queue {
    fn join(&self) -> Option<Waiting<'_>> {
        // If the queue is full, dropping the guard undoes the increment.
        let waiting = Waiting(self);
        (self.waiting.fetch_add(1, Ordering::Relaxed) < self.max).then_some(waiting)
    }
}

struct Waiting<'q>(&'q Queue);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
