//! Tests TLS of the public listener: certificates, versions, slow handshakes, and connection limits.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use frontgate_tests::{Gateway, Pair, SetOnDrop, Setup, TlsClient, eventually};
use serde_json::Value;
use tokio_rustls::rustls::ProtocolVersion;

/// Host of the tests' public URL.
const HOST: &str = "gw.example.org";

fn setup(pair: &Pair) -> Setup {
    Setup::misbehaving()
        .file("certificate.pem", &pair.certificate)
        .file("key.pem", &pair.key)
        .set("server.tls.certificate", "\"files/certificate.pem\"")
        .set("server.tls.key", "\"files/key.pem\"")
        .set("server.tls.check_ms", "20")
}

/// Replaces the files of the certificate, as certbot does: one after the other, each at once.
fn replace(gateway: &Gateway, pair: &Pair) {
    for (name, text) in [("certificate.pem", &pair.certificate), ("key.pem", &pair.key)] {
        let unfinished = gateway.path(&format!("files/{name}.unfinished"));
        fs::write(&unfinished, text).expect("a file");
        fs::rename(unfinished, gateway.path(&format!("files/{name}"))).expect("a file");
    }
}

fn ends_with_alert(gateway: &Gateway, hello: &[u8]) -> Option<u8> {
    let mut stream = gateway.connect();
    stream.write_all(hello).expect("the server reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // A record of type alert, with level fatal.
    match answer.as_slice() {
        [21, _, _, 0, 2, 2, description] => Some(*description),
        _ => None,
    }
}

/// Returns the first message of a client with this highest version and these suites, without extensions that name newer
/// versions.
fn hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    // Groups x25519 and secp256r1; uncompressed points; signatures with SHA-256, and with SHA-1.
    let extensions =
        [&[0, 10, 0, 6, 0, 4, 0, 29, 0, 23][..], &[0, 11, 0, 2, 1, 0], &[0, 13, 0, 8, 0, 6, 4, 3, 4, 1, 2, 1]].concat();
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).expect("a short message").to_be_bytes();
    let body =
        [&version[..], &[7; 32], &[0], &length(&suites), &suites, &[1, 0], &length(&extensions), &extensions].concat();
    let message = [&[1, 0][..], &length(&body), &body].concat();
    [&[22, 3, 1][..], &length(&message), &message].concat()
}

#[test]
fn a_signed_callback_is_answered_over_tls() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).start();
    let client = TlsClient::trusting(&[&pair.certificate]);
    assert_eq!(client.callback(gateway.address(), HOST).expect("an answer"), 200);
    assert_eq!(gateway.metric("frontgate_tls_handshakes_total{outcome=\"done\"}"), 1.0);
}

#[test]
fn a_handshake_without_a_server_name_gets_the_certificate() {
    let pair = Pair::of(&[HOST, "127.0.0.1"]);
    let gateway = setup(&pair).start();
    let client = TlsClient::trusting(&[&pair.certificate]);
    assert_eq!(client.callback(gateway.address(), "127.0.0.1").expect("an answer"), 200);
}

