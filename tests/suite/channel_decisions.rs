//! What operators decide about messages of Front's channels.

use frontgate_tests::front::{Draft, MessageState};
use frontgate_tests::provider::Trouble;
use serde_json::json;

use crate::channel_tools::{failed, hesitant, said};
use crate::channels::{LEE, Wired};

/// An agent writes at the provider, beside the gateway.
fn agent(wired: &Wired, id: &str, text: &str) {
    wired.tell(&json!([{"outbound": {"id": id, "conversation": "C+15550100001", "with": LEE, "text": text}}]));
}

#[test]
fn a_promised_message_that_an_operator_takes_out_has_failed_in_front_and_nothing_waits_for_it() {
    let wired = hesitant();
    wired.provider.always(Some(Trouble::Status(503)));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    assert!(sent.ids().0.starts_with("fg-"));
    wired.gateway.wait_for_delivery(1, "ready");
    assert!(said(&wired.gateway, &["deliveries", "cancel", "1"]).contains("delivery 1 is cancelled now"));
    assert_eq!(failed(&wired.front, &sent.message), "Cancelled by an operator.");
    agent(&wired, "P77", "planted text of an agent");
    wired.front.wait_for(|state| state.messages().count() == 2);
    assert_eq!(wired.provider.look(|known| known.messages.len()), 0);
}

#[test]
fn a_message_that_an_operator_takes_out_late_may_have_arrived() {
    let wired = hesitant();
    wired.provider.trouble(Trouble::Silent);
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.gateway.wait_for_delivery(1, "unknown");
    said(&wired.gateway, &["deliveries", "cancel", "1"]);
    assert_eq!(failed(&wired.front, &sent.message), "Cancelled by an operator. It may have been delivered already.");
}

#[test]
fn a_message_that_an_operator_found_to_have_arrived_is_sent() {
    let wired = hesitant();
    wired.provider.trouble(Trouble::Silent);
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.gateway.wait_for_delivery(1, "unknown");
    said(&wired.gateway, &["deliveries", "resolve", "1", "sent"]);
    agent(&wired, "P77", "planted text of an agent");
    wired.front.wait_for(|state| state.messages().count() == 2);
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.front.message(&sent.message).state, MessageState::Sent);
    assert_eq!(wired.front.resend(&sent.message).ids(), sent.ids());
    assert_eq!(wired.provider.look(|known| (known.attempts, known.messages.len())), (1, 1));
}

#[test]
fn a_message_that_was_refused_and_goes_on_is_under_way_again() {
    let wired = Wired::new();
    wired.provider.trouble(Trouble::Refused("this number is blocked".to_owned()));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    assert!(sent.outcome.is_err(), "{sent:?}");
    // What the provider tells of it comes before its own answer, and waits for that.
    wired.provider.trouble(Trouble::Slow(std::time::Duration::from_millis(1_500)));
    assert!(said(&wired.gateway, &["deliveries", "retry", "1"]).contains("delivery 1 is ready now"));
    wired.provider.wait_for(|known| known.messages.len() == 1);
    agent(&wired, "P1", "planted text");
    let ended: Vec<_> = wired.gateway.wait_for_deliveries().iter().map(|one| one["state"].clone()).collect();
    assert!(ended.iter().all(|state| state == "sent"), "{ended:?}");
    assert_eq!(wired.front.look(|state| state.messages().count()), 1);
    // Whoever presses the button again gets to know that it has arrived.
    assert_eq!(wired.front.resend(&sent.message).ids(), ("P1", "C+15550100001"));
    assert_eq!(wired.provider.look(|known| known.messages.len()), 1);
}

#[test]
fn a_message_that_goes_on_before_its_failure_was_reported_is_not_reported() {
    let wired = hesitant();
    wired.provider.trouble(Trouble::Status(503));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.gateway.wait_for_delivery(1, "ready");
    wired.front.go_down();
    said(&wired.gateway, &["deliveries", "cancel", "1"]);
    wired.gateway.wait_for_delivery(2, "ready");
    said(&wired.gateway, &["deliveries", "retry", "1"]);
    wired.gateway.wait_for_delivery(1, "sent");
    wired.front.come_back();
    let all = wired.gateway.deliveries();
    let states: Vec<_> = all.iter().map(|one| (one["callback"].as_str(), one["state"].as_str())).collect();
    assert_eq!(states, [(Some("front-message"), Some("sent")), (Some("front-status"), Some("cancelled"))]);
    assert_eq!(wired.front.message(&sent.message).state, MessageState::Sent);
    assert_eq!(wired.provider.look(|known| known.texts().join(",")), "planted text");
}
