//! What a call's store holds: what the plugin was granted, and what it has used of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use frontgate_state::Session;
use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, Store, UpdateDeadline};
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::budget::{Pool, Space, Usage};
use super::caller::Caller;
use super::folder::FilePool;
use super::held::{LOOK_CALLS, held};
use super::output::{Output, Stream};
use super::spread::INLINE_MAX;
use super::warm::Life;
use crate::grants::Grants;
use crate::imports::attachments::Reading;
use crate::imports::directory::Reach;
use crate::imports::wasi_http::Http;
use crate::live::Live;
use crate::outbound::requests::Requests;

/// What a plugin gets of random bytes at a time.
const RANDOM_BYTES_MAX: u64 = 64 * 1024;

/// The data of one store.
pub struct CallStore {
    pub(crate) grants: Arc<Grants>,
    pub space: Space,
    pub usage: Arc<Usage>,
    host_memory_bytes_max: usize,
    pub(crate) output: Arc<Output>,
    /// None while a plugin is only tried.
    pub(crate) reach: Option<Reach>,
    pub(super) life: Life,
    stdout: Stream,
    stderr: Stream,
    /// What it sends; outlives the store for whoever wants to know.
    pub(crate) outbound: Arc<Requests>,
    http: Http,
    /// The file that it reads.
    pub(crate) reading: Option<Reading>,
    /// Signatures of webhooks that it may still check.
    pub(crate) signatures_left: u32,
    /// What the plugin keeps, once it has asked for it.
    pub(crate) state: Option<Box<Session>>,
    /// None until the plugin asks for it, as most calls never do.
    wasi: Option<WasiCtx>,
    /// The granted folder, and the threads that work on it.
    pub(crate) folder: Option<(Dir, Arc<FilePool>)>,
    table: ResourceTable,
}

impl CallStore {
    fn new(plugin: &Live, caller: &Caller, reach: Option<Reach>, folder: Option<Dir>) -> Self {
        let (grants, limits, usage) = (&plugin.grants, &plugin.limits, Arc::default());
        let output = Arc::new(Output::new(&plugin.name, caller, limits, &usage));
        let (stdout, stderr) = (Stream::stdout(&output), Stream::stderr(&output));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles_max);
        let outbound = requests(plugin, caller, reach.as_ref());
        Self {
            grants: Arc::clone(grants),
            space: Space::new(limits, &usage, pools(caller, reach.as_ref())),
            host_memory_bytes_max: limits.host_memory_bytes_max,
            usage,
            output,
            reach,
            life: Life::begin(),
            stdout,
            stderr,
            http: Http::new(&outbound),
            outbound,
            reading: None,
            signatures_left: limits.signatures_max,
            state: None,
            wasi: None,
            folder: folder.zip(plugin.folder.as_ref().map(|folder| Arc::clone(&folder.pool))),
            table,
        }
    }

    /// Ends a call for which too much is held. Called after each call of the plugin into the gateway.
    fn look_at_memory(&mut self) -> wasmtime::Result<()> {
        if !self.usage.host_calls.load(Ordering::Relaxed).is_multiple_of(LOOK_CALLS) {
            return Ok(());
        }
        let state = self.state.as_ref().map_or(0, |state| state.held());
        let reading = self.reading.as_ref().map_or(0, Reading::held);
        if held(&mut self.table) + self.outbound.held() + state + reading <= self.host_memory_bytes_max {
            return Ok(());
        }
        self.space.refused = Some("host_memory_bytes_max");
        Err(wasmtime::format_err!("the gateway holds too much for this call"))
    }

    /// Makes the store that of another call.
    fn renew(&mut self, plugin: &Live, caller: &Caller, reach: Option<Reach>) {
        self.usage = Arc::default();
        self.space.renew(&self.usage);
        self.output = Arc::new(Output::new(&plugin.name, caller, &plugin.limits, &self.usage));
        self.stdout.turn_to(&self.output);
        self.stderr.turn_to(&self.output);
        self.outbound = requests(plugin, caller, reach.as_ref());
        self.http = Http::new(&self.outbound);
        self.reach = reach;
        self.reading = None;
        self.signatures_left = plugin.limits.signatures_max;
        self.state = None;
    }
}

/// The memory that a call's instance takes is a part of these. A trial run has none to share.
fn pools(caller: &Caller, reach: Option<&Reach>) -> [Option<Arc<Pool>>; 2] {
    let all = reach.map(|reach| Arc::clone(&reach.engine.memory));
    let tenant = caller.share.as_ref().map(|share| Arc::clone(&share.memory));
    [tenant, all]
}

fn requests(plugin: &Live, caller: &Caller, reach: Option<&Reach>) -> Arc<Requests> {
    let deadline = reach.map(|reach| reach.deadline);
    let traces = reach.and_then(|reach| reach.traces.clone());
    Requests::new(&plugin.grants.egress, &plugin.limits, caller, deadline, traces)
}

/// A store with every budget armed, before any of the plugin's code runs.
pub fn fresh(plugin: &Live, caller: &Caller, reach: Option<Reach>, folder: Option<Dir>) -> Store<CallStore> {
    let limits = &plugin.limits;
    let mut store = Store::new(plugin.pre.engine(), CallStore::new(plugin, caller, reach, folder));
    store.limiter(|data| &mut data.space);
    store.set_hostcall_fuel(limits.answer_bytes_max);
    store.set_max_component_handles(limits.handles_max);
    store.call_hook(|mut store, hook| match hook {
        CallHook::CallingHost => {
            store.data().usage.host_calls.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        CallHook::ReturningFromHost => store.data_mut().look_at_memory(),
        CallHook::CallingWasm | CallHook::ReturningFromWasm => Ok(()),
    });
    let budget = Duration::from_millis(limits.cpu_time_ms);
    store.epoch_deadline_callback(move |store| {
        let spent = store.data().usage.cpu.spent_in_poll();
        Ok(if spent >= budget {
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

/// Arms every budget anew for another call in a store that was used before.
pub(crate) fn renew(store: &mut Store<CallStore>, plugin: &Live, caller: &Caller, reach: Reach) {
    store.data_mut().renew(plugin, caller, Some(reach));
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
