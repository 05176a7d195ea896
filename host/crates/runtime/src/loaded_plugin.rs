//! A plugin that is ready for calls: compiled and linked, with known roles.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use frontgate_contract::digest::Digest;
use frontgate_contract::{Manifest, Role};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{Component, InstancePre};

use crate::engine::{Build, Engine};
use crate::error::CallError;
use crate::exports::Exports;
use crate::grants::Grants;
use crate::health::Health;
use crate::run::breaker::Breaker;
use crate::run::folder::{Folder, OpenFolder};
use crate::run::kept_instances::KeptInstances;
use crate::run::meters::Meters;
use crate::run::store::{Allowance, CallStore};
use crate::runtime_config::RuntimeConfig;
use crate::settings::{Instances, Limits};

/// A plugin that is ready for calls. Every call holds its own `Arc`, so replacing a plugin never affects a call in
/// flight.
pub struct LoadedPlugin {
    /// Name of the file without `.wasm`.
    pub name: Arc<str>,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Declarations of the component.
    pub manifest: Manifest,
    /// Time at which this version went live.
    pub since: SystemTime,
    /// Compilation strategy of the component.
    pub build: Build,
    /// The configuration that the component was linked under.
    pub config: Arc<RuntimeConfig>,
    /// The linked component.
    pub pre: InstancePre<CallStore>,
    /// Grants of the operator.
    pub grants: Arc<Grants>,
    /// Limits of one call.
    pub limits: Limits,
    pub(crate) exports: Arc<Exports>,
    /// Whether the next call starts on the plugin threads. Set after a running call was moved there, or if the last
    /// call to end was CPU-bound or trapped.
    pub(crate) cpu_bound: AtomicBool,
    /// Permits for concurrent calls.
    pub(crate) places: Arc<Semaphore>,
    /// The granted folder.
    pub(crate) folder: Option<Folder>,
    pub(crate) breaker: Breaker,
    pub(crate) meters: Meters,
    pub(crate) instances: KeptInstances,
    /// Counts of calls and failures.
    pub health: Arc<Health>,
}

impl LoadedPlugin {
    /// Links a component and finds its roles.
    pub fn link(
        engine: &Engine,
        component: &Component,
        build: Build,
        file: PluginFile,
        config: &Arc<RuntimeConfig>,
    ) -> anyhow::Result<Self> {
        let pre = engine.linker_for(component).instantiate_pre(component).map_err(anyhow::Error::from);
        let pre = pre.context("unsupported import")?;
        let (name, plugins) = (file.name, config.plugins());
        let grants = Arc::new(config.grants(&name));
        let folder = grants.files.as_ref().map(|path| engine.folder(&name, path)).transpose();
        let folder = folder.context("failed to start the threads for its files")?;
        let is_reused = match plugins.instances_of(&name) {
            Instances::Tested => file.manifest.reusable,
            Instances::Fresh => false,
            Instances::Reused => true,
        };
        let live = Self {
            digest: file.digest,
            manifest: file.manifest,
            since: SystemTime::now(),
            build,
            exports: Arc::new(Exports::find(component, &pre)?),
            pre,
            config: Arc::clone(config),
            grants,
            limits: config.limits(&name),
            cpu_bound: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(plugins.calls_max_of(&name) as usize)),
            folder,
            breaker: Breaker::new(&plugins.breaker),
            meters: Meters::new(&name),
            instances: KeptInstances::new(&engine.kept_places, is_reused, &plugins.reuse),
            name,
            health: Arc::default(),
        };
        if live.roles().is_empty() {
            bail!("exports no role of the contract: {}", exports(component));
        }
        Ok(live)
    }

    /// Links the same version under another configuration.
    pub fn relink(&self, engine: &Engine, config: &Arc<RuntimeConfig>) -> anyhow::Result<Self> {
        let file = PluginFile { name: Arc::clone(&self.name), digest: self.digest, manifest: self.manifest.clone() };
        let live = Self::link(engine, self.pre.component(), self.build, file, config)?;
        Ok(Self { since: self.since, health: Arc::clone(&self.health), ..live })
    }

    /// Links the same version, with or without reuse of its instances, whatever the configuration says.
    pub fn with_reuse(&self, engine: &Engine, is_reused: bool) -> anyhow::Result<Self> {
        let instances = KeptInstances::new(&engine.kept_places, is_reused, &self.config.plugins().reuse);
        Ok(Self { instances, ..self.relink(engine, &self.config)? })
    }

    /// Returns the remaining time for which the circuit breaker rejects calls; `None` while the breaker is closed.
    pub fn breaker_open_for(&self) -> Option<Duration> {
        self.breaker.open_for(Instant::now())
    }

    /// Opens the granted folder. A call does not start before its folder is open.
    pub(crate) async fn open_folder(&self, until: Instant) -> Result<Option<OpenFolder>, CallError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        match timeout_at(until, folder.open()).await {
            Ok(opened) => opened.map(Some).map_err(|error| CallError::Internal(format!("{error:#}"))),
            Err(_) => Err(CallError::Internal("failed to open the granted folder: timeout".to_owned())),
        }
    }

    /// Returns the imports that were not granted, with the keys that grant them, as a sentence. `None` if all were
    /// granted or no tenant names the plugin.
    pub fn not_granted(&self) -> Option<String> {
        self.config.is_used(&self.name).then(|| self.missing_grants()).flatten()
    }

    /// Returns the imports that were not granted, even if no tenant names the plugin.
    pub fn missing_grants(&self) -> Option<String> {
        let missing = self.manifest.capabilities.iter().filter(|capability| !self.grants.covers(**capability));
        let missing: Vec<String> =
            missing.filter_map(|capability| Some(format!("{capability} (`{}`)", capability.key()?))).collect();
        let name = &self.name;
        (!missing.is_empty()).then(|| format!("imports not granted in [plugins.named.{name}]: {}", missing.join(", ")))
    }

    /// Checks whether the plugin has a role.
    pub fn has(&self, role: Role) -> bool {
        self.exports.has(role)
    }

    /// Returns all roles of the plugin.
    pub fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| self.has(*role)).collect()
    }

    pub(crate) fn allowance(&self) -> Allowance<'_> {
        Allowance { name: &self.name, grants: &self.grants, limits: &self.limits }
    }
}

/// A plugin's file, before it is linked.
pub struct PluginFile {
    /// Name of the file without `.wasm`.
    pub name: Arc<str>,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Declarations of the component.
    pub manifest: Manifest,
}

/// Describes the exports of a component without roles.
fn exports(component: &Component) -> String {
    let kind = component.component_type();
    let all: Vec<&str> = kind.exports(component.engine()).map(|(name, _)| name).collect();
    match all.as_slice() {
        [] => "no exports".to_owned(),
        all => format!("exports {}", all.join(", ")),
    }
}
