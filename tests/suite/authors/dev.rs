//! Tests `frontgate dev`: build, replace the plugin, repeat the last callback.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use frontgate_tests::{LIST, Setup, another_build, component, program};
use serde_json::json;

use super::Project;

/// The time limit for a build, long enough on any machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running `frontgate dev`.
struct Dev {
    child: Child,
    keys: ChildStdin,
    lines: Receiver<String>,
}

impl Dev {
    fn start(project: &Project, arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["dev", ".", "--listen", "127.0.0.1:0"]).args(arguments).current_dir(project.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the program");
        let keys = child.stdin.take().expect("a pipe");
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { child, keys, lines }
    }

    /// Waits for the next round to end, and returns its output.
    fn round(&self) -> String {
        let mut shown = String::new();
        loop {
            let line = self.lines.recv_timeout(TIMEOUT).unwrap_or_else(|_| panic!("the round does not end: {shown}"));
            shown += &line;
            shown.push('\n');
            if line.starts_with("Enter: repeat") {
                return shown;
            }
        }
    }

    fn key(&mut self, line: &str) {
        writeln!(self.keys, "{line}").expect("a pipe");
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn project() -> Project {
    let project =
        Project::new(&component("flawed"), "build = [\"cp\", \"made.wasm\", \"plugin.wasm\"]\nwatch = [\"sources\"]\n");
    fs::write(project.path().join("made.wasm"), component("flawed")).expect("a file");
    fs::write(project.path().join("sources"), "").expect("a file");
    project.case(
        "first",
        &json!({
            "call": "crm.list-customers",
            "with": { "worker": "ana", "page-size": 1, "position": "first" },
            "answer-includes": { "ok": { "customers": [{ "display-name": "Ada Adler" }] } },
        }),
    )
}

#[test]
fn a_saved_source_is_built_swapped_and_called_again() {
    let project = project();
    let mut dev = Dev::start(&project, &[]);
    let shown = dev.round();
    for words in [
        "✓ built in",
        "POST /callbacks/crm Location=GetCustomersList → 200 OK",
        "Ada Adler",
        "crm.list-customers: answered",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let listed = frontgate_tests::run(project.path(), &["plugin", "list", "--config", ".frontgate/config.toml"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    dev.key("");
    assert!(dev.round().contains("same answer as before"));
    let renamed = frontgate_tests::renamed(&component("flawed"), "Ada Adler", "Eva Adler");
    fs::write(project.path().join("made.wasm"), renamed).expect("a file");
    fs::write(project.path().join("sources"), "saved").expect("a file");
    let shown = dev.round();
    for words in ["live: ", "-         \"display_name\": \"Ada Adler\"", "+         \"display_name\": \"Eva Adler\""] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    dev.key("first");
    let shown = dev.round();
    assert!(shown.contains("✗ case first") && shown.contains("expected \"Ada Adler\", found \"Eva Adler\""), "{shown}");
    dev.key("q");
    assert!(dev.child.wait().expect("an end").success());
}

#[test]
fn dev_deploys_to_a_running_gateway() {
    let gateway = Setup::new().plugin("plugin", &component("flawed")).start();
    let project = project();
    let config = gateway.client_config().display().to_string();
    let mut dev = Dev::start(&project, &["--config", &config]);
    let shown = dev.round();
    assert!(shown.contains("→ 200 OK") && shown.contains("Ada Adler") && shown.contains("as request "), "{shown}");
    let renamed = frontgate_tests::renamed(&component("flawed"), "Ada Adler", "Eva Adler");
    fs::write(project.path().join("made.wasm"), renamed).expect("a file");
    fs::write(project.path().join("sources"), "saved").expect("a file");
    let shown = dev.round();
    assert!(shown.contains("live: ") && shown.contains("+         \"display_name\": \"Eva Adler\""), "{shown}");
    assert!(gateway.crm(&LIST).text.contains("Eva Adler"));
    dev.key("q");
    assert!(dev.child.wait().expect("an end").success());
    assert_eq!(gateway.crm(&LIST).status, 200);
}

#[test]
fn a_rejected_callback_is_shown_but_not_repeated() {
    let project = project();
    let mut dev = Dev::start(&project, &[]);
    let shown = dev.round();
    let (_, address) = shown.split_once(" · http://").expect("an address");
    let (address, _) = address.split_once(' ').expect("an address");
    let answer = frontgate_tests::post(address.parse().expect("an address"), "/callbacks/crm", &[], b"");
    assert_eq!(answer.status, 403);
    assert!(dev.round().contains("403 Forbidden"));
    dev.key("");
    assert!(dev.round().contains("→ 200 OK"));
}

#[test]
fn dev_keeps_a_crashing_version_live() {
    let project = project();
    let mut dev = Dev::start(&project, &[]);
    assert!(dev.round().contains("→ 200 OK"));
    fs::write(project.path().join("made.wasm"), component("misbehaving")).expect("a file");
    fs::write(project.path().join("sources"), "saved").expect("a file");
    let crash = ["send", "twilio", "crm", "--set", "Query=panic", "--config", ".frontgate/config.toml"];
    let shown = dev.round();
    assert!(shown.contains("live: "), "{shown}");
    frontgate_tests::run(project.path(), &crash);
    assert!(dev.round().contains("→ 502 Bad Gateway"));
    dev.key("");
    let shown = dev.round();
    assert!(shown.contains("→ 502 Bad Gateway") && !shown.contains("rolled back"), "{shown}");
}

#[test]
fn a_failed_build_keeps_the_previous_version() {
    let project = project();
    let mut dev = Dev::start(&project, &["--case", "first"]);
    let shown = dev.round();
    assert!(shown.contains("✓ case first"), "{shown}");
    fs::remove_file(project.path().join("made.wasm")).expect("a file");
    fs::write(project.path().join("sources"), "saved").expect("a file");
    let shown = dev.round();
    assert!(shown.contains("✗ ") && shown.contains("made.wasm") && shown.contains("exit status"), "{shown}");
    fs::write(project.path().join("made.wasm"), b"no wasm").expect("a file");
    fs::write(project.path().join("sources"), "saved again").expect("a file");
    let shown = dev.round();
    assert!(shown.contains("it is not WebAssembly"), "{shown}");
    fs::write(project.path().join("made.wasm"), another_build(&component("flawed"), 1)).expect("a file");
    fs::write(project.path().join("sources"), "saved once more").expect("a file");
    assert!(dev.round().contains("✓ case first"));
    dev.key("q");
    assert!(dev.child.wait().expect("an end").success());
}

#[test]
fn long_build_output_is_shortened_in_the_middle() {
    let talkative = "build = [\"sh\", \"-c\", \"seq -f 'line %g.' 100; exit 1\"]\nwatch = [\"sources\"]\n";
    let project = Project::new(&component("flawed"), talkative);
    let dev = Dev::start(&project, &[]);
    let shown = dev.round();
    for there in ["line 1.", "line 20.", "… 60 more lines", "line 81.", "line 100."] {
        assert!(shown.contains(there), "{there}: {shown}");
    }
    assert!(!shown.contains("line 21.") && !shown.contains("line 80."), "{shown}");
}
