//! Places for calls: none is begun that the pool has no room for, no plugin and no tenant takes all of
//! them, and who would wait in vain is told at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use super::call::Deadlines;
use super::caller::Caller;
use super::engine::Engine;
use crate::error::CallError;
use crate::loaded_plugin::LoadedPlugin;

/// What a call holds until its store is gone: a place in the pool, and one of its plugin's and its
/// tenant's.
pub(crate) struct Place {
    _permits: Vec<OwnedSemaphorePermit>,
}

/// Callers that wait for a place.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: AtomicU32,
    max: u32,
}

impl Queue {
    pub(crate) fn new(max: u32) -> Self {
        Self { waiting: AtomicU32::new(0), max }
    }

    fn join(&self) -> Option<Waiting<'_>> {
        let waiting = Waiting(self);
        // The guard takes back what is one too many.
        (self.waiting.fetch_add(1, Ordering::Relaxed) < self.max).then_some(waiting)
    }
}

struct Waiting<'q>(&'q Queue);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place for a call, at once or in its turn, as long as there is time left for the call itself.
/// Calls within others have places of their own: who holds the others cannot keep them waiting.
pub(super) async fn admit(
    engine: &Engine,
    plugin: &LoadedPlugin,
    caller: &Caller,
    within: bool,
    deadlines: Deadlines,
) -> Result<Place, CallError> {
    let places = if within { &engine.directory_places } else { &engine.places };
    let share = caller.share.as_deref().map(|share| share.places(within));
    let gates = [Some(&plugin.places), share, Some(places)];
    let gates = gates.into_iter().flatten();
    // Nearly all find one, and need neither timer nor turn.
    let at_once: Result<Vec<_>, _> = gates.clone().map(|gate| Arc::clone(gate).try_acquire_owned()).collect();
    if let Ok(permits) = at_once {
        return Ok(Place { _permits: permits });
    }
    let _waiting = engine.queue.join().ok_or(CallError::Busy("plugins.queue_max calls are waiting"))?;
    let in_turn = async {
        let mut permits = Vec::with_capacity(3);
        for gate in gates {
            permits.push(turn(gate).await);
        }
        Place { _permits: permits }
    };
    let answer = deadlines.answer.checked_sub(plugin.meters.usual_run()).unwrap_or(deadlines.answer);
    let until = deadlines.queue.min(answer);
    timeout_at(until, in_turn).await.map_err(|_| CallError::Busy("no place became free in time"))
}

async fn turn(gate: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(gate).acquire_owned().await.expect("nobody closes it")
}
