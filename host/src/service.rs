//! Runs a gateway: creates its components in order, serves until a signal, and drains.

mod acme;
pub(crate) mod admin_api;
pub(crate) mod candidates;
pub(crate) mod channels_api;
pub(crate) mod console_api;
pub(crate) mod customers_api;
pub(crate) mod generation;
mod recording;
pub(crate) mod reload;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use frontgate_config::Config;
use frontgate_console_access::Access as ConsoleAccess;
use frontgate_customers::Customers;
use frontgate_delivery::{Actions, Store};
use frontgate_gateway::server::descriptors;
use frontgate_gateway::server::descriptors::OPERATORS_CONNECTIONS_MAX;
use frontgate_gateway::server::socket::Socket;
use frontgate_gateway::server::{Callers, Server};
use frontgate_gateway::settings::Listen;
use frontgate_loader::reload::{Access, Reload};
use frontgate_replicas::Replica;
use frontgate_rollouts::{Limits, Rollouts};
use frontgate_runtime::settings::{PluginConfig, PluginSource};
use frontgate_runtime::{AddressOverride, Engine, HeldRequests, NetworkOverrides, Registry, Services};
use frontgate_state::Buckets;
use frontgate_store::Database;
use frontgate_tenants::Plugins;
use frontgate_tenants::coverage;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::admin_api::AdminApi;
use self::candidates::Candidates;
use self::channels_api::ChannelsApi;
use self::console_api::ConsoleApi;
use self::customers_api::CustomersApi;
use self::generation::{Generations, Shared};
use self::recording::Recording;
use self::reload::Reloader;
use crate::admin_pages::{self, AdminPages};
use crate::console::{self, Console};

/// Result of a shutdown after a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// All accepted requests finished.
    Clean,
    /// Some requests were aborted at the end of the grace period.
    Forced,
}

/// Changes a configuration after it was read, at the start and at each reload.
pub(crate) type Adapt = Arc<dyn Fn(&mut Config) + Send + Sync>;

/// Settings that override those of the configuration, used by `frontgate dev` and `frontgate simulate`.
#[derive(Default)]
pub(crate) struct Overrides {
    /// Replaces `server.listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// Redirects requests of plugins to other addresses.
    pub(crate) address_override: Option<AddressOverride>,
    /// Receives requests of plugins that are not sent because they could change something.
    pub(crate) held_requests: Option<Arc<HeldRequests>>,
    /// Changes the configuration.
    pub(crate) adapt: Option<Adapt>,
    /// The limit on open files, which also limits connections.
    pub(crate) open_files_max: Option<u64>,
    /// Sender for the address, used as soon as callbacks are accepted.
    pub(crate) serving: Option<oneshot::Sender<SocketAddr>>,
}

