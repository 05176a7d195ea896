//! `frontgate run`: serves until a signal, then drains.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::console::Console;
use crate::console::operate::Operate;
use crate::delivery::job::State;
use crate::delivery::store::Store;
use crate::delivery::store::desk::Desk;
use crate::delivery::worker;
use crate::gateway::Gateway;
use crate::plugin::load::reload::{Access, Command, Commands, Reload};
use crate::plugin::outbound::network::Network;
use crate::plugin::registry::Registry;
use crate::plugin::run::engine::Engine;
use crate::roles::{self, Plugins};
use crate::server::Server;
use crate::server::socket::Socket;
use crate::state::Buckets;
use crate::store::Database;
use crate::telemetry;
use crate::tenants;

/// Requests that are unfinished at the end of the grace period were cut off.
const CUT_OFF: u8 = 3;

pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let checked = super::load(file)?;
    let _log = telemetry::log(&checked.config.log)?;
    for warning in &checked.warnings {
        warn!("{}: {}", warning.place, warning.problem);
    }
    allow_open_files();
    let runtime = super::runtime()?;
    let ended = runtime.block_on(serve(checked.config));
    // A file system that hangs must not keep the process alive.
    runtime.shutdown_background();
    ended
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let metrics = telemetry::metrics()?;
    tokio::spawn(telemetry::keep_up(metrics.clone()));
    let mut signals = Signals::new()?;
    let server = Server::bind(config.server.listen, &config.server).await?;
    let admin = Server::bind(config.admin.listen, &config.server).await?;
    let (address, admin_address) = (server.address()?, admin.address()?);

    let config = Arc::new(config);
    let opening = Arc::clone(&config);
    let database = Arc::new(spawn_blocking(move || Database::open(&opening.store)).await??);
    let store = Arc::new(Store::open(&database).await?);
    let network = Network::new(&config.plugins, &[address, admin_address]);
    let buckets = Buckets::new(&database);
    tokio::spawn(Arc::clone(&buckets).forget_expired());
    let engine = Engine::new(&config.plugins, network, Some(Arc::clone(&buckets)))?;
    let registry = Arc::new(Registry::default());
    let console =
        Console::new(Arc::clone(&config), Arc::clone(&engine), Arc::clone(&registry), &database, &buckets, metrics);
    let console = Arc::new(console);

    let admin_stop = CancellationToken::new();
    let operators = Arc::clone(&console);
    tokio::spawn(admin.serve(
        move |request| {
            let console = Arc::clone(&operators);
            async move { console.respond(request).await }
        },
        admin_stop.clone(),
    ));

    let mut reload = Reload::new(&engine, &registry, &config, Access::Write)?;
    let socket = Socket::bind(&config.admin.socket).await?;
    tokio::select! {
        // Callbacks wait for what answers them, not for the slowest compilation.
        loaded = reload.load_until(|| roles::unanswered(&registry, &config).is_empty()) => loaded?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    }
    console.loaded();
    for reason in roles::unanswered(&registry, &config) {
        warn!("{reason}; its callbacks get 503");
    }
    for reason in roles::missing(&registry, &config) {
        warn!("{reason}; it is passed over");
    }
    let commands = reload.commands();
    let mut watching = tokio::spawn(reload.watch());
    let operating = tokio::spawn(operate(socket, &config, commands.clone(), admin_stop.clone()));
    tokio::spawn(reload_on_signal(commands)?);

    let tenants = tenants::all(&config);
    let plugins = Arc::new(Plugins::new(engine, registry));
    let stop = CancellationToken::new();
    warn_of_strangers(&config, &database).await;
    let mut delivering = tokio::spawn({
        let (config, tenants, plugins) = (Arc::clone(&config), tenants.clone(), Arc::clone(&plugins));
        let (store, stop) = (Arc::clone(&store), stop.clone());
        async move { worker::work(&config, &tenants, &plugins, &store, stop).await }
    });
    let gateway = Arc::new(Gateway::new(Arc::clone(&config), tenants, plugins, Arc::clone(&store)));
    let mut serving = tokio::spawn(server.serve(
        move |request| {
            let gateway = Arc::clone(&gateway);
            async move { gateway.respond(request).await }
        },
        stop.clone(),
    ));
    info!(
        listen = %address, admin = %admin_address, public_url = %tenants::public_url(&config),
        "serving {address}; operators at http://{admin_address}/statusz"
    );

    tokio::select! {
        () = signals.next() => {}
        ended = &mut watching => anyhow::bail!("the plugins' folder is not watched any more: {ended:?}"),
        ended = &mut serving => anyhow::bail!("no callbacks are accepted any more: {ended:?}"),
        ended = &mut delivering => anyhow::bail!("nothing is delivered any more: {ended:?}"),
        () = database.closed() => anyhow::bail!("nothing can be stored any more"),
    }
    console.draining();
    info!("shutting down: accepted requests finish; a second signal ends them");
    let drained = async {
        tokio::time::sleep(Duration::from_millis(config.server.shutdown_delay_ms)).await;
        stop.cancel();
        let grace = Duration::from_millis(config.server.shutdown_grace_ms);
        let (served, delivered) = tokio::join!(serving, tokio::time::timeout(grace, delivering));
        served.unwrap_or(false) && matches!(delivered, Ok(Ok(Ok(()))))
    };
    let clean = tokio::select! {
        clean = drained => clean,
        () = signals.next() => false,
    };
    watching.abort();
    admin_stop.cancel();
    // It takes its socket away.
    let _ = operating.await;
    if clean {
        info!("every request was finished");
        return Ok(ExitCode::SUCCESS);
    }
    warn!("ended with requests unfinished");
    Ok(ExitCode::from(CUT_OFF))
}

