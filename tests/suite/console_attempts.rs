//! Tests that the console shows and counts the calls of plugins that deliveries make.

use frontgate_tests::{Gateway, Twilio};
use serde_json::Value;

use crate::console::waiting;

/// Starts a gateway with one delivery whose first attempt has called a plugin.
fn attempted() -> (Twilio, Gateway, String) {
    let (twilio, gateway, mut sids) = waiting(1);
    (twilio, gateway, sids.pop().expect("a conversation"))
}

fn has_attempt(delivery: &Value) -> bool {
    delivery["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty())
}

/// Returns the facts of the only call in the first attempt.
fn only_call(gateway: &Gateway) -> impl Fn(&str) -> String {
    let delivery = gateway.sign_in("ana", "viewer").wait_for("/deliveries/1.json", "an attempt", has_attempt);
    let calls = delivery["attempts"][0]["calls"].as_array().expect("calls").clone();
    assert_eq!(calls.len(), 1, "{delivery}");
    move |name| {
        let facts = calls[0].as_array().expect("facts");
        let fact = facts.iter().find(|fact| fact["name"] == name);
        fact.and_then(|fact| fact["value"].as_str()).unwrap_or_else(|| panic!("{name} in {facts:?}")).to_owned()
    }
}

#[test]
fn an_attempt_is_shown_with_the_plugin_calls_that_it_made() {
    let (_twilio, gateway, _) = attempted();
    let fact = only_call(&gateway);
    assert_eq!((&*fact("Function"), &*fact("Outcome")), ("routing.route", "answered"));
    assert!(fact("Run").contains("processor") && fact("Memory").ends_with('B'), "{}", fact("Run"));
    let page = gateway.sign_in("bo", "viewer").get("/deliveries/1").text;
    assert!(page.contains("Call of a plugin in attempt 1"), "{page}");
}

#[test]
fn calls_of_deliveries_are_counted_on_the_page_of_plugins() {
    let (_twilio, gateway, _) = attempted();
    let person = gateway.sign_in("ana", "viewer");
    let rows = person.json("/live.json")["rows"].clone();
    for row in rows.as_array().expect("rows") {
        let event = person.json(&format!("/events/{}.json", row["id"].as_str().expect("an id")));
        assert_eq!(event["calls"].as_array().map(Vec::len), Some(0), "{event}");
    }
    let count = |page: &Value| {
        page["plugins"]
            .as_array()
            .map(|all| all.iter().filter_map(|plugin| plugin["calls"]["count"].as_u64()).sum::<u64>())
    };
    person.wait_for("/plugins.json", "a counted call", |page| count(page) == Some(1));
}

#[test]
fn calls_of_deliveries_are_part_of_the_story_of_a_conversation() {
    let (_twilio, gateway, sid) = attempted();
    let person = gateway.sign_in("ana", "viewer");
    person.wait_for("/deliveries/1.json", "an attempt", has_attempt);
    let story = person.json(&format!("/conversations/demo/{sid}.json"));
    let steps = story["steps"].as_array().expect("steps");
    let call = steps.iter().find(|step| step["text"].as_str().is_some_and(|text| text.ends_with("routing.route")));
    assert_eq!(call.expect("a call")["link"], "/deliveries/1", "{story}");
}

#[test]
fn calls_of_deliveries_are_counted_in_the_metrics() {
    let (_twilio, gateway, _) = attempted();
    assert_eq!(only_call(&gateway)("Outcome"), "answered");
    let metrics = gateway.admin_get("/metrics").1;
    let counted = |line: &&str| line.starts_with("frontgate_plugin_calls_total") && line.contains("\"answered\"");
    assert_eq!(metrics.lines().find(counted).and_then(|line| line.rsplit(' ').next()), Some("1"), "{metrics}");
}
