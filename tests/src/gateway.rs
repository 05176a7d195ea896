//! Controls a running gateway through its HTTP listeners, admin socket and commands.

mod crashing;
mod process;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use frontgate_test_postgres::Database;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Answer, Front, Log, SetOnDrop, TOKEN, Twilio, crashing_program, eventually, platform, program};

/// Secrets and personal data that tests use. No log line may contain them.
const PRIVATE_TEXTS: [&str; 10] = [
    TOKEN,
    Twilio::API_KEY_SECRET,
    Front::SECRET,
    "+1202555",
    "%2B1202555",
    "+1555010",
    "Mora",
    "@example.org",
    "@acme.example",
    "planted text",
];

/// What a gateway keeps from one start to the next.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    /// The database on Postgres, which replicas share. Dropped after the last of them.
    pub(crate) database: Option<Arc<Database>>,
}

impl Default for Home {
    fn default() -> Self {
        Self { folder: TempDir::new().expect("a folder"), database: None }
    }
}

/// A running process of the real program, killed on drop.
pub struct Gateway {
    process: Process,
    home: Home,
    log: Log,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    pub(crate) fn start(home: Home) -> Self {
        Self::start_with(home, &program(), &[])
    }

    /// Starts the given program with additional environment variables.
    pub(crate) fn start_with(home: Home, program: &Path, environment: &[(&str, &str)]) -> Self {
        let process = Command::new(program)
            .args(["run", "--config", "config.toml"])
            .current_dir(home.folder.path())
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut process = Process(process);
        let log = Log::follow(process.0.stderr.take().expect("its standard error"));
        let line = log.wait_for("listening on ");
        let address = |key: &str| line[key].as_str().and_then(|text| text.parse().ok()).expect("an address");
        // A Unix socket has no address.
        let is_unix = line["listen"].as_str().is_some_and(|place| place.starts_with("unix:"));
        let listen = if is_unix { SocketAddr::from(([127, 0, 0, 1], 0)) } else { address("listen") };
        Self { address: listen, admin: address("admin"), process, home, log }
    }

    /// Returns the database on Postgres. Panics with SQLite.
    pub fn database(&self) -> &Arc<Database> {
        self.home.database.as_ref().expect("a database on Postgres")
    }

    /// Stops the gateway with SIGTERM, and starts it again in the same folder.
    pub fn restart(mut self) -> Self {
        self.signal(Signal::TERM);
        self.wait();
        let home = std::mem::take(&mut self.home);
        Self::start(home)
    }

    /// Kills the gateway, as a power failure would.
    pub fn kill(&mut self) {
        // The process may have exited already.
        let _ = self.process.0.kill();
        self.wait();
    }

    /// Returns whether the process has exited.
    pub fn has_ended(&mut self) -> bool {
        self.process.0.try_wait().expect("a child of this process").is_some()
    }

    /// Kills the gateway, and starts it again with a clock that is ahead by some milliseconds.
    pub fn start_again_later(mut self, ahead_ms: i64) -> Self {
        self.kill();
        let home = std::mem::take(&mut self.home);
        Self::start_with(home, &crashing_program(), &[("FRONTGATE_CLOCK_AHEAD_MS", &ahead_ms.to_string())])
    }

    /// Restarts an exited gateway in the same folder.
    pub fn start_again(mut self) -> Self {
        let home = std::mem::take(&mut self.home);
        Self::start(home)
    }

