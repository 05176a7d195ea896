//! The gateway that the plugin is put into: one that runs already, or one that is made for it, as [`made`] has it.

mod made;

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
use frontgate_plugin_test::project::Project;
use frontgate_plugin_test::scratch::Scratch;
use frontgate_plugin_test::upstream::{Program, Upstreams};
use frontgate_runtime::receipt::{Outcome, Receipt};
use http_body_util::Full;
use hyper::Request;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::made::Places;
use super::{Options, Tap};
use crate::service::operate::Answer;
use crate::service::{self, End};

/// Where all of it is, below the project.
const FOLDER: &str = ".frontgate";
/// Where callbacks are accepted, if the author does not say.
const LISTEN: u16 = 8080;

/// The gateway, and what stands around it.
pub(super) struct Stand {
    pub(super) tap: Tap,
    pub(super) listen: SocketAddr,
    /// Of the gateway.
    pub(super) config: PathBuf,
    plugins: PathBuf,
    socket: PathBuf,
    /// The gateway that was made; none where one runs already.
    pub(super) made: Option<Made>,
}

/// A gateway that was made for the plugin.
pub(super) struct Made {
    folder: PathBuf,
    admin: SocketAddr,
    gateway: JoinHandle<anyhow::Result<End>>,
    _scratch: Scratch,
    _program: Option<Program>,
}

impl Stand {
    /// The gateway that an author names, or one of its own.
    pub(super) async fn open(
        project_folder: &Path,
        project: &Project,
        options: &Options,
        roles: &[Role],
    ) -> anyhow::Result<Self> {
        let folder = project_folder.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        // Nobody reads what Git would show.
        fs::write(folder.join(".gitignore"), "*\n")?;
        match &options.config {
            Some(config) => Self::join(config, project, options).await,
            None => Self::make(folder, project, options, roles).await,
        }
    }

    /// Stands before a gateway that runs.
    async fn join(file: &Path, project: &Project, options: &Options) -> anyhow::Result<Self> {
        let (config, name) = (Config::load_unchecked(file)?, project.name()?);
        let mut named = config.tenants.values().flat_map(frontgate_tenants::Settings::named);
        if !named.any(|(_, names, _)| names.iter().any(|other| other == name)) {
            bail!("{}: no tenant names `{name}` for a role: add it under [tenants.NAME.roles]", file.display());
        }
        let listen = options.listen.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        let settings = frontgate_gateway::settings::Server::default();
        let server = Server::bind(listen, &settings, Callers::Trusted, settings.connections_max).await;
        let server = server.context("choose another address with --listen")?;
        let listen = server.address()?;
        Ok(Self {
            tap: Tap::open(server, config.server.listen),
            listen,
            config: file.to_owned(),
            plugins: config.plugins.directory,
            socket: config.admin.socket,
            made: None,
        })
    }

