//! Starts and stops servers.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Prefix of the folders of servers, followed by the id of the test program.
const FOLDER: &str = "frontgate-postgres-";

/// Time within which a server accepts connections.
pub(crate) const START_MAX: Duration = Duration::from_secs(60);

/// Name of the file with the authority of a server with TLS.
const AUTHORITY: &str = "authority.pem";

/// Settings that differ from Postgres' defaults.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=400",
    "shared_buffers=64MB",
    "max_wal_size=2GB",
    "autovacuum_naptime=5s",
];

/// A running server.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
    process: Mutex<Process>,
}

/// A started program.
#[derive(Debug)]
struct Process {
    id: Pid,
    /// Receives once the program has ended.
    ended: mpsc::Receiver<()>,
}

impl Process {
    /// Ends the program with a signal.
    fn end(&self, signal: Signal) {
        let _ = kill_process(self.id, signal);
        self.ended.recv_timeout(START_MAX).expect("Postgres ends");
    }
}

impl Server {
    /// Returns the server that the tests of this program share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::create("shared"))
    }

    /// Creates and starts a server with a name of its own.
    pub fn create(name: &str) -> Self {
        Self::create_with(name, false)
    }

    /// Creates a server that also accepts TLS, see [`Server::authority`].
    pub fn create_with_tls(name: &str) -> Self {
        Self::create_with(name, true)
    }

    fn create_with(name: &str, has_tls: bool) -> Self {
        remove_old_folders();
        let folder = std::env::temp_dir().join(format!("{FOLDER}{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut initdb = program("initdb");
        initdb.arg("--pgdata").arg(folder.join("data"));
        initdb.args(["--username=frontgate", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        own(&folder);
        let output = initdb.output().expect("initdb");
        assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        if has_tls {
            write_certificates(&folder);
        }
        let port = free_port();
        let process = Mutex::new(start(&folder, port));
        let server = Self { folder, port, process };
        server.wait_until_ready();
        server
    }

    /// Returns the URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://frontgate@127.0.0.1:{}/{database}", self.port)
    }

    /// Creates a standby of this server that confirms each of its commits.
    pub fn create_standby(&self, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("{FOLDER}{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        own(&folder);
        let mut copy = program("pg_basebackup");
        copy.arg("--pgdata").arg(folder.join("data")).args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        copy.args(["--host=127.0.0.1", "--username=frontgate", "--port", &self.port.to_string()]);
        let output = copy.output().expect("pg_basebackup");
        assert!(output.status.success(), "pg_basebackup failed: {}", String::from_utf8_lossy(&output.stderr));
        let port = free_port();
        let process = Mutex::new(start(&folder, port));
        let standby = Self { folder, port, process };
        standby.wait_until_ready();
        self.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.execute("postgres", "SELECT pg_reload_conf()");
        let until = Instant::now() + START_MAX;
        while self.execute("postgres", "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").is_empty() {
            assert!(Instant::now() < until, "the standby does not confirm commits");
            thread::park_timeout(Duration::from_millis(10));
        }
        standby
    }

    /// Stops the server at once, as the loss of its machine would.
    pub fn stop(&self) {
        self.process.lock().end(Signal::QUIT);
    }

    /// Makes a standby the primary server.
    pub fn promote(&self) {
        self.execute("postgres", "SELECT pg_promote()");
        self.execute("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
        self.execute("postgres", "SELECT pg_reload_conf()");
    }

    /// Returns the path of the authority that has signed the server's certificate, as a PEM file.
    pub fn authority(&self) -> PathBuf {
        self.folder.join(AUTHORITY)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements in a database, and returns the first column of each row as text.
    pub fn execute(&self, database: &str, sql: &str) -> Vec<String> {
        self.try_execute(database, sql).unwrap_or_else(|error| panic!("`{sql}` failed: {error:?}"))
    }

    pub(crate) fn try_execute(&self, database: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        let (url, sql) = (self.url(database), sql.to_owned());
        // The caller may be a thread of a runtime, which must not be blocked by another one.
        let executing = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
                let driving = tokio::spawn(connection);
                let answers = client.simple_query(&sql).await?;
                drop(client);
                let _ = driving.await;
                let first = |answer: &SimpleQueryMessage| match answer {
                    SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                    _ => None,
                };
                Ok(answers.iter().filter_map(first).collect())
            })
        });
        executing.join().expect("no panic")
    }

    /// Opens a transaction with a snapshot in a thread, which ends it when `until` is closed.
    pub(crate) fn hold_snapshot(&self, database: &str, until: mpsc::Receiver<()>) -> thread::JoinHandle<()> {
        let url = self.url(database);
        let (held, holds) = mpsc::channel();
        let holding = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
                tokio::spawn(connection);
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class";
                client.batch_execute(begin).await.expect("a transaction");
                let _ = held.send(());
                let _ = tokio::task::spawn_blocking(move || until.recv()).await;
            });
        });
        holds.recv().expect("a transaction");
        holding
    }

    /// Stops the server at once, as a crash would, and starts it again.
    pub fn crash_and_restart(&self) {
        self.restart(Signal::QUIT);
    }

    /// Stops the server as an operator would, which ends all connections, and starts it again.
    pub fn stop_and_restart(&self) {
        self.restart(Signal::INT);
    }

    fn restart(&self, signal: Signal) {
        let mut process = self.process.lock();
        process.end(signal);
        *process = start(&self.folder, self.port);
        drop(process);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let until = Instant::now() + START_MAX;
        while let Err(error) = self.try_execute("postgres", "SELECT 1") {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "Postgres did not start: {error:?}\n{log}");
            thread::park_timeout(Duration::from_millis(10));
        }
    }
}

