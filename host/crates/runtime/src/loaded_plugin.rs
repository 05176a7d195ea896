//! A plugin that can be called: compiled, linked, tried once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use frontgate_contract::Manifest;
use frontgate_contract::Role;
use frontgate_contract::digest::Digest;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi::filesystem::Dir;

use super::exports::Exports;
use super::grants::Grants;
use super::health::Health;
use super::run::breaker::Breaker;
use super::run::call_record::Meters;
use super::run::engine::{Build, Engine};
use super::run::folder::Folder;
use super::run::store::CallStore;
use super::run::warm::Instances;
use super::runtime_config::RuntimeConfig;
use crate::error::CallError;
use crate::settings::Limits;

/// A plugin that can be called. Every call holds its own `Arc`, so replacing a plugin never
/// touches a call in flight.
pub struct LoadedPlugin {
    /// The file's name without `.wasm`.
    pub name: Arc<str>,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Since when it answers.
    pub since: SystemTime,
    /// How it was compiled.
    pub build: Build,
    /// What it was linked under.
    pub terms: Arc<RuntimeConfig>,
    pub pre: InstancePre<CallStore>,
    pub grants: Arc<Grants>,
    pub limits: Limits,
    pub exports: Arc<Exports>,
    /// Whether its next call begins off the server's threads: one has computed for so long that it was moved, or ended
    /// in a trap, and none since has done better.
    pub(crate) cpu_bound: AtomicBool,
    /// Calls of it that may run at one time.
    pub(crate) places: Arc<Semaphore>,
    /// The granted folder.
    pub(crate) folder: Option<Folder>,
    pub(crate) breaker: Breaker,
    pub(crate) meters: Meters,
    pub(crate) instances: Instances,
    /// How its calls ended.
    pub health: Arc<Health>,
}

impl LoadedPlugin {
    /// Links a component and finds out which roles it answers.
    pub fn link(
        engine: &Engine,
        component: &Component,
        build: Build,
        file: PluginFile,
        terms: &Arc<RuntimeConfig>,
    ) -> anyhow::Result<Self> {
        let pre = engine.linker_for(component).instantiate_pre(component).map_err(anyhow::Error::from);
        let pre = pre.context("it imports what this gateway does not have")?;
        let (name, plugins) = (file.name, terms.plugins());
        let grants = Arc::new(terms.grants(&name));
        let folder = grants.files.as_ref().map(|path| engine.folder(&name, path)).transpose();
        let folder = folder.context("starting the threads for its files")?;
        let live = Self {
            digest: file.digest,
            manifest: file.manifest,
            since: SystemTime::now(),
            build,
            exports: Arc::new(Exports::find(component, &pre)?),
            pre,
            terms: Arc::clone(terms),
            grants,
            limits: terms.limits(&name),
            cpu_bound: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(plugins.calls_max_of(&name) as usize)),
            folder,
            breaker: Breaker::new(&plugins.breaker),
            meters: Meters::new(&name),
            instances: Instances::new(engine, plugins.instances_of(&name), &plugins.warm),
            name,
            health: Arc::default(),
        };
        if live.roles().is_empty() {
            bail!("it answers no role: {}", exports(component));
        }
        Ok(live)
    }

    /// The same version under other terms.
    pub fn under(&self, engine: &Engine, terms: &Arc<RuntimeConfig>) -> anyhow::Result<Self> {
        let file = PluginFile { name: Arc::clone(&self.name), digest: self.digest, manifest: self.manifest.clone() };
        let live = Self::link(engine, self.pre.component(), self.build, file, terms)?;
        Ok(Self { since: self.since, health: Arc::clone(&self.health), ..live })
    }

    /// For how long it is not asked, after it failed repeatedly; none if it is.
    pub fn breaker_open_for(&self) -> Option<Duration> {
        self.breaker.open_for(Instant::now())
    }

    /// The granted folder, opened; one that cannot be opened in time ends the call before it begins.
    pub async fn open_folder(&self, until: Instant) -> Result<Option<Dir>, CallError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        match timeout_at(until, folder.open()).await {
            Ok(opened) => opened.map(Some).map_err(|error| CallError::Internal(format!("{error:#}"))),
            Err(_) => Err(CallError::Internal("the granted folder was not opened in time".to_owned())),
        }
    }

    /// What it imports and was not granted, with the keys that would grant it, as a sentence; none if it has
    /// all it wants, or nobody asks it anything.
    pub fn not_granted(&self) -> Option<String> {
        self.terms.is_used(&self.name).then(|| self.wants_more()).flatten()
    }

    /// The same, whoever asks it anything.
    pub fn wants_more(&self) -> Option<String> {
        let missing = self.manifest.capabilities.iter().filter(|capability| !self.grants.cover(**capability));
        let missing: Vec<String> =
            missing.filter_map(|capability| Some(format!("{capability} (`{}`)", capability.key()?))).collect();
        let name = &self.name;
        (!missing.is_empty())
            .then(|| format!("it imports what [plugins.named.{name}] does not grant: {}", missing.join(", ")))
    }

    /// The roles that it answers.
    pub fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| self.exports.has(*role)).collect()
    }
}

/// What is known of a file before it is linked.
pub struct PluginFile {
    pub name: Arc<str>,
    pub digest: Digest,
    pub manifest: Manifest,
}

/// Says what a component exports instead of a role.
fn exports(component: &Component) -> String {
    let kind = component.component_type();
    let all: Vec<&str> = kind.exports(component.engine()).map(|(name, _)| name).collect();
    match all.as_slice() {
        [] => "it exports nothing".to_owned(),
        all => format!("it exports {}", all.join(", ")),
    }
}
