//! The data of one call's store: grants, limits, and the state of each capability.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use frontgate_state::Session;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::folder::OpenFolder;
use super::host_context::HostContext;
use super::host_memory::{CHECK_INTERVAL, held};
use super::memory::{MemoryLimiter, MemoryPool};
use super::offload::INLINE_MAX;
use super::output::{Output, Stream};
use super::usage::Usage;
use crate::actions::CheckedAction;
use crate::caller::Caller;
use crate::dry_run::DryRun;
use crate::grants::Grants;
use crate::imports::attachments::Reading;
use crate::imports::state::{Actions, Effects};
use crate::imports::wasi_http::Http;
use crate::outbound::requests::Requests;
use crate::settings::Limits;

/// Maximum number of bytes from one call to `wasi:random`.
const RANDOM_BYTES_MAX: u64 = 64 * 1024;

/// The parts of a plugin that a store needs.
#[derive(Clone, Copy)]
pub(crate) struct Allowance<'p> {
    pub(crate) name: &'p Arc<str>,
    pub(crate) grants: &'p Arc<Grants>,
    pub(crate) limits: &'p Limits,
}

/// The data of one store.
pub struct CallStore {
    pub(crate) grants: Arc<Grants>,
    pub(crate) memory: MemoryLimiter,
    pub(crate) usage: Arc<Usage>,
    host_memory_bytes_max: usize,
    pub(crate) output: Arc<Output>,
    /// Services of the gateway; `None` during a trial start.
    pub(crate) context: Option<HostContext>,
    pub(crate) life: Life,
    stdout: Stream,
    stderr: Stream,
    /// HTTP requests of the call. The call's recorder keeps them after the store is dropped.
    pub(crate) requests: Arc<Requests>,
    http: Http,
    /// `attachments`: the file that the plugin is reading.
    pub(crate) reading: Option<Reading>,
    /// `webhook-signatures`: number of signatures that the plugin may still verify.
    pub(crate) signatures_left: u32,
    /// `state`: the session, created on first use.
    pub(crate) session: Option<Box<Session>>,
    /// `actions`: what the call asks for.
    pub(crate) actions: Vec<CheckedAction>,
    pub(crate) actions_max: usize,
    /// WASI: the context, created on first use. Most plugin calls never use it.
    wasi: Option<WasiCtx>,
    /// `wasi:filesystem`: the granted folder.
    pub(crate) folder: Option<OpenFolder>,
    pub(crate) table: ResourceTable,
}

/// Age of a store, which limits the reuse of its instance.
pub(crate) struct Life {
    pub(crate) created: Instant,
    pub(crate) calls: u32,
    /// Places of an instance that is kept between calls.
    pub(crate) places: Option<Places>,
}

/// Permits of an instance that is kept between calls.
pub(crate) struct Places {
    pub(crate) _of_tenant: Option<OwnedSemaphorePermit>,
    pub(crate) _of_gateway: OwnedSemaphorePermit,
}

