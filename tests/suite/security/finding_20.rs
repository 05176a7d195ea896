//! Finding 20: the operators' listener answers any Host.

use frontgate_tests::{Gateway, Raw, Setup, run};

fn status(gateway: &Gateway, lines: &str) -> u16 {
    let mut raw = Raw::connect(gateway.operators_address());
    raw.send(format!("GET /statusz HTTP/1.1\r\n{lines}\r\n")).answer().expect("an answer").status
}

#[test]
fn a_name_that_was_not_listed_gets_nothing() {
    let gateway = Setup::misbehaving().set("admin.hosts", "[\"gateway.internal\"]").start();
    for host in ["evil.example", "evil.example:8081", "gateway.internal.evil.example", "127.0.0.1.nip.io"] {
        assert_eq!(status(&gateway, &format!("host: {host}\r\n")), 421, "{host}");
    }
    assert_eq!(status(&gateway, ""), 400);
    assert_eq!(status(&gateway, "host: localhost\r\nhost: evil.example\r\n"), 400);
}

#[test]
fn addresses_localhost_and_listed_names_are_answered() {
    let gateway = Setup::misbehaving().set("admin.hosts", "[\"gateway.internal\"]").start();
    for host in
        ["127.0.0.1", "127.0.0.1:8081", "[::1]:8081", "10.0.0.1", "localhost", "LOCALHOST:1", "Gateway.Internal:80"]
    {
        assert_eq!(status(&gateway, &format!("host: {host}\r\n")), 200, "{host}");
    }
}

#[test]
fn every_page_has_the_same_rule() {
    let gateway = Setup::misbehaving().start();
    for page in ["/livez", "/readyz", "/statusz", "/metrics", "/nothing"] {
        let mut raw = Raw::connect(gateway.operators_address());
        let answer =
            raw.send(format!("GET {page} HTTP/1.1\r\nhost: evil.example\r\n\r\n")).answer().expect("an answer");
        assert_eq!((answer.status, answer.body.contains("admin.hosts")), (421, true), "{page}: {answer:?}");
    }
}

#[test]
fn names_can_be_listed_without_a_restart() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(status(&gateway, "host: gateway.internal\r\n"), 421);
    gateway.reconfigure(&[("admin.hosts", "[\"gateway.internal\"]")]);
    assert_eq!(status(&gateway, "host: gateway.internal\r\n"), 200);
}

#[test]
fn a_listener_on_every_address_is_warned_of() {
    for (address, warned) in [("0.0.0.0:0", true), ("[::]:0", true), ("198.18.0.1:0", false), ("127.0.0.1:0", false)] {
        let setup = Setup::misbehaving().set("admin.listen", format!("{address:?}"));
        setup.write();
        let output = run(setup.folder(), &["check"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said.contains("admin.listen"), warned, "{address}: {said}");
    }
}
