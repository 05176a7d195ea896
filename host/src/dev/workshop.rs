//! A gateway that is made for one plugin: its configuration, its secrets and its data lie in `.frontgate` in the
//! project, where an author can look at them.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use toml::{Table, Value as Toml};

use super::{Options, Tap};
use crate::config::{self, Config, Role};
use crate::plugin::load::cache::Digest;
use crate::plugin::receipt::Receipt;
use crate::server::Server;
use crate::service::operate::Answer;
use crate::service::{self, End};
use crate::workbench::project::Project;
use crate::workbench::scratch::Scratch;
use crate::workbench::upstream::{Program, Upstreams};

/// Where all of it is, below the project.
const FOLDER: &str = ".frontgate";
/// The tenant whose plugin it is.
const TENANT: &str = "dev";

/// The gateway, and what stands around it.
pub(super) struct Workshop {
    pub(super) tap: Tap,
    folder: PathBuf,
    pub(super) listen: SocketAddr,
    socket: PathBuf,
    pub(super) gateway: JoinHandle<anyhow::Result<End>>,
    _scratch: Scratch,
    _program: Option<Program>,
}

impl Workshop {
    /// Starts a gateway with the plugin in it.
    pub(super) async fn open(
        project_folder: &Path,
        project: &Project,
        options: &Options,
        roles: &[Role],
    ) -> anyhow::Result<Self> {
        let (folder, scratch) = (project_folder.join(FOLDER), Scratch::new()?);
        let socket = scratch.path().join("socket");
        fs::create_dir_all(folder.join("plugins")).with_context(|| format!("making {}", folder.display()))?;
        fs::create_dir_all(folder.join("secrets"))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        // Nobody reads what Git would show.
        fs::write(folder.join(".gitignore"), "*\n")?;
        let server = Server::bind(options.listen, &config::Server::default()).await;
        let server = server.context("choose another address with --listen")?;
        let listen = server.address()?;
        let upstreams = Upstreams::of(project)?;
        let program = Program::start(project, &upstreams).await?;
        write(&folder, &socket, listen, project, roles)?;
        put(&folder, project)?;
        let file = folder.join("config.toml");
        let config = Config::load(&file).map_err(|faults| anyhow!("plugin.toml, as the gateway reads it: {faults}"))?;
        let (serving, at) = oneshot::channel();
        let workshop = service::Workshop {
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            detour: Some(upstreams.detour()),
            serving: Some(serving),
        };
        let mut gateway = tokio::spawn(async move { service::serve(&file, config.config, workshop).await });
        let address = tokio::select! {
            address = at => address.context("the gateway ended while it started"),
            ended = &mut gateway => return Err(match ended? {
                Ok(_) => anyhow!("the gateway was ended"),
                Err(error) => error,
            }),
        }?;
        let tap = Tap::open(server, address);
        Ok(Self { tap, folder, listen, socket, gateway, _scratch: scratch, _program: program })
    }

    /// Puts a new file in the place of the old one; what the gateway says of it, a line each.
    pub(super) async fn swap(&self, project: &Project, roles: &[Role]) -> anyhow::Result<Vec<String>> {
        write(&self.folder, &self.socket, self.listen, project, roles)?;
        put(&self.folder, project)?;
        let Answer { configuration, plugins } = self.operate("/reload").await?;
        if let Some(reason) = configuration.as_ref().and_then(|receipt| receipt.outcome.reason()) {
            bail!("the gateway kept its configuration: {reason}");
        }
        if let Some(reason) = plugins.standing.iter().find_map(|receipt| receipt.outcome.reason()) {
            bail!("the gateway does not use it: {reason}");
        }
        let short = |digest: &Option<Digest>| digest.as_ref().map_or_else(|| "nothing".to_owned(), Digest::short);
        let line = |receipt: &Receipt| {
            format!("{}: {} → {}", receipt.outcome.name(), short(&receipt.before), short(&receipt.after))
        };
        Ok(plugins.receipts.iter().map(line).collect())
    }