/// Deliveries of a tenant that was renamed or left out wait for somebody who never comes.
async fn warn_of_strangers(config: &Config, database: &Database) {
    let path = database.path().to_owned();
    let counts = spawn_blocking(move || Desk::open(&path)?.counts()).await.map_err(anyhow::Error::from).flatten();
    for (tenant, states) in counts.unwrap_or_default() {
        let waiting: u64 = [State::Ready, State::Unknown].iter().filter_map(|state| states.get(state)).sum();
        if waiting > 0 && !config.tenants.contains_key(&tenant) {
            warn!("{waiting} deliveries wait for the tenant `{tenant}`, which is not in the configuration");
        }
    }
}

/// Takes commands until the end.
fn operate(
    socket: Socket,
    config: &Config,
    commands: Commands,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    // What a reload waits for is mostly the compiler.
    let patience = Duration::from_millis(config.plugins.compile_timeout_ms + config.plugins.limits.call_timeout_ms);
    let operate = Arc::new(Operate::new(commands, patience));
    let answer = move |request| {
        let operate = Arc::clone(&operate);
        async move { operate.respond(request).await }
    };
    socket.serve(answer, stop)
}

/// SIGHUP means what `frontgate reload` means; receipts go to the log.
fn reload_on_signal(commands: Commands) -> anyhow::Result<impl Future<Output = ()>> {
    let mut signals = signal(SignalKind::hangup())?;
    Ok(async move {
        while signals.recv().await.is_some() {
            info!("reloading, as SIGHUP asks");
            match commands.give(Command::Reload).await {
                Ok(answer) => {
                    info!("reloaded: {} changed, {} not usable", answer.receipts.len(), answer.standing.len())
                }
                Err(reason) => warn!("not reloaded: {reason}"),
            }
        }
    })
}

/// SIGTERM and SIGINT, which mean the same.
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

/// Each connection is an open file, and the usual default of 1,024 is below `connections_max`.
fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!("the limit on open files could not be raised: {error}");
    }
}
