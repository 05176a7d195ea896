//! From a file to a plugin that can be called: read once, check, compile, link, try.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::task::spawn_blocking;
use tracing::info;
use wasmtime::component::Component;

use super::builds::Builds;
use super::cache::Digest;
use super::failure::Failure;
use super::folder::Seen;
use crate::config::{Config, Plugins, Role};
use crate::plugin::grants::Grants;
use crate::plugin::live::{File, Live};
use crate::plugin::run::call::{self, Caller, Receipts};
use crate::plugin::run::engine::{Build, Engine};
use crate::plugin::run::spread::spread;
use crate::plugin::run::store;

/// What one attempt came to.
pub(super) struct Attempt {
    pub(super) name: String,
    /// The file as it was when the attempt began.
    pub(super) seen: Seen,
    /// Of the bytes that were read.
    pub(super) digest: Option<Digest>,
    /// `None` stands for the very file that is live already.
    pub(super) result: Result<Option<Live>, Failure>,
}

/// Loads files.
pub(super) struct Loader {
    engine: Arc<Engine>,
    config: Arc<Config>,
    builds: Builds,
}

impl Loader {
    pub(super) fn new(engine: &Arc<Engine>, config: &Arc<Config>) -> anyhow::Result<Self> {
        Ok(Self {
            builds: Builds::new(engine, &config.plugins)?,
            engine: Arc::clone(engine),
            config: Arc::clone(config),
        })
    }

    pub(super) fn plugins(&self) -> &Plugins {
        &self.config.plugins
    }

    /// Whether some tenant names a plugin for a role.
    pub(super) fn is_named(&self, plugin: &str, role: Role) -> bool {
        let mut tenants = self.config.tenants.values();
        tenants.any(|tenant| tenant.roles.plugins(role).iter().any(|name| name == plugin))
    }

    /// One attempt.
    pub(super) async fn load(self: Arc<Self>, name: String, seen: Seen, current: Option<Digest>) -> Attempt {
        let mut digest = None;
        let result = async {
            let (wasm, read) = self.read(&seen).await?;
            digest = Some(read);
            if current == Some(read) {
                return Ok(None);
            }
            check(&wasm).map_err(Failure::Verdict)?;
            let file = File { name: name.as_str().into(), digest: read, bytes: wasm.len() };
            let (component, build) = self.builds.soon(&name, &wasm.into(), read, self.plugins()).await?;
            let live = self.link(&component, build, file).map_err(Failure::Verdict)?;
            self.try_once(&live).await?;
            Ok(Some(live))
        }
        .await;
        Attempt { name, seen, digest, result }
    }

    /// The file's bytes and their digest. What is hashed here is what is compiled.
    async fn read(&self, seen: &Seen) -> Result<(Vec<u8>, Digest), Failure> {
        let (bytes, max) = (seen.bytes(), self.plugins().file_bytes_max);
        if bytes > max {
            return Err(Failure::Verdict(anyhow!("it has {bytes} bytes, more than plugins.file_bytes_max = {max}")));
        }
        let path = seen.path.clone();
        let read = spawn_blocking(move || {
            let wasm = std::fs::read(path).context("reading it")?;
            let digest = Digest::of(&wasm);
            Ok((wasm, digest))
        });
        read.await.map_err(anyhow::Error::from).flatten().map_err(Failure::Passing)
    }

    fn link(&self, component: &Component, build: Build, file: File) -> anyhow::Result<Live> {
        let named = self.plugins().named.get(&*file.name);
        let limits = match named {
            Some(named) => self.plugins().limits.with(&named.limits),
            None => self.plugins().limits.clone(),
        };
        let grants = Grants::new(&file.name, named, &self.engine.network, &self.plugins().state);
        let live = Live::link(&self.engine, component, build, file, grants, limits, self.plugins())?;
        if live.grants.egress.is_empty() && imports(component, "wasi:http/outgoing-handler@") {
            let name = &live.name;
            info!(
                plugin = &**name,
                "plugin `{name}` imports wasi:http, so it may want outbound HTTP; nothing is granted"
            );
        }
        Ok(live)
    }

    /// Starts the plugin once, with all its budgets: what traps here would trap in every call.
    async fn try_once(&self, live: &Live) -> Result<(), Failure> {
        let trial = Arc::clone(&self.engine.trials).acquire_owned().await;
        let caller = Caller { tenant: "-".into(), request: "trial".into(), share: None, receipts: Receipts::default() };
        let mut store = store::fresh(live, &caller, None).map_err(|error| Failure::Passing(error.into()))?;
        let usage = Arc::clone(&store.data().usage);
        let (pre, exports) = (live.pre.clone(), Arc::clone(&live.exports));
        let start = Box::pin(async move {
            let instance = match pre.instantiate_async(&mut store).await {
                Ok(instance) => instance,
                Err(error) => {
                    let ended = call::ended(&error, store.data().space.refused);
                    bail!("it does not start: {ended}: {}", ended.detail().unwrap_or_default())
                }
            };
            exports.try_all(&mut store, &instance)?;
            // The place is free when the store is gone.
            drop(store);
            drop(trial);
            Ok(())
        });
        let limit = live.limits.call_timeout_ms;
        match tokio::time::timeout(Duration::from_millis(limit), spread(&self.engine, &usage, true, start)).await {
            Ok(Ok(started)) => started.map_err(Failure::Verdict),
            Ok(Err(error)) => Err(Failure::Passing(error.into())),
            Err(_) => Err(Failure::Passing(anyhow!("it does not start within call_timeout_ms = {limit}"))),
        }
    }
}

/// Whether a component lists an interface; that does not say that it uses it.
fn imports(component: &Component, interface: &str) -> bool {
    component.component_type().imports(component.engine()).any(|(name, _)| name.starts_with(interface))
}

/// Refuses what is no component before the compiler sees it.
fn check(wasm: &[u8]) -> anyhow::Result<()> {
    if wasmtime::Engine::detect_precompiled(wasm).is_some() {
        bail!("it is machine code, not WebAssembly; deliver the .wasm that it was made from");
    }
    match wasm {
        [] => bail!("it is empty"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            bail!(
                "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
            )
        }
        [b'\0', b'a', b's', b'm', ..] => bail!("it is WebAssembly of an unknown version"),
        _ => bail!("it is not WebAssembly"),
    }
}
