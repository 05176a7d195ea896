//! Finding 19: the compiler's process is not confined.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, ExitStatus, Stdio};

use frontgate_tests::hostile::slow_to_compile;
use frontgate_tests::{Gateway, Setup, crashing_program};

/// The signal that kills a process after a forbidden system call.
const SIGSYS: i32 = 31;

/// A running compiler process, confined by its gateway.
struct Compiler {
    gateway: Gateway,
    process: u64,
}

impl Compiler {
    fn start() -> Self {
        let gateway = Setup::new()
            .set("log.level", "\"info,frontgate_loader=debug\"")
            .set("plugins.cache", "\"compiled\"")
            .start_in(&[("PLANTED_SECRET", "planted")]);
        gateway.drop_plugin("slow", &slow_to_compile(400, 1));
        let line = gateway.log().wait_for("compiler of plugin `slow` confined by");
        let process = line["process"].as_u64().expect("a process");
        Self { gateway, process }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.process)).expect("the compiler is running")
    }

    fn status(&self, key: &str) -> String {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.expect("a field").trim().to_owned()
    }

    /// Returns the soft and the hard value of a resource limit.
    fn limit(&self, name: &str) -> (u64, u64) {
        let limits = self.read("limits");
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(u64::MAX));
        (numbers.next().expect("a number"), numbers.next().expect("a number"))
    }
}

/// Performs an operation inside the sandbox, with the program that has crash points. Returns exit status and error
/// output.
fn attempt(what: &str, at: &str) -> (ExitStatus, String) {
    let mut process = Command::new(crashing_program())
        .args(["compile-plugin", "--gateway", &std::process::id().to_string()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program with crash points; run `cargo xtask test`");
    let mut input = process.stdin.take().expect("a pipe");
    input.write_all(format!("attempt {what} {at}").as_bytes()).expect("it reads");
    drop(input);
    let output = process.wait_with_output().expect("an end");
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
fn assert_denied(what: &str, at: &str) {
    let (status, output) = attempt(what, at);
    assert!(output.contains(&format!("{what}: ")) && !output.contains(&format!("{what}: done")), "{status}: {output}");
}

#[track_caller]
fn assert_fatal(what: &str, at: &str) {
    use std::os::unix::process::ExitStatusExt as _;
    let (status, output) = attempt(what, at);
    assert_eq!(status.signal(), Some(SIGSYS), "{status}: {output}");
}

#[test]
fn the_compiler_has_a_seccomp_filter_and_no_privileges() {
    let compiler = Compiler::start();
    assert_eq!(compiler.status("Seccomp"), "2");
    assert_eq!(compiler.status("NoNewPrivs"), "1");
    assert_eq!(compiler.status("CapEff"), "0000000000000000");
    assert_eq!(compiler.status("CapPrm"), "0000000000000000");
}

#[test]
fn the_compiler_of_a_root_gateway_runs_as_another_user() {
    let compiler = Compiler::start();
    let own = rustix::process::geteuid().as_raw();
    let users: Vec<u32> = compiler.status("Uid").split_whitespace().map(|id| id.parse().expect("an id")).collect();
    assert_eq!(users, [if own == 0 { 65_534 } else { own }; 4]);
}

#[test]
fn the_compiler_inherits_no_environment_and_no_descriptors() {
    let compiler = Compiler::start();
    let environment = compiler.read("environ");
    let names: Vec<&str> =
        environment.split_terminator('\0').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    assert_eq!(names, ["MIMALLOC_ARENA_RESERVE"]);
    let descriptors = fs::read_dir(format!("/proc/{}/fd", compiler.process)).expect("the compiler is running");
    let mut descriptors: Vec<String> =
        descriptors.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    descriptors.sort();
    assert_eq!(descriptors, ["0", "1", "2"]);
}

#[test]
fn the_compiler_has_resource_limits() {
    let compiler = Compiler::start();
    assert!(compiler.limit("Max address space").1 <= 2 << 30);
    assert!(compiler.limit("Max cpu time").1 <= 200);
    assert_eq!(compiler.limit("Max file size").1, 512 << 20);
    assert_eq!(compiler.limit("Max core file size"), (0, 0));
    assert_eq!(compiler.limit("Max open files"), (3, 3));
    assert_eq!(compiler.limit("Max processes"), (0, 0));
}

#[test]
fn the_compiler_has_its_own_network_namespace() {
    let compiler = Compiler::start();
    let link = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).expect("a namespace");
    // Without user namespaces the compiler stays in the gateway's network namespace.
    let namespaces = compiler.gateway.log().text().contains("namespaces");
    assert_eq!(link(&compiler.process.to_string()) != link("self"), namespaces);
}

#[test]
fn the_compiler_can_open_and_create_no_file() {
    for path in ["/etc/passwd", "/proc/self/environ", "/proc/1/environ", "/dev/null", "/proc/self/maps"] {
        assert_denied("open", path);
    }
    assert_denied("create", "/tmp/frontgate-escape");
}

#[test]
fn the_compiler_cannot_read_the_gateways_memory_or_environment() {
    let gateway = std::process::id();
    assert_denied("open", &format!("/proc/{gateway}/mem"));
    assert_denied("open", &format!("/proc/{gateway}/environ"));
    assert_denied("signal", &gateway.to_string());
}

#[test]
fn network_access_kills_the_compiler() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    assert_fatal("connect", &listener.local_addr().expect("an address").to_string());
    assert_fatal("unix", "/run/frontgate.sock");
}

#[test]
fn starting_a_program_or_thread_kills_the_compiler() {
    assert_fatal("exec", "/bin/true");
    assert_fatal("thread", "-");
}

#[test]
fn check_shows_how_the_compiler_is_confined() {
    let setup = Setup::misbehaving();
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("plugins are compiled in a process confined by seccomp"), "{text}");
}
