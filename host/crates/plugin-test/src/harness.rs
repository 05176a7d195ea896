//! Loads one plugin in the same way as a gateway, and makes one call at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use frontgate_config::Config;
use frontgate_contract::Role;
use frontgate_loader::single;
use frontgate_runtime::settings::oauth::TOKEN;
use frontgate_runtime::settings::{Instances, PluginConfig};
use frontgate_runtime::{
    Call, CallError, CallRecord, CallRecords, Caller, Deadlines, Engine, LoadedPlugin, NetworkOverrides, Services,
};
use frontgate_state::{Bucket, Buckets, Session, SessionOptions};
use frontgate_store::Database;
use frontgate_telemetry::capture::{Line, Lines};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::fixtures::{Fixtures, InstanceKind};
use super::mock_server::MockServer;
use super::project::{self, Project};
use super::recorded_actions::RecordedActions;
use super::temp_dir;
use super::upstream::{UpstreamProgram, Upstreams};

/// The destination of a plugin's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The real hosts, as in a gateway.
    Real,
    /// The mock server and the author's stub programs. Secrets may be placeholders.
    Mocked,
}

/// A loaded plugin that can be called.
pub struct Harness {
    pub(super) project: Project,
    /// The plugin with a fresh instance for each call.
    pub(super) live: Arc<LoadedPlugin>,
    /// The plugin with reused instances.
    reusing: Arc<LoadedPlugin>,
    /// The mock server, with [`Network::Mocked`].
    pub(super) mock_server: Option<MockServer>,
    config: Arc<Config>,
    engine: Arc<Engine>,
    buckets: Arc<Buckets>,
    actions: Arc<RecordedActions>,
    lines: Lines,
    calls: AtomicU64,
    _program: Option<UpstreamProgram>,
    _folder: TempDir,
}

/// Result, cost and log lines of one call.
pub(super) struct CallOutcome<R> {
    pub(super) result: Result<R, CallError>,
    pub(super) receipt: Option<CallRecord>,
    pub(super) log: Vec<Line>,
    /// Accepted actions on conversations.
    pub(super) actions: Vec<Value>,
}

impl Harness {
    /// Loads a plugin from a `.wasm` file or a project folder.
    ///
    /// Grants come from the project's `plugin.toml`, or from the operator's configuration if that file is missing.
    pub async fn open(path: &Path, operators: &Path, network: Network, lines: &Lines) -> anyhow::Result<Self> {
        let project = Project::find(path)?;
        let name = project.name()?.to_owned();
        let folder = temp_dir()?;
        let config = Arc::new(configuration(&project, &name, operators, network, &folder)?);
        let wasm = single::read(project.built()?, &config.plugins).await?;
        let database = Arc::new(Database::open(&config.store)?);
        let buckets = Buckets::new(&database);
        let actions = Arc::<RecordedActions>::default();
        let services = Services { buckets: Some(Arc::clone(&buckets)), actions: Some(Arc::clone(&actions) as _) };
        let engine = Engine::new(&config.plugins, services)?;
        let (mock_server, program) = match network {
            Network::Real => (None, None),
            Network::Mocked => {
                let upstreams = Upstreams::of(&project)?;
                let program = UpstreamProgram::start(&project, &upstreams).await?;
                (Some(MockServer::start(upstreams).await?), program)
            }
        };
        let overrides = NetworkOverrides {
            own: Vec::new(),
            address_override: mock_server.as_ref().map(MockServer::address_override),
            oauth_tokens: Some(buckets.oauth_tokens()),
            held_requests: None,
        };
        let plugin_config: Arc<dyn PluginConfig> = config.clone();
        let live = single::load(&engine, &plugin_config, &name, wasm, overrides).await;
        let live = live.with_context(|| project.file.display().to_string())?;
        let (live, reusing) = (live.with_reuse(&engine, false)?, live.with_reuse(&engine, true)?);
        Ok(Self {
            project,
            live: Arc::new(live),
            reusing: Arc::new(reusing),
            mock_server,
            config,
            engine,
            buckets,
            actions,
            lines: lines.clone(),
            calls: AtomicU64::new(0),
            _program: program,
            _folder: folder,
        })
    }

    /// Returns the plugin's name.
    pub fn name(&self) -> &str {
        &self.live.name
    }