#[test]
fn a_plain_request_to_a_listener_with_tls_is_not_answered() {
    let gateway = setup(&Pair::of(&[HOST])).start();
    let mut stream = gateway.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").expect("the server reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn a_certificate_replaced_under_load_fails_no_request() {
    let (first, second) = (Pair::of(&[HOST]), Pair::of(&[HOST]));
    let gateway = setup(&first).start();
    let both = TlsClient::trusting(&[&first.certificate, &second.certificate]);
    let new = TlsClient::trusting(&[&second.certificate]);
    let (ended, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    assert_eq!(both.callback(gateway.address(), HOST).expect("an answer"), 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Stops the calling threads even if a check fails.
        let _guard = SetOnDrop(&ended);
        let enough = |count: usize| {
            let start = answered.load(Ordering::Relaxed);
            eventually("more answers", || answered.load(Ordering::Relaxed), |now| *now >= start + count);
        };
        enough(20);
        replace(&gateway, &second);
        gateway.log().wait_for_event("tls.certificate_replaced");
        enough(20);
        assert_eq!(new.callback(gateway.address(), HOST).expect("the new certificate"), 200);
    });
}

#[test]
fn an_open_connection_continues_after_its_certificate_was_replaced() {
    let (first, second) = (Pair::of(&[HOST]), Pair::of(&[HOST]));
    let gateway = setup(&first).start();
    let mut stream = TlsClient::trusting(&[&first.certificate]).connect(gateway.address(), HOST).expect("a connection");
    let mut answer = || {
        stream.write_all(frontgate_tests::signed_callback("").as_bytes()).expect("the server reads");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        let mut rest = vec![0; 16_384];
        let _ = stream.read(&mut rest).expect("the rest of the answer");
        String::from_utf8_lossy(&start).into_owned()
    };
    assert_eq!(answer(), "HTTP/1.1 200");
    replace(&gateway, &second);
    gateway.log().wait_for_event("tls.certificate_replaced");
    assert_eq!(answer(), "HTTP/1.1 200");
}

#[test]
fn a_broken_certificate_keeps_the_previous_one() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).start();
    fs::write(gateway.path("files/certificate.pem"), "no certificate").expect("a file");
    gateway.log().wait_for_event("tls.certificate_rejected");
    let client = TlsClient::trusting(&[&pair.certificate]);
    assert_eq!(client.callback(gateway.address(), HOST).expect("an answer"), 200);
}

#[test]
fn a_reload_reads_the_certificate_again() {
    let (first, second) = (Pair::of(&[HOST]), Pair::of(&[HOST]));
    let gateway = setup(&first).set("server.tls.check_ms", "86400000").start();
    replace(&gateway, &second);
    gateway.reload();
    let client = TlsClient::trusting(&[&second.certificate]);
    assert_eq!(client.callback(gateway.address(), HOST).expect("an answer"), 200);
}

#[test]
fn a_reload_with_a_broken_certificate_is_rejected() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).set("server.tls.check_ms", "86400000").start();
    fs::write(gateway.path("files/key.pem"), Pair::of(&[HOST]).key).expect("a file");
    let receipt = gateway.reconfigure(&[]);
    assert!(receipt.to_string().contains("the private key is not the one of the certificate"), "{receipt}");
    let client = TlsClient::trusting(&[&pair.certificate]);
    assert_eq!(client.callback(gateway.address(), HOST).expect("an answer"), 200);
}

#[test]
fn tls_1_2_and_1_3_are_accepted() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).start();
    for version in [&tokio_rustls::rustls::version::TLS12, &tokio_rustls::rustls::version::TLS13] {
        let client = TlsClient::of_version(&pair.certificate, version);
        let stream = client.connect(gateway.address(), HOST).expect("a connection");
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert_ne!(version.version, ProtocolVersion::TLSv1_1);
    }
}

#[test]
fn older_versions_are_rejected() {
    let gateway = setup(&Pair::of(&[HOST])).start();
    // SSL 3.0, TLS 1.0 and TLS 1.1, with the suites of their time.
    for minor in [0, 1, 2] {
        let alert = ends_with_alert(&gateway, &hello([3, minor], &[0xc009, 0xc00a, 0xc013, 0x002f, 0x000a]));
        assert_eq!(alert, Some(70), "version 3.{minor}: expected the alert protocol_version");
    }
}

#[test]
fn weak_suites_of_tls_1_2_are_rejected() {
    let gateway = setup(&Pair::of(&[HOST])).start();
    let weak = [
        ("without forward secrecy", &[0x009c, 0x009d, 0x002f, 0x0035][..]),
        ("CBC", &[0xc023, 0xc024, 0xc009, 0xc00a, 0xc027, 0xc013]),
        ("3DES and RC4", &[0x000a, 0xc008, 0xc012, 0x0005, 0xc007]),
        ("anonymous, NULL and export", &[0x0034, 0xc018, 0x0001, 0x003b, 0x0003, 0xc006]),
        ("finite-field Diffie-Hellman", &[0x009e, 0x0033, 0x0039, 0x0067]),
    ];
    for (name, suites) in weak {
        assert_eq!(ends_with_alert(&gateway, &hello([3, 3], suites)), Some(40), "{name}: expected handshake_failure");
    }
    assert_eq!(ends_with_alert(&gateway, &hello([3, 3], &[0xc02b])), None, "a safe suite begins a handshake");
}

