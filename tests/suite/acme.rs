//! Tests certificates from an ACME server: issued, renewed, refused, and kept over restarts.

use std::fs::{self, File};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use frontgate_tests::{AcmeServer, Gateway, Setup, TlsClient, eventually};

const HOST: &str = "gw.example.org";
const DAY: Duration = Duration::from_secs(86_400);

fn setup(server: &AcmeServer) -> Setup {
    Setup::misbehaving()
        .set("server.tls.acme.directory", format!("{:?}", server.directory()))
        .set("server.tls.acme.terms_agreed", "true")
        .set("server.tls.acme.retry_ms", "50")
}

/// Starts a gateway, and tells the server where it is.
fn start(setup: Setup, server: &AcmeServer) -> Gateway {
    let gateway = setup.start();
    server.host_is_at(gateway.address(), None);
    gateway
}

fn assert_serves(gateway: &Gateway, server: &AcmeServer) {
    let client = TlsClient::trusting(&[server.authority()]);
    assert_eq!(client.callback(gateway.address(), HOST).expect("a trusted certificate"), 200);
    server.assert_no_deviation();
}

/// Stores a certificate as a gateway does that obtained it some time ago.
fn stored(setup: Setup, server: &AcmeServer, age: Duration) -> Setup {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let folder = setup.folder().join(format!("data/acme/127.0.0.1-{}", server.port()));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a folder");
    let file = folder.join("certificate.pem");
    fs::write(&file, server.issue(HOST, age)).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the file");
    let written = SystemTime::now() - age;
    File::options().write(true).open(&file).and_then(|file| file.set_modified(written)).expect("the file");
    setup
}

#[test]
fn a_certificate_is_obtained_over_tls_alpn() {
    let server = AcmeServer::start();
    let gateway = start(setup(&server), &server);
    gateway.log().wait_for_event("tls.certificate_obtained");
    assert_serves(&gateway, &server);
    assert_eq!(gateway.metric("frontgate_tls_handshakes_total{outcome=\"challenge\"}"), 1.0);
}

#[test]
fn a_certificate_is_obtained_over_http() {
    let server = AcmeServer::start();
    let http = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let gateway = setup(&server).set("server.tls.acme.http_listen", format!("\"{http}\"")).start();
    server.host_is_at(gateway.address(), Some(http));
    gateway.log().wait_for_event("tls.certificate_obtained");
    assert_serves(&gateway, &server);
    assert_eq!(frontgate_tests::get(http, "/callbacks/crm", &[]).status, 404);
}

#[test]
fn a_restart_orders_nothing() {
    let server = AcmeServer::start();
    let gateway = start(setup(&server), &server);
    gateway.log().wait_for_event("tls.certificate_obtained");
    let gateway = gateway.restart();
    assert_serves(&gateway, &server);
    assert_eq!(server.orders(), 1);
}

#[test]
fn a_failed_challenge_is_tried_again() {
    let server = AcmeServer::start();
    server.fail_challenge();
    let gateway = start(setup(&server), &server);
    gateway.log().wait_for_event("tls.acme_failed");
    gateway.log().wait_for_event("tls.certificate_obtained");
    assert_serves(&gateway, &server);
    assert_eq!(server.orders(), 2);
}

#[test]
fn a_rate_limit_delays_the_next_order_as_the_server_says() {
    let server = AcmeServer::start();
    server.refuse_order("rateLimited", 7_200);
    let gateway = start(setup(&server), &server);
    let line = gateway.log().wait_for_event("tls.acme_failed");
    assert_eq!(line["retry_in_seconds"], 7_200);
    assert_eq!(server.orders(), 0);
}

#[test]
fn a_certificate_in_the_last_third_of_its_life_is_renewed() {
    let server = AcmeServer::start();
    let gateway = start(stored(setup(&server), &server, DAY * 61), &server);
    gateway.log().wait_for_event("tls.certificate_obtained");
    assert_serves(&gateway, &server);
    assert_eq!((server.orders(), server.replaced().len()), (1, 1));
}

#[test]
fn a_certificate_is_renewed_early_if_the_server_suggests_it() {
    let server = AcmeServer::start();
    server.suggest(-7_200, -3_600);
    let gateway = start(stored(setup(&server), &server, DAY), &server);
    gateway.log().wait_for_event("tls.certificate_obtained");
    assert_serves(&gateway, &server);
}

#[test]
fn a_certificate_that_was_just_obtained_is_not_renewed_again() {
    let server = AcmeServer::start();
    server.suggest(-7_200, -3_600);
    let gateway = start(setup(&server), &server);
    gateway.log().wait_for_event("tls.certificate_obtained");
    eventually("the gateway asks", || server.windows(), |asked| *asked >= 1);
    let gateway = gateway.restart();
    // The server was asked for the window, which is over.
    eventually("the gateway asks", || server.windows(), |asked| *asked >= 2);
    assert_serves(&gateway, &server);
    assert_eq!(server.orders(), 1);
}

#[test]
fn acme_without_agreed_terms_is_rejected() {
    let server = AcmeServer::start();
    let setup = setup(&server).set("server.tls.acme.terms_agreed", "false");
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("terms_agreed is not true"), "{text}");
}