    /// Makes one call, with the limits and the deadline of a gateway.
    pub(super) async fn call<R>(
        &self,
        fixtures: &Fixtures,
        role: Role,
        invoke: impl AsyncFnOnce(Call<'_>) -> Result<R, CallError>,
    ) -> CallOutcome<R> {
        let caller = self.caller(fixtures);
        let result = invoke(self.prepare(&caller, fixtures, role)).await;
        let (receipt, log) = self.end(&caller);
        CallOutcome { result, receipt, log, actions: self.actions.take(&caller.request) }
    }

    // Not part of `call`, which is compiled again for each call of a check.
    fn caller(&self, fixtures: &Fixtures) -> Caller {
        let request = format!("call-{}", self.calls.fetch_add(1, Ordering::Relaxed)).into();
        Caller { tenant: Arc::clone(&fixtures.tenant), request, share: None, records: CallRecords::kept() }
    }

    fn prepare<'c>(&'c self, caller: &'c Caller, fixtures: &Fixtures, role: Role) -> Call<'c> {
        let until = Instant::now() + self.deadline(role);
        let deadlines = Deadlines { queue: until, answer: until };
        let plugin = match fixtures.instances {
            InstanceKind::Fresh => &self.live,
            InstanceKind::Used => &self.reusing,
        };
        let call = Call::new(&self.engine, plugin, caller, deadlines, Some(Arc::clone(&fixtures.directory)));
        match &fixtures.files {
            Some(files) => call.with_files(Arc::clone(files)),
            None => call,
        }
    }

    /// Returns the receipt and the log of a call.
    fn end(&self, caller: &Caller) -> (Option<CallRecord>, Vec<Line>) {
        let mut log = self.lines.take(&caller.request);
        // The receipt is returned separately, so its log line is removed.
        log.retain(|line| line.receipt().is_none());
        (caller.records.all().pop(), log)
    }

    /// Returns the deadline of a call for a role.
    pub(super) fn deadline(&self, role: Role) -> Duration {
        let platform = match role {
            Role::Crm | Role::Templates | Role::Outgoing => frontgate_twilio::Settings::default().callback_timeout_ms,
            Role::Conversations => frontgate_twilio::Settings::default().webhook_timeout_ms,
            Role::Channel | Role::ChannelLogin => frontgate_front::Settings::default().timeout_ms,
            Role::Routing | Role::Calls | Role::CrmSource => self.config.delivery.plugin_timeout_ms,
        };
        Duration::from_millis(platform.min(self.live.limits.call_timeout_ms))
    }

    /// Replaces the plugin's state before a case runs.
    pub(super) async fn set_state(&self, tenant: &Arc<str>, entries: &BTreeMap<String, Value>) -> anyhow::Result<()> {
        let Some(limits) = self.live.grants.state.clone() else {
            ensure!(
                entries.is_empty(),
                "the case has `state` but plugin.toml does not grant it; add [plugin] state = true"
            );
            return Ok(());
        };
        let call = SessionOptions {
            bucket: Bucket { plugin: Arc::clone(&self.live.name), tenant: Arc::clone(tenant) },
            limits,
            request: "case".into(),
            deadline: Instant::now() + Duration::from_millis(self.live.limits.call_timeout_ms),
        };
        let mut session = Session::open(&self.buckets, call);
        let (all, rejected) = (session.limits().call_keys_max, |refusal| anyhow!("state of the case: {refusal:?}"));
        let earlier = session.page(None, all).await.map_err(rejected)?;
        for key in earlier.into_iter().flat_map(|(keys, _)| keys) {
            session.delete(key).await.map_err(rejected)?;
        }
        for (key, value) in entries {
            let bytes = super::wit_json::bytes(value).unwrap_or_else(|| value.to_string().into_bytes());
            let set = session.set(key.clone(), bytes, None).await;
            set.map_err(|refusal| anyhow!("state `{key}` of the case rejected: {refusal:?}"))?;
        }
        session.commit(None).await.context("failed to write the state of the case")
    }
}

/// Returns the configuration of a gateway with only this plugin, and with a separate store and cache.
fn configuration(
    project: &Project,
    name: &str,
    operators: &Path,
    network: Network,
    folder: &TempDir,
) -> anyhow::Result<Config> {
    let mut config = match &project.plugin {
        Some(settings) => {
            let own = &project.test.secrets;
            let placeholders = if network == Network::Mocked { own.clone() } else { Default::default() };
            let config = Config::of_plugin(&project.folder.join(project::FILE), name, settings, &placeholders);
            config.map_err(|fault| match network == Network::Real && !own.is_empty() {
                true => anyhow!("{fault}\n    or add --test to use the secrets under [test]"),
                false => fault.into(),
            })?
        }
        None if operators.is_file() => {
            let mut config = Config::load_unchecked(operators)?;
            config.plugins.named.retain(|other, _| other == name);
            for (key, secret) in config.plugin_secrets_mut() {
                if let Some(fault) = secret.error().map(str::to_owned) {
                    ensure!(network == Network::Mocked, "{}: {key}: {fault}", operators.display());
                    secret.replace("placeholder");
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
        // The author waits for the result, so the quick build is used.
        config.plugins.named.entry(name.to_owned()).or_default().quick_build = true;
    }
    config.store = frontgate_store::Settings {
        url: format!("sqlite:{}", folder.path().join("plugin-test.db").display()),
        ..frontgate_store::Settings::default()
    };
    if network == Network::Mocked {
        let token = project.test.secrets.get(TOKEN).map_or("placeholder", String::as_str);
        let named = config.plugins.named.values_mut();
        named.flat_map(|named| &mut named.bound_secrets).for_each(|bound| bound.replace_oauth(token));
        // The mock server decides for each connection whether to refuse it, so connections are not reused.
        config.plugins.connections_idle_max = 0;
    }
    // The harness decides which calls reuse an instance.
    config.plugins.instances = Instances::Tested;
    // Calls are sequential, and a failed call must not open the circuit breaker for the next call.
    config.plugins.calls_max = 4;
    config.plugins.directory_calls_max = 4;
    config.plugins.breaker.failures = u32::MAX;
    Ok(config)
}

/// Returns the folder of this user's cache of compiled plugins.
fn cache(folder: &TempDir) -> PathBuf {
    let of_user = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let of_user = of_user.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    of_user.filter(|path| path.is_absolute()).unwrap_or_else(|| folder.path().to_owned()).join("frontgate/compiled")
}
