//! Tests the operators' commands and metrics for deliveries.

use frontgate_tests::{Action, Call, Fault, Twilio};

use crate::delivery::{OURS, start_with_twilio, workers, workers_added};

fn workers_of(twilio: &Twilio, sid: &str) -> Vec<String> {
    twilio.conversation(sid).workers().into_iter().map(str::to_owned).collect()
}

#[test]
fn an_outcome_that_stays_unknown_is_left_to_the_operator() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.unknown_tries_max", "2"));
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::CloseAfterReading).on(Call::AddParticipant));
    // Twilio answers the check with an error.
    twilio.fault(Fault::new(Action::FailBefore(500)).on(Call::FetchParticipant).times(2));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    let delivery = gateway.wait_for_delivery(1, "dead");
    assert!(
        delivery["reason"].as_str().is_some_and(|reason| reason.contains("outcome could not be determined")),
        "{delivery}"
    );
    assert!(workers_of(&twilio, &sid).is_empty());

    let run_deliveries = |arguments: &[&str]| {
        let output = gateway.command(&[&["deliveries"], arguments].concat());
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (_, list) = run_deliveries(&["list", "--state", "dead"]);
    assert!(list.contains("routing") && list.contains("outcome could not be determined"), "{list}");
    let (_, shown) = run_deliveries(&["show", "1"]);
    assert!(shown.contains("ana@example.org") && shown.contains("MessagingBinding.Address = +12025550107"), "{shown}");
    // The retry first checks with Twilio, then sends.
    assert!(run_deliveries(&["retry", "1"]).1.contains("delivery 1: unknown"));
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
    gateway.log().event("delivery.sent").saying("of routing").wait_for(1);
    let (fine, complaint) = run_deliveries(&["resolve", "1", "sent"]);
    assert!(!fine && complaint.contains("failed to resolve delivery 1"), "{complaint}");
    assert!(run_deliveries(&["show", "1"]).1.contains("retry: dead to unknown"));
    assert!(!run_deliveries(&["show", "77"]).0);
}

#[test]
fn an_operator_resolves_unknown_deliveries_and_cancels_others() {
    let (twilio, gateway) = start_with_twilio(|setup| {
        setup.set("delivery.retry_first_ms", "60000").set("delivery.retry_longest_ms", "60000")
    });
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::CloseAfterReading).on(Call::AddParticipant).times(2));
    let numbers = ["+12025550107", "+12025550108"];
    let sids = numbers.map(|number| twilio.inbound_sms(number, OURS, "planted text").expect("a conversation"));
    gateway.wait_for_delivery(1, "unknown");
    gateway.wait_for_delivery(2, "unknown");
    let run_deliveries = |arguments: &[&str]| {
        String::from_utf8_lossy(&gateway.command(&[&["deliveries"], arguments].concat()).stdout).into_owned()
    };
    assert!(run_deliveries(&["resolve", "1", "not-sent"]).contains("delivery 1: ready"));
    assert!(run_deliveries(&["cancel", "2"]).contains("delivery 2: cancelled"));
    twilio.wait_for(|state| workers(state, &sids[0]) == ["ana@example.org"]);
    gateway.wait_for_delivery(1, "sent");
    assert!(workers_of(&twilio, &sids[1]).is_empty());
}

#[test]
fn a_delivery_is_given_up_after_its_time() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.give_up_after_ms", "300"));
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::TooManyRequests).times(1_000));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    let delivery = gateway.wait_for_delivery(1, "dead");
    assert!(
        delivery["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("older than delivery.give_up_after_ms") && reason.contains("429")),
        "{delivery}"
    );
    twilio.faults_off();
    assert!(gateway.command(&["deliveries", "retry", "1"]).status.success());
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
}

#[test]
fn a_cancelled_unknown_delivery_is_checked_when_it_is_retried() {
    let (twilio, gateway) = start_with_twilio(|setup| {
        setup.set("delivery.retry_first_ms", "60000").set("delivery.retry_longest_ms", "60000")
    });
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::CloseAfterActing).on(Call::AddParticipant));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.wait_for_delivery(1, "unknown");
    for (action, after) in [("cancel", "cancelled"), ("retry", "unknown")] {
        let output = String::from_utf8_lossy(&gateway.command(&["deliveries", action, "1"]).stdout).into_owned();
        assert!(output.contains(&format!("delivery 1: {after}")), "{output}");
    }
    gateway.wait_for_delivery(1, "sent");
    assert_eq!(workers_added(&twilio, &sid), 1);
    let adding = twilio.requests().iter().filter(|request| request.call == Call::AddParticipant).count();
    assert_eq!(adding, 1);
}

#[test]
fn status_and_metrics_count_deliveries() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
    let all = gateway.deliveries().len() as i64;
    (1..=all).for_each(|id| drop(gateway.wait_for_delivery(id, "sent")));
    assert_eq!(gateway.status()["deliveries"]["demo"]["sent"], all);
    let metrics = gateway.admin_get("/metrics").1;
    assert!(metrics.contains(&format!("frontgate_deliveries{{tenant=\"demo\",state=\"sent\"}} {all}")), "{metrics}");
    assert!(metrics.contains("frontgate_deliveries_total{callback=\"routing\",state=\"sent\"} 1"), "{metrics}");
}
