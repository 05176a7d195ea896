//! Tests the address of callers behind proxies: in limits and in the log, never in signatures.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};

use frontgate_tests::{
    Gateway, Pair, Raw, Setup, TlsClient, callback, eventually, list, raw_callback, signed_callback,
};

const LOOPBACK: &str = "[\"127.0.0.1\", \"10.0.0.0/8\"]";

fn behind_proxies() -> Setup {
    Setup::misbehaving().set("server.trusted_proxies", LOOPBACK)
}

/// Sends an unsigned request, and returns the address that the log has for it.
fn logged(gateway: &Gateway, headers: &[(&str, &str)]) -> String {
    let count = gateway.log().count_events("gateway.request_refused");
    gateway.get("/callbacks/crm", headers);
    let line = gateway.log().event("gateway.request_refused").wait_for(count + 1);
    line["client"].as_str().unwrap_or("-").to_owned()
}

/// A request that waits for its body.
fn unfinished(gateway: &Gateway, forwarded: &str) -> Raw {
    let mut connection = Raw::connect(gateway.address());
    connection.send(format!(
        "POST /callbacks/crm HTTP/1.1\r\nhost: x\r\nx-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\
         x-forwarded-for: {forwarded}\r\ncontent-length: 10\r\n\r\n12"
    ));
    connection
}

/// Returns the header of version 2 for a TCP connection over IPv4, or of a health check.
fn version_2(source: Option<[u8; 4]>) -> Vec<u8> {
    let signature = b"\r\n\r\n\0\r\nQUIT\n";
    match source {
        Some(source) => [&signature[..], &[0x21, 0x11, 0, 12], &source, &[10, 0, 0, 1], &[18, 103, 0, 80]].concat(),
        None => [&signature[..], &[0x20, 0, 0, 0]].concat(),
    }
}

fn status_after(address: SocketAddr, start: &[u8], request: &str) -> Option<u16> {
    let mut connection = Raw::connect(address);
    connection.send(start).send(request);
    connection.answer().map(|answer| answer.status)
}

