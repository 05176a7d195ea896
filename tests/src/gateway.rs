//! A running gateway.

mod process;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Answer, Front, Log, TOKEN, Twilio, crashing_program, platform, program};

/// What tests plant: tokens, beginnings of customers' numbers, a name, workers, the text of a message.
const MARKS: [&str; 10] = [
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

/// The real program, stopped when it is dropped.
pub struct Gateway {
    process: Process,
    folder: TempDir,
    log: Log,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    pub(crate) fn start(folder: TempDir) -> Self {
        Self::start_with(folder, &program(), &[])
    }

    /// Starts another build of the program, in an environment.
    pub(crate) fn start_with(folder: TempDir, program: &Path, environment: &[(&str, &str)]) -> Self {
        let process = Command::new(program)
            .args(["run", "--config", "config.toml"])
            .current_dir(folder.path())
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut process = Process(process);
        let log = Log::follow(process.0.stderr.take().expect("its standard error"));
        let line = log.wait_for("serving ");
        let address = |key: &str| line[key].as_str().and_then(|text| text.parse().ok()).expect("an address");
        Self { address: address("listen"), admin: address("admin"), process, folder, log }
    }

    /// Stops the gateway as an operator does, and starts it again in the same folder.
    pub fn restart(mut self) -> Self {
        self.signal(Signal::TERM);
        self.wait();
        let folder = std::mem::replace(&mut self.folder, TempDir::new().expect("a folder"));
        Self::start(folder)
    }

    /// Ends the gateway as a power cut would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.0.kill();
        self.wait();
    }

    /// Whether the gateway has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.0.try_wait().expect("the process was started here").is_some()
    }

    /// Starts it again in the same folder, to end at a place in its code, as if the power were cut.
    pub fn start_again_crashing(mut self, place: &str) -> Self {
        let folder = std::mem::replace(&mut self.folder, TempDir::new().expect("a folder"));
        Self::start_with(folder, &crashing_program(), &[("FRONTGATE_CRASH_AT", place)])
    }

    /// Starts it again in the same folder after its end.
    pub fn start_again(mut self) -> Self {
        let folder = std::mem::replace(&mut self.folder, TempDir::new().expect("a folder"));
        Self::start(folder)
    }

    /// The public listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The operators' listener.
    pub fn operators_address(&self) -> SocketAddr {
        self.admin
    }

    /// A connection to the public listener.
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("a connection")
    }

    /// Sends a signed callback: `crm`, `templates`, `outgoing-conversation`, `routing`,
    /// `conversations`.
    pub fn callback(&self, name: &str, form: &[(&str, &str)]) -> Answer {
        platform::callback(self.address, &format!("/callbacks/{name}"), form, &[])
    }

    /// The same to the addresses of another tenant, which begin with this.
    pub fn callback_of(&self, prefix: &str, name: &str, form: &[(&str, &str)]) -> Answer {
        platform::callback(self.address, &format!("{prefix}/callbacks/{name}"), form, &[])
    }

    /// The same under a token that says which request it is an attempt at.
    pub fn attempt(&self, name: &str, form: &[(&str, &str)], token: &str) -> Answer {
        let path = format!("/callbacks/{name}");
        platform::callback(self.address, &path, form, &[("i-twilio-idempotency-token", token)])
    }

    /// Sends a signed CRM callback.
    pub fn crm(&self, form: &[(&str, &str)]) -> Answer {
        self.callback("crm", form)
    }

    /// `frontgate deliveries list`, the oldest first.
    pub fn deliveries(&self) -> Vec<Value> {
        let output = self.command(&["deliveries", "list", "--json", "--most", "100000"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut all: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        all.reverse();
        all
    }

    /// Waits until a delivery is in a state, and shows it.
    pub fn wait_for_delivery(&self, id: i64, state: &str) -> Value {
        let end = if state == "sent" { " is made".to_owned() } else { format!(" is {state}: ") };
        self.log().wait_for_of(&format!("delivery {id} of "), &end);
        let found = self.deliveries().into_iter().find(|delivery| delivery["id"] == id).expect("the delivery");
        assert_eq!(found["state"], state);
        found
    }

    /// Waits until no delivery is waiting or under way, and shows all of them.
    pub fn wait_for_deliveries(&self) -> Vec<Value> {
        loop {
            let all = self.deliveries();
            if all.iter().all(|delivery| matches!(delivery["state"].as_str(), Some("sent" | "failed" | "dead"))) {
                return all;
            }
            thread::yield_now();
        }
    }

    /// Asks the plugin of [`crate::Setup::misbehaving`] to do something.
    pub fn wish(&self, wish: &str) -> Answer {
        self.crm(&platform::list(&[("Query", wish)]))
    }

    /// The name of the first customer in the answer to a wish.
    pub fn wished(&self, wish: &str) -> String {
        let answer = self.wish(wish);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["objects"]["customers"][0]["display_name"].as_str().expect("a name").to_owned()
    }

    /// Keeps asking while something happens, and says how many answers came: each of them the right one.
    pub fn asked_while(&self, happens: impl FnOnce()) -> usize {
        let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        assert_eq!(self.wished("hello"), "version 1");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // Even if it fails.
            let _over = Over(&over);
            happens();
        });
        answered.into_inner()
    }

    /// A GET request to the public listener.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        platform::get(self.address, path, headers)
    }

    /// A page of the operators' listener.
    pub fn operators(&self, path: &str) -> (u16, String) {
        let answer = platform::get(self.admin, path, &[]);
        (answer.status, answer.text)
    }

    /// `/statusz`.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.operators("/statusz").1).expect("JSON")
    }

    /// A file in the gateway's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a plugin's file at once, as `mv` does.
    pub fn drop_plugin(&self, name: &str, component: &[u8]) {
        let unfinished = self.path(&format!("plugins/{name}.unfinished"));
        fs::write(&unfinished, component).expect("a file");
        fs::rename(unfinished, self.path(&format!("plugins/{name}.wasm"))).expect("a file");
    }

    /// Writes keys of the configuration anew; nothing happens before a reload.
    pub fn set(&self, settings: &[(&str, &str)]) {
        let path = self.path("config.toml");
        let text = fs::read_to_string(&path).expect("the configuration");
        let anew = |line: &&str| settings.iter().any(|(key, _)| line.starts_with(&format!("{key} =")));
        let lines = text.lines().filter(|line| !anew(line)).map(|line| format!("{line}\n"));
        let new = settings.iter().filter(|(_, value)| !value.is_empty());
        let lines: String = lines.chain(new.map(|(key, value)| format!("{key} = {value}\n"))).collect();
        fs::write(path, lines).expect("a file");
    }

    /// Lets the configuration count, and gives what came of it.
    pub fn reconfigure(&self, settings: &[(&str, &str)]) -> Value {
        self.set(settings);
        let (status, text) = self.operate("/reload", "");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["configuration"].take()
    }

    /// Runs another command of the program with this gateway's configuration and addresses.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.client_config();
        run(self.folder.path(), &[arguments, &["--config", "client.toml"]].concat())
    }

    /// Its configuration with the addresses that it has.
    pub fn client_config(&self) -> PathBuf {
        let text = fs::read_to_string(self.path("config.toml")).expect("the configuration");
        let text = text
            .replace("admin.listen = \"127.0.0.1:0\"", &format!("admin.listen = \"{}\"", self.admin))
            .replace("server.listen = \"127.0.0.1:0\"", &format!("server.listen = \"{}\"", self.address));
        fs::write(self.path("client.toml"), text).expect("a file");
        self.path("client.toml")
    }

    /// Gives a command through the operators' socket, and hangs up at once.
    pub fn operate_and_leave(&self, path: &str) {
        self.order(path, "");
    }

    /// Sends a command to the operators' socket.
    fn order(&self, path: &str, body: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.path("data/run/frontgate.sock")).expect("the socket");
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        stream.write_all((head + body).as_bytes()).expect("the gateway reads");
        stream
    }

    /// Gives a command through the operators' socket: status and answer.
    pub fn operate(&self, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.order(path, body);
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a header");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    /// Waits until everything that lies in the folder was tried, and gives what was done meanwhile.
    pub fn reload(&self) -> Vec<Value> {
        let (status, text) = self.operate("/reload", "");
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["receipts"].as_array().expect("receipts").clone()
    }

    /// The receipts of a plugin, as the program shows them.
    pub fn history(&self, plugin: &str) -> Vec<Value> {
        let output = self.command(&["plugin", "history", plugin, "--json"]);
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// A number of `/metrics` that has no labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.operators("/metrics").1;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// The same; zero before it is first counted.
    pub fn counted(&self, name: &str) -> f64 {
        let (_, text) = self.operators("/metrics");
        let number = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        number.map_or(0.0, |number| number.parse().expect("a number"))
    }

    /// The sum of a metric over all its labels.
    pub fn metric_sum(&self, name: &str) -> f64 {
        let text = self.operators("/metrics").1;
        let lines = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).expect("a number")).sum()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process.0);
        kill_process(pid, signal).expect("the process is there");
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.0.wait().expect("the process was started here")
    }
}

/// Whatever a test does, nothing of a customer or of a secret may be in the log at its default level.
impl Drop for Gateway {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let log = self.log.text();
        for mark in MARKS {
            let line = log.lines().find(|line| line.contains(mark));
            assert!(line.is_none(), "`{mark}` is in the log: {line:?}");
        }
    }
}

/// Runs a command of the program in a folder.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).current_dir(folder).output().expect("the program starts")
}

/// Says that something is over when it is dropped.
struct Over<'o>(&'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A process that ends with its test, however that ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
