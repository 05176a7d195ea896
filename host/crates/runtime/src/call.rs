//! Makes one call of a plugin: admission, an instance, one function, the outcome.
//!
//! The methods of [`Call`] are the functions of the contract, one file for each role.

mod by_name;
mod calls;
mod channel;
mod channel_login;
mod contract_name;
mod conversations;
mod crm;
mod crm_source;
mod outgoing;
mod routing;
mod templates;

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use frontgate_contract::bindings::plugin_types;
use frontgate_state::NotCommitted;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

pub use self::by_name::Function;
use crate::caller::{Caller, TenantShare};
use crate::dry_run::DryRun;
use crate::engine::{Engine, Services};
use crate::error::CallError;
use crate::files::Files;
use crate::imports::directory::{Directory, OuterCall};
use crate::imports::state::{Effects, commit};
use crate::loaded_plugin::LoadedPlugin;
use crate::outbound::side_effects::SideEffects;
use crate::run::admission::{Admitted, Deadlines};
use crate::run::breaker::Pass;
use crate::run::host_context::HostContext;
use crate::run::live_instance::LiveInstance;
use crate::run::memory::POOLS;
use crate::run::offload::{INLINE_MAX, offload};
use crate::run::recorder::Recorder;
use crate::run::store::{self, CallStore};
use crate::run::usage::Usage;

/// The result of a function of the contract, or the error that ended the call.
type Outcome<R> = wasmtime::Result<Result<R, plugin_types::Error>>;

/// The result of a function of any type. The code around a function is compiled once, not once for each function.
type Answer = Box<dyn Any + Send>;

/// Calls one function of an instance, and returns the instance.
type Invoke = Box<dyn FnOnce(Box<LiveInstance>) -> Invoking + Send>;
type Invoking = Pin<Box<dyn Future<Output = (Box<LiveInstance>, Outcome<Answer>)> + Send>>;

/// One call of one plugin, consumed by the method that makes it.
pub struct Call<'c> {
    engine: &'c Engine,
    plugin: &'c Arc<LoadedPlugin>,
    caller: &'c Caller,
    deadlines: Deadlines,
    /// `None` in a call of the CRM role, which cannot look up customers in itself.
    directory: Option<Arc<dyn Directory>>,
    files: Option<Arc<dyn Files>>,
    side_effects: Option<Arc<SideEffects>>,
    /// Whether it is background work.
    is_background: bool,
    /// Usage of the outer call, if this call is nested. Includes the processor time of the nested call.
    outer: Option<&'c Arc<Usage>>,
}

/// Looks up a role in the instance, and calls one of its functions.
macro_rules! invoke {
    ($call:expr, $role:ident.$function:ident($($argument:expr),*)) => {{
        const NAME: &str = $crate::call::contract_name::contract_name!($role, $function);
        let exports = std::sync::Arc::clone(&$call.plugin.exports);
        let dry_call = $call.caller.dry_run().and_then(|dry_run| {
            let arguments = vec![$(frontgate_contract::json::json(&$argument)),*];
            let position = dry_run.begin($call.plugin, NAME.into(), arguments)?;
            Some((std::sync::Arc::clone(dry_run), position))
        });
        let result = $call
            .run(NAME, async move |mut live| {
                let result = match exports.$role(&mut live) {
                    Ok((store, role)) => role.$function(store, $($argument),*).await,
                    Err(error) => Err(error),
                };
                (live, result)
            })
            .await;
        if let Some((dry_run, position)) = dry_call {
            dry_run.end(position, result.as_ref().map(|answer| frontgate_contract::json::json(answer)));
        }
        result
    }};
}
use invoke;

impl<'c> Call<'c> {
    /// Prepares a call. `directory` is `None` for the CRM role, which cannot look up customers in itself.
    pub fn new(
        engine: &'c Engine,
        plugin: &'c Arc<LoadedPlugin>,
        caller: &'c Caller,
        deadlines: Deadlines,
        directory: Option<Arc<dyn Directory>>,
    ) -> Self {
        Self {
            engine,
            plugin,
            caller,
            deadlines,
            directory,
            files: None,
            side_effects: None,
            is_background: false,
            outer: None,
        }
    }

    /// Prepares a call of the CRM's plugin within another call, with the same caller and deadline. Uses capacity that
    /// is reserved for nested calls.
    pub fn nested(engine: &'c Engine, plugin: &'c Arc<LoadedPlugin>, outer: OuterCall<'c>) -> Self {
        let deadlines = Deadlines { queue: outer.deadline, answer: outer.deadline };
        Self { outer: Some(outer.usage), ..Self::new(engine, plugin, outer.caller, deadlines, None) }
    }