#[test]
fn the_log_names_the_caller_that_the_proxies_saw() {
    let gateway = behind_proxies().start();
    let table = [
        ("192.0.2.1", "192.0.2.1"),
        ("203.0.113.66, 192.0.2.1", "192.0.2.1"),
        ("203.0.113.66, 192.0.2.1, 10.2.3.4", "192.0.2.1"),
        ("203.0.113.66, garbage, 10.2.3.4", "10.2.3.4"),
        ("2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "127.0.0.1"),
    ];
    for (header, expected) in table {
        assert_eq!(logged(&gateway, &[("x-forwarded-for", header)]), expected, "{header}");
    }
    assert_eq!(logged(&gateway, &[]), "127.0.0.1");
}

#[test]
fn a_caller_that_is_no_trusted_proxy_cannot_name_another_address() {
    let gateway = Setup::misbehaving().set("server.trusted_proxies", "[\"10.0.0.0/8\"]").start();
    assert_eq!(logged(&gateway, &[("x-forwarded-for", "192.0.2.1")]), "127.0.0.1");
}

#[test]
fn only_the_configured_header_is_read() {
    let gateway = behind_proxies().set("server.forwarded_header", "\"forwarded\"").start();
    let headers = [("x-forwarded-for", "203.0.113.66"), ("forwarded", "for=\"[2001:db8::1]:80\";proto=https")];
    assert_eq!(logged(&gateway, &headers), "2001:db8::1");
}

#[test]
fn addresses_stay_out_of_the_log_if_the_operator_says_so() {
    let gateway = behind_proxies().set("server.log_client_addresses", "false").start();
    assert_eq!(logged(&gateway, &[("x-forwarded-for", "192.0.2.1")]), "-");
}

#[test]
fn lines_about_verified_requests_have_no_address() {
    let gateway = behind_proxies().start();
    assert_eq!(gateway.output_of("hello"), "version 1");
    assert!(gateway.log().wait_for_event("gateway.request_answered")["client"].is_null());
}

#[test]
fn forged_headers_of_a_proxy_chain_change_no_signature() {
    let gateway = behind_proxies().start();
    let headers = [
        ("x-forwarded-for", "203.0.113.66"),
        ("x-forwarded-host", "attacker.example.org"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "81"),
        ("x-original-url", "/other"),
        ("forwarded", "for=203.0.113.66;host=attacker.example.org;proto=http"),
    ];
    let answer = callback(gateway.address(), "/callbacks/crm", &list(&[("Query", "hello")]), &headers);
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn a_signature_for_the_forwarded_host_is_rejected() {
    let gateway = behind_proxies().start();
    let signature = frontgate_tests::sign(frontgate_tests::TOKEN, "https://attacker.example.org/callbacks/crm", &[]);
    let headers = [("x-forwarded-host", "attacker.example.org"), ("x-twilio-signature", &*signature)];
    let answer = frontgate_tests::post(gateway.address(), "/callbacks/crm", &headers, b"");
    assert_eq!((answer.status, answer.code()), (403, "signature-mismatch"));
}

#[test]
fn each_caller_behind_a_proxy_has_its_own_limit() {
    let gateway = behind_proxies().set("server.connections_per_address_max", "2").start();
    let mut greedy: Vec<_> = (0..3).map(|_| unfinished(&gateway, "192.0.2.1")).collect();
    let mut other = unfinished(&gateway, "192.0.2.2");
    // One request of the greedy caller makes room for its third one.
    let statuses = greedy.iter_mut().map(|connection| connection.answer().map(|answer| answer.status));
    let evicted = statuses.filter(|status| *status != Some(408)).collect::<Vec<_>>();
    assert_eq!((evicted, other.answer().map(|answer| answer.status)), (vec![None], Some(408)));
}

#[test]
fn a_proxy_itself_has_no_limit_per_address() {
    let gateway = behind_proxies().set("server.connections_per_address_max", "1").start();
    let mut all: Vec<_> = (1..9).map(|number| unfinished(&gateway, &format!("192.0.2.{number}"))).collect();
    for connection in &mut all {
        assert_eq!(connection.answer().map(|answer| answer.status), Some(408));
    }
}

#[test]
fn one_connection_of_a_proxy_carries_requests_of_several_callers() {
    let gateway = behind_proxies().set("server.connections_per_address_max", "1").start();
    let mut connection = Raw::connect(gateway.address());
    for number in 1..4 {
        connection.send(signed_callback(&format!("x-forwarded-for: 192.0.2.{number}\r\n")));
        assert_eq!(connection.answer().map(|answer| answer.status), Some(200));
    }
}

#[test]
fn the_proxy_protocol_names_the_caller_in_both_versions() {
    let gateway = behind_proxies().set("server.proxy_protocol", "true").start();
    let table = [
        (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n".to_vec(), "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::9 2001:db8::1 4711 80\r\n".to_vec(), "2001:db8::9"),
        (version_2(Some([192, 0, 2, 3])), "192.0.2.3"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (version_2(None), "127.0.0.1"),
    ];
    for (index, (header, expected)) in table.into_iter().enumerate() {
        assert_eq!(status_after(gateway.address(), &header, &raw_callback("")), Some(403));
        let line = gateway.log().event("gateway.request_refused").wait_for(index + 1);
        assert_eq!(line["client"], expected);
    }
}

#[test]
fn a_signed_callback_over_the_proxy_protocol_is_answered() {
    let gateway = behind_proxies().set("server.proxy_protocol", "true").start();
    let header = version_2(Some([192, 0, 2, 3]));
    assert_eq!(status_after(gateway.address(), &header, &signed_callback("")), Some(200));
}

#[test]
fn a_trusted_proxy_without_the_header_is_disconnected() {
    let gateway = behind_proxies().set("server.proxy_protocol", "true").set("server.header_timeout_ms", "300").start();
    let starts: [&[u8]; 5] = [
        b"",
        b"PROXY TCP4 192.0.2.1 ",
        b"PROXY TCP4 1.2.3 10.0.0.1 4711 80\r\n",
        &[b'P'; 200],
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
    ];
    for start in starts {
        let mut connection = Raw::connect(gateway.address());
        connection.send(start);
        assert!(connection.is_closed(), "{start:?}");
    }
    assert_eq!(status_after(gateway.address(), b"", &signed_callback("")), None);
}

#[test]
fn the_header_of_a_caller_that_is_no_trusted_proxy_is_no_request() {
    let gateway = Setup::misbehaving()
        .set("server.trusted_proxies", "[\"10.0.0.0/8\"]")
        .set("server.proxy_protocol", "true")
        .start();
    let header = b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n";
    assert_eq!(status_after(gateway.address(), header, &signed_callback("")), Some(400));
    assert_eq!(status_after(gateway.address(), b"", &signed_callback("")), Some(200));
}

#[test]
fn callers_of_the_proxy_protocol_have_their_own_limits() {
    let gateway =
        behind_proxies().set("server.proxy_protocol", "true").set("server.connections_per_address_max", "2").start();
    let connect = |last: u8| {
        let mut connection = Raw::connect(gateway.address());
        connection.send(version_2(Some([192, 0, 2, last]))).send("P");
        connection
    };
    let _greedy: Vec<_> = (0..3).map(|_| connect(1)).collect();
    eventually(
        "a connection of the greedy caller makes room for its third one",
        || gateway.metric_sum("frontgate_connections_evicted_total"),
        |count| *count >= 1.0,
    );
    let mut other = connect(2);
    other.send(&signed_callback("")[1..]);
    assert_eq!(other.answer().map(|answer| answer.status), Some(200));
}

#[test]
fn the_proxy_protocol_comes_before_the_tls_handshake() {
    let pair = Pair::of(&["gw.example.org"]);
    let gateway = behind_proxies()
        .file("certificate.pem", &pair.certificate)
        .file("key.pem", &pair.key)
        .set("server.tls.certificate", "\"files/certificate.pem\"")
        .set("server.tls.key", "\"files/key.pem\"")
        .set("server.proxy_protocol", "true")
        .start();
    let mut stream = TcpStream::connect(gateway.address()).expect("a connection");
    stream.write_all(&version_2(Some([192, 0, 2, 3]))).expect("the server reads");
    let client = TlsClient::trusting(&[&pair.certificate]);
    let mut stream = client.handshake(stream, "gw.example.org").expect("a handshake");
    stream.write_all(raw_callback("connection: close\r\n").as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let line = gateway.log().wait_for_event("gateway.request_refused");
    assert_eq!(line["client"].as_str().and_then(|text| text.parse().ok()), Some(IpAddr::from([192, 0, 2, 3])));
}

#[test]
fn send_works_through_a_listener_that_expects_the_proxy_protocol() {
    let gateway = behind_proxies().set("server.proxy_protocol", "true").start();
    let output = gateway.command(&["send", "twilio", "crm"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
