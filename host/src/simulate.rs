//! A simulation: a gateway with the company's configuration, keys and live plugins, between simulated platforms.
//!
//! It is a process of its own, so that the running gateway's database, queue, numbers and rate limits are not touched.
//! Nothing that could change something leaves the process: Twilio and Front are simulated in it, and other requests of
//! plugins are held ([`frontgate_runtime::HeldRequests`]). [`adapt`] changes the configuration, [`platforms`] starts the
//! simulators, [`play`] plays people and faults, [`state`] says what has happened, and [`control`] serves both on a Unix
//! socket for the console.

mod adapt;
mod control;
mod platforms;
mod play;
mod state;
mod workspace;

use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use frontgate_config::Config;
use frontgate_gateway::server::socket::Socket;
use frontgate_runtime::HeldRequests;
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::control::Control;
use self::platforms::Platforms;
use self::workspace::Workspace;
use crate::service::{self, Shutdown};

/// Arguments of the command.
pub(crate) struct Options {
    /// The tenant to simulate; `None` for the only one.
    pub(crate) tenant: Option<String>,
    /// Whether the simulation ends with its standard input, and is announced as JSON.
    pub(crate) is_child: bool,
}

/// The line with which a simulation says that it is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Path of the control socket.
    pub(crate) control: String,
}

/// Runs a simulation until a signal, the end of standard input, or the end of its time.
pub(crate) async fn simulate(file: &Path, config: Config, options: Options) -> anyhow::Result<Shutdown> {
    let tenant = chosen(&config, options.tenant)?;
    let lifetime = Duration::from_millis(config.console.simulation_ms);
    let parent = config.admin.socket.parent().unwrap_or(Path::new(".")).to_owned();
    let preparing = (tenant.clone(), options.is_child);
    let prepared = spawn_blocking(move || {
        let workspace = Workspace::create(&parent)?;
        workspace.copy_plugins(&config)?;
        let platforms = Platforms::start(&config, &preparing.0)?;
        anyhow::Ok((config, workspace, platforms))
    });
    let (config, workspace, platforms) = prepared.await??;
    let (platforms, held) = (Arc::new(platforms), Arc::new(HeldRequests::default()));
    let (serving, at) = oneshot::channel();
    let overrides = service::Overrides {
        listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
        address_override: Some(platforms.address_override()),
        held_requests: Some(Arc::clone(&held)),
        adapt: Some(adapt::adaptation(&workspace, &platforms)),
        serving: Some(serving),
        ..service::Overrides::default()
    };
    let public_url = config.public_url();
    let file = file.to_owned();
    let mut gateway = tokio::spawn(async move { service::serve(&file, config, overrides).await });
    let address = tokio::select! {
        address = at => address.context("gateway ended during startup")?,
        ended = &mut gateway => return Err(ended?.err().unwrap_or_else(|| anyhow!("gateway ended by a signal"))),
    };
    platforms.point_at(address, &public_url);
    let socket = Socket::bind(&workspace.control()).await?;
    let ends = Instant::now() + lifetime;
    let control = Arc::new(Control::new(Arc::clone(&platforms), held, workspace.store(), ends));
    let stop = CancellationToken::new();
    let operating = tokio::spawn(socket.serve(
        move |request, _| {
            let control = Arc::clone(&control);
            async move { control.respond(request).await }
        },
        stop.clone(),
    ));
    announce(&workspace, options.is_child)?;
    info!(event = "simulation.started", tenant, "simulation of tenant `{tenant}` started");
    let parent_ended = if options.is_child { Some(end_of_input()) } else { None };
    let parent_ended = async {
        match parent_ended {
            Some(ended) => drop(ended.await),
            None => std::future::pending().await,
        }
    };
    let (ended, why) = tokio::select! {
        ended = &mut gateway => (Some(ended?), "a signal"),
        () = parent_ended => (None, "its console"),
        () = tokio::time::sleep_until(ends) => (None, "console.simulation_ms"),
    };
    info!(event = "simulation.ended", tenant, "simulation of tenant `{tenant}` ended by {why}");
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // The gateway drains.
            kill_process(getpid(), Signal::TERM)?;
            gateway.await?
        }
    };
    stop.cancel();
    let _ = operating.await;
    spawn_blocking(move || platforms.end()).await?;
    ended
}

/// Returns the named tenant, or the only one.
fn chosen(config: &Config, name: Option<String>) -> anyhow::Result<String> {
    let names = || config.tenants.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) if config.tenants.contains_key(&name) => Ok(name),
        Some(name) => bail!("unknown tenant `{name}`; the configuration has: {}", names()),
        None if config.tenants.len() == 1 => Ok(names()),
        None => bail!("name a tenant with --tenant: {}", names()),
    }
}

/// Prints where the control socket is: for the console as JSON.
fn announce(workspace: &Workspace, is_child: bool) -> anyhow::Result<()> {
    let control = workspace.control().display().to_string();
    let text = match is_child {
        true => serde_json::to_string(&Ready { control })?,
        false => format!(
            "Simulation runs. Nothing reaches Twilio or Front. Ctrl-C ends it.\n\n\
             curl --unix-socket {control} http://localhost/state\n\
             curl --unix-socket {control} http://localhost/customer-writes \\\n\
             \x20 --json '{{\"from\": \"+12025550143\", \"to\": \"NUMBER OF THE COMPANY\", \"text\": \"Hello\"}}'"
        ),
    };
    let mut output = io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).context("failed to write to standard output")
}

/// Resolves at the end of standard input, which the console keeps open as long as it runs.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, resolved) = oneshot::channel();
    // A thread of its own, because a read of standard input cannot be cancelled.
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut byte = [0];
        while input.read(&mut byte).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    resolved
}
