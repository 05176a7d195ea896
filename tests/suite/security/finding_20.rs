//! Finding 20: the admin listener accepts any `Host`.

use frontgate_tests::{Gateway, Raw, Setup, run};

fn status(gateway: &Gateway, lines: &str) -> u16 {
    let mut raw = Raw::connect(gateway.admin_address());
    raw.send(format!("GET /statusz HTTP/1.1\r\n{lines}\r\n")).answer().expect("an answer").status
}

#[test]
fn an_unlisted_host_name_is_rejected() {
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
fn every_admin_page_checks_the_host() {
    let gateway = Setup::misbehaving().start();
    for page in ["/livez", "/readyz", "/statusz", "/metrics", "/nothing"] {
        let mut raw = Raw::connect(gateway.admin_address());
        let answer =
            raw.send(format!("GET {page} HTTP/1.1\r\nhost: evil.example\r\n\r\n")).answer().expect("an answer");
        assert_eq!((answer.status, answer.body.contains("admin.hosts")), (421, true), "{page}: {answer:?}");
    }
}

#[test]
fn host_names_can_be_added_without_a_restart() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(status(&gateway, "host: gateway.internal\r\n"), 421);
    gateway.reconfigure(&[("admin.hosts", "[\"gateway.internal\"]")]);
    assert_eq!(status(&gateway, "host: gateway.internal\r\n"), 200);
}

#[test]
fn check_warns_about_an_admin_listener_on_every_address() {
    for (address, warned) in [("0.0.0.0:0", true), ("[::]:0", true), ("198.18.0.1:0", false), ("127.0.0.1:0", false)] {
        let setup = Setup::misbehaving().set("admin.listen", format!("{address:?}"));
        setup.write();
        let output = run(setup.folder(), &["check"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text.contains("admin.listen"), warned, "{address}: {text}");
    }
}
