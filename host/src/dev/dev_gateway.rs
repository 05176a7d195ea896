//! The gateway that loads the plugin: a running one, or an [`ephemeral`] one.

mod ephemeral;

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use frontgate_config::Config;
use frontgate_contract::Role;
use frontgate_contract::digest::Digest;
use frontgate_gateway::server::{Callers, Server};
use frontgate_net::one_shot;
use frontgate_plugin_test::upstream::{UpstreamProgram, Upstreams};
use frontgate_plugin_test::{Project, temp_dir};
use frontgate_runtime::receipt::{Outcome, Receipt};
use http_body_util::Full;
use hyper::Request;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::ephemeral::Addresses;
use super::Options;
use super::recording_proxy::RecordingProxy;
use crate::service::admin_api::CommandResult;
use crate::service::{self, Shutdown};

/// Name of the gateway's folder in the project.
const FOLDER: &str = ".frontgate";
/// The default port for callbacks.
const LISTEN: u16 = 8080;

/// A gateway with a proxy in front of it.
pub(super) struct DevGateway {
    pub(super) proxy: RecordingProxy,
    pub(super) listen: SocketAddr,
    /// The gateway's configuration.
    pub(super) config: PathBuf,
    plugins: PathBuf,
    socket: PathBuf,
    /// The started gateway; `None` if the author named a running one.
    pub(super) ephemeral: Option<Ephemeral>,
}

/// A gateway that runs in this process, for this plugin only.
pub(super) struct Ephemeral {
    folder: PathBuf,
    admin: SocketAddr,
    task: JoinHandle<anyhow::Result<Shutdown>>,
    _temp_dir: TempDir,
    _program: Option<UpstreamProgram>,
}

impl DevGateway {
    /// Connects to the gateway that the author names, or starts one.
    pub(super) async fn open(
        project_folder: &Path,
        project: &Project,
        options: &Options,
        roles: &[Role],
    ) -> anyhow::Result<Self> {
        let folder = project_folder.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        // Keep the folder out of Git.
        fs::write(folder.join(".gitignore"), "*\n")?;
        match &options.config {
            Some(config) => Self::attach(config, project, options).await,
            None => Self::start(folder, project, options, roles).await,
        }
    }

    /// Starts a proxy in front of a running gateway.
    async fn attach(file: &Path, project: &Project, options: &Options) -> anyhow::Result<Self> {
        let (config, name) = (Config::load_unchecked(file)?, project.name()?);
        let mut named = config.tenants.values().flat_map(frontgate_tenants::Settings::named);
        if !named.any(|(_, names, _)| names.iter().any(|other| other == name)) {
            bail!("{}: no tenant names `{name}` for a role: add it under [tenants.NAME.roles]", file.display());
        }
        let gateway = config.server.listen.address().filter(|_| config.server.tls.is_none());
        let gateway = gateway.context("`dev` needs a gateway that listens on an address, without TLS")?;
        let listen = options.listen.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        let settings = frontgate_gateway::settings::Server::default();
        let server = Server::bind(listen, &settings, Callers::Trusted, settings.connections_max).await;
        let server = server.context("failed to start the proxy; choose another address with --listen")?;
        let listen = server.address()?;
        Ok(Self {
            proxy: RecordingProxy::open(server, gateway),
            listen,
            config: file.to_owned(),
            plugins: config.plugins.directory,
            socket: config.admin.socket,
            ephemeral: None,
        })
    }

    /// Starts a gateway that loads the plugin.
    async fn start(folder: PathBuf, project: &Project, options: &Options, roles: &[Role]) -> anyhow::Result<Self> {
        let temp_dir = temp_dir()?;
        let socket = temp_dir.path().join("socket");
        fs::create_dir_all(folder.join("plugins"))?;
        fs::create_dir_all(folder.join("secrets"))?;
        let listen = options.listen.unwrap_or((Ipv4Addr::LOCALHOST, LISTEN).into());
        let settings = frontgate_gateway::settings::Server::default();
        let server = Server::bind(listen, &settings, Callers::Trusted, settings.connections_max).await;
        let server = server.context("failed to start the proxy; choose another address with --listen")?;
        let listen = server.address()?;
        let upstreams = Upstreams::of(project)?;
        let program = UpstreamProgram::start(project, &upstreams).await?;
        let admin = free_port().await?;
        ephemeral::write(&folder, Addresses { listen, admin, socket: &socket }, project, roles)?;
        let plugins = folder.join("plugins");
        install(&plugins, project)?;
        let config_file = folder.join("config.toml");
        let file = config_file.clone();
        let config =
            Config::load(&file).map_err(|faults| anyhow!("invalid configuration from plugin.toml: {faults}"))?;
        let (serving, at) = oneshot::channel();
        let overrides = service::Overrides {
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            address_override: Some(upstreams.address_override()),
            serving: Some(serving),
            ..service::Overrides::default()
        };
        let mut task = tokio::spawn(async move { service::serve(&file, config.config, overrides).await });
        let address = tokio::select! {
            address = at => address.context("gateway ended during startup"),
            ended = &mut task => return Err(match ended? {
                Ok(_) => anyhow!("gateway ended by a signal"),
                Err(error) => error,
            }),
        }?;
        let ephemeral = Ephemeral { folder, admin, task, _temp_dir: temp_dir, _program: program };
        Ok(Self {
            proxy: RecordingProxy::open(server, address),
            listen,
            config: config_file,
            plugins,
            socket,
            ephemeral: Some(ephemeral),
        })
    }