    /// Lets this program send an example, signed, as an author would.
    pub(super) async fn send(&self, callback: &str) -> anyhow::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["send", "twilio", callback, "--config"]).arg(self.folder.join("config.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command.status().await?;
        Ok(())
    }

    /// Ends the gateway as a signal would.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)?;
        self.gateway.await??;
        Ok(())
    }

    async fn operate(&self, path: &str) -> anyhow::Result<Answer> {
        let stream = UnixStream::connect(&self.socket).await.context("the gateway does not answer")?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driving = tokio::spawn(connection);
        let request = Request::post(path).header("host", "frontgate").body(Full::<Bytes>::from("{}"))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        driving.abort();
        anyhow::ensure!(status.is_success(), "{}", String::from_utf8_lossy(&body).trim());
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Copies what was built, whole or not at all.
fn put(folder: &Path, project: &Project) -> anyhow::Result<()> {
    let to = folder.join("plugins").join(format!("{}.wasm", project.name()?));
    let unfinished = to.with_extension("unfinished");
    fs::copy(&project.file, &unfinished).with_context(|| format!("copying {}", project.file.display()))?;
    fs::rename(&unfinished, &to)?;
    Ok(())
}

/// Writes the configuration, and secrets that nobody knows.
fn write(folder: &Path, socket: &Path, listen: SocketAddr, project: &Project, roles: &[Role]) -> anyhow::Result<()> {
    let name = project.name()?;
    let table = |pairs: Vec<(&str, Toml)>| -> Toml {
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Table>().into()
    };
    let file = |name: &str| table(vec![("file", format!("secrets/{name}").into())]);
    secret(folder, "auth-token")?;
    secret(folder, "app-secret")?;
    fs::write(folder.join("secrets/app-uid"), "dev-app")?;
    let front = Role::Channel;
    let asked: Vec<_> =
        roles.iter().filter(|role| **role != front).map(|role| (role.name(), vec![name].into())).collect();
    let mut tenant = vec![
        ("path", "/".into()),
        ("twilio", table(vec![("auth_tokens", vec![file("auth-token")].into())])),
        ("roles", table(asked)),
    ];
    if roles.contains(&front) {
        let app = table(vec![
            ("app_uid", file("app-uid")),
            ("app_secrets", vec![file("app-secret")].into()),
            ("plugin", name.into()),
        ]);
        tenant.push(("front", table(vec![(TENANT, app)])));
    }
    let whole = table(vec![
        (
            "server",
            table(vec![("listen", listen.to_string().into()), ("public_url", format!("http://{listen}").into())]),
        ),
        ("admin", table(vec![("listen", "127.0.0.1:0".into()), ("socket", socket.display().to_string().into())])),
        ("store", table(vec![("url", "sqlite:data/frontgate.db".into())])),
        (
            "plugins",
            table(vec![
                ("directory", "plugins".into()),
                ("cache", "data/compiled".into()),
                ("records", "data/plugins".into()),
                ("named", table(vec![(name, granted(folder, project)?)])),
            ]),
        ),
        ("tenants", table(vec![(TENANT, table(tenant))])),
    ]);
    let text = format!(
        "# Written by `frontgate dev` at each build, from plugin.toml. Send a callback to it with\n\
         # frontgate send twilio crm --config {}\n\n{}",
        folder.join("config.toml").display(),
        toml::to_string(&whole)?
    );
    fs::write(folder.join("config.toml"), text).context("writing the configuration")
}

/// A secret that is made once.
fn secret(folder: &Path, name: &str) -> anyhow::Result<()> {
    let path = folder.join("secrets").join(name);
    if !path.exists() {
        fs::write(&path, uuid::Uuid::new_v4().simple().to_string())?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// The plugin's own table, with made-up secrets where there are some, and paths that lead to the same places.
fn granted(folder: &Path, project: &Project) -> anyhow::Result<Toml> {
    let mut settings = project.plugin.clone().unwrap_or_default();
    if let Some(Toml::String(files)) = settings.get("files") {
        let absolute = project.folder.join(files).display().to_string();
        settings.insert("files".to_owned(), absolute.into());
    }
    let own = settings.get_mut("secrets").and_then(Toml::as_table_mut);
    own.map_or(Ok(()), |own| make_up(folder, own, project))?;
    for bound in settings.get_mut("bound_secrets").and_then(Toml::as_array_mut).into_iter().flatten() {
        let secrets = bound.get_mut("secrets").and_then(Toml::as_table_mut);
        secrets.map_or(Ok(()), |secrets| make_up(folder, secrets, project))?;
    }
    Ok(settings.into())
}

/// Lets references lead to made-up values, where there are some.
fn make_up(folder: &Path, secrets: &mut Table, project: &Project) -> anyhow::Result<()> {
    for (name, reference) in secrets.iter_mut() {
        if let Some(value) = project.test.secrets.get(name) {
            let path = folder.join("secrets").join(format!("plugin-{name}"));
            fs::write(&path, value)?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            let made_up = ("file".to_owned(), Toml::String(path.display().to_string()));
            *reference = Table::from_iter([made_up]).into();
        }
    }
    Ok(())
}
