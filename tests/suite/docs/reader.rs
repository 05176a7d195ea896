//! Simulates a reader of a page: executes its blocks in a folder, with a shell and the required tools.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use frontgate_tests::{component, program, root};

use super::background::Background;
use super::block::{Block, Expected, Kind};
use super::output;

/// Addresses in pages. Tests replace them, since other programs may use these ports.
const ADDRESSES: [&str; 8] = [
    "127.0.0.1:8080",
    "127.0.0.1:8081",
    "127.0.0.1:4010",
    "127.0.0.1:8090",
    "127.0.0.1:8091",
    "127.0.0.1:8092",
    "127.0.0.1:8096",
    "127.0.0.1:8097",
];

/// Plugins that pages copy.
const CHANNELS: [&str; 3] = ["echo-channel", "twilio-channel", "whatsapp-cloud"];

/// Programs with the arguments that replace their default addresses: of `serve`, and of the other commands.
const SIMULATORS: [(&str, &str, &str); 3] = [
    ("front-simulator", "--listen 127.0.0.1:8091 --storage 127.0.0.1:8092", "--simulator 127.0.0.1:8091"),
    (
        "twilio-simulator",
        "--listen 127.0.0.1:8090 --storage 127.0.0.1:8097 --gateway 127.0.0.1:8080",
        "--simulator 127.0.0.1:8090",
    ),
    ("whatsapp-simulator", "--listen 127.0.0.1:8096", "--simulator 127.0.0.1:8096"),
];