#[test]
fn a_client_of_another_protocol_is_rejected() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).start();
    let client = TlsClient::trusting(&[&pair.certificate]).with(|config| config.alpn_protocols = vec![b"h2".to_vec()]);
    client.connect(gateway.address(), HOST).expect_err("only HTTP/1.1 is offered");
}

#[test]
fn slow_handshakes_time_out_while_others_are_served() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).set("server.tls.handshake_timeout_ms", "300").start();
    let whole = hello([3, 3], &[0xc02b]);
    let starts: [&[u8]; 4] = [b"", &whole[..3], &whole[..whole.len() - 1], &whole];
    let mut slow: Vec<TcpStream> = Vec::new();
    for start in starts.iter().cycle().take(40) {
        let mut stream = gateway.connect();
        stream.write_all(start).expect("the server reads");
        slow.push(stream);
    }
    let client = TlsClient::trusting(&[&pair.certificate]);
    for _ in 0..20 {
        assert_eq!(client.callback(gateway.address(), HOST).expect("an answer"), 200);
    }
    for mut stream in slow {
        // Ends once the gateway has closed the connection.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(gateway.metric("frontgate_tls_handshakes_total{outcome=\"timeout\"}"), 40.0);
}

#[test]
fn a_connection_has_its_place_before_the_handshake() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).set("server.connections_per_address_max", "3").start();
    let mut held: Vec<_> = (0..3).map(|_| gateway.connect()).collect();
    let client = TlsClient::trusting(&[&pair.certificate]);
    // The oldest connection in its handshake makes room.
    assert_eq!(client.callback(gateway.address(), HOST).expect("an answer"), 200);
    let mut answer = Vec::new();
    let _ = held[0].read_to_end(&mut answer);
    assert!(answer.is_empty());
    assert_eq!(gateway.metric("frontgate_connections_evicted_total{limit=\"network\"}"), 1.0);
}

#[test]
fn a_flood_of_handshakes_leaves_verified_connections_open() {
    let pair = Pair::of(&[HOST]);
    let gateway = setup(&pair).set("server.connections_max", "20").start();
    let client = TlsClient::trusting(&[&pair.certificate]);
    let mut verified = client.connect(gateway.address(), HOST).expect("a connection");
    let mut call = || {
        verified.write_all(frontgate_tests::signed_callback("").as_bytes()).expect("the connection is open");
        let mut answer = vec![0; 16_384];
        let read = verified.read(&mut answer).expect("an answer");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
    };
    call();
    let flood: Vec<TcpStream> = (0..200).map(|_| gateway.connect()).collect();
    eventually(
        "handshakes were evicted",
        || gateway.metric_sum("frontgate_connections_evicted_total"),
        |count| *count >= 180.0,
    );
    call();
    drop(flood);
}

#[test]
fn the_end_of_the_certificate_is_a_metric() {
    let gateway = setup(&Pair::of(&[HOST])).start();
    // rcgen's certificates end in the year 4096.
    assert!(gateway.metric("frontgate_tls_certificate_expires_seconds{source=\"file\"}") > 1e9);
}

#[test]
fn the_console_shows_a_certificate_that_expires_soon() {
    let soon = Pair::with(&[HOST], |params| {
        params.not_after = std::time::SystemTime::now().into();
        params.not_after += std::time::Duration::from_secs(5 * 86_400 + 3_600);
    });
    let gateway = setup(&soon).start();
    let output = gateway.command(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(status.to_string().contains("The certificate of the public listener expires in 5 d"), "{status}");
}

#[test]
fn send_uses_tls_with_the_gateways_own_certificate() {
    let gateway = setup(&Pair::of(&[HOST])).start();
    let output = gateway.command(&["send", "twilio", "crm"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn check_reports_a_key_of_another_certificate() {
    let pair = Pair::of(&[HOST]);
    let setup = setup(&Pair { key: Pair::of(&[HOST]).key, ..pair });
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("the private key is not the one of the certificate"), "{text}");
}

#[test]
fn check_warns_about_a_certificate_of_another_host() {
    let setup = setup(&Pair::of(&["other.example.org"]));
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("the certificate does not name gw.example.org"), "{text}");
}
