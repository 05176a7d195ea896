//! Tests that requests are recorded. A line at the level `trace` has the facts of each record.

use frontgate_tests::{Gateway, LIST, PUBLIC_URL, Raw, Setup, TOKEN, eventually, list, post, sign};
use serde_json::Value;
use url::form_urlencoded;

use crate::channels::ChannelFixture;
use crate::delivery::{OURS, start_with_twilio};

/// The content type of callbacks.
const FORM: &str = "application/x-www-form-urlencoded";
/// Levels with which records are visible, and lines of plugins are not.
const LEVEL: &str = "\"error,frontgate=info,frontgate_gateway=trace\"";

fn start() -> Gateway {
    Setup::misbehaving().set("log.level", LEVEL).start()
}

/// Returns the next line about a record that contains these words.
fn recorded(gateway: &Gateway, words: &str) -> Value {
    gateway.log().event("gateway.request_recorded").saying(words).wait_for(1)
}

fn facts(record: &Value) -> &str {
    record["message"].as_str().expect("facts")
}

/// Returns a number of the facts.
fn number(facts: &str, key: &str) -> u64 {
    let (_, rest) = facts.split_once(&format!(" {key}: ")).unwrap_or_else(|| panic!("{key} in {facts}"));
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next().expect("digits");
    digits.parse().unwrap_or_else(|_| panic!("{key} in {facts}"))
}

#[track_caller]
fn assert_has(facts: &str, expected: &[&str]) {
    for words in expected {
        assert!(facts.contains(words), "{words} in {facts}");
    }
}

#[test]
fn a_callback_is_recorded_with_its_key_and_its_calls() {
    let gateway = start();
    assert_eq!(gateway.output_of("hello"), "version 1");
    let record = recorded(&gateway, "callback: \"crm\"");
    assert_has(
        facts(&record),
        &[
            "tenant: Some(\"demo\")",
            "method: \"POST\"",
            "path: \"/callbacks/crm\"",
            "status: Some(200)",
            "code: \"ok\"",
            "Matched { key: \"auth_tokens[0]\", url: Some(\"https://gw.example.org/callbacks/crm\") }",
            "function: \"crm.list-customers\", outcome: \"answered\"",
            "deadline_us: Some(5500000)",
        ],
    );
    assert_eq!(record["captured"], true);
}

#[test]
fn the_stages_of_a_callback_are_its_duration() {
    let gateway = start();
    gateway.instruct("sleep 50");
    let record = recorded(&gateway, "callback: \"crm\"");
    let stage = |name| number(facts(&record), name);
    let stages = ["verify_us", "calls_us", "store_us", "encode_us"].map(stage).iter().sum::<u64>();
    let body_us = facts(&record).split_once("Stages { body_us: ").map(|(_, rest)| number(&format!(" x: {rest}"), "x"));
    assert_eq!(body_us.expect("the body") + stages, stage("took_us"));
    assert!(stage("calls_us") >= 50_000 && stage("verify_us") > 0, "{}", facts(&record));
}

#[test]
fn a_wrong_signature_is_recorded_with_its_explanation() {
    let gateway = start();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(LIST).finish();
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm/"), &LIST);
    let headers = [("content-type", FORM), ("x-twilio-signature", signature.as_str())];
    assert_eq!(post(gateway.address(), "/callbacks/crm", &headers, body.as_bytes()).status, 403);
    let record = recorded(&gateway, "signature-mismatch");
    assert_has(
        facts(&record),
        &["Refused { explanation:", "if the URL at Twilio ended with a slash", "is_accepted: false"],
    );
}

#[test]
fn a_stored_event_is_recorded_with_its_conversation_and_its_delivery() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("log.level", LEVEL));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    let record = recorded(&gateway, "callback: \"routing\"");
    assert_has(facts(&record), &[&format!("conversation: Some(\"{sid}\")"), "deliveries: ["]);
    let id = number(&facts(&record).replace("deliveries: [", "deliveries: "), "deliveries");
    let stored = gateway.wait_for_delivery(id.try_into().expect("an id"), "sent");
    assert_eq!(stored["callback"], "routing");
    assert!(number(facts(&record), "store_us") > 0);
}

#[test]
fn a_caller_who_disconnects_is_recorded() {
    let gateway = Setup::misbehaving().set("log.level", LEVEL).set("plugins.calls_max", "1").start();
    let form = list(&[("Query", "sleep 20000")]);
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &form);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let mut connection = Raw::connect(gateway.address());
    connection.send(format!(
        "POST /callbacks/crm HTTP/1.1\r\nhost: gw.example.org\r\ncontent-type: {FORM}\r\ncontent-length: {}\r\n\
         x-twilio-signature: {signature}\r\n\r\n{body}",
        body.len()
    ));
    eventually("a call", || gateway.metric("frontgate_plugin_places_free"), |free| *free == 0.0);
    drop(connection);
    let record = recorded(&gateway, "caller-gone");
    assert_has(facts(&record), &["outcome: CallerGone, status: None", "outcome: \"caller-gone\""]);
}

#[test]
fn a_path_without_route_is_recorded_without_its_query() {
    let gateway = start();
    gateway.get("/unknown?name=planted", &[]);
    let record = recorded(&gateway, "unknown-address");
    assert_has(facts(&record), &["tenant: None, callback: \"-\"", "path: \"/unknown\", "]);
    assert_eq!(record["captured"], false);
}

#[test]
fn lines_below_the_level_of_the_log_are_recorded() {
    let gateway = start();
    assert_eq!(gateway.output_of("print 2"), "printed");
    assert_eq!(recorded(&gateway, "callback: \"crm\"")["lines"], 6);
    assert!(!gateway.log().text().contains("complaint 0"));
}

#[test]
fn the_key_of_a_channel_is_not_recorded() {
    let fixture = ChannelFixture::with(|setup| setup.set("log.level", LEVEL));
    let key = fixture.webhook().trim_end_matches("/provider").rsplit('/').next().expect("a key").to_owned();
    fixture.report_events(&serde_json::json!([]));
    let record = recorded(&fixture.gateway, "callback: \"front-provider\"");
    assert_has(
        facts(&record),
        &["path: \"/front/sms/-/provider\"", &format!("channel: Some(\"{}\")", fixture.channel)],
    );
    assert!(!facts(&record).contains(&key));
}

#[test]
fn facts_only_capture_neither_bodies_nor_lines() {
    let gateway = Setup::misbehaving().set("log.level", LEVEL).set("recording.record", "\"facts\"").start();
    gateway.instruct("print 2");
    let record = recorded(&gateway, "callback: \"crm\"");
    assert_eq!((&record["captured"], &record["lines"]), (&Value::from(false), &Value::from(0)));
}

#[test]
fn nothing_is_recorded_once_recording_is_switched_off() {
    let gateway = start();
    gateway.instruct("hello");
    recorded(&gateway, "callback: \"crm\"");
    gateway.reconfigure(&[("recording.record", "\"off\"")]);
    gateway.instruct("hello");
    gateway.instruct("hello");
    assert_eq!(gateway.log().count_events("gateway.request_recorded"), 1);
}

#[test]
fn numbers_over_time_survive_a_restart() {
    let gateway = Setup::misbehaving().set("log.level", "\"info,frontgate=debug\"").start();
    gateway.instruct("hello");
    let gateway = gateway.restart();
    // The callback and the plugin.
    assert_eq!(gateway.log().wait_for_event("recording.series_loaded")["series"], 2);
}
