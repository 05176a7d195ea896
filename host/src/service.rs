//! A gateway from its start to its end: what there is one of, in the order in which it is made, and how
//! it drains.

mod edition;
pub mod operate;
mod reload;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use frontgate_config::Config;
use frontgate_delivery::Store;
use frontgate_gateway::server::descriptors;
use frontgate_gateway::server::descriptors::OPERATORS_CONNECTIONS_MAX;
use frontgate_gateway::server::socket::Socket;
use frontgate_gateway::server::{Callers, Server};
use frontgate_loader::reload::{Access, Reload};
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{Engine, NetworkOverrides, Redirect, Registry};
use frontgate_state::Buckets;
use frontgate_store::Database;
use frontgate_tenants::Plugins;
use frontgate_tenants::coverage;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::edition::{Editions, Parts};
use self::operate::Operate;
use self::reload::Reloads;
use crate::console::Console;

/// How a gateway ended that was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every accepted request was finished.
    Clean,
    /// Some were not, at the end of the grace period.
    CutOff,
}

/// Where a gateway is put that an author works with: what differs from one that stands alone.
#[derive(Default)]
pub(crate) struct Placement {
    /// Where it listens instead of where the configuration says.
    pub(crate) listen: Option<SocketAddr>,
    /// Where plugins' requests lead instead.
    pub(crate) redirect: Option<Redirect>,
    /// How many files may be open, where that limits connections.
    pub(crate) open_files_max: Option<u64>,
    /// Who wants to know where callbacks are accepted, once they are.
    pub(crate) serving: Option<oneshot::Sender<SocketAddr>>,
}

/// Serves until a signal, then drains. `file` is where the configuration stands.
pub(crate) async fn serve(file: &Path, config: Config, placement: Placement) -> anyhow::Result<End> {
    tokio::spawn(frontgate_memory::return_periodically());
    let mut signals = Signals::new()?;
    let listen = placement.listen.unwrap_or(config.server.listen);
    let connections_max =
        descriptors::connections_max(&config.server, config.plugins.calls_max, placement.open_files_max);
    let server = Server::bind(listen, &config.server, Callers::Public, connections_max).await?;
    let operators_max = OPERATORS_CONNECTIONS_MAX.min(connections_max);
    let admin = Server::bind(config.admin.listen, &config.server, Callers::Trusted, operators_max).await?;
    let (address, admin_address) = (server.address()?, admin.address()?);

    let config = Arc::new(config);
    let opening = Arc::clone(&config);
    let database = Arc::new(spawn_blocking(move || Database::open(&opening.store)).await??);
    let store = Arc::new(Store::open(&database, &config.store).await?);
    let buckets = Buckets::new(&database);
    tokio::spawn(Arc::clone(&buckets).delete_expired());
    let engine = Engine::new(&config.plugins, Some(Arc::clone(&buckets)))?;
    let registry = Arc::new(Registry::default());
    let console = Console::new(Arc::clone(&config), Arc::clone(&engine), Arc::clone(&registry), &database, &buckets);
    let console = Arc::new(console);

    let admin_stop = CancellationToken::new();
    let operators = Arc::clone(&console);
    tokio::spawn(admin.serve(
        move |request, _| {
            let console = Arc::clone(&operators);
            async move { console.respond(request).await }
        },
        admin_stop.clone(),
    ));

    let around = NetworkOverrides { own: vec![address, admin_address], redirect: placement.redirect };
    let mut plugins_reload =
        Reload::new(&engine, &registry, &(Arc::clone(&config) as Arc<dyn PluginConfig>), around, Access::Write)?;
    let socket = Socket::bind(&config.admin.socket).await?;
    tokio::select! {
        // Callbacks wait for what answers them, not for the slowest compilation.
        loaded = plugins_reload.load_until(|| coverage::unanswered(&registry, &config.tenants).is_empty()) => loaded?,
        () = signals.next() => return Ok(End::Clean),
    }
    console.loaded();
    for reason in coverage::unanswered(&registry, &config.tenants) {
        warn!("{reason}; its callbacks get 503");
    }
    for reason in coverage::missing(&registry, &config.tenants) {
        warn!("{reason}; it is passed over");
    }
    let commands = plugins_reload.commands();
    let mut watching = tokio::spawn(plugins_reload.watch());

    let plugins = Arc::new(Plugins::new(engine, Arc::clone(&registry)));
    let stop = CancellationToken::new();
    let editions = Arc::new(Editions::new(&config, Parts { plugins, store, database: Arc::clone(&database) }));
    editions.warn_of_strangers().await;
    let mut delivering = tokio::spawn(Arc::clone(&editions).deliver(stop.clone()));
    let reloads = Reloads::new(file, Arc::clone(&editions), commands.clone(), registry, Arc::clone(&console));
    let reloads = Arc::new(reloads);
    let operating = tokio::spawn({
        let operate = Arc::new(Operate::new(commands, Arc::clone(&reloads)));
        let answer = move |request| {
            let operate = Arc::clone(&operate);
            async move { operate.respond(request).await }
        };
        socket.serve(answer, admin_stop.clone())
    });
    tokio::spawn(reload_on_signal(reloads)?);
    let gateways = Arc::clone(&editions);
    let mut serving = tokio::spawn(server.serve(
        move |request, caller| {
            let gateway = gateways.gateway();
            async move { gateway.respond(request, &caller).await }
        },
        stop.clone(),
    ));
    info!(
        listen = %address, admin = %admin_address, public_url = frontgate_tenants::display_url(&config.public_url()),
        "serving {address}; operators at http://{admin_address}/statusz"
    );
    if let Some(serving) = placement.serving {
        // Who has gone does not want to know.
        let _ = serving.send(address);
    }

    let [delay, grace] = [config.server.shutdown_delay_ms, config.server.shutdown_grace_ms].map(Duration::from_millis);
    // Its secrets are erased when another one takes its place.
    drop(config);

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
        tokio::time::sleep(delay).await;
        stop.cancel();
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
    Ok(if clean { End::Clean } else { End::CutOff })
}

/// SIGHUP means what `frontgate reload` means; receipts go to the log.
fn reload_on_signal(reloads: Arc<Reloads>) -> anyhow::Result<impl Future<Output = ()>> {
    let mut signals = signal(SignalKind::hangup())?;
    Ok(async move {
        while signals.recv().await.is_some() {
            info!("reloading, as SIGHUP asks");
            match reloads.reload().await {
                Ok(answer) => {
                    let (changed, unusable) = (answer.plugins.receipts.len(), answer.plugins.standing.len());
                    info!("reloaded: {changed} changed, {unusable} not usable");
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
