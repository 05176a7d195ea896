//! Finding 3: idle connections lock everybody out.

use frontgate_tests::{Gateway, Raw, Setup, signed_callback};

use crate::channels::Wired;

const STRANGER: &str = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";

/// Half of these places are kept for verified connections.
fn small(places: usize) -> Gateway {
    Setup::misbehaving()
        .set("server.connections_max", places.to_string())
        .set("server.connections_verified_percent", "50")
        // A connection is only closed to make room.
        .set("server.header_timeout_ms", "600000")
        .start()
}

fn strangers(gateway: &Gateway, count: usize) -> Vec<Raw> {
    (0..count).map(|_| Raw::connect(gateway.address())).collect()
}

/// A connection on which a request was verified.
fn verified(gateway: &Gateway) -> Raw {
    let mut raw = Raw::connect(gateway.address());
    is_answered(&mut raw);
    raw
}

#[track_caller]
fn is_answered(raw: &mut Raw) {
    let answer = raw.send(signed_callback("")).answer().expect("an answer");
    assert_eq!((answer.status, answer.closes()), (200, false), "{answer:?}");
}

#[test]
fn a_connection_without_a_verified_request_is_closed_after_its_answer() {
    let gateway = Setup::misbehaving().start();
    let requests = [
        STRANGER.to_owned(),
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
fn a_second_request_of_a_stranger_is_not_answered() {
    let gateway = Setup::misbehaving().start();
    let mut raw = Raw::connect(gateway.address());
    assert_eq!(raw.send(STRANGER.repeat(3)).answer().map(|answer| answer.status), Some(404));
    assert!(raw.is_closed());
}

#[test]
fn a_verified_connection_stays_open_also_after_a_request_that_is_not_verified() {
    let gateway = Setup::misbehaving().start();
    let mut raw = verified(&gateway);
    assert_eq!(raw.send(STRANGER).answer().map(|answer| (answer.status, answer.closes())), Some((404, false)));
    is_answered(&mut raw);
}

#[test]
fn idle_strangers_make_room_for_a_signed_callback() {
    let gateway = small(8);
    let held = strangers(&gateway, 100);
    for _ in 0..20 {
        is_answered(&mut Raw::connect(gateway.address()));
    }
    drop(held);
    assert!(gateway.metric_sum("frontgate_connections_evicted_total") >= 96.0);
}

#[test]
fn the_stranger_that_is_idle_longest_is_closed_first() {
    let gateway = small(8);
    let mut held = strangers(&gateway, 5);
    assert!(held[0].is_closed());
    assert_eq!(held[1].send(STRANGER).answer().map(|answer| answer.status), Some(404));
}

#[test]
fn strangers_with_half_a_body_make_room_for_a_signed_callback() {
    let gateway = small(8);
    let mut held = strangers(&gateway, 100);
    let signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let head = "POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n";
    for raw in &mut held {
        raw.send(format!("{head}x-twilio-signature: {signature}\r\n\r\nhalf"));
    }
    for _ in 0..20 {
        is_answered(&mut Raw::connect(gateway.address()));
    }
}

#[test]
fn strangers_never_take_the_place_of_a_verified_connection() {
    let gateway = small(8);
    let mut verified: Vec<_> = (0..4).map(|_| verified(&gateway)).collect();
    let _held = strangers(&gateway, 100);
    verified.iter_mut().for_each(is_answered);
}

#[test]
fn idle_verified_connections_make_room_where_all_are_verified() {
    let gateway = small(8);
    let _held: Vec<_> = (0..8).map(|_| verified(&gateway)).collect();
    for _ in 0..20 {
        is_answered(&mut Raw::connect(gateway.address()));
    }
}

#[test]
fn strangers_of_an_address_make_room_for_a_signed_callback_from_there() {
    let gateway = Setup::misbehaving()
        .set("server.connections_per_address_max", "3")
        .set("server.header_timeout_ms", "600000")
        .start();
    let mut held = strangers(&gateway, 3);
    is_answered(&mut Raw::connect(gateway.address()));
    assert!(held[0].is_closed());
}

/// Nothing new, as the plugin `courier` accepts it.
fn of_provider(wired: &Wired) -> String {
    let webhook = wired.webhook();
    let path = webhook.strip_prefix(frontgate_tests::PUBLIC_URL).expect("ours");
    format!("POST {path} HTTP/1.1\r\nhost: x\r\npassword: courier\r\ncontent-length: 2\r\n\r\n[]")
}

#[test]
fn a_provider_keeps_its_connection_while_its_plugin_accepts_what_it_sends() {
    let wired = Wired::new();
    let mut raw = Raw::connect(wired.gateway.address());
    for _ in 0..2 {
        let answer = raw.send(of_provider(&wired)).answer().expect("an answer");
        assert_eq!((answer.status, answer.closes()), (202, false), "{answer:?}");
    }
}

#[test]
fn providers_make_room_as_strangers_do() {
    let wired = Wired::with(|setup| setup.set("server.connections_max", "4").set("server.header_timeout_ms", "600000"));
    let mut held = Raw::connect(wired.gateway.address());
    assert_eq!(held.send(of_provider(&wired)).answer().map(|answer| answer.status), Some(202));
    let _strangers = strangers(&wired.gateway, 4);
    assert!(held.is_closed());
}