    /// Starts a gateway with the plugin in it.
    async fn make(folder: PathBuf, project: &Project, options: &Options, roles: &[Role]) -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let socket = scratch.path().join("socket");
        fs::create_dir_all(folder.join("plugins"))?;
        fs::create_dir_all(folder.join("secrets"))?;
        let listen = options.listen.unwrap_or((Ipv4Addr::LOCALHOST, LISTEN).into());
        let settings = frontgate_gateway::settings::Server::default();
        let server = Server::bind(listen, &settings, Callers::Trusted, settings.connections_max).await;
        let server = server.context("choose another address with --listen")?;
        let listen = server.address()?;
        let upstreams = Upstreams::of(project)?;
        let program = Program::start(project, &upstreams).await?;
        let admin = free_port().await?;
        made::write(&folder, Places { listen, admin, socket: &socket }, project, roles)?;
        let plugins = folder.join("plugins");
        put(&plugins, project)?;
        let config_file = folder.join("config.toml");
        let file = config_file.clone();
        let config = Config::load(&file).map_err(|faults| anyhow!("plugin.toml, as the gateway reads it: {faults}"))?;
        let (serving, at) = oneshot::channel();
        let placement = service::Placement {
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            redirect: Some(upstreams.redirect()),
            serving: Some(serving),
            ..service::Placement::default()
        };
        let mut gateway = tokio::spawn(async move { service::serve(&file, config.config, placement).await });
        let address = tokio::select! {
            address = at => address.context("the gateway ended while it started"),
            ended = &mut gateway => return Err(match ended? {
                Ok(_) => anyhow!("the gateway was ended"),
                Err(error) => error,
            }),
        }?;
        let made = Made { folder, admin, gateway, _scratch: scratch, _program: program };
        Ok(Self { tap: Tap::open(server, address), listen, config: config_file, plugins, socket, made: Some(made) })
    }

    /// Puts a new file in the place of the old one; what the gateway says of it, a line each.
    pub(super) async fn swap(&self, project: &Project, roles: &[Role]) -> anyhow::Result<Vec<String>> {
        if let Some(made) = &self.made {
            let places = Places { listen: self.listen, admin: made.admin, socket: &self.socket };
            made::write(&made.folder, places, project, roles)?;
        }
        put(&self.plugins, project)?;
        let name = project.name()?;
        let Answer { configuration, mut plugins } = self.operate("/reload").await?;
        let waits = |receipt: &Receipt| receipt.plugin == name && matches!(receipt.outcome, Outcome::Waiting(_));
        if self.made.is_some() && plugins.standing.iter().any(waits) {
            // Its author knows what it wants.
            plugins = self.operate(&format!("/plugins/{name}/allow")).await?.plugins;
        }
        if let Some(reason) = configuration.as_ref().and_then(|receipt| receipt.outcome.reason()) {
            bail!("the gateway kept its configuration: {reason}");
        }
        let mut standing = plugins.standing.iter().filter(|receipt| receipt.plugin == name);
        if let Some(reason) = standing.find_map(|receipt| receipt.outcome.reason()) {
            bail!("the gateway does not use it: {reason}");
        }
        let short = |digest: &Option<Digest>| digest.as_ref().map_or_else(|| "nothing".to_owned(), Digest::short);
        let line = |receipt: &Receipt| {
            format!("{}: {} → {}", receipt.outcome.name(), short(&receipt.before), short(&receipt.after))
        };
        Ok(plugins.receipts.iter().filter(|receipt| receipt.plugin == name).map(line).collect())
    }

    /// Lets this program send an example, signed, as an author would.
    pub(super) async fn send(&self, callback: &str) -> anyhow::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["send", "twilio", callback, "--to", &self.listen.to_string(), "--config"]).arg(&self.config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command.status().await?;
        Ok(())
    }

    /// Waits until the gateway that was made has ended.
    pub(super) async fn ended(made: &mut Option<Made>) -> anyhow::Result<()> {
        match made {
            Some(made) => (&mut made.gateway).await?.map(drop),
            None => std::future::pending().await,
        }
    }

    /// Ends the gateway that was made as a signal would.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        if self.made.is_none() {
            return Ok(());
        }
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)?;
        Self::ended(&mut self.made).await
    }

    async fn operate(&self, path: &str) -> anyhow::Result<Answer> {
        let stream = UnixStream::connect(&self.socket).await.context("the gateway does not answer")?;
        let request = Request::post(path).header("host", "frontgate").body(Full::<Bytes>::from("{}"))?;
        let (head, body) = one_shot(stream, request).await?.into_parts();
        anyhow::ensure!(head.status.is_success(), "{}", String::from_utf8_lossy(&body).trim());
        Ok(serde_json::from_slice(&body)?)
    }
}

/// One that is not taken now, so that it can stand in the configuration.
async fn free_port() -> anyhow::Result<SocketAddr> {
    let settings = frontgate_gateway::settings::Server::default();
    Ok(Server::bind((Ipv4Addr::LOCALHOST, 0).into(), &settings, Callers::Trusted, 1).await?.address()?)
}

/// Copies what was built, whole or not at all.
fn put(plugins: &Path, project: &Project) -> anyhow::Result<()> {
    let to = plugins.join(format!("{}.wasm", project.name()?));
    let unfinished = to.with_extension("unfinished");
    fs::copy(&project.file, &unfinished).with_context(|| format!("copying {}", project.file.display()))?;
    fs::rename(&unfinished, &to)?;
    Ok(())
}