    /// Gives the plugin the files of a message.
    pub fn with_files(self, files: Arc<dyn Files>) -> Self {
        Self { files: Some(files), ..self }
    }

    /// Records the side effects of the call.
    pub fn with_side_effects(self, side_effects: &Arc<SideEffects>) -> Self {
        Self { side_effects: Some(Arc::clone(side_effects)), ..self }
    }

    /// Runs the call as background work: on the plugin threads from its start.
    pub fn in_background(self) -> Self {
        Self { is_background: true, ..self }
    }

    /// Makes the call, and converts the answer back to its type.
    async fn run<R, Q, F>(self, function: impl Into<Cow<'static, str>>, invoke: Q) -> Result<R, CallError>
    where
        R: Send + 'static,
        Q: FnOnce(Box<LiveInstance>) -> F + Send + 'static,
        F: Future<Output = (Box<LiveInstance>, Outcome<R>)> + Send + 'static,
    {
        let invoke: Invoke = Box::new(|live| {
            let invoking = invoke(live);
            Box::pin(async move {
                let (live, outcome) = invoking.await;
                (live, outcome.map(|result| result.map(|answer| Box::new(answer) as Answer)))
            })
        });
        let answer = self.recorded(function.into(), invoke).await?;
        answer.downcast().map(|answer| *answer).map_err(|_| CallError::Internal("answer has another type".to_owned()))
    }

    /// Makes the call unless the breaker is open, and records the outcome.
    async fn recorded(self, function: Cow<'static, str>, invoke: Invoke) -> Result<Answer, CallError> {
        let (plugin, caller) = (self.plugin, self.caller);
        let mut recorder = Recorder::begin(plugin, caller, function);
        if caller.dry_run().is_some() {
            // Says nothing about the calls of a platform.
            let result = self.admitted(&mut recorder, invoke).await;
            recorder.end(&result);
            return result;
        }
        let result = match plugin.breaker.pass(recorder.began) {
            Some(pass) => {
                let result = self.admitted(&mut recorder, invoke).await;
                report(plugin, pass, &result);
                result
            }
            None => Err(CallError::BreakerOpen),
        };
        recorder.end(&result);
        result
    }

    /// Waits for admission, and runs the call within its limits.
    async fn admitted(self, recorder: &mut Recorder<'_>, invoke: Invoke) -> Result<Answer, CallError> {
        let Self { engine, plugin, caller, deadlines, directory, files, side_effects, is_background, outer } = self;
        let (nested, average) = (outer.is_some(), plugin.meters.average_run());
        let admission = engine.admission.admit(&plugin.places, caller.share.as_deref(), nested, deadlines, average);
        let admitted = admission.await?;
        let began = Instant::now();
        let wall = began + Duration::from_millis(plugin.limits.call_timeout_ms);
        let deadline = wall.min(deadlines.answer);
        let Services { buckets, actions } = &engine.services;
        let (buckets, actions) = (buckets.clone(), actions.clone());
        let memory = Arc::clone(&engine.memory);
        let context = HostContext { deadline, buckets, memory, actions, directory, files, side_effects };
        let folder = plugin.open_folder(deadline).await?;
        let dry_run = caller.dry_run().cloned();
        let kept = match &dry_run {
            Some(_) => None,
            None => plugin.instances.take(&caller.tenant, folder.as_ref(), began),
        };
        let begin = match kept {
            Some(mut live) => {
                store::renew(&mut live.store, plugin.allowance(), caller, context);
                Begin::Reused(live)
            }
            None => Begin::Fresh(store::fresh(plugin.pre.engine(), plugin.allowance(), caller, Some(context), folder)),
        };
        let (data, is_reused) = match &begin {
            Begin::Reused(live) => (live.store.data(), true),
            Begin::Fresh(store) => (store.data(), false),
        };
        let usage = Arc::clone(&data.usage);
        recorder.admitted(began, &usage, &data.requests, is_reused);
        let (tenant, share) = (Arc::clone(&caller.tenant), caller.share.clone());
        let is_dry = dry_run.is_some();
        let work = Work { plugin: Arc::clone(plugin), tenant, share, begin, admitted, dry_run };
        // A call in the background says nothing about the next callback.
        let background = AtomicBool::new(true);
        let cpu_bound = if is_background { &background } else { &plugin.cpu_bound };
        let running = offload(&engine.plugin_threads, &usage, cpu_bound, Box::pin(work.run(began, invoke)));
        let outcome = timeout_at(deadline, running).await;
        if let Some(outer) = outer {
            outer.cpu.charge(usage.cpu.spent_offloaded());
        }
        let result = match outcome {
            Ok(Ok((Ok(answer), _))) => answer.map_err(CallError::from),
            Ok(Ok((Err(error), refused))) => Err(ended(&error, refused)),
            Ok(Err(error)) => Err(error),
            Err(_) if wall <= deadlines.answer => Err(CallError::OutOfTime("call_timeout_ms")),
            Err(_) => Err(CallError::OutOfTime("deadline")),
        };
        if is_dry {
            return result;
        }
        // A trap can cost kernel time that is not measured, so the next call starts on the plugin threads.
        let was_long = usage.cpu.spent() >= INLINE_MAX || matches!(result, Err(CallError::Trap { .. }));
        cpu_bound.store(was_long, Ordering::Relaxed);
        plugin.health.note(result.as_ref().err());
        result
    }
}

/// A call that was admitted.
struct Work {
    plugin: Arc<LoadedPlugin>,
    tenant: Arc<str>,
    share: Option<Arc<TenantShare>>,
    begin: Begin,
    /// Permits of the call, dropped after the store.
    admitted: Admitted,
    /// `None` if the call may change something.
    dry_run: Option<Arc<DryRun>>,
}

/// What a call begins with.
enum Begin {
    /// A store for a new instance.
    Fresh(Store<CallStore>),
    /// An instance that was kept.
    Reused(Box<LiveInstance>),
}

impl Work {
    /// Creates an instance if needed, calls the function, commits state and actions, and drops or keeps the instance.
    async fn run(self, began: Instant, invoke: Invoke) -> (Outcome<Answer>, Option<&'static str>) {
        let Self { plugin, tenant, share, begin, admitted, dry_run } = self;
        let started = match begin {
            Begin::Reused(live) => Ok(live),
            Begin::Fresh(mut store) => {
                let started = plugin.pre.instantiate_async(&mut store).await;
                store.data_mut().memory.started();
                match started {
                    Ok(instance) => Ok(LiveInstance::new(store, instance)),
                    Err(error) => Err((store.data().memory.refused, error)),
                }
            }
        };
        let (mut effects, mut kept) = (Effects::default(), None);
        let (refused, outcome) = match started {
            Ok(live) => {
                let _ = live.store.data().usage.start.set(began.elapsed());
                let (mut live, outcome) = invoke(live).await;
                let data = live.store.data_mut();
                match &dry_run {
                    Some(dry_run) => data.discard_effects(dry_run),
                    None => effects = data.take_effects(),
                }
                if let Some(session) = &effects.session {
                    let _ = data.usage.written.set(session.written());
                }
                let refused = data.memory.refused;
                if dry_run.is_none() && outcome.is_ok() && plugin.instances.reserve(&mut live, share.as_deref()) {
                    kept = Some(live);
                }
                (refused, outcome)
            }
            Err((refused, error)) => (refused, Err(error)),
        };
        // A kept instance has a place of its own.
        drop(admitted);
        let outcome = commit(effects, outcome).await;
        if let Some(live) = kept
            && outcome.is_ok()
        {
            plugin.instances.keep(tenant, live);
        }
        (outcome, refused)
    }
}

/// Reports the outcome of a call to the breaker.
fn report(plugin: &LoadedPlugin, pass: Pass<'_>, result: &Result<Answer, CallError>) {
    match result {
        Err(CallError::Trap { .. } | CallError::OutOfTime(_)) => {
            if let Some(pause) = pass.failed(Instant::now()) {
                let (name, pause) = (&*plugin.name, pause.as_millis());
                warn!(
                    event = "plugin.breaker_opened",
                    plugin = name,
                    pause_ms = pause,
                    "plugin `{name}` failed repeatedly; rejecting its calls for {pause} ms"
                );
            }
        }
        Err(CallError::Busy(_) | CallError::Internal(_)) => {}
        _ => pass.ended(),
    }
}

/// Converts an error that ended an instance. `refused` is the memory limit that rejected growth, if any.
pub(crate) fn ended(error: &wasmtime::Error, refused: Option<&'static str>) -> CallError {
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Busy("no slot for another instance in the memory pool");
    }
    if let Some(error) = error.downcast_ref::<NotCommitted>() {
        return CallError::NotCommitted { text: error.to_string(), retryable: !matches!(error, NotCommitted::Full) };
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return CallError::OutOfTime("cpu_time_ms");
    }
    if let Some(full) = refused.filter(|refused| POOLS.contains(refused)) {
        return CallError::Busy(full);
    }
    let text = error.root_cause().to_string();
    // wasmtime has no error types for the first two limits.
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
