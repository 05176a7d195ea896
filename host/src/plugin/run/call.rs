//! One call of a plugin: a place in the pool, a fresh instance, one question, every budget.

mod conversations;
mod crm;
mod outgoing;
mod routing;
mod templates;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::Instance;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use super::budget::CpuClock;
pub use super::caller::{Caller, Share};
use super::engine::Engine;
use super::store::CallStore;
use crate::bindings::plugin_types;
use crate::error::Error;
pub use crate::plugin::imports::directory::Directory;
use crate::plugin::imports::directory::Reach;
use crate::plugin::live::Live;

/// A call that has computed for longer leaves the server's threads.
const INLINE_MAX: Duration = Duration::from_millis(5);

/// Until when a call may wait for a place, and until when it must have answered.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// For a place.
    pub queue: Instant,
    /// For the answer.
    pub answer: Instant,
}

/// What the plugin said, or how it ended.
type Outcome<R> = wasmtime::Result<Result<R, plugin_types::Error>>;

/// One question to one plugin; a method for each function of each role asks it.
pub struct Call<'c> {
    engine: &'c Arc<Engine>,
    plugin: &'c Arc<Live>,
    caller: &'c Caller,
    deadlines: Deadlines,
    directory: Directory,
    /// The clock of the call that this one is made for, and counts against.
    outer: Option<&'c Arc<CpuClock>>,
}

/// Loads a role's functions in the fresh instance and asks one of them.
macro_rules! ask {
    ($call:expr, $role:ident.$function:ident($($argument:expr),*)) => {{
        let exports = std::sync::Arc::clone(&$call.plugin.exports);
        $call
            .run(async move |mut store, instance| {
                let answer = match exports.$role(&mut store, &instance) {
                    Ok(role) => role.$function(&mut store, $($argument),*).await,
                    Err(error) => Err(error),
                };
                (store, answer)
            })
            .await
    }};
}
use ask;

impl<'c> Call<'c> {
    /// A call of a plugin, for a tenant's request, until a deadline, that reaches this CRM.
    pub fn new(
        engine: &'c Arc<Engine>,
        plugin: &'c Arc<Live>,
        caller: &'c Caller,
        deadlines: Deadlines,
        directory: Directory,
    ) -> Self {
        Self { engine, plugin, caller, deadlines, directory, outer: None }
    }

    /// The same from within another call.
    pub(crate) fn within(self, outer: &'c Arc<CpuClock>) -> Self {
        Self { outer: Some(outer), ..self }
    }

    /// Asks one question in a fresh instance. The store is gone before the place is free again.
    async fn run<R, Q, F>(self, question: Q) -> Result<R, Error>
    where
        R: Send + 'static,
        Q: FnOnce(Store<CallStore>, Instance) -> F + Send + 'static,
        F: Future<Output = (Store<CallStore>, Outcome<R>)> + Send,
    {
        let Self { engine, plugin, caller, deadlines, directory, outer } = self;
        let place = timeout_at(deadlines.queue.min(deadlines.answer), place(engine, caller, outer.is_some()));
        let Ok(place) = place.await else {
            return Err(Error::Busy);
        };
        let wall = Instant::now() + Duration::from_millis(plugin.limits.call_timeout_ms);
        let reach = Reach { engine: Arc::clone(engine), deadline: wall.min(deadlines.answer), directory };
        let mut store =
            store(engine, plugin, caller, Some(reach)).map_err(|error| Error::Internal(format!("{error:#}")))?;
        let cpu = Arc::clone(&store.data().cpu);
        let pre = plugin.pre.clone();
        let work = async move {
            let (store, outcome) = match pre.instantiate_async(&mut store).await {
                Ok(instance) => question(store, instance).await,
                Err(error) => (store, Err(error)),
            };
            let refused = store.data().space.refused;
            drop(store);
            drop(place);
            (outcome, refused)
        };
        let heavy = plugin.heavy.load(Ordering::Relaxed);
        let outcome = timeout_at(wall.min(deadlines.answer), spread(engine, &cpu, heavy, Box::pin(work))).await;
        plugin.heavy.store(cpu.spent() >= INLINE_MAX, Ordering::Relaxed);
        if let Some(outer) = outer {
            outer.charge(cpu.spent_away());
        }
        match outcome {
            Ok(Ok((Ok(answer), _))) => answer.map_err(said),
            Ok(Ok((Err(error), refused))) => Err(ended(&error, refused)),
            Ok(Err(error)) => Err(error),
            Err(_) if wall <= deadlines.answer => Err(Error::OutOfTime("it reached call_timeout_ms")),
            Err(_) => Err(Error::OutOfTime("it reached the callback's deadline")),
        }
    }
}

