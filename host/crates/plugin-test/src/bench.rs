//! Holds one plugin, loaded as a gateway loads it, and asks it one thing at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use frontgate_config::Config;
use frontgate_contract::Role;
use frontgate_loader::single;
use frontgate_runtime::files::Files;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{
    Call, CallError, CallRecord, CallRecords, Caller, Deadlines, Directory, Engine, LoadedPlugin, NetworkOverrides,
};
use frontgate_state::{Bucket, Buckets, Session, SessionOptions};
use frontgate_store::Database;
use frontgate_telemetry::capture::{Line, Lines};
use tokio::time::Instant;

use super::around::TestDirectory;
use super::project::{self, Project};
use super::scratch::Scratch;
use super::stage::Stage;
use super::upstream::{Program, Upstreams};

/// Where a plugin's requests lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Where they would from a gateway.
    Real,
    /// To a stage of ours, and to upstreams of the author's; secrets may be made up.
    Staged,
}

/// A plugin that can be asked.
pub struct Bench {
    /// What its author says of it.
    pub(super) project: Project,
    pub(super) live: Arc<LoadedPlugin>,
    pub(super) stage: Option<Stage>,
    /// How long Frontline's callbacks and so on may take.
    config: Arc<Config>,
    engine: Arc<Engine>,
    buckets: Arc<Buckets>,
    lines: Lines,
    calls: AtomicU64,
    _program: Option<Program>,
    _folder: Scratch,
}

/// What a call finds around it.
pub(super) struct Setting {
    /// What it keeps is kept for this tenant.
    pub(super) tenant: Arc<str>,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) files: Option<Arc<dyn Files>>,
}

impl Setting {
    /// A tenant of its own, and nothing else.
    pub(super) fn of(tenant: &str) -> Self {
        Self { tenant: tenant.into(), directory: Arc::new(TestDirectory::default()), files: None }
    }
}

/// One call, and what it left behind.
pub(super) struct Run<R> {
    pub(super) result: Result<R, CallError>,
    pub(super) told: Option<CallRecord>,
    pub(super) lines: Vec<Line>,
}

impl Bench {
    /// Loads a plugin: a file, or the folder of its project. What it is granted stands in its project, or in an
    /// operator's configuration.
    pub async fn open(path: &Path, operators: &Path, outside: Outside, lines: &Lines) -> anyhow::Result<Self> {
        let project = Project::find(path)?;
        let name = project.name()?.to_owned();
        let folder = Scratch::new()?;
        let config = Arc::new(configuration(&project, &name, operators, outside, &folder)?);
        let wasm = single::read(project.built()?, &config.plugins).await?;
        let database = Arc::new(Database::open(&config.store)?);
        let buckets = Buckets::new(&database);
        let engine = Engine::new(&config.plugins, Some(Arc::clone(&buckets)))?;
        let (stage, program) = match outside {
            Outside::Real => (None, None),
            Outside::Staged => {
                let upstreams = Upstreams::of(&project)?;
                let program = Program::start(&project, &upstreams).await?;
                (Some(Stage::open(upstreams).await?), program)
            }
        };
        let overrides = NetworkOverrides { own: Vec::new(), redirect: stage.as_ref().map(Stage::redirect) };
        let as_plugins_see_it: Arc<dyn PluginConfig> = config.clone();
        let live = single::load(&engine, &as_plugins_see_it, &name, wasm, overrides).await;
        let live = live.with_context(|| project.file.display().to_string())?;
        Ok(Self {
            project,
            live: Arc::new(live),
            stage,
            config,
            engine,
            buckets,
            lines: lines.clone(),
            calls: AtomicU64::new(0),
            _program: program,
            _folder: folder,
        })
    }

    /// What the plugin is called.
    pub fn name(&self) -> &str {
        &self.live.name
    }