    /// Returns the address of the public listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the address of the admin listener.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Opens a connection to the public listener.
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("a connection")
    }

    /// Sends a signed callback named `crm`, `templates`, `outgoing-conversation`, `routing` or `conversations`.
    pub fn callback(&self, name: &str, form: &[(&str, &str)]) -> Answer {
        platform::callback(self.address, &format!("/callbacks/{name}"), form, &[])
    }

    /// Sends a signed callback to another tenant, whose paths start with `prefix`.
    pub fn tenant_callback(&self, prefix: &str, name: &str, form: &[(&str, &str)]) -> Answer {
        platform::callback(self.address, &format!("{prefix}/callbacks/{name}"), form, &[])
    }

    /// Sends a signed callback with an idempotency token.
    pub fn callback_with_token(&self, name: &str, form: &[(&str, &str)], token: &str) -> Answer {
        let path = format!("/callbacks/{name}");
        platform::callback(self.address, &path, form, &[("i-twilio-idempotency-token", token)])
    }

    /// Sends a signed CRM callback.
    pub fn crm(&self, form: &[(&str, &str)]) -> Answer {
        self.callback("crm", form)
    }

    /// Returns the deliveries that `frontgate deliveries list` prints, oldest first.
    pub fn deliveries(&self) -> Vec<Value> {
        let output = self.command(&["deliveries", "list", "--json", "--most", "100000"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut all: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        all.reverse();
        all
    }

    /// Waits until a delivery has reached a state, and returns the delivery.
    pub fn wait_for_delivery(&self, id: i64, state: &str) -> Value {
        let event = match state {
            "sent" => "delivery.sent",
            "ready" => "delivery.retry_scheduled",
            "unknown" => "delivery.outcome_unknown",
            "dead" => "delivery.gave_up",
            "failed" | "cancelled" => &format!("delivery.{state}"),
            other => panic!("no event for the state {other}"),
        };
        self.log().event(event).with("delivery", &id.to_string()).wait_for(1);
        let found = self.deliveries().into_iter().find(|delivery| delivery["id"] == id).expect("the delivery");
        assert_eq!(found["state"], state);
        found
    }

    /// Waits until every delivery has reached a final state, and returns all of them.
    pub fn wait_for_deliveries(&self) -> Vec<Value> {
        let has_ended = |delivery: &Value| matches!(delivery["state"].as_str(), Some("sent" | "failed" | "dead"));
        eventually("every delivery has ended", || self.deliveries(), |all| all.iter().all(has_ended))
    }

    /// Sends an instruction to the plugin of a setup such as [`crate::Setup::misbehaving`], as the search text of a
    /// list callback.
    pub fn instruct(&self, instruction: &str) -> Answer {
        self.crm(&platform::list(&[("Query", instruction)]))
    }

    /// Sends an instruction that must succeed, and returns its output, the name of the first customer in the answer.
    pub fn output_of(&self, instruction: &str) -> String {
        let answer = self.instruct(instruction);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["objects"]["customers"][0]["display_name"].as_str().expect("an output").to_owned()
    }

    /// Sends callbacks while `action` runs, and returns the number of answers. Panics at an incorrect answer.
    pub fn answers_during(&self, action: impl FnOnce()) -> usize {
        let (ended, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        assert_eq!(self.output_of("hello"), "version 1");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // Stops the calling threads even if the action panics.
            let _guard = SetOnDrop(&ended);
            action();
        });
        answered.into_inner()
    }

    /// Sends a GET request to the public listener.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        platform::get(self.address, path, headers)
    }

    /// Sends a GET request to the admin listener, and returns status and text.
    pub fn admin_get(&self, path: &str) -> (u16, String) {
        let answer = platform::get(self.admin, path, &[]);
        (answer.status, answer.text)
    }

    /// Returns the JSON of `/statusz`.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.admin_get("/statusz").1).expect("JSON")
    }

    /// Returns the path of a file in the gateway's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.folder.path().join(name)
    }

    /// Replaces a plugin's file atomically, as `mv` does.
    pub fn drop_plugin(&self, name: &str, component: &[u8]) {
        let unfinished = self.path(&format!("plugins/{name}.unfinished"));
        fs::write(&unfinished, component).expect("a file");
        fs::rename(unfinished, self.path(&format!("plugins/{name}.wasm"))).expect("a file");
    }

    /// Changes keys of the configuration file; an empty value removes a key. Changes take effect at the next reload.
    pub fn edit_config(&self, settings: &[(&str, &str)]) {
        let path = self.path("config.toml");
        let text = fs::read_to_string(&path).expect("the configuration");
        let is_replaced = |line: &&str| settings.iter().any(|(key, _)| line.starts_with(&format!("{key} =")));
        let lines = text.lines().filter(|line| !is_replaced(line)).map(|line| format!("{line}\n"));
        let new = settings.iter().filter(|(_, value)| !value.is_empty());
        let lines: String = lines.chain(new.map(|(key, value)| format!("{key} = {value}\n"))).collect();
        fs::write(path, lines).expect("a file");
    }

    /// Changes keys of the configuration file, reloads it, and returns the receipt of the configuration.
    pub fn reconfigure(&self, settings: &[(&str, &str)]) -> Value {
        self.edit_config(settings);
        let (status, text) = self.admin_post("/reload", "");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["configuration"].take()
    }

    /// Runs a command of the program with this gateway's configuration and addresses.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.client_config();
        run(self.home.folder.path(), &[arguments, &["--config", "client.toml"]].concat())
    }

    /// Writes a copy of the configuration with the actual addresses, and returns its path.
    pub fn client_config(&self) -> PathBuf {
        let text = fs::read_to_string(self.path("config.toml")).expect("the configuration");
        let text = text
            .replace("admin.listen = \"127.0.0.1:0\"", &format!("admin.listen = \"{}\"", self.admin))
            .replace("server.listen = \"127.0.0.1:0\"", &format!("server.listen = \"{}\"", self.address));
        fs::write(self.path("client.toml"), text).expect("a file");
        self.path("client.toml")
    }

    /// Sends a POST request to the admin socket, and disconnects at once.
    pub fn admin_post_and_disconnect(&self, path: &str) {
        self.send_to_admin_socket(path, "");
    }

    /// Sends a POST request to the admin socket, and returns the connection.
    fn send_to_admin_socket(&self, path: &str, body: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.path("data/run/frontgate.sock")).expect("the socket");
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        stream.write_all((head + body).as_bytes()).expect("the gateway reads");
        stream
    }

    /// Sends a POST request to the admin socket, and returns status and body.
    pub fn admin_post(&self, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.send_to_admin_socket(path, body);
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a header");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    /// Reloads the gateway, waits until the gateway has processed every file in the plugin folder, and returns new
    /// receipts.
    pub fn reload(&self) -> Vec<Value> {
        let (status, text) = self.admin_post("/reload", "");
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["receipts"].as_array().expect("receipts").clone()
    }

    /// Returns the entries that `frontgate plugin history` prints for a plugin.
    pub fn history(&self, plugin: &str) -> Vec<Value> {
        let output = self.command(&["plugin", "history", plugin, "--json"]);
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Returns the value of a metric of `/metrics`, selected by name and labels. Panics if the metric is missing.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.admin_get("/metrics").1;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Returns the value of a metric of `/metrics`, or zero if the metric is missing.
    pub fn metric_or_zero(&self, name: &str) -> f64 {
        let (_, text) = self.admin_get("/metrics");
        let number = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        number.map_or(0.0, |number| number.parse().expect("a number"))
    }

    /// Returns the sum of a metric over all label values.
    pub fn metric_sum(&self, name: &str) -> f64 {
        let text = self.admin_get("/metrics").1;
        let lines = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).expect("a number")).sum()
    }

    /// Returns the id of the process.
    pub fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process.0);
        kill_process(pid, signal).expect("the process is there");
    }

    /// Waits until the process has exited.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.0.wait().expect("a child of this process")
    }
}

/// Checks in every test that no secret and no customer data is in the log at its default level.
impl Drop for Gateway {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let log = self.log.text();
        for text in PRIVATE_TEXTS {
            let line = log.lines().find(|line| line.contains(text));
            assert!(line.is_none(), "`{text}` is in the log: {line:?}");
        }
    }
}

/// Runs a command of the program in a folder.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).current_dir(folder).output().expect("the program starts")
}

/// A process that is killed when its test ends, even by a panic.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
