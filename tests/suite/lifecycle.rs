//! Tests start, health checks and shutdown.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use frontgate_tests::{Gateway, Setup, eventually, program};
use rustix::process::Signal;

/// Sends a request without its body, and returns the connection.
fn unfinished_request(gateway: &Gateway) -> TcpStream {
    let mut stream = gateway.connect();
    let request = b"POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n";
    stream.write_all(request).expect("the server reads");
    // Once this call is answered, the gateway has read the unfinished request too.
    gateway.output_of("hello");
    stream
}

#[test]
fn a_signal_turns_readiness_off_and_drains_requests() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut gateway = Setup::misbehaving().set("server.shutdown_delay_ms", "500").start();
        assert_eq!(gateway.admin_get("/readyz").0, 200);
        thread::scope(|scope| {
            let slow = scope.spawn(|| gateway.output_of("sleep 1500"));
            eventually("the call runs", || gateway.status()["places_free"].clone(), |free| *free == 255);
            gateway.signal(signal);
            gateway.log().wait_for("shutting down");
            assert_eq!(gateway.admin_get("/readyz"), (503, "the gateway is shutting down\n".to_owned()));
            assert_eq!(gateway.admin_get("/livez").0, 200);
            assert_eq!(slow.join().expect("an answer"), "slept");
        });
        assert_eq!(gateway.wait().code(), Some(0));
    }
}

#[test]
fn a_second_signal_ends_the_gateway_at_once() {
    let mut gateway = Setup::misbehaving().start();
    let _unfinished = unfinished_request(&gateway);
    gateway.signal(Signal::TERM);
    gateway.log().wait_for("shutting down");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait().code(), Some(3));
    gateway.log().event("gateway.stopped_early").wait_for(1);
}

#[test]
fn new_connections_do_not_delay_shutdown() {
    let mut gateway = Setup::misbehaving().start();
    let address = gateway.address();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Ok(mut stream) = TcpStream::connect(address) {
                    let _ = stream.write_all(b"GET /callbacks/crm HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
                    let _ = stream.read_to_end(&mut Vec::new());
                }
            });
        }
        gateway.log().wait_for_count("callback crm", 100);
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.wait().code(), Some(0));
    });
}

#[test]
fn requests_over_the_grace_period_are_aborted() {
    let mut gateway = Setup::misbehaving().set("server.shutdown_grace_ms", "100").start();
    let _unfinished = unfinished_request(&gateway);
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait().code(), Some(3));
}

#[test]
fn admin_pages_are_not_served_on_the_public_listener() {
    let gateway = Setup::misbehaving().start();
    gateway.output_of("hello");
    let (status, metrics) = gateway.admin_get("/metrics");
    assert_eq!(status, 200);
    for line in ["frontgate_requests_total{tenant=\"demo\",callback=\"crm\",code=\"ok\"} 1", "frontgate_plugins_live 1"]
    {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(gateway.admin_get("/").0, 404);
    for path in ["/livez", "/readyz", "/statusz", "/metrics"] {
        assert_eq!(frontgate_tests::post(gateway.address(), path, &[], b"").status, 404);
    }
}

#[test]
fn a_compiler_ends_when_its_gateway_is_killed() {
    // Standard input stays open, since its end would stop the compiler.
    let mut gateway = Command::new("sh")
        .args(["-c", "exec 3<&0; \"$0\" compile-plugin --gateway $$ <&3 & echo started; wait"])
        .arg(program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut out = BufReader::new(gateway.stdout.take().expect("a pipe"));
    out.read_line(&mut String::new()).expect("a line");
    let _input = gateway.stdin.take();
    gateway.kill().expect("a process");
    gateway.wait().expect("an end");
    let (sender, ended) = channel();
    // The shell and the compiler share this pipe, which is closed once both have exited.
    thread::spawn(move || sender.send(out.read_to_end(&mut Vec::new()).is_ok()));
    assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Ok(true));
}
