//! Tests changes of many deliveries by a command, which the running gateway executes.

use frontgate_tests::{Gateway, Twilio};
use serde_json::Value;

use crate::console::waiting;
use crate::delivery::workers;

/// Starts a gateway with 5 deliveries that may have had their effect; returns their reason and conversations.
fn group() -> (Twilio, Gateway, String, Vec<String>) {
    let (twilio, gateway, sids) = waiting(5);
    let person = gateway.sign_in("ana", "operator");
    person.wait_for("/deliveries.json", "a group", |page| page["groups"][0]["count"] == 5);
    let groups = gateway.command(&["deliveries", "groups", "--json"]);
    let groups: Value = serde_json::from_slice(&groups.stdout).expect("JSON");
    let reason = groups[0]["reason_group"].as_str().expect("a reason").to_owned();
    (twilio, gateway, reason, sids)
}

fn run(gateway: &Gateway, arguments: &[&str]) -> (bool, String) {
    let output = gateway.command(&[&["deliveries"], arguments].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

fn actions(gateway: &Gateway) -> Vec<Value> {
    let output = gateway.command(&["audit", "list", "--json"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_group_of_deliveries_is_retried_by_a_command() {
    let (twilio, gateway, reason, sids) = group();
    let (succeeded, text) = run(&gateway, &["retry", "--why", &reason, "--tenant", "demo", "--yes"]);
    assert!(succeeded && text.contains("5 deliveries would change") && text.contains("5 changed, 0 could"), "{text}");
    twilio.wait_for(|state| sids.iter().all(|sid| workers(state, sid) == ["ana@example.org"]));
    let actions = actions(&gateway);
    let of = |name: &str| actions.iter().filter(|action| action["action"] == name).count();
    assert_eq!((of("retry many"), of("retry")), (1, 5), "{actions:?}");
    let many = actions.iter().find(|action| action["action"] == "retry many").expect("the command");
    assert!(many["who"].as_str().is_some_and(|who| who.contains("uid")) && many["role"] == "command", "{many}");
}

#[test]
fn a_group_is_not_changed_without_a_terminal_and_yes() {
    let (_twilio, gateway, reason, _) = group();
    let (succeeded, text) = run(&gateway, &["cancel", "--why", &reason]);
    assert!(!succeeded && text.contains("--yes"), "{text}");
    assert!(gateway.deliveries().iter().all(|delivery| delivery["state"] == "unknown"));
}

#[test]
fn a_group_is_cancelled_by_a_command() {
    let (_twilio, gateway, reason, _) = group();
    let (succeeded, text) = run(&gateway, &["cancel", "--why", &reason, "--state", "unknown", "--yes"]);
    assert!(succeeded && text.contains("5 changed"), "{text}");
    assert!(gateway.deliveries().iter().all(|delivery| delivery["state"] == "cancelled"));
}

#[test]
fn another_reason_changes_nothing() {
    let (_twilio, gateway, _, _) = group();
    let (succeeded, text) = run(&gateway, &["cancel", "--why", "another reason", "--yes"]);
    assert!(succeeded && text.contains("0 deliveries would change"), "{text}");
}

#[test]
fn one_command_changes_at_most_the_limit() {
    let (_twilio, gateway, reason, _) = group();
    gateway.reconfigure(&[("console.bulk_max", "3")]);
    let (succeeded, text) = run(&gateway, &["cancel", "--why", &reason, "--yes"]);
    assert!(succeeded && text.contains("console.bulk_max") && text.contains("3 changed"), "{text}");
}

#[test]
fn the_preview_in_the_console_shows_the_command() {
    let (_twilio, gateway, reason, _) = group();
    let person = gateway.sign_in("ana", "operator");
    let page = person.json("/deliveries.json");
    let query = page["groups"][0]["query"].as_str().expect("a query");
    let preview = person.json(&format!("/deliveries/bulk.json?change=retry&{query}"));
    let command = format!("frontgate deliveries retry --why '{reason}' --tenant demo --state unknown");
    assert_eq!(preview["command"], *command, "{preview}");
}
