//! Finding 6: unverified bodies share no budget.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::thread;

use frontgate_tests::{Front, LIST, Raw, RawAnswer, Setup, component, eventually, post, raw_callback, signed_callback};
use rusqlite::Connection;

use super::finding_04::{connect, report_message, two_tenants};

/// Header lines with signatures of the right length that are not valid for any key.
const TWILIO: &str = "x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
const FRONT: &str = "x-front-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
const TIME: &str = "x-front-request-timestamp: 1700000000123\r\n";

fn post_head(path: &str, lines: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{lines}\r\n")
}

#[test]
fn a_request_with_an_impossible_signature_is_rejected_before_its_body() {
    let front = Front::start();
    let gateway = Setup::misbehaving().front(&front, "plugin").start();
    let twilio: [(&str, &str); 4] = [
        ("no signature", ""),
        ("short", "x-twilio-signature: AAAA\r\n"),
        ("two", &format!("{TWILIO}{TWILIO}")),
        ("of a SharedKey", &format!("{TWILIO}x-twilio-webhooks-signature-settings: key=k,algorithm=HMAC_SHA256\r\n")),
    ];
    let front: [(&str, &str); 6] = [
        ("no signature", TIME),
        ("no time", FRONT),
        ("short", &format!("{TIME}x-front-signature: AAAA\r\n")),
        ("two", &format!("{TIME}{FRONT}{FRONT}")),
        ("two times", &format!("{TIME}{TIME}{FRONT}")),
        ("no number", &format!("x-front-request-timestamp: soon\r\n{FRONT}")),
    ];
    let twilio = twilio.map(|(name, lines)| (name, "/callbacks/crm", lines, 403));
    let front = front.map(|(name, lines)| (name, "/front/sms", lines, 401));
    for (name, path, lines, status) in twilio.into_iter().chain(front) {
        // The body is never sent: a gateway that reads it answers 408 after `body_timeout_ms`.
        let answer = Raw::connect(gateway.address()).send(post_head(path, lines, 1_000)).answer().expect("an answer");
        assert_eq!(answer.status, status, "{name}: {answer:?}");
    }
}

#[test]
fn a_caller_that_is_still_sending_receives_the_rejection() {
    let gateway = Setup::misbehaving().start();
    for _ in 0..10 {
        let answer = post(gateway.address(), "/callbacks/crm", &[], &vec![b'x'; 250_000]);
        assert_eq!(answer.status, 403);
    }
}

/// Sends unverified bodies that remain incomplete.
fn send_incomplete_bodies(raws: &mut [Raw], bytes: usize) {
    for raw in raws {
        raw.send(post_head("/callbacks/crm", TWILIO, 250_000)).send(vec![b'x'; bytes]);
    }
}

fn is_busy(answer: Option<RawAnswer>) -> bool {
    answer.is_some_and(|answer| {
        answer.status == 503
            && answer.head.contains("retry-after: 1")
            && answer.body.contains("busy")
            && answer.closes()
    })
}

#[test]
fn unverified_bodies_share_a_budget_and_the_largest_is_evicted() {
    let gateway = Setup::misbehaving()
        .set("server.unverified_body_bytes_max", "100000")
        .set("server.body_timeout_ms", "60000")
        .set("tenants.demo.twilio.callback_timeout_ms", "5900")
        .start();
    let mut large = [Raw::connect(gateway.address())];
    send_incomplete_bodies(&mut large, 90_000);
    let mut small = [Raw::connect(gateway.address())];
    // The small body may arrive before the large one is fully received.
    send_incomplete_bodies(&mut small, 40_000);
    assert!(is_busy(large[0].answer()));
}

#[test]
fn front_gets_retry_after_while_the_body_budget_is_exhausted() {
    let front = Front::start();
    let gateway = Setup::misbehaving().front(&front, "plugin").set("server.unverified_body_bytes_max", "65536").start();
    let mut raw = Raw::connect(gateway.address());
    raw.send(post_head("/front/sms", &format!("{TIME}{FRONT}"), 250_000)).send(vec![b'x'; 200_000]);
    let answer = raw.answer().expect("an answer");
    assert!(answer.status == 503 && answer.head.contains("retry-after: 1") && answer.closes(), "{answer:?}");
}

