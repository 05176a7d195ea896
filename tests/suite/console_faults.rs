//! Tests that the first page of the console names each common fault, with its reason, until it is repaired.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use frontgate_tests::{Gateway, Person, Setup, TOKEN, eventually, list, on_postgres, post, sign};
use serde_json::Value;

use crate::channels::ChannelFixture;

/// Returns the item of the Overview whose text contains some words.
fn item<'v>(overview: &'v Value, words: &str) -> Option<&'v Value> {
    overview["attention"].as_array()?.iter().find(|item| item["what"].as_str().is_some_and(|what| what.contains(words)))
}

/// Waits for an item, and returns its reason and its link.
#[track_caller]
fn wait_for(person: &Person, words: &str) -> (String, String) {
    let overview = person.wait_for("/.json", words, |overview| item(overview, words).is_some());
    let item = item(&overview, words).expect("the item");
    let text = |name: &str| item[name].as_str().expect("a text").to_owned();
    (text("why"), text("link"))
}

/// Waits until an item is gone.
#[track_caller]
fn wait_until_gone(person: &Person, words: &str) {
    person.wait_for("/.json", "the item is gone", |overview| item(overview, words).is_none());
}

fn instruct(gateway: &Gateway, query: &str, times: usize) {
    for _ in 0..times {
        gateway.instruct(query);
    }
}

/// Sends a callback that is signed for another URL than the configured one.
fn call_by_another_url(gateway: &Gateway) -> u16 {
    let (form, url) = (list(&[]), "https://old.example.org/callbacks/crm");
    let signature = sign(TOKEN, url, &form);
    let kind = "application/x-www-form-urlencoded";
    let headers = [("content-type", kind), ("x-twilio-signature", &*signature), ("host", "old.example.org")];
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    post(gateway.address(), "/callbacks/crm", &headers, body.join("&").as_bytes()).status
}

#[test]
fn a_crm_that_is_down_is_named_with_the_plugins_reason() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    instruct(&gateway, "unavailable", 4);
    let (why, link) = wait_for(&person, "Callback crm of demo fails");
    assert!(why.contains("the text for the log") && why.contains("4 of 4 requests"), "{why}");
    assert_eq!(person.get(&link).status, 200, "{link}");
    assert_eq!(person.json(&link.replace("/live?", "/live.json?"))["rows"].as_array().map(Vec::len), Some(4));
}

#[test]
fn few_failures_among_many_requests_need_no_attention() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    instruct(&gateway, "unavailable", 2);
    instruct(&gateway, "hello", 20);
    let counted = |overview: &Value| overview["callbacks"][0]["total"] == 22;
    let overview = person.wait_for("/.json", "all requests are counted", counted);
    assert!(item(&overview, "fails").is_none(), "{overview}");
}

#[test]
fn a_wrong_url_at_the_platform_is_named_with_the_change_that_repairs_it() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    assert_eq!(call_by_another_url(&gateway), 403);
    let (why, link) = wait_for(&person, "their signature is almost right");
    assert!(why.contains("it would match if public_url were https://old.example.org"), "{why}");
    assert_eq!(link, "/setup/demo");
}

#[test]
fn a_request_with_a_made_up_signature_needs_no_attention() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers = [kind, ("x-twilio-signature", "bWFkZS11cA==")];
    assert_eq!(post(gateway.address(), "/callbacks/crm", &headers, b"Location=GetCustomersList").status, 403);
    let counted = |overview: &Value| overview["callbacks"][0]["total"] == 1;
    let overview = person.wait_for("/.json", "the request is counted", counted);
    assert_eq!(overview["attention"], Value::Array(Vec::new()), "{overview}");
}

#[test]
fn a_plugin_that_uses_up_the_time_is_named_with_what_it_did() {
    let gateway = Setup::misbehaving().set("tenants.demo.twilio.callback_timeout_ms", "1000").start();
    let person = gateway.sign_in("ana", "viewer");
    instruct(&gateway, "compute 700", 6);
    let (why, _) = wait_for(&person, "Callback crm of demo is slow");
    assert!(why.contains("Plugin plugin took") && why.contains("computed for"), "{why}");
}

#[test]
fn a_channel_with_a_revoked_credential_is_named_until_it_works_again() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.check_interval_ms", "100"));
    let person = fixture.gateway.sign_in("ana", "viewer");
    fixture.provider.revoke(true);
    let (why, _) = wait_for(&person, "is offline");
    assert!(why.contains("the provider refuses the token"), "{why}");
    fixture.provider.revoke(false);
    wait_until_gone(&person, "is offline");
}

/// Fills the disk of the gateway, and returns the path of the file.
fn fill(gateway: &Gateway) -> PathBuf {
    let inside = format!("/proc/{}/root{}", gateway.process_id(), gateway.path("disk/filler").display());
    let mut filler = File::create(&inside).expect("a file");
    while filler.write_all(&[7; 4096]).is_ok() {}
    inside.into()
}

#[test]
fn a_full_disk_is_named_until_there_is_space_again() {
    let gateway = Setup::misbehaving().start_on_small_disk();
    let person = gateway.sign_in("ana", "viewer");
    let filler = fill(&gateway);
    let (why, _) = wait_for(&person, "is almost full");
    assert!(why.contains("events, messages and state are refused"), "{why}");
    fs::remove_file(filler).expect("the file");
    wait_until_gone(&person, "is almost full");
}

#[test]
fn callbacks_are_answered_while_the_disk_is_full_and_events_when_there_is_space_again() {
    let gateway = Setup::misbehaving()
        .set("tenants.demo.roles.conversations", "[\"plugin\"]")
        .set("store.timeout_ms", "1000")
        .start_on_small_disk();
    let filler = fill(&gateway);
    let number = Cell::new(0);
    let event = || {
        number.set(number.get() + 1);
        let message = format!("IM{:032}", number.get());
        let form = [
            ("EventType", "onMessageAdded"),
            ("ConversationSid", "CH00000000000000000000000000000001"),
            ("MessageSid", &*message),
            ("Body", "planted text"),
            ("Author", "ana@example.org"),
        ];
        gateway.callback("conversations", &form).status
    };
    if !on_postgres() {
        eventually("an event is refused", event, |status| *status == 503);
    }
    assert_eq!(gateway.instruct("hello").status, 200);
    fs::remove_file(filler).expect("the file");
    eventually("an event is stored", event, |status| *status == 200);
}