    /// Installs the new file and reloads the gateway. Returns one line for each receipt.
    pub(super) async fn swap(&self, project: &Project, roles: &[Role]) -> anyhow::Result<Vec<String>> {
        if let Some(ephemeral) = &self.ephemeral {
            let addresses = Addresses { listen: self.listen, admin: ephemeral.admin, socket: &self.socket };
            ephemeral::write(&ephemeral.folder, addresses, project, roles)?;
        }
        install(&self.plugins, project)?;
        let name = project.name()?;
        let CommandResult { configuration, mut plugins } = self.command("/reload").await?;
        let waits = |receipt: &Receipt| receipt.plugin == name && matches!(receipt.outcome, Outcome::Waiting(_));
        if self.ephemeral.is_some() && plugins.standing.iter().any(waits) {
            // The author implicitly approves the plugin's imports.
            plugins = self.command(&format!("/plugins/{name}/allow")).await?.plugins;
        }
        if let Some(reason) = configuration.as_ref().and_then(|receipt| receipt.outcome.reason()) {
            bail!("configuration rejected: {reason}");
        }
        let mut standing = plugins.standing.iter().filter(|receipt| receipt.plugin == name);
        if let Some(reason) = standing.find_map(|receipt| receipt.outcome.reason()) {
            bail!("plugin rejected: {reason}");
        }
        let short = |digest: &Option<Digest>| digest.as_ref().map_or_else(|| "none".to_owned(), Digest::short);
        let line = |receipt: &Receipt| {
            format!("{}: {} → {}", receipt.outcome.name(), short(&receipt.before), short(&receipt.after))
        };
        Ok(plugins.receipts.iter().filter(|receipt| receipt.plugin == name).map(line).collect())
    }

    /// Runs this program to send a signed example callback.
    pub(super) async fn send(&self, callback: &str) -> anyhow::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["send", "twilio", callback, "--to", &self.listen.to_string(), "--config"]).arg(&self.config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command.status().await?;
        Ok(())
    }

    /// Waits until the ephemeral gateway ends. Without one, never returns.
    pub(super) async fn ended(ephemeral: &mut Option<Ephemeral>) -> anyhow::Result<()> {
        match ephemeral {
            Some(ephemeral) => (&mut ephemeral.task).await?.map(drop),
            None => std::future::pending().await,
        }
    }

    /// Stops the ephemeral gateway by SIGTERM to this process, so that it drains.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        if self.ephemeral.is_none() {
            return Ok(());
        }
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)?;
        Self::ended(&mut self.ephemeral).await
    }

    async fn command(&self, path: &str) -> anyhow::Result<CommandResult> {
        let stream = UnixStream::connect(&self.socket).await.context("gateway does not answer")?;
        let request = Request::post(path).header("host", "frontgate").body(Full::<Bytes>::from("{}"))?;
        let (head, body) = one_shot(stream, request).await?.into_parts();
        anyhow::ensure!(head.status.is_success(), "{}", String::from_utf8_lossy(&body).trim());
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Returns a free port on localhost, for the configuration.
async fn free_port() -> anyhow::Result<SocketAddr> {
    let settings = frontgate_gateway::settings::Server::default();
    Ok(Server::bind((Ipv4Addr::LOCALHOST, 0).into(), &settings, Callers::Trusted, 1).await?.address()?)
}

/// Copies the built file atomically.
fn install(plugins: &Path, project: &Project) -> anyhow::Result<()> {
    let to = plugins.join(format!("{}.wasm", project.name()?));
    let unfinished = to.with_extension("unfinished");
    fs::copy(&project.file, &unfinished).with_context(|| format!("failed to copy {}", project.file.display()))?;
    fs::rename(&unfinished, &to)?;
    Ok(())
}
