//! What plugins may ask of the gateway. Every interface of the contract is linked, so that a
//! component that lists an import it never calls still loads; what was not granted answers with an
//! error at the call.

pub(super) mod attachments;
pub(super) mod directory;
mod files;
mod http_client;
mod keyvalue;
mod log;
mod random;
mod settings;
mod signatures;
pub(super) mod state;
pub(super) mod wasi_http;

use anyhow::Context as _;
use frontgate_contract::bindings;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi_config::WasiConfig;

use super::run::store::CallStore;

/// The linker that every plugin is linked with.
pub(super) fn linker(engine: &wasmtime::Engine) -> anyhow::Result<Linker<CallStore>> {
    let mut linker = Linker::new(engine);
    link(&mut linker).map_err(anyhow::Error::from).context("linking the contract")?;
    Ok(linker)
}

fn link(linker: &mut Linker<CallStore>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // In the place of wasmtime's, which opens what blocks, on everybody's threads.
    linker.allow_shadowing(true);
    files::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wasmtime_wasi_config::add_to_linker(linker, |store: &mut CallStore| WasiConfig::new(&store.grants.variables))?;
    bindings::settings::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    bindings::log::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    bindings::host_random::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    bindings::state::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    keyvalue::add_to_linker(linker)?;
    bindings::http_client::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    bindings::attachments::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    bindings::directory::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    bindings::webhook_signatures::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    Ok(())
}

impl bindings::plugin_types::Host for CallStore {}