/// Starts the program. It gets a signal when this process ends, even if this process is killed.
fn start(folder: &Path, port: u16) -> Process {
    let (sender, started) = mpsc::channel();
    let (ending, ended) = mpsc::channel();
    let folder = folder.to_owned();
    // The signal comes at the end of the thread that starts the program, so this thread lives as long as the program.
    thread::Builder::new()
        .name("postgres".to_owned())
        .spawn(move || {
            let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("a log");
            let mut postgres = program("postgres");
            postgres.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]);
            if folder.join(AUTHORITY).exists() {
                let file = |name| format!("ssl_{name}_file={}", folder.join(name).display());
                postgres.args(["-c", "ssl=on", "-c", &file("cert"), "-c", &file("key")]);
            }
            postgres.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
            postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut child = postgres.spawn().expect("postgres");
            let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("an id");
            let _ = sender.send(id);
            let _ = child.wait();
            let _ = ending.send(());
        })
        .expect("a thread");
    Process { id: started.recv().expect("a process"), ended }
}

fn program(name: &str) -> Command {
    command(&bin().join(name))
}

/// Returns a command that ends with this program. Postgres and PgBouncer refuse to run as root.
pub(crate) fn command(path: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT", "--"]).arg(path);
        return command;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig", "QUIT", "--"]).arg(path);
    command.current_dir("/");
    command
}

/// Returns the folder of the programs of the newest version.
fn bin() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    versions.sort();
    let from_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&from_path).collect::<Vec<_>>();
    let found = versions.into_iter().rev().chain(folders).find(|folder| folder.join("initdb").is_file());
    found.expect("Postgres is not installed: run `cargo xtask test`, or install Debian's package `postgresql`")
}

/// Writes an authority, and a certificate for the address on loopback.
fn write_certificates(folder: &Path) {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new([]).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).expect("a certificate");
    fs::write(folder.join(AUTHORITY), certificate.pem()).expect("a file");
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let server = server.signed_by(&key, &issuer).expect("a certificate");
    fs::write(folder.join("cert"), server.pem()).expect("a file");
    fs::write(folder.join("key"), key.serialize_pem()).expect("a file");
    for file in ["cert", "key"] {
        // Postgres refuses a key that others can read.
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o600)).expect("the file");
        own(&folder.join(file));
    }
}

/// Gives a folder to the user that runs the server.
pub(crate) fn own(folder: &Path) {
    if rustix::process::geteuid().is_root() {
        let owned = Command::new("chown").arg("nobody:nogroup").arg(folder).status().expect("chown");
        assert!(owned.success(), "failed to change the owner of {}", folder.display());
    }
}

/// Removes the folders of programs that have ended.
fn remove_old_folders() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let id = name.strip_prefix(FOLDER).and_then(|rest| rest.split('-').next()?.parse().ok());
        if let Some(id) = id.and_then(Pid::from_raw)
            && test_kill_process(id).is_err()
        {
            // Another test program may remove it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}
