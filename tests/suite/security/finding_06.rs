//! Finding 6: unverified bodies have no common budget.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::thread;

use frontgate_tests::{Front, LIST, Raw, RawAnswer, Setup, component, post, raw_callback, signed_callback, wait_until};
use rusqlite::Connection;

use super::finding_04::{connect, tell, two_tenants};

/// Of the right length, and made by no key.
const TWILIO: &str = "x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
const FRONT: &str = "x-front-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
const TIME: &str = "x-front-request-timestamp: 1700000000123\r\n";

fn post_of(path: &str, lines: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{lines}\r\n")
}

#[test]
fn a_request_that_no_body_could_make_a_platforms_is_refused_before_its_body_comes() {
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
        // Nothing of the body is ever sent: whoever waits for it waits until body_timeout_ms, and answers 408.
        let answer = Raw::connect(gateway.address()).send(post_of(path, lines, 1_000)).answer().expect("an answer");
        assert_eq!(answer.status, status, "{name}: {answer:?}");
    }
}

#[test]
fn a_caller_that_is_still_sending_gets_its_refusal() {
    let gateway = Setup::misbehaving().start();
    for _ in 0..10 {
        let answer = post(gateway.address(), "/callbacks/crm", &[], &vec![b'x'; 250_000]);
        assert_eq!(answer.status, 403);
    }
}

/// Unverified bodies that hold all they may, and get no further.
fn hold(raws: &mut [Raw], bytes: usize) {
    for raw in raws {
        raw.send(post_of("/callbacks/crm", TWILIO, 250_000)).send(vec![b'x'; bytes]);
    }
}

fn is_full(answer: Option<RawAnswer>) -> bool {
    answer.is_some_and(|answer| {
        answer.status == 503
            && answer.head.contains("retry-after: 1")
            && answer.body.contains("busy")
            && answer.closes()
    })
}

#[test]
fn unverified_bodies_share_one_budget_and_the_largest_gives_way() {
    let gateway = Setup::misbehaving()
        .set("server.unverified_body_bytes_max", "100000")
        .set("server.body_timeout_ms", "60000")
        .set("tenants.demo.twilio.callback_timeout_ms", "5900")
        .start();
    let mut large = [Raw::connect(gateway.address())];
    hold(&mut large, 90_000);
    let mut small = [Raw::connect(gateway.address())];
    // It may come before the large one has all it sent.
    hold(&mut small, 40_000);
    assert!(is_full(large[0].answer()));
}

#[test]
fn front_is_told_when_to_try_again_while_the_budget_is_used_up() {
    let front = Front::start();
    let gateway = Setup::misbehaving().front(&front, "plugin").set("server.unverified_body_bytes_max", "65536").start();
    let mut raw = Raw::connect(gateway.address());
    raw.send(post_of("/front/sms", &format!("{TIME}{FRONT}"), 250_000)).send(vec![b'x'; 200_000]);
    let answer = raw.answer().expect("an answer");
    assert!(answer.status == 503 && answer.head.contains("retry-after: 1") && answer.closes(), "{answer:?}");
}

#[test]
fn a_signed_callback_is_answered_while_the_budget_is_used_up() {
    let gateway = Setup::misbehaving().set("server.unverified_body_bytes_max", "65536").start();
    let mut held: Vec<_> = (0..20).map(|_| Raw::connect(gateway.address())).collect();
    hold(&mut held, 60_000);
    for _ in 0..20 {
        let answer = Raw::connect(gateway.address()).send(signed_callback("")).answer();
        assert_eq!(answer.map(|answer| answer.status), Some(200));
        // Of a size that the budget counts.
        assert_eq!(gateway.crm(&large_list()).status, 200);
    }
    let full = held.iter_mut().filter_map(Raw::answer).filter(|answer| answer.status == 503).count();
    assert!(full >= 18, "{full} of 20 were refused");
}

/// A signed callback with a body that the budget counts.
fn large_list() -> Vec<(&'static str, &'static str)> {
    static QUERY: LazyLock<String> = LazyLock::new(|| "x".repeat(20_000));
    LIST.into_iter().chain([("Padding", QUERY.as_str())]).collect()
}

#[test]
fn a_providers_bodies_that_wait_for_their_turn_make_room_for_a_signed_callback() {
    let front = Front::start();
    let gateway = two_tenants(&front)
        .plugin("plugin", &component("misbehaving"))
        .set("tenants.bolt.roles.crm", "[\"plugin\"]")
        .set("tenants.demo.front.sms.provider_calls_per_channel_max", "1")
        .set("server.unverified_body_bytes_max", "500000")
        .set("store.timeout_ms", "60000")
        .start();
    let (_, webhook) = connect(&front, &gateway);
    // The first of them waits for its write, and the others for their turn.
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let text = "x".repeat(100_000);
    thread::scope(|scope| {
        for id in 0..8 {
            let (gateway, webhook, text) = (&gateway, &webhook, &text);
            scope.spawn(move || tell(gateway, webhook, id, text));
        }
        wait_until(|| gateway.counted("frontgate_requests_total{callback=\"front-provider\",code=\"busy\"}") >= 1.0);
        let answer = gateway.callback_of("/bolt", "crm", &large_list());
        other.execute_batch("ROLLBACK").expect("an end");
        assert_eq!(answer.status, 200, "{}", answer.text);
    });
}

#[test]
fn what_a_body_held_is_given_back() {
    let gateway = Setup::misbehaving()
        .set("server.unverified_body_bytes_max", "300000")
        .set("server.refusal_lines_per_second_max", "1000")
        .start();
    // Each takes most of the budget.
    for _ in 0..20 {
        let body = format!("Query={}", "x".repeat(240_000));
        let answer = Raw::connect(gateway.address())
            .send(post_of("/callbacks/crm", TWILIO, body.len()))
            .send(body)
            .answer()
            .expect("an answer");
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    for _ in 0..20 {
        hold(&mut [Raw::connect(gateway.address())], 240_000);
    }
    // All of them have ended: 403 before, and whatever it was now.
    gateway.log().wait_for_more("callback crm", 40);
    let answer = Raw::connect(gateway.address()).send(raw_callback(TWILIO)).answer().expect("an answer");
    assert_eq!(answer.status, 403);
}

#[test]
fn a_body_in_pieces_of_one_byte_holds_no_more_than_its_bytes() {
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
    // The body never ends, so each is read as far as it came.
    for raw in &mut held {
        assert_eq!(raw.answer().map(|answer| answer.status), Some(408));
    }
    let more = gateway.peak_kib() - before;
    assert!(more < 64 * 1024, "{more} KiB more");
}