/// A place in the pool, within the tenant's share of it. Calls within others have places of their own:
/// who holds the others cannot keep them waiting.
async fn place(engine: &Engine, caller: &Caller, within: bool) -> Place {
    let take = async |places: &Arc<Semaphore>| Arc::clone(places).acquire_owned().await.expect("nobody closes it");
    let own = match &caller.share {
        Some(share) => Some(take(share.places(within)).await),
        None => None,
    };
    let places = if within { &engine.directory_places } else { &engine.places };
    Place { _share: own, _place: take(places).await }
}

/// What a call holds until its store is gone.
struct Place {
    _share: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

/// A store with every budget armed, before any of the plugin's code runs.
pub(crate) fn store(
    engine: &Engine,
    plugin: &Live,
    caller: &Caller,
    reach: Option<Reach>,
) -> wasmtime::Result<Store<CallStore>> {
    let limits = &plugin.limits;
    let data = CallStore::new(&plugin.name, &plugin.grants, limits, caller, reach)?;
    let mut store = Store::new(&engine.wasm, data);
    store.limiter(|data| &mut data.space);
    store.set_hostcall_fuel(limits.answer_bytes_max);
    store.set_max_component_handles(limits.handles_max);
    let budget = Duration::from_millis(limits.cpu_time_ms);
    store.epoch_deadline_callback(move |store| {
        let spent = store.data().cpu.spent_in_poll();
        Ok(if spent >= budget {
            UpdateDeadline::Interrupt
        } else if spent < INLINE_MAX {
            UpdateDeadline::Continue(1)
        } else {
            UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
        })
    });
    store.set_epoch_deadline(1);
    Ok(store)
}

/// Runs a call where it stands, as nearly all are done within a fraction of a millisecond, and
/// moves it to the plugins' own threads once it turns out to compute for long, or if the one before
/// it did.
pub(crate) async fn spread<W>(
    engine: &Engine,
    cpu: &Arc<CpuClock>,
    heavy: bool,
    work: Pin<Box<W>>,
) -> Result<W::Output, Error>
where
    W: Future<Output: Send> + Send + 'static,
{
    let mut metered = Metered { work, cpu: Arc::clone(cpu) };
    let inline = poll_fn(|context| match Pin::new(&mut metered).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if cpu.spent() >= INLINE_MAX => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if !heavy && let Some(output) = inline.await {
        return Ok(output);
    }
    cpu.leave();
    let moved = AbortOnDropHandle::new(engine.busy_threads.spawn(metered));
    moved.await.map_err(|error| Error::Internal(error.to_string()))
}

/// Adds up the time on a processor.
struct Metered<W> {
    work: Pin<Box<W>>,
    cpu: Arc<CpuClock>,
}

impl<W: Future> Future for Metered<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.cpu.measure(|| this.work.as_mut().poll(context))
    }
}

/// What the plugin said.
fn said(error: plugin_types::Error) -> Error {
    match error {
        plugin_types::Error::NotFound => Error::NotFound,
        plugin_types::Error::Forbidden(text) => Error::Forbidden(text),
        plugin_types::Error::Invalid(text) => Error::Invalid(text),
        plugin_types::Error::Unavailable(text) => Error::Unavailable(text),
        plugin_types::Error::Failed(text) => Error::Failed(text),
    }
}

/// How the plugin ended without a word.
pub(crate) fn ended(error: &wasmtime::Error, refused: Option<&'static str>) -> Error {
    if error.is::<PoolConcurrencyLimitError>() {
        return Error::Busy;
    }
    if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        return Error::OutOfTime("it reached cpu_time_ms");
    }
    let cause = error.root_cause().to_string();
    // wasmtime has no type for this one.
    let refused = if cause.contains("fuel allocated for hostcalls") { Some("answer_bytes_max") } else { refused };
    Error::Trap(match refused {
        Some(limit) => format!("{cause}, after it had reached {limit}"),
        None => cause,
    })
}