impl CallStore {
    fn new(plugin: Allowance<'_>, caller: &Caller, context: Option<HostContext>, folder: Option<OpenFolder>) -> Self {
        let (limits, usage) = (plugin.limits, Arc::default());
        let output = Arc::new(Output::new(plugin.name, caller, limits, &usage));
        let (stdout, stderr) = (Stream::stdout(&output), Stream::stderr(&output));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles_max);
        let requests = requests(plugin, caller, context.as_ref());
        Self {
            grants: Arc::clone(plugin.grants),
            memory: MemoryLimiter::new(limits, &usage, pools(caller, context.as_ref())),
            host_memory_bytes_max: limits.host_memory_bytes_max,
            usage,
            output,
            context,
            life: Life { created: Instant::now(), calls: 0, places: None },
            stdout,
            stderr,
            http: Http::new(&requests),
            requests,
            reading: None,
            signatures_left: limits.signatures_max,
            session: None,
            actions: Vec::new(),
            actions_max: limits.actions_max,
            wasi: None,
            folder,
            table,
        }
    }

    /// Checks whether the instance would find this folder if it started now.
    pub(crate) fn has_open(&self, folder: Option<&OpenFolder>) -> bool {
        match (&self.folder, folder) {
            (Some(open), Some(folder)) => open.is(folder),
            (None, None) => true,
            _ => false,
        }
    }

    /// Ends the call if the gateway holds too much memory for it. Runs when a host function returns.
    fn check_host_memory(&mut self) -> wasmtime::Result<()> {
        if !self.usage.host_calls.load(Ordering::Relaxed).is_multiple_of(CHECK_INTERVAL) {
            return Ok(());
        }
        let session = self.session.as_ref().map_or(0, |session| session.held());
        let reading = self.reading.as_ref().map_or(0, Reading::held);
        let actions: usize = self.actions.iter().map(|action| action.payload.len()).sum();
        if held(&mut self.table) + self.requests.held() + session + reading + actions <= self.host_memory_bytes_max {
            return Ok(());
        }
        self.memory.refused = Some("host_memory_bytes_max");
        Err(wasmtime::format_err!("memory limit of the host for this call exceeded"))
    }

    /// Resets everything that belongs to a single call.
    fn reset(&mut self, plugin: Allowance<'_>, caller: &Caller, context: HostContext) {
        self.usage = Arc::default();
        self.memory.renew(&self.usage);
        self.output = Arc::new(Output::new(plugin.name, caller, plugin.limits, &self.usage));
        self.stdout.turn_to(&self.output);
        self.stderr.turn_to(&self.output);
        self.requests = requests(plugin, caller, Some(&context));
        self.http = Http::new(&self.requests);
        self.context = Some(context);
        self.reading = None;
        self.signatures_left = plugin.limits.signatures_max;
        self.session = None;
        self.actions.clear();
        self.actions_max = plugin.limits.actions_max;
    }

    /// Discards what the call would leave behind, and records it.
    pub(crate) fn discard_effects(&mut self, dry_run: &DryRun) {
        let (session, actions) = (self.session.take(), std::mem::take(&mut self.actions));
        let json = |action: &CheckedAction| serde_json::from_str(&action.payload).unwrap_or_default();
        let keys = session.map_or(0, |session| session.written().0);
        dry_run.add_effects(self.output.plugin(), actions.iter().map(json).collect(), keys);
    }

    /// Takes what the call leaves behind if it succeeds.
    pub(crate) fn take_effects(&mut self) -> Effects {
        let (session, actions) = (self.session.take(), std::mem::take(&mut self.actions));
        if actions.is_empty() {
            return Effects { session, actions: None };
        }
        let context = self.context.as_ref();
        let services = context.and_then(|context| Some((context.actions.clone()?, context.buckets.clone()?)));
        let actions = services.map(|(queue, buckets)| {
            let caller = self.output.caller();
            let writes = queue.writes(caller, self.output.plugin(), actions);
            Actions { queue, buckets, tenant: Arc::clone(&caller.tenant), writes }
        });
        Effects { session, actions }
    }
}

/// Returns the pools that limit the memory of the instance. A trial start has no pools.
fn pools(caller: &Caller, context: Option<&HostContext>) -> [Option<Arc<MemoryPool>>; 2] {
    let all = context.map(|context| Arc::clone(&context.memory));
    let tenant = caller.share.as_ref().map(|share| Arc::clone(&share.memory));
    [tenant, all]
}

fn requests(plugin: Allowance<'_>, caller: &Caller, context: Option<&HostContext>) -> Arc<Requests> {
    let deadline = context.map(|context| context.deadline);
    let side_effects = context.and_then(|context| context.side_effects.clone());
    Requests::new(&plugin.grants.egress, plugin.limits, caller, deadline, side_effects)
}

/// Creates a store with every limit armed, before any code of the plugin runs.
pub(crate) fn fresh(
    engine: &wasmtime::Engine,
    plugin: Allowance<'_>,
    caller: &Caller,
    context: Option<HostContext>,
    folder: Option<OpenFolder>,
) -> Store<CallStore> {
    let limits = plugin.limits;
    let mut store = Store::new(engine, CallStore::new(plugin, caller, context, folder));
    store.limiter(|data| &mut data.memory);
    store.set_hostcall_fuel(limits.answer_bytes_max);
    store.set_max_component_handles(limits.handles_max);
    store.call_hook(|mut store, hook| match hook {
        CallHook::CallingHost => {
            store.data().usage.host_calls.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        CallHook::ReturningFromHost => store.data_mut().check_host_memory(),
        CallHook::CallingWasm | CallHook::ReturningFromWasm => Ok(()),
    });
    let cpu_time = Duration::from_millis(limits.cpu_time_ms);
    store.epoch_deadline_callback(move |store| {
        let spent = store.data().usage.cpu.spent_in_poll();
        Ok(if spent >= cpu_time {
            UpdateDeadline::Interrupt
        } else if spent < INLINE_MAX {
            UpdateDeadline::Continue(1)
        } else {
            UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
        })
    });
    store.set_epoch_deadline(1);
    store
}

/// Arms every limit again for another call in a reused store.
pub(crate) fn renew(store: &mut Store<CallStore>, plugin: Allowance<'_>, caller: &Caller, context: HostContext) {
    store.data_mut().reset(plugin, caller, context);
    store.set_epoch_deadline(1);
}

impl WasiHttpView for CallStore {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.view(&mut self.table)
    }
}

impl WasiView for CallStore {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| wasi(&self.stdout, &self.stderr).build());
        WasiCtxView { ctx, table: &mut self.table }
    }
}

fn wasi(stdout: &Stream, stderr: &Stream) -> WasiCtxBuilder {
    let mut wasi = WasiCtx::builder();
    wasi.max_random_size(RANDOM_BYTES_MAX).stdout(stdout.clone()).stderr(stderr.clone());
    wasi
}