    /// Asks one thing, with the budgets and within the time of a gateway.
    pub(super) async fn ask<R>(
        &self,
        setting: &Setting,
        role: Role,
        question: impl AsyncFnOnce(Call<'_>) -> Result<R, CallError>,
    ) -> Run<R> {
        let request: Arc<str> = format!("call-{}", self.calls.fetch_add(1, Ordering::Relaxed)).into();
        let (tenant, receipts) = (Arc::clone(&setting.tenant), CallRecords::kept());
        let caller = Caller { tenant, request: Arc::clone(&request), share: None, records: receipts.clone() };
        let until = Instant::now() + self.deadline(role);
        let deadlines = Deadlines { queue: until, answer: until };
        let mut call = Call::new(&self.engine, &self.live, &caller, deadlines, Some(Arc::clone(&setting.directory)));
        if let Some(files) = &setting.files {
            call = call.with_files(Arc::clone(files));
        }
        let result = question(call).await;
        let mut lines = self.lines.take(&request);
        // It is told in numbers.
        lines.retain(|line| line.receipt().is_none());
        Run { result, told: receipts.all().pop(), lines }
    }

    /// How long a call of a role may take.
    pub(super) fn deadline(&self, role: Role) -> Duration {
        let platform = match role {
            Role::Crm | Role::Templates | Role::Outgoing => frontgate_twilio::Settings::default().callback_timeout_ms,
            Role::Conversations => frontgate_twilio::Settings::default().webhook_timeout_ms,
            Role::Channel => frontgate_front::Settings::default().timeout_ms,
            Role::Routing => self.config.delivery.plugin_timeout_ms,
        };
        Duration::from_millis(platform.min(self.live.limits.call_timeout_ms))
    }

    /// Keeps something for a tenant, as if the plugin had.
    pub(super) async fn keep(&self, tenant: &Arc<str>, key: &str, value: Vec<u8>) -> anyhow::Result<()> {
        let limits = self.live.grants.state.clone();
        let limits =
            limits.context("the case has `state`, and plugin.toml does not grant it: [plugin] state = true")?;
        let bucket = Bucket { plugin: Arc::clone(&self.live.name), tenant: Arc::clone(tenant) };
        let deadline = Instant::now() + Duration::from_millis(self.live.limits.call_timeout_ms);
        let call = SessionOptions { bucket, limits, request: "case".into(), deadline };
        let mut session = Session::open(&self.buckets, call);
        let set = session.set(key.to_owned(), value, None).await;
        set.map_err(|refusal| anyhow::anyhow!("the state `{key}` of the case was refused: {refusal:?}"))?;
        session.commit().await.context("writing the state of the case")
    }
}

/// What a gateway's configuration would be, with a store and a cache of our own.
fn configuration(
    project: &Project,
    name: &str,
    operators: &Path,
    outside: Outside,
    folder: &Scratch,
) -> anyhow::Result<Config> {
    let mut config = match &project.plugin {
        Some(settings) => {
            let own = &project.test.secrets;
            let made_up = if outside == Outside::Staged { own.clone() } else { Default::default() };
            let config = Config::of_plugin(&project.folder.join(project::FILE), name, settings, &made_up);
            config.map_err(|fault| match outside == Outside::Real && !own.is_empty() {
                true => anyhow!("{fault}\n    or ask with --test, which takes those of [test]"),
                false => fault.into(),
            })?
        }
        None if operators.is_file() => {
            let mut config = Config::load_unchecked(operators)?;
            config.plugins.named.retain(|other, _| other == name);
            for (key, secret) in config.plugin_secrets_mut() {
                if let Some(fault) = secret.error().map(str::to_owned) {
                    anyhow::ensure!(outside == Outside::Staged, "{}: {key}: {fault}", operators.display());
                    secret.replace("made-up");
                }
            }
            config
        }
        None => Config::default(),
    };
    if project.plugin.is_some() || !operators.is_file() {
        config.plugins.cache = cache(folder);
    }
    if project.plugin.is_some() {
        // An author waits, and has written it.
        config.plugins.named.entry(name.to_owned()).or_default().quick_build = true;
    }
    config.store = frontgate_store::Settings {
        url: format!("sqlite:{}", folder.path().join("bench.db").display()),
        ..frontgate_store::Settings::default()
    };
    if outside == Outside::Staged {
        // The stage decides for every request anew.
        config.plugins.connections_idle_max = 0;
    }
    // One call at a time, and none is left out because others failed.
    config.plugins.calls_max = 4;
    config.plugins.directory_calls_max = 4;
    config.plugins.breaker.failures = u32::MAX;
    Ok(config)
}

/// Compiled plugins of this user, for the next time.
fn cache(folder: &Scratch) -> PathBuf {
    let of_user = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let of_user = of_user.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    of_user.filter(|path| path.is_absolute()).unwrap_or_else(|| folder.path().to_owned()).join("frontgate/compiled")
}
