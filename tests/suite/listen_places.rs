//! Tests listeners other than an address: a Unix socket, and sockets that systemd passes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use frontgate_tests::{Setup, raw_callback, run, signed_callback};
use rustix::process::Signal;

fn unix() -> Setup {
    Setup::misbehaving().set("server.listen", "\"unix:public.sock\"")
}

fn exchange(path: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).expect("the socket");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// A program that binds sockets as systemd does, and then runs the gateway in the same process.
const SYSTEMD: &str = r#"
import os, socket, sys
names = sys.argv[1].split(":")
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
taken = [os.dup(s.fileno()) for s in sockets]
low = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
taken = [os.dup(fd) for fd in taken]
for number, fd in enumerate(taken):
    os.dup2(fd, 3 + number, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=sys.argv[1])
os.execvp(sys.argv[2], sys.argv[2:])
"#;

#[test]
fn a_callback_over_a_unix_socket_is_answered() {
    let gateway = unix().start();
    let answer = exchange(&gateway.path("public.sock"), &signed_callback("connection: close\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn other_users_may_connect_to_the_unix_socket() {
    let gateway = unix().start();
    let mode = fs::metadata(gateway.path("public.sock")).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
}

#[test]
fn the_unix_socket_is_removed_at_the_end() {
    let mut gateway = unix().start();
    gateway.signal(Signal::TERM);
    gateway.wait();
    assert!(!gateway.path("public.sock").exists());
}

#[test]
fn the_unix_socket_of_a_crashed_gateway_is_replaced() {
    let mut gateway = unix().start();
    gateway.kill();
    assert!(fs::metadata(gateway.path("public.sock")).expect("the socket").file_type().is_socket());
    let gateway = gateway.start_again();
    let answer = exchange(&gateway.path("public.sock"), &signed_callback("connection: close\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_proxy_on_a_unix_socket_names_the_caller() {
    let gateway = unix().set("server.trusted_proxies", "[\"unix\"]").start();
    let request = raw_callback("connection: close\r\nx-forwarded-for: 203.0.113.66, 192.0.2.1\r\n");
    exchange(&gateway.path("public.sock"), &request);
    assert_eq!(gateway.log().wait_for_event("gateway.request_refused")["client"], "192.0.2.1");
}

#[test]
fn a_process_on_a_unix_socket_cannot_name_an_address_without_trust() {
    let gateway = unix().start();
    exchange(&gateway.path("public.sock"), &raw_callback("connection: close\r\nx-forwarded-for: 192.0.2.1\r\n"));
    assert!(gateway.log().wait_for_event("gateway.request_refused")["client"].is_null());
}

#[test]
fn send_connects_to_the_unix_socket() {
    let gateway = unix().start();
    let output = gateway.command(&["send", "twilio", "crm"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_unix_socket_needs_a_public_url() {
    let setup = unix().set("server.public_url", "\"\"");
    let path = setup.write();
    let text = fs::read_to_string(&path).expect("a file").replace("server.public_url = \"\"\n", "");
    fs::write(path, text).expect("a file");
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("server.public_url is missing"), "{text}");
}

#[test]
fn the_socket_of_systemd_is_taken_over() {
    let gateway = Setup::misbehaving().set("server.listen", "\"systemd\"").start_by(SYSTEMD, "public");
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn one_of_several_sockets_of_systemd_is_found_by_its_name() {
    let gateway = Setup::misbehaving().set("server.listen", "\"systemd:public\"").start_by(SYSTEMD, "other:public");
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn without_systemd_the_start_says_how_to_begin() {
    let setup = Setup::misbehaving().set("server.listen", "\"systemd\"");
    setup.write();
    let output = run(setup.folder(), &["run", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("start the gateway by its socket unit"), "{text}");
}

#[test]
fn the_public_url_of_the_command_replaces_the_configured_one() {
    let gateway = Setup::misbehaving()
        .set("server.public_url", "\"https://old.example.org\"")
        .start_with_arguments(&["--public-url", frontgate_tests::PUBLIC_URL]);
    assert_eq!(gateway.output_of("hello"), "version 1");
    gateway.reload();
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn an_invalid_public_url_ends_the_command() {
    let setup = Setup::misbehaving();
    setup.write();
    let output = run(setup.folder(), &["run", "--public-url", "gateway.example.org"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--public-url"));
}
