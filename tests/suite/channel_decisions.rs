//! Tests the operators' decisions about messages of Front's channels.

use frontgate_tests::front::{Draft, MessageState};
use frontgate_tests::provider::Trouble;
use serde_json::json;

use crate::channel_commands::{failure_reason, run_ok, with_early_promises};
use crate::channels::{ChannelFixture, LEE};

/// Reports a message that an agent sent at the provider, not through the gateway.
fn agent_sends(fixture: &ChannelFixture, id: &str, text: &str) {
    fixture
        .report_events(&json!([{"outbound": {"id": id, "conversation": "C+15550100001", "with": LEE, "text": text}}]));
}

#[test]
fn cancelling_a_promised_message_marks_it_failed_in_front() {
    let fixture = with_early_promises();
    fixture.provider.always(Some(Trouble::Status(503)));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    assert!(sent.ids().0.starts_with("fg-"));
    fixture.gateway.wait_for_delivery(1, "ready");
    assert!(run_ok(&fixture.gateway, &["deliveries", "cancel", "1"]).contains("delivery 1: cancelled"));
    assert_eq!(failure_reason(&fixture.front, &sent.message), "Cancelled by an operator.");
    agent_sends(&fixture, "P77", "planted text of an agent");
    fixture.front.wait_for(|state| state.messages().count() == 2);
    assert_eq!(fixture.provider.look(|known| known.messages.len()), 0);
}

#[test]
fn a_late_cancellation_says_that_the_message_may_have_arrived() {
    let fixture = with_early_promises();
    fixture.provider.trouble(Trouble::Silent);
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.gateway.wait_for_delivery(1, "unknown");
    run_ok(&fixture.gateway, &["deliveries", "cancel", "1"]);
    assert_eq!(
        failure_reason(&fixture.front, &sent.message),
        "Cancelled by an operator. It may have been delivered already."
    );
}

#[test]
fn an_operator_can_resolve_an_unknown_message_as_sent() {
    let fixture = with_early_promises();
    fixture.provider.trouble(Trouble::Silent);
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.gateway.wait_for_delivery(1, "unknown");
    run_ok(&fixture.gateway, &["deliveries", "resolve", "1", "sent"]);
    agent_sends(&fixture, "P77", "planted text of an agent");
    fixture.front.wait_for(|state| state.messages().count() == 2);
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.front.message(&sent.message).state, MessageState::Sent);
    assert_eq!(fixture.front.resend(&sent.message).ids(), sent.ids());
    assert_eq!(fixture.provider.look(|known| (known.attempts, known.messages.len())), (1, 1));
}

#[test]
fn a_rejected_message_can_be_retried_by_an_operator() {
    let fixture = ChannelFixture::new();
    fixture.provider.trouble(Trouble::Refused("this number is blocked".to_owned()));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    assert!(sent.outcome.is_err(), "{sent:?}");
    // The provider reports the message before it answers the request; the gateway holds the event until the answer.
    fixture.provider.trouble(Trouble::Slow(std::time::Duration::from_millis(1_500)));
    assert!(run_ok(&fixture.gateway, &["deliveries", "retry", "1"]).contains("delivery 1: ready"));
    fixture.provider.wait_for(|known| known.messages.len() == 1);
    agent_sends(&fixture, "P1", "planted text");
    let ended: Vec<_> = fixture.gateway.wait_for_deliveries().iter().map(|one| one["state"].clone()).collect();
    assert!(ended.iter().all(|state| state == "sent"), "{ended:?}");
    assert_eq!(fixture.front.look(|state| state.messages().count()), 1);
    // When Front sends the message again, the answer contains the ids of the sent message.
    assert_eq!(fixture.front.resend(&sent.message).ids(), ("P1", "C+15550100001"));
    assert_eq!(fixture.provider.look(|known| known.messages.len()), 1);
}

#[test]
fn a_retry_before_the_failure_report_cancels_the_report() {
    let fixture = with_early_promises();
    fixture.provider.trouble(Trouble::Status(503));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.gateway.wait_for_delivery(1, "ready");
    fixture.front.go_down();
    run_ok(&fixture.gateway, &["deliveries", "cancel", "1"]);
    fixture.gateway.wait_for_delivery(2, "ready");
    run_ok(&fixture.gateway, &["deliveries", "retry", "1"]);
    fixture.gateway.wait_for_delivery(1, "sent");
    fixture.front.come_back();
    let all = fixture.gateway.deliveries();
    let states: Vec<_> = all.iter().map(|one| (one["callback"].as_str(), one["state"].as_str())).collect();
    assert_eq!(states, [(Some("front-message"), Some("sent")), (Some("front-status"), Some("cancelled"))]);
    assert_eq!(fixture.front.message(&sent.message).state, MessageState::Sent);
    assert_eq!(fixture.provider.look(|known| known.texts().join(",")), "planted text");
}