/// Environment variables for faster builds: these plugins may run slowly, since they are called only a few times.
const QUICK: [(&str, &str); 4] = [
    // The gateway's build has downloaded all dependencies already.
    ("CARGO_NET_OFFLINE", "true"),
    ("CARGO_PROFILE_RELEASE_LTO", "false"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
];

/// The state of a reader of one page.
pub(super) struct Reader {
    /// The folder with the test's own tools, next to the reader's folder.
    tools: PathBuf,
    /// The current directory of the shell.
    here: PathBuf,
    /// The addresses on the page, each with its replacement.
    addresses: [(&'static str, String); ADDRESSES.len()],
    /// The output of the last commands.
    written: Option<Vec<String>>,
    background: Option<Background>,
    /// Simulators, which run until the page ends.
    simulators: Vec<Background>,
}

impl Reader {
    /// Creates a reader of a page, in a folder that is kept after the test. A kept folder helps debugging, and cargo
    /// reuses compiled code at the same path.
    pub(super) fn new(page: &str) -> Self {
        let name = page.trim_end_matches(".md").replace('/', "-");
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs").join(name);
        let _ = fs::remove_dir_all(&all);
        let (here, tools) = (all.join("reader"), all.join("tools"));
        fs::create_dir_all(&here).expect("a folder");
        fs::create_dir_all(&tools).expect("a folder");
        let addresses = ADDRESSES.map(|address| (address, free_address()));
        // `dev` would listen at a fixed port, so the wrapper adds a free one.
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in\ndev) exec {program:?} \"$@\" --listen {listen} ;;\n*) exec {program:?} \"$@\" ;;\nesac\n",
            program = program(),
            listen = addresses[0].1
        );
        let reader = Self { tools, here, addresses, written: None, background: None, simulators: Vec::new() };
        reader.tool("frontgate", &script);
        for (name, of_serve, of_others) in SIMULATORS {
            let [of_serve, of_others] = [of_serve, of_others].map(|arguments| reader.with_addresses(arguments));
            let program = program().with_file_name(name);
            let script = format!(
                "#!/bin/sh\ncase \"$1\" in\nserve) exec {program:?} \"$@\" {of_serve} ;;\n\
                 *) exec {program:?} \"$@\" {of_others} ;;\nesac\n"
            );
            reader.tool(name, &script);
        }
        for name in CHANNELS {
            let folder = reader.repository().join("plugins");
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(format!("{name}.wasm")), component(name)).expect("a file");
        }
        reader
    }

    /// Returns the folder that pages call `$REPOSITORY`: the shipped plugins, as if they were built there.
    fn repository(&self) -> PathBuf {
        self.tools.join("repository")
    }

    /// Writes a program of the reader.
    fn tool(&self, name: &str, script: &str) {
        let path = self.tools.join(name);
        fs::write(&path, script).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Executes, writes or checks a block.
    pub(super) fn follow(&mut self, block: &Block) {
        let Block { place, kind, text } = block;
        let text = &self.with_addresses(text);
        match kind {
            Kind::Shell(expected) => self.run(place, text, *expected),
            Kind::Background => {
                let mut command = self.bash();
                command.arg(text);
                let background = Background::start(command, place);
                if text.contains("-simulator serve") {
                    self.simulators.push(background);
                } else {
                    self.background = Some(background);
                    self.written = None;
                }
            }
            Kind::Output => match &self.written {
                Some(written) => assert!(
                    output::find(text, written).is_some(),
                    "{place}: expected\n{text}\nin\n{}",
                    written.join("\n")
                ),
                None => self.expect_of_background(place, text),
            },
            Kind::BackgroundOutput => self.expect_of_background(place, text),
            Kind::File(name) => {
                let path = self.here.join(name);
                fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
                fs::write(path, text).expect("a file");
            }
            Kind::Json => {
                let read = serde_json::from_str::<serde_json::Value>(text);
                read.unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            Kind::Toml => drop(text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{place}: {error}"))),
            Kind::Contract => {
                let text: String = text.lines().map(|line| format!("{}\n", line.trim())).collect();
                let occurs = contract().iter().any(|lines| output::find(&text, lines).is_some());
                assert!(occurs, "{place}: not found in wit/:\n{text}");
            }
            Kind::Diagram | Kind::NotRun => {}
        }
    }

    fn expect_of_background(&mut self, place: &str, text: &str) {
        let background = self.background.as_mut();
        background.unwrap_or_else(|| panic!("{place}: no program has printed anything")).expect(place, text);
    }

    /// Runs commands, and continues in the directory where they ended.
    fn run(&mut self, place: &str, text: &str, expected: Expected) {
        let ended_in = self.tools.join("went");
        let written = self.tools.join("written");
        let both = fs::File::create(&written).expect("a file");
        let mut command = self.bash();
        command.arg(format!("trap 'pwd >{ended_in:?}' EXIT\n{text}")).stdin(Stdio::null());
        command.stdout(both.try_clone().expect("a file")).stderr(both);
        let status = command.status().expect("bash");
        let text = String::from_utf8_lossy(&fs::read(written).expect("a file")).into_owned();
        assert_eq!(status.success(), expected == Expected::Success, "{place}: {status}\n{text}");
        self.here = fs::read_to_string(ended_in).expect("a file").trim_end().into();
        self.written = Some(text.lines().map(str::to_owned).collect());
    }

    fn bash(&self) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c"]).current_dir(&self.here);
        let languages = std::env::var_os("FRONTGATE_LANGUAGES").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.tools.clone()].into_iter().chain(languages).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).expect("names of folders"));
        command.env("REPOSITORY", self.repository());
        command.env("FRONTGATE", self.tools.join("frontgate")).env_remove("FRONTGATE_CONFIG");
        // All pages share the compiled SDK and its dependencies.
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs-cargo")).envs(QUICK);
        command
    }

    fn with_addresses(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_owned(), |text, (written, actual)| text.replace(written, actual))
    }
}

/// Returns a free address.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// Returns the files of the contract, as lines without indentation.
fn contract() -> Vec<Vec<String>> {
    let files = fs::read_dir(root().join("wit")).expect("a folder").flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "wit"));
    files
        .map(|path| fs::read_to_string(path).expect("a file").lines().map(|line| line.trim().to_owned()).collect())
        .collect()
}
