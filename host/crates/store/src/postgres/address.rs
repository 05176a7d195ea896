//! The server that `[store]` names, and the connection to it.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Failure;
use crate::now_ms;
use crate::settings::Settings;

/// Time after which an unacknowledged packet ends a connection. Without it, a lost server is noticed after minutes.
const TCP_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle time after which a connection is probed.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
/// Interval between two probes, and their number.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;

/// The port of Postgres, unless the URL names another.
const DEFAULT_PORT: u16 = 5_432;

/// A Postgres server, with what is known about its clock.
pub(crate) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
    pub(super) connect_timeout: Duration,
    /// Time for which a write waits for its scope, and is run again after failures.
    pub(super) timeout: Duration,
    pub(super) prepared: bool,
    /// Id of the installation, once its tables were found.
    installation: OnceLock<String>,
    /// Milliseconds by which the clock of the server is ahead of this machine's.
    clock_ahead_ms: AtomicI64,
}

impl Server {
    /// Reads the address from the settings.
    ///
    /// # Errors
    ///
    /// Fails if the URL is invalid, contains a password, or names a remote server without TLS.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Self::at(&settings.url, settings).context("invalid store.url")
    }

    fn at(url: &str, settings: &Settings) -> anyhow::Result<Self> {
        let mut config: Config = url.parse()?;
        ensure!(
            config.get_password().is_none(),
            "it contains a password; remove it, and set password = {{ env = \"NAME\" }} in [store]"
        );
        ensure!(!config.get_hosts().is_empty(), "it has no host; write postgres://USER@HOST/DATABASE");
        ensure!(config.get_dbname().is_some(), "it has no database; write postgres://USER@HOST/DATABASE");
        let is_local = config.get_hosts().iter().all(is_local);
        match (config.get_ssl_mode(), is_local) {
            (SslMode::Disable, false) => bail!(
                "it turns TLS off for a server on another machine; remove sslmode=disable, and add the \
                 authority of the server's certificate to store.ca_files"
            ),
            // A local server often has a certificate without a known authority.
            (SslMode::Disable | SslMode::Prefer, true) => config.ssl_mode(SslMode::Disable),
            _ => config.ssl_mode(SslMode::Require),
        };
        if let Some(password) = &settings.password {
            if let Some(fault) = password.error() {
                bail!("store.password: {fault}");
            }
            config.password(password.expose());
        }
        let timeout = Duration::from_millis(settings.connect_timeout_ms);
        config
            .application_name("frontgate")
            .connect_timeout(timeout)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .tcp_user_timeout(TCP_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(frontgate_net::tls_config(&settings.ca_files)),
            connect_timeout: timeout,
            timeout: Duration::from_millis(settings.timeout_ms),
            prepared: settings.prepared,
            installation: OnceLock::new(),
            clock_ahead_ms: AtomicI64::new(0),
        })
    }

    /// Returns the server that notifications come from.
    pub(super) fn for_bell(settings: &Settings) -> anyhow::Result<Self> {
        match settings.listen_url.as_str() {
            "" => Self::new(settings),
            url => Self::at(url, settings).context("invalid store.listen_url"),
        }
    }

    /// Opens a connection, which the caller drives.
    pub(super) async fn connect_undriven(
        &self,
    ) -> Result<(Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>), Failure> {
        // The timeout of the library is for each host, and does not include the login.
        let hosts = u32::try_from(self.config.get_hosts().len()).unwrap_or(u32::MAX);
        let connected = timeout(self.connect_timeout * hosts, self.config.connect(self.tls.clone())).await;
        let timed_out = |_| Failure::Connection("timed out after store.connect_timeout_ms".to_owned());
        Ok(connected.map_err(timed_out)??)
    }

    /// Opens a connection, which a task of the current runtime drives.
    pub(super) async fn connect(&self) -> Result<Client, Failure> {
        let (client, connection) = self.connect_undriven().await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("connection to Postgres ended: {error}");
            }
        });
        Ok(client)
    }

    /// Returns the id of the installation; empty before its tables were found.
    pub(super) fn installation(&self) -> &str {
        self.installation.get().map_or("", String::as_str)
    }

    pub(super) fn set_installation(&self, id: String) {
        // All sessions of a server see the same id.
        let _ = self.installation.set(id);
    }

    /// Returns the time by the clock of the server, as far as it is known, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        now_ms().cast_signed() + self.clock_ahead_ms.load(Ordering::Relaxed)
    }

    /// Records a time that the server has just reported.
    pub(super) fn note_clock(&self, server_ms: i64) {
        self.clock_ahead_ms.store(server_ms - now_ms().cast_signed(), Ordering::Relaxed);
    }

    /// Returns the hosts and the database for messages, without the password.
    pub(crate) fn display(&self) -> String {
        // The library gives one port for each host, one for all, or none.
        let ports = self.config.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
        let named = self.config.get_hosts().iter().enumerate();
        let hosts: Vec<String> = named.map(|(index, name)| format!("{}:{}", host(name), port(index))).collect();
        format!("{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}
