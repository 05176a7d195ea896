//! Finding 3: idle connections block all other callers.

use frontgate_tests::{Gateway, Raw, Setup, signed_callback};

use crate::channels::ChannelFixture;

const UNSIGNED: &str = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";

/// Starts a gateway with this connection limit. Half of the connections are reserved for verified ones.
fn with_connections_max(places: usize) -> Gateway {
    Setup::misbehaving()
        .set("server.connections_max", places.to_string())
        .set("server.connections_verified_percent", "50")
        // The timeout is long, so that connections are closed only to free capacity.
        .set("server.header_timeout_ms", "600000")
        .start()
}

fn unverified(gateway: &Gateway, count: usize) -> Vec<Raw> {
    (0..count).map(|_| Raw::connect(gateway.address())).collect()
}

/// Opens a connection, sends a verified request, and returns the connection.
fn verified(gateway: &Gateway) -> Raw {
    let mut raw = Raw::connect(gateway.address());
    assert_answered(&mut raw);
    raw
}

#[track_caller]
fn assert_answered(raw: &mut Raw) {
    let answer = raw.send(signed_callback("")).answer().expect("an answer");
    assert_eq!((answer.status, answer.closes()), (200, false), "{answer:?}");
}

#[test]
fn an_unverified_connection_is_closed_after_its_answer() {
    let gateway = Setup::misbehaving().start();
    let requests = [
        UNSIGNED.to_owned(),
        "POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "GET /callbacks/crm HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
    ];
    for request in requests {
        let mut raw = Raw::connect(gateway.address());
        let answer = raw.send(&request).answer().expect("an answer");
        assert!(answer.closes() && raw.is_closed(), "{request}: {answer:?}");
    }
}

#[test]
fn a_second_request_on_an_unverified_connection_is_not_answered() {
    let gateway = Setup::misbehaving().start();
    let mut raw = Raw::connect(gateway.address());
    assert_eq!(raw.send(UNSIGNED.repeat(3)).answer().map(|answer| answer.status), Some(404));
    assert!(raw.is_closed());
}

#[test]
fn a_verified_connection_survives_an_unverified_request() {
    let gateway = Setup::misbehaving().start();
    let mut raw = verified(&gateway);
    assert_eq!(raw.send(UNSIGNED).answer().map(|answer| (answer.status, answer.closes())), Some((404, false)));
    assert_answered(&mut raw);
}

#[test]
fn idle_unverified_connections_make_room_for_a_signed_callback() {
    let gateway = with_connections_max(8);
    let held = unverified(&gateway, 100);
    for _ in 0..20 {
        assert_answered(&mut Raw::connect(gateway.address()));
    }
    drop(held);
    assert!(gateway.metric_sum("frontgate_connections_evicted_total") >= 96.0);
}

#[test]
fn the_longest_idle_unverified_connection_is_closed_first() {
    let gateway = with_connections_max(8);
    let mut held = unverified(&gateway, 5);
    assert!(held[0].is_closed());
    assert_eq!(held[1].send(UNSIGNED).answer().map(|answer| answer.status), Some(404));
}

#[test]
fn unverified_connections_with_half_a_body_make_room() {
    let gateway = with_connections_max(8);
    let mut held = unverified(&gateway, 100);
    let signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let head = "POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n";
    for raw in &mut held {
        raw.send(format!("{head}x-twilio-signature: {signature}\r\n\r\nhalf"));
    }
    for _ in 0..20 {
        assert_answered(&mut Raw::connect(gateway.address()));
    }
}

#[test]
fn unverified_connections_never_evict_a_verified_one() {
    let gateway = with_connections_max(8);
    let mut verified: Vec<_> = (0..4).map(|_| verified(&gateway)).collect();
    let _held = unverified(&gateway, 100);
    verified.iter_mut().for_each(assert_answered);
}

#[test]
fn idle_verified_connections_make_room_if_all_are_verified() {
    let gateway = with_connections_max(8);
    let _held: Vec<_> = (0..8).map(|_| verified(&gateway)).collect();
    for _ in 0..20 {
        assert_answered(&mut Raw::connect(gateway.address()));
    }
}

#[test]
fn unverified_connections_of_an_address_make_room_for_its_callbacks() {
    let gateway = Setup::misbehaving()
        .set("server.connections_per_address_max", "3")
        .set("server.header_timeout_ms", "600000")
        .start();
    let mut held = unverified(&gateway, 3);
    assert_answered(&mut Raw::connect(gateway.address()));
    assert!(held[0].is_closed());
}

/// Returns a provider's request without events, which the plugin `courier` accepts.
fn provider_request(fixture: &ChannelFixture) -> String {
    let webhook = fixture.webhook();
    let path = webhook.strip_prefix(frontgate_tests::PUBLIC_URL).expect("ours");
    format!("POST {path} HTTP/1.1\r\nhost: x\r\npassword: courier\r\ncontent-length: 2\r\n\r\n[]")
}

#[test]
fn a_provider_keeps_its_connection_while_its_plugin_accepts_requests() {
    let fixture = ChannelFixture::new();
    let mut raw = Raw::connect(fixture.gateway.address());
    for _ in 0..2 {
        let answer = raw.send(provider_request(&fixture)).answer().expect("an answer");
        assert_eq!((answer.status, answer.closes()), (202, false), "{answer:?}");
    }
}

#[test]
fn provider_connections_are_evicted_like_unverified_ones() {
    let fixture = ChannelFixture::with(|setup| {
        setup.set("server.connections_max", "4").set("server.header_timeout_ms", "600000")
    });
    let mut held = Raw::connect(fixture.gateway.address());
    assert_eq!(held.send(provider_request(&fixture)).answer().map(|answer| answer.status), Some(202));
    let _others = unverified(&fixture.gateway, 4);
    assert!(held.is_closed());
}