/// Serves until a signal, then drains. `file` is the configuration's path, for reloads.
pub(crate) async fn serve(file: &Path, mut config: Config, overrides: Overrides) -> anyhow::Result<Shutdown> {
    if let Some(adapt) = &overrides.adapt {
        adapt(&mut config);
    }
    tokio::spawn(frontgate_memory::return_periodically());
    let mut signals = Signals::new()?;
    let listen = overrides.listen.map_or_else(|| config.server.listen.clone(), Listen::Address);
    let connections_max =
        descriptors::connections_max(&config.server, config.plugins.calls_max, overrides.open_files_max);
    let certificates = acme::certificates(&config)?;
    let tls = certificates.as_ref().map(|certificates| certificates.server_config()).transpose()?;
    let server = Server::bind_public(&listen, &config.server, tls, connections_max).await?;
    let operators_max = OPERATORS_CONNECTIONS_MAX.min(connections_max);
    let admin = Server::bind(config.admin.listen, &config.server, Callers::Trusted, operators_max).await?;
    let (address, place, admin_address) = (server.tcp_address()?, server.place(), admin.address()?);

    let config = Arc::new(config);
    let opening = Arc::clone(&config);
    let database = Arc::new(spawn_blocking(move || Database::open(&opening.store)).await??);
    let (opening, main) = (Arc::clone(&config), Arc::clone(&database));
    let customers = spawn_blocking(move || Database::open_customers(&opening.store, &main)).await??;
    let store = open_store(&config, &database).await?;
    let replica = Arc::clone(store.replica());
    let buckets = Buckets::shared(&database, move || replica.id());
    tokio::spawn(Arc::clone(&buckets).delete_expired());
    let services = Services { buckets: Some(Arc::clone(&buckets)), actions: Some(Arc::new(Actions::new(&store))) };
    let engine = Engine::new(&config.plugins, services)?;
    let customers = Arc::new(Customers::new(customers, engine.background().clone()));
    let registry = Arc::new(Registry::default());
    let shown = Arc::clone(&registry);
    store.replica().show_plugins(move || {
        shown.live().iter().map(|(name, live)| (name.clone(), live.digest.short().to_string())).collect()
    });
    let rollouts = start_rollouts(&config, &database, &store);
    let access = Arc::new(ConsoleAccess::new(&database, &Arc::new(config.console.clone())));
    let rate_limits = Arc::default();
    let pages = admin_pages::Sources {
        config: Arc::clone(&config),
        engine: Arc::clone(&engine),
        registry: Arc::clone(&registry),
        store: Arc::clone(&store),
        waiting: database.waiting(),
        buckets: Arc::clone(&buckets),
        rollouts: rollouts.clone(),
        customers: Arc::clone(&customers),
        rate_limits: Arc::clone(&rate_limits),
        access: Arc::clone(&access),
        certificates: certificates.clone(),
    };
    let admin_pages = AdminPages::new(pages);
    let admin_pages = Arc::new(admin_pages);

    let admin_stop = CancellationToken::new();
    let operators = Arc::clone(&admin_pages);
    tokio::spawn(admin.serve(
        move |request, _| {
            let admin_pages = Arc::clone(&operators);
            async move { admin_pages.respond(request).await }
        },
        admin_stop.clone(),
    ));

    let oauth_tokens = buckets.oauth_tokens();
    let around = NetworkOverrides {
        own: address.into_iter().chain([admin_address]).collect(),
        address_override: overrides.address_override,
        held_requests: overrides.held_requests,
        oauth_tokens: Some(oauth_tokens.clone()),
    };
    let candidates = Candidates::new(file, &engine, around.clone());
    let mut plugins_reload = Reload::new(
        &engine,
        &registry,
        &(Arc::clone(&config) as Arc<dyn PluginConfig>),
        around,
        Access::Write,
        rollouts.clone(),
    )?;
    let socket = Socket::bind(&config.admin.socket).await?;
    tokio::select! {
        // Start to serve as soon as every role has a plugin. Do not wait for slower compilations.
        loaded = plugins_reload.load_until(|| coverage::unanswered(&registry, &config.tenants).is_empty()) => loaded?,
        () = signals.next() => return Ok(Shutdown::Clean),
    }
    admin_pages.loaded();
    reload::warn_about_missing_plugins(&registry, &config.tenants);
    let commands = plugins_reload.commands();
    let mut watching = tokio::spawn(plugins_reload.watch());

    let plugins = Arc::new(Plugins::new(engine, Arc::clone(&registry), customers));
    let stop = CancellationToken::new();
    let recording = Recording::start(&config).await?;
    let recording_series = tokio::spawn(Arc::clone(&recording).run());
    let recorder = Arc::clone(&recording.recorder);
    let shared = Shared { plugins, store: Arc::clone(&store), rate_limits, recorder };
    let generations = Arc::new(Generations::new(&config, shared));
    generations.warn_about_unknown_tenants().await;
    let mut delivering = tokio::spawn(Arc::clone(&generations).deliver(stop.clone()));
    store.replica().configure(config.tenant_names(), config.shared_digest());
    let shown = (Arc::clone(&admin_pages), Arc::clone(&access));
    let shown_registry = Arc::clone(&registry);
    let reloader = Reloader::new((file, overrides.adapt), Arc::clone(&generations), commands.clone(), registry, shown);
    let reloader = Arc::new(reloader);
    let channels = ChannelsApi::new(&generations);
    let console = Arc::new(Console::new(console::Sources {
        access: Arc::clone(&access),
        admin_pages: Arc::clone(&admin_pages),
        store: Arc::clone(&store),
        recorder: Arc::clone(&generations.shared().recorder),
        commands: commands.clone(),
        reloader: Arc::clone(&reloader),
        channels: channels.clone(),
        generations: Arc::clone(&generations),
        registry: shown_registry,
        candidates,
        listen: server.local(),
        journal: recording.journal.clone(),
    }));
    let console_address = console.listen(&config.server, admin_stop.clone()).await;
    let operating = tokio::spawn({
        let customers = CustomersApi::new(generations.customers());
        let console = ConsoleApi::new(access, console, console_address);
        let admin_api = AdminApi::new(commands, Arc::clone(&reloader), store.clone(), customers, channels, console);
        let admin_api = Arc::new(admin_api);
        let answer = move |request, peer| {
            let admin_api = Arc::clone(&admin_api);
            async move { admin_api.respond(request, peer).await }
        };
        socket.serve(answer, admin_stop.clone())
    });
    tokio::spawn(reload_on_signal(reloader)?);
    acme::keep(&config, certificates, admin_stop.clone()).await?;
    let gateways = Arc::clone(&generations);
    let mut serving = tokio::spawn(server.serve(
        move |request, caller| {
            let gateway = gateways.gateway();
            async move { gateway.respond(request, &caller).await }
        },
        stop.clone(),
    ));
    info!(
        event = "gateway.started", listen = %place, admin = %admin_address, public_url = frontgate_tenants::display_url(&config.public_url()),
        "listening on {place}; admin pages at http://{admin_address}/statusz"
    );
    if let (Some(serving), Some(address)) = (overrides.serving, address) {
        // The receiver may have been dropped.
        let _ = serving.send(address);
    }

    let [delay, grace] = [config.server.shutdown_delay_ms, config.server.shutdown_grace_ms].map(Duration::from_millis);
    // Drop this reference, so that secrets are erased once a new configuration replaces this one.
    drop(config);

    tokio::select! {
        () = signals.next() => {}
        ended = &mut watching => anyhow::bail!("plugin folder watcher stopped unexpectedly: {}", cause(ended)),
        ended = &mut serving => anyhow::bail!("HTTP server stopped unexpectedly: {}", cause(ended)),
        ended = &mut delivering => anyhow::bail!("delivery workers stopped unexpectedly: {}", cause(ended.flatten())),
        () = database.closed() => anyhow::bail!("database writer ended"),
    }
    admin_pages.draining();
    let (leaving, trials) = (Arc::clone(store.replica()), rollouts);
    let leaving = tokio::spawn(async move {
        if let Some(rollouts) = &trials
            && let Err(error) = rollouts.leave().await
        {
            warn!(event = "rollout.not_stored", "failed to leave the trials of plugins to other replicas: {error}");
        }
        leaving.leave().await;
    });
    info!(event = "gateway.draining", "shutting down: finishing accepted requests; a second signal aborts them");
    let drained = async {
        tokio::time::sleep(delay).await;
        stop.cancel();
        let (served, delivered) = tokio::join!(serving, tokio::time::timeout(grace, delivering));
        let _ = tokio::time::timeout(grace, oauth_tokens.drained()).await;
        // Others take over at once, instead of after `replica.suspect_ms`.
        let _ = leaving.await;
        served.unwrap_or(false) && matches!(delivered, Ok(Ok(Ok(()))))
    };
    let clean = tokio::select! {
        clean = drained => clean,
        () = signals.next() => false,
    };
    recording_series.abort();
    recording.end().await;
    watching.abort();
    admin_stop.cancel();
    // The socket's task removes the socket file when it ends.
    let _ = operating.await;
    Ok(if clean { Shutdown::Clean } else { Shutdown::Forced })
}