#[test]
fn signed_callbacks_are_answered_while_the_body_budget_is_exhausted() {
    let gateway = Setup::misbehaving().set("server.unverified_body_bytes_max", "65536").start();
    let mut held: Vec<_> = (0..20).map(|_| Raw::connect(gateway.address())).collect();
    send_incomplete_bodies(&mut held, 60_000);
    for _ in 0..20 {
        let answer = Raw::connect(gateway.address()).send(signed_callback("")).answer();
        assert_eq!(answer.map(|answer| answer.status), Some(200));
        // The body is large enough to be charged to the budget.
        assert_eq!(gateway.crm(&large_list()).status, 200);
    }
    let full = held.iter_mut().filter_map(Raw::answer).filter(|answer| answer.status == 503).count();
    assert!(full >= 18, "{full} of 20 were rejected");
}

/// Returns the form of a callback whose body is large enough to be charged to the budget.
fn large_list() -> Vec<(&'static str, &'static str)> {
    static QUERY: LazyLock<String> = LazyLock::new(|| "x".repeat(20_000));
    LIST.into_iter().chain([("Padding", QUERY.as_str())]).collect()
}

#[test]
fn queued_provider_bodies_make_room_for_a_signed_callback() {
    let front = Front::start();
    let gateway = two_tenants(&front)
        .plugin("plugin", &component("misbehaving"))
        .set("tenants.bolt.roles.crm", "[\"plugin\"]")
        .set("tenants.demo.front.sms.provider_calls_per_channel_max", "1")
        .set("server.unverified_body_bytes_max", "500000")
        .set("store.timeout_ms", "60000")
        .start();
    let (_, webhook) = connect(&front, &gateway);
    // The lock blocks the write of the first body; the other bodies wait for it.
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let text = "x".repeat(100_000);
    thread::scope(|scope| {
        for id in 0..8 {
            let (gateway, webhook, text) = (&gateway, &webhook, &text);
            scope.spawn(move || report_message(gateway, webhook, id, text));
        }
        let busy = "frontgate_requests_total{tenant=\"demo\",callback=\"front-provider\",code=\"busy\"}";
        eventually("a body is evicted", || gateway.metric_or_zero(busy), |count| *count >= 1.0);
        let answer = gateway.tenant_callback("/bolt", "crm", &large_list());
        other.execute_batch("ROLLBACK").expect("an end");
        assert_eq!(answer.status, 200, "{}", answer.text);
    });
}

#[test]
fn the_budget_of_a_finished_body_is_released() {
    let gateway = Setup::misbehaving()
        .set("server.unverified_body_bytes_max", "300000")
        .set("server.refusal_lines_per_second_max", "1000")
        .start();
    // Each body uses most of the budget.
    for _ in 0..20 {
        let body = format!("Query={}", "x".repeat(240_000));
        let answer = Raw::connect(gateway.address())
            .send(post_head("/callbacks/crm", TWILIO, body.len()))
            .send(body)
            .answer()
            .expect("an answer");
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    for _ in 0..20 {
        send_incomplete_bodies(&mut [Raw::connect(gateway.address())], 240_000);
    }
    // Each request has a log line once it has ended.
    gateway.log().wait_for_count("callback crm", 40);
    let answer = Raw::connect(gateway.address()).send(raw_callback(TWILIO)).answer().expect("an answer");
    assert_eq!(answer.status, 403);
}

#[test]
fn a_body_in_one_byte_chunks_uses_no_extra_memory() {
    let gateway = Setup::misbehaving().set("server.body_timeout_ms", "3000").start();
    let before = gateway.peak_kib();
    let head = format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{TWILIO}\r\n");
    let mut pieces = String::new();
    for _ in 0..200_000 {
        let _ = write!(pieces, "1\r\nx\r\n");
    }
    let mut held: Vec<_> = (0..30).map(|_| Raw::connect(gateway.address())).collect();
    for raw in &mut held {
        raw.send(&head).send(&pieces);
    }
    // The gateway waits for the rest of each incomplete body, and then times out.
    for raw in &mut held {
        assert_eq!(raw.answer().map(|answer| answer.status), Some(408));
    }
    let more = gateway.peak_kib() - before;
    assert!(more < 64 * 1024, "{more} KiB more");
}
