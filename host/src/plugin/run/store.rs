//! What a call's store holds: what the plugin was granted, and what it has used of it.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use super::budget::{CpuClock, Space};
use super::caller::Caller;
use super::output::{Output, Stream};
use crate::config::Limits;
use crate::plugin::grants::Grants;
use crate::plugin::imports::directory::Reach;

/// The data of one store, that is, of one call.
pub(crate) struct CallStore {
    pub(crate) grants: Arc<Grants>,
    pub(crate) space: Space,
    pub(crate) cpu: Arc<CpuClock>,
    pub(crate) output: Arc<Output>,
    /// None while a plugin is only tried.
    pub(crate) reach: Option<Reach>,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl CallStore {
    pub(crate) fn new(
        plugin: &Arc<str>,
        grants: &Arc<Grants>,
        limits: &Limits,
        caller: &Caller,
        reach: Option<Reach>,
    ) -> wasmtime::Result<Self> {
        let output = Arc::new(Output::new(plugin, caller, limits));
        let mut wasi = WasiCtx::builder();
        wasi.max_random_size(64 * 1024).stdout(Stream::stdout(&output)).stderr(Stream::stderr(&output));
        if let Some(files) = &grants.files {
            wasi.preopened_dir(files, "/", FsPerms::ReadOnly)?;
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles_max);
        Ok(Self {
            grants: Arc::clone(grants),
            space: Space::new(limits),
            cpu: Arc::default(),
            output,
            reach,
            wasi: wasi.build(),
            table,
        })
    }
}

impl WasiView for CallStore {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
