//! One call of a plugin: a place in the pool, a fresh instance, one question, every budget.

pub mod by_name;
mod channel;
mod conversations;
mod crm;
mod outgoing;
mod routing;
mod templates;

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use frontgate_contract::bindings::plugin_types;
use frontgate_state::NotCommitted;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use wasmtime::component::Instance;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use super::admission::{Place, admit};
use super::breaker::Pass;
use super::budget::{POOLS, Usage};
pub use super::caller::{Caller, Receipts, Share};
use super::engine::Engine;
use super::receipt::Receipt;
use super::spread::{INLINE_MAX, spread};
use super::store::{self, CallStore};
use super::warm::Instances;
use crate::error::CallError;
use crate::files::Files;
pub use crate::imports::directory::Directory;
use crate::imports::directory::Reach;
use crate::imports::state::commit;
use crate::live::Live;
use crate::outbound::traces::Traces;

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
    files: Option<Arc<dyn Files>>,
    /// Where it says what it has left behind outside.
    traces: Option<Arc<Traces>>,
    /// What the call uses that this one is made for, and counts against.
    outer: Option<&'c Arc<Usage>>,
}

/// Loads a role's functions in the fresh instance and asks one of them.
macro_rules! ask {
    ($call:expr, $role:ident.$function:ident($($argument:expr),*)) => {{
        let exports = std::sync::Arc::clone(&$call.plugin.exports);
        $call
            .run(concat!(stringify!($role), ".", stringify!($function)), async move |mut store, instance| {
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
        Self { engine, plugin, caller, deadlines, directory, files: None, traces: None, outer: None }
    }

    /// The same about a message with files.
    pub fn with_files(self, files: Arc<dyn Files>) -> Self {
        Self { files: Some(files), ..self }
    }

    /// The same for somebody who has to know whether it may have had an effect.
    pub fn traced(self, traces: &Arc<Traces>) -> Self {
        Self { traces: Some(Arc::clone(traces)), ..self }
    }

    /// The same from within another call.
    pub(crate) fn within(self, outer: &'c Arc<Usage>) -> Self {
        Self { outer: Some(outer), ..self }
    }

    /// Asks one question, and notes what it cost and how it ended.
    async fn run<R, Q, F>(self, function: impl Into<Cow<'static, str>>, question: Q) -> Result<R, CallError>
    where
        R: Send + 'static,
        Q: FnOnce(Store<CallStore>, Instance) -> F + Send + 'static,
        F: Future<Output = (Store<CallStore>, Outcome<R>)> + Send + 'static,
    {
        let (plugin, caller) = (self.plugin, self.caller);
        let mut receipt = Receipt::begin(plugin, caller, function.into());
        let result = match plugin.breaker.pass(Instant::now()) {
            Some(pass) => {
                let result = self.admitted(&mut receipt, question).await;
                judge(plugin, pass, &result);
                result
            }
            None => Err(CallError::BreakerOpen),
        };
        receipt.end(&result);
        result
    }

    /// Asks in an instance of its own, once there is a place.
    async fn admitted<R, Q, F>(self, receipt: &mut Receipt<'_>, question: Q) -> Result<R, CallError>
    where
        R: Send + 'static,
        Q: FnOnce(Store<CallStore>, Instance) -> F + Send + 'static,
        F: Future<Output = (Store<CallStore>, Outcome<R>)> + Send + 'static,
    {
        let Self { engine, plugin, caller, deadlines, directory, files, traces, outer } = self;
        let place = admit(engine, plugin, caller, outer.is_some(), deadlines).await?;
        let began = Instant::now();
        let wall = began + Duration::from_millis(plugin.limits.call_timeout_ms);
        let reach =
            Reach { engine: Arc::clone(engine), deadline: wall.min(deadlines.answer), directory, files, traces };
        let (store, instance) = match plugin.instances.take(&caller.tenant) {
            Some((mut store, instance)) => {
                store::renew(&mut store, plugin, caller, reach);
                (store, Some(instance))
            }
            None => {
                let folder = plugin.open_folder(reach.deadline).await?;
                (store::fresh(plugin, caller, Some(reach), folder), None)
            }
        };
        let usage = Arc::clone(&store.data().usage);
        receipt.admitted(began, store.data());
        let work = Work { plugin: Arc::clone(plugin), tenant: Arc::clone(&caller.tenant), store, instance, place };
        let asked = spread(engine, &usage, &plugin.heavy, Box::pin(work.ask(began, question)));
        let outcome = timeout_at(wall.min(deadlines.answer), asked).await;
        if let Some(outer) = outer {
            outer.cpu.charge(usage.cpu.spent_away());
        }
        let result = match outcome {
            Ok(Ok((Ok(answer), _))) => answer.map_err(said),
            Ok(Ok((Err(error), refused))) => Err(ended(&error, refused)),
            Ok(Err(error)) => Err(error),
            Err(_) if wall <= deadlines.answer => Err(CallError::OutOfTime("call_timeout_ms")),
            Err(_) => Err(CallError::OutOfTime("deadline")),
        };
        // What ends in a trap may have cost the kernel more than what can be interrupted.
        let heavy = usage.cpu.spent() >= INLINE_MAX || matches!(result, Err(CallError::Trap { .. }));
        plugin.heavy.store(heavy, Ordering::Relaxed);
        plugin.health.note(result.as_ref().err());
        result
    }
}

/// A call that has its place.
struct Work {
    plugin: Arc<Live>,
    tenant: Arc<str>,
    store: Store<CallStore>,
    /// Kept from a call before.
    instance: Option<Instance>,
    /// Free again when the store is gone.
    place: Place,
}

impl Work {
    /// Starts the plugin unless it has been, asks it, and keeps or drops what it ran in.
    async fn ask<R, Q, F>(self, began: Instant, question: Q) -> (Outcome<R>, Option<&'static str>)
    where
        Q: FnOnce(Store<CallStore>, Instance) -> F,
        F: Future<Output = (Store<CallStore>, Outcome<R>)>,
    {
        let Self { plugin, tenant, mut store, instance, place } = self;
        let started = match instance {
            Some(instance) => Ok(instance),
            None => plugin.pre.instantiate_async(&mut store).await,
        };
        let _ = store.data().usage.start.set(began.elapsed());
        let mut state = None;
        let (store, outcome) = match started {
            Ok(instance) => {
                let (mut store, outcome) = question(store, instance).await;
                state = store.data_mut().state.take();
                if let Some(state) = &state {
                    let _ = store.data().usage.written.set(state.written());
                }
                (Instances::give_back(&plugin, tenant, store, instance, outcome.is_ok()), outcome)
            }
            Err(error) => (Some(store), Err(error)),
        };
        let refused = store.as_ref().and_then(|store| store.data().space.refused);
        drop(store);
        drop(place);
        (commit(state, outcome).await, refused)
    }
}

/// Tells the breaker how a call ended.
fn judge<R>(plugin: &Live, pass: Pass<'_>, result: &Result<R, CallError>) {
    match result {
        Err(CallError::Trap { .. } | CallError::OutOfTime(_)) => {
            if let Some(pause) = pass.failed(Instant::now()) {
                let (name, pause) = (&*plugin.name, pause.as_millis());
                warn!(plugin = name, "plugin `{name}` failed repeatedly: it is not asked for {pause} ms");
            }
        }
        Err(CallError::Busy(_) | CallError::Internal(_)) => {}
        _ => pass.ended(),
    }
}

/// What the plugin said.
fn said(error: plugin_types::Error) -> CallError {
    match error {
        plugin_types::Error::NotFound => CallError::NotFound,
        plugin_types::Error::Forbidden(text) => CallError::Forbidden(text),
        plugin_types::Error::Invalid(text) => CallError::Invalid(text),
        plugin_types::Error::Unavailable(text) => CallError::Unavailable(text),
        plugin_types::Error::Failed(text) => CallError::Failed(text),
    }
}

/// How the plugin ended without a word.
pub fn ended(error: &wasmtime::Error, refused: Option<&'static str>) -> CallError {
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Busy("the pool has no room for another instance");
    }
    if let Some(error) = error.downcast_ref::<NotCommitted>() {
        return CallError::NotCommitted { text: error.to_string(), passes: !matches!(error, NotCommitted::Full) };
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return CallError::OutOfTime("cpu_time_ms");
    }
    if let Some(full) = refused.filter(|refused| POOLS.contains(refused)) {
        return CallError::Busy(full);
    }
    let text = error.root_cause().to_string();
    // wasmtime has no types for these.
    let limit = if text.contains("fuel allocated for hostcalls") {
        Some("answer_bytes_max")
    } else if text.contains("no free keys") || text.contains("handle limit exceeded") {
        Some("handles_max")
    } else if trap == Some(&Trap::StackOverflow) {
        Some("stack_bytes_max")
    } else {
        refused
    };
    CallError::Trap { text, limit }
}