/// Starts to read what the replicas agree on about plugins; `None` if plugins come from the folder.
fn start_rollouts(config: &Config, database: &Arc<Database>, store: &Store) -> Option<Arc<Rollouts>> {
    let plugins = &config.plugins;
    let limits = Limits {
        versions_max: plugins.versions_max,
        versions_bytes_max: plugins.versions_bytes_max,
        receipts_max: plugins.receipts_max,
    };
    let is_shared = config.plugin_source() == PluginSource::Store;
    is_shared.then(|| Rollouts::start(database, store.replica(), limits))
}

/// Opens the tables of the delivery queue. With Postgres, joins the gateways that share them.
async fn open_store(config: &Arc<Config>, database: &Arc<Database>) -> anyhow::Result<Arc<Store>> {
    let Some(bell) = Database::bell(&config.store)? else {
        return Ok(Arc::new(Store::open(database, &config.store).await?));
    };
    let joining = Arc::clone(config);
    let replica = spawn_blocking(move || {
        let folder = joining.admin.socket.parent().unwrap_or(Path::new("."));
        // It gets no tenant before its workers run.
        Replica::join(&joining.replica, &joining.store, folder, BTreeSet::new(), joining.shared_digest())
    });
    Store::open_shared(database, &config.store, replica.await??, bell).await
}

/// Returns why a task ended although it should run until a signal.
fn cause<T>(ended: Result<T, JoinError>) -> String {
    ended.err().map_or_else(|| "the task ended".to_owned(), |error| error.to_string())
}

/// Returns a future that reloads on SIGHUP, like `frontgate reload`. Receipts go to the log.
fn reload_on_signal(reloader: Arc<Reloader>) -> anyhow::Result<impl Future<Output = ()>> {
    let mut signals = signal(SignalKind::hangup())?;
    Ok(async move {
        while signals.recv().await.is_some() {
            info!(event = "gateway.reload_requested", "reloading after SIGHUP");
            match reloader.reload().await {
                Ok(answer) => {
                    let (changed, unusable) = (answer.plugins.receipts.len(), answer.plugins.standing.len());
                    info!(
                        event = "gateway.reloaded",
                        changed, unusable, "reloaded: {changed} plugins changed, {unusable} not usable"
                    );
                }
                Err(reason) => warn!(event = "gateway.reload_failed", "failed to reload: {reason}"),
            }
        }
    })
}

/// Streams of SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
