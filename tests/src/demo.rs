//! Starts the example configuration together with simulators, as `cargo xtask run` does.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use frontgate_simulators::program::{self, Outcome};
use tempfile::TempDir;

use crate::gateway::Home;
use crate::{Front, Gateway, Twilio, component, program, root, run, target};

/// The plugins of the example.
const PLUGINS: [&str; 5] = ["directory", "echo-channel", "numbers", "owner-routing", "templates"];

/// A gateway with the example's configuration and data, and simulators of Twilio and Front.
pub struct Demo {
    /// The simulated Twilio.
    pub twilio: Twilio,
    /// The simulated Front.
    pub front: Front,
    /// The gateway.
    pub gateway: Gateway,
}

impl Demo {
    /// Starts the gateway and the simulators on free ports, in a folder without secrets.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        for data in ["data/directory", "data/templates"] {
            copy(&root().join(data), &folder.path().join(data));
        }
        fs::create_dir(folder.path().join("plugins")).expect("a folder");
        for name in PLUGINS {
            fs::write(folder.path().join(format!("plugins/{name}.wasm")), component(name)).expect("a file");
        }
        let secrets = folder.path().join("data/secrets").display().to_string();
        let serve = |name| [name, "serve", "--listen", "127.0.0.1:0", "--secrets", secrets.as_str()];
        let storage = ["--storage", "127.0.0.1:0"];
        let twilio = serving(program::twilio::execute([&serve("twilio-simulator")[..], &storage].concat()));
        let front = serving(program::front::execute([&serve("front-simulator")[..], &storage].concat()));

        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        fs::write(folder.path().join("config.toml"), config(&twilio, &front, any, any)).expect("a file");
        let gateway = Gateway::start_with(Home { folder, database: None }, &program(), &[]);
        let token = fs::read_to_string(gateway.path("data/secrets/twilio-auth-token")).expect("the secret");
        twilio.point_at(gateway.address(), "http://127.0.0.1:8080", "", token.trim_end());
        front.point_at(gateway.address());
        // Commands read the gateway's addresses from its configuration.
        let found = config(&twilio, &front, gateway.address(), gateway.admin_address());
        fs::write(gateway.path("config.toml"), found).expect("a file");
        Self { twilio, front, gateway }
    }

    /// Runs a command line in the gateway's folder, as a user would, and returns its output.
    ///
    /// # Panics
    ///
    /// Panics if the command fails.
    pub fn run(&self, line: &str) -> String {
        let words = words(line);
        let (program, arguments) = words.split_first().expect("a program");
        let simulator = |address: SocketAddr| [&*words, &["--simulator".to_owned(), address.to_string()]].concat();
        match program.rsplit('/').next() {
            Some("frontgate") => {
                let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
                let output = run(&self.gateway.path("."), &arguments);
                assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).expect("text")
            }
            Some("twilio-simulator") => done(program::twilio::execute(simulator(self.twilio.address()))),
            Some("front-simulator") => done(program::front::execute(simulator(self.front.address()))),
            _ => panic!("unknown program: {line}"),
        }
    }
}

fn serving<S>(outcome: Result<Outcome<S>, impl std::fmt::Debug>) -> S {
    match outcome.expect("the simulator starts") {
        Outcome::Serving(simulator, _) => simulator,
        Outcome::Done(text) => panic!("the simulator does not serve: {text}"),
    }
}

fn done<S>(outcome: Result<Outcome<S>, impl std::fmt::Debug>) -> String {
    match outcome.expect("the command succeeds") {
        Outcome::Done(text) => text,
        Outcome::Serving(_, text) => panic!("the command serves: {text}"),
    }
}

/// Returns the example's configuration with the given addresses, and with a log in JSON.
fn config(twilio: &Twilio, front: &Front, gateway: SocketAddr, admin: SocketAddr) -> String {
    let cache = target().join("test-cache");
    let changes = [
        ("listen = \"127.0.0.1:8080\"", format!("listen = \"{gateway}\"")),
        ("listen = \"127.0.0.1:8081\"", format!("listen = \"{admin}\"")),
        ("listen = \"127.0.0.1:8082\"", "listen = \"127.0.0.1:0\"".to_owned()),
        ("\"http://127.0.0.1:8090\"", format!("{:?}", twilio.url())),
        ("\"http://127.0.0.1:8091\"", format!("{:?}", front.url())),
        ("\"http://127.0.0.1:8092\"", format!("\"http://{}\"", front.storage_address())),
        ("format = \"text\"", "format = \"json\"".to_owned()),
        ("cache = \"data/compiled\"", format!("cache = {cache:?}")),
    ];
    let example = fs::read_to_string(root().join("config.toml")).expect("the example");
    changes.iter().fold(example, |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "config.toml has `{from}` once");
        text.replace(from, to)
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a file");
    }
}

/// Splits a command line like a shell, with support for spaces and double quotes only.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}
