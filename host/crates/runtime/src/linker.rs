//! Connects the imports of plugins to the data of a store.
//!
//! Every interface of the contract is linked, so that a component loads even if it lists an import that it never calls.
//! Functions of a capability that was not granted return an error.

use anyhow::Context as _;
use frontgate_contract::bindings::keyvalue::{atomics, batch, store as keyvalue};
use frontgate_contract::bindings::{
    actions, attachments, directory, host_random, http_client, log, settings, state, webhook_signatures,
};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi_config::WasiConfig;

use crate::imports::actions::ActionsHost;
use crate::imports::attachments::AttachmentsHost;
use crate::imports::directory::{DirectoryHost, OuterCall};
use crate::imports::files::FilesHost;
use crate::imports::http_client::HttpHost;
use crate::imports::keyvalue::KeyValueHost;
use crate::imports::log::LogHost;
use crate::imports::random::RandomHost;
use crate::imports::settings::SettingsHost;
use crate::imports::signatures::SignaturesHost;
use crate::imports::state::StateHost;
use crate::run::store::CallStore;

/// Creates the linker for all plugins.
pub(crate) fn linker(engine: &wasmtime::Engine) -> anyhow::Result<Linker<CallStore>> {
    let mut linker = Linker::new(engine);
    link(&mut linker).map_err(anyhow::Error::from).context("failed to link the contract")?;
    Ok(linker)
}

fn link(linker: &mut Linker<CallStore>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // Replaces wasmtime's own implementation, which opens special files and blocks threads that all plugins share.
    linker.allow_shadowing(true);
    types::add_to_linker::<_, FilesHost<'static>>(linker, CallStore::files)?;
    preopens::add_to_linker::<_, FilesHost<'static>>(linker, CallStore::files)?;
    linker.allow_shadowing(false);
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wasmtime_wasi_config::add_to_linker(linker, |store: &mut CallStore| WasiConfig::new(&store.grants.variables))?;
    settings::add_to_linker::<_, SettingsHost<'static>>(linker, |store| SettingsHost(&store.grants.settings))?;
    log::add_to_linker::<_, LogHost<'static>>(linker, |store| LogHost(&store.output))?;
    host_random::add_to_linker::<_, RandomHost>(linker, |_| RandomHost)?;
    state::add_to_linker::<_, StateHost<'static>>(linker, CallStore::state)?;
    keyvalue::add_to_linker::<_, KeyValueHost<'static>>(linker, CallStore::keyvalue)?;
    atomics::add_to_linker::<_, KeyValueHost<'static>>(linker, CallStore::keyvalue)?;
    batch::add_to_linker::<_, KeyValueHost<'static>>(linker, CallStore::keyvalue)?;
    http_client::add_to_linker::<_, HttpHost<'static>>(linker, CallStore::http_client)?;
    attachments::add_to_linker::<_, AttachmentsHost<'static>>(linker, CallStore::attachments)?;
    directory::add_to_linker::<_, DirectoryHost<'static>>(linker, CallStore::directory)?;
    actions::add_to_linker::<_, ActionsHost<'static>>(linker, CallStore::actions)?;
    webhook_signatures::add_to_linker::<_, SignaturesHost<'static>>(linker, CallStore::signatures)?;
    Ok(())
}

/// Borrows the data that each capability needs.
impl CallStore {
    fn files(&mut self) -> FilesHost<'_> {
        let granted = self.folder.clone();
        FilesHost { inner: self.filesystem(), granted }
    }

    fn state(&mut self) -> StateHost<'_> {
        self.state_and_table().0
    }

    fn state_and_table(&mut self) -> (StateHost<'_>, &mut ResourceTable) {
        let context = self.context.as_ref();
        let state = StateHost {
            limits: self.grants.state.as_ref(),
            buckets: context.and_then(|context| Some((context.buckets.as_ref()?, context.deadline))),
            output: &self.output,
            session: &mut self.session,
        };
        (state, &mut self.table)
    }

    fn keyvalue(&mut self) -> KeyValueHost<'_> {
        let (state, table) = self.state_and_table();
        KeyValueHost { state, table }
    }

    fn http_client(&mut self) -> HttpHost<'_> {
        let files = self.context.as_ref().and_then(|context| context.files.as_ref());
        HttpHost { requests: &self.requests, files }
    }

    fn attachments(&mut self) -> AttachmentsHost<'_> {
        let files = self.context.as_ref().and_then(|context| context.files.as_ref());
        AttachmentsHost { files, reading: &mut self.reading }
    }

    fn directory(&mut self) -> DirectoryHost<'_> {
        let (caller, usage) = (self.output.caller(), &self.usage);
        let context = self.context.as_ref();
        DirectoryHost {
            call: context.map(|context| OuterCall { caller, deadline: context.deadline, usage }),
            directory: context.and_then(|context| context.directory.as_ref()),
            plugin: self.output.plugin(),
        }
    }

    fn actions(&mut self) -> ActionsHost<'_> {
        ActionsHost {
            is_granted: self.grants.actions,
            queue: self.context.as_ref().and_then(|context| context.actions.as_ref()),
            most: self.actions_max,
            actions: &mut self.actions,
        }
    }

    fn signatures(&mut self) -> SignaturesHost<'_> {
        SignaturesHost { keys: &self.grants.webhook_keys, left: &mut self.signatures_left }
    }
}
