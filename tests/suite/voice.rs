//! Tests Frontline's calls: how they are connected, and what plugins learn about them.

use frontgate_tests::{Gateway, PUBLIC_URL, PlayedCall, Setup, TOKEN, Twilio};

use crate::delivery::OURS;

const ANA: &str = "ana@example.org";
const CUSTOMER: &str = "+12025550107";

/// Starts a gateway with calls, and a plugin with the roles `calls` and `conversations`.
fn start(change: impl FnOnce(Setup) -> Setup) -> (Twilio, Gateway) {
    let twilio = Twilio::start();
    let setup = Setup::misbehaving()
        .twilio(&twilio)
        .set("tenants.demo.twilio.voice.enabled", "true")
        .set("tenants.demo.twilio.voice.record", "\"record-from-answer-dual\"")
        .set("tenants.demo.roles.calls", "[\"plugin\"]")
        .set("tenants.demo.roles.conversations", "[\"plugin\"]");
    let gateway = change(setup).start();
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    (twilio, gateway)
}

fn inbound(twilio: &Twilio) -> PlayedCall {
    twilio.inbound_call(CUSTOMER, OURS, ANA).expect("a connected call")
}

/// Waits for a call's log entry and returns it. Fails if the plugin got more than one.
fn logged(gateway: &Gateway, sid: &str) -> String {
    let line = gateway.log().wait_for(&format!("logged Call {{ call-sid: \"{sid}\""));
    gateway.wait_for_deliveries();
    let text = gateway.log().text();
    assert_eq!(text.matches("logged Call").count(), 1, "{text}");
    line["message"].as_str().expect("a message").to_owned()
}

/// The fields of a status that ends a call.
fn end<'f>(sid: &'f str, status: &'f str) -> [(&'f str, &'f str); 4] {
    [("CallSid", sid), ("CallStatus", status), ("From", CUSTOMER), ("To", OURS)]
}

#[test]
fn an_inbound_call_is_logged_once_with_its_recording() {
    let (twilio, gateway) = start(|setup| setup);
    let call = inbound(&twilio);
    let entry = logged(&gateway, &call.sid);
    let recording = call.recording.expect("a recording");
    for part in [
        "direction: CallDirection::Inbound",
        "worker: Some(\"ana@...\")",
        "customer-address: Some(\"...0107\")",
        "proxy-address: Some(\"...0199\")",
        "status: \"completed\"",
        "duration-seconds: Some(61)",
        &format!("sid: {recording:?}"),
        "duration-seconds: Some(60)",
    ] {
        assert!(entry.contains(part), "{part} is not in {entry}");
    }
    assert!(!entry.contains("started-at: None"), "{entry}");
}

#[test]
fn an_outbound_call_is_logged_once_with_its_recording() {
    let (twilio, gateway) = start(|setup| setup);
    let call = twilio.outbound_call(ANA, CUSTOMER, OURS).expect("a connected call");
    let entry = logged(&gateway, &call.sid);
    for part in [
        "direction: CallDirection::Outbound",
        "worker: Some(\"ana@...\")",
        "customer-address: Some(\"...0107\")",
        "proxy-address: Some(\"...0199\")",
        &format!("sid: {:?}", call.recording.expect("a recording")),
    ] {
        assert!(entry.contains(part), "{part} is not in {entry}");
    }
}

#[test]
fn repeated_callbacks_cause_no_second_entry_and_no_second_event() {
    let (twilio, gateway) = start(|setup| setup);
    let call = inbound(&twilio);
    logged(&gateway, &call.sid);
    for fired in &call.fired {
        assert_eq!(twilio.repeat(fired, true).status, Some(200));
        assert_eq!(twilio.repeat(fired, false).status, Some(200));
    }
    logged(&gateway, &call.sid);
    let events = gateway.log().text().matches("onCallStatus -").count();
    assert_eq!(events, 4, "{}", gateway.log().text());
}

#[test]
fn events_of_a_call_reach_the_conversations_plugin_in_order() {
    let (twilio, gateway) = start(|setup| setup.set("tenants.demo.roles.calls", "[]"));
    inbound(&twilio);
    gateway.log().wait_for("onCallRecording -");
    let events: Vec<String> = gateway.deliveries().iter().map(|delivery| delivery["event"].to_string()).collect();
    let status = "\"onCallStatus\"";
    let ended = ["\"onCallEnded\"", "\"onCallRecording\""];
    assert_eq!(events, [&["\"onCallStarted\"", status, status, status, status][..], &ended].concat());
}

#[test]
fn the_twiml_has_the_settings_of_the_tenant() {
    let service = format!("IS{}", "0c".repeat(16));
    let (twilio, _gateway) = start(|setup| {
        setup
            .set("tenants.demo.twilio.voice.service_sid", format!("{service:?}"))
            .set("tenants.demo.twilio.voice.inbound_timeout_seconds", "20")
    });
    let attributes = inbound(&twilio).attributes;
    assert_eq!(attributes["serviceInstanceSid"], service);
    assert_eq!(attributes["inboundTimeout"], "20");
    assert_eq!(attributes["record"], "record-from-answer-dual");
    assert_eq!(attributes["statusCallback"], format!("{PUBLIC_URL}/callbacks/voice/status"));
}

#[test]
fn a_call_that_cannot_be_read_is_connected() {
    let (_twilio, gateway) = start(|setup| setup);
    let answer = gateway.callback("voice", &[("From", CUSTOMER), ("To", OURS)]);
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("<Response><Connect action="), "{}", answer.text);
    gateway.log().wait_for_event("gateway.request_let_through");
}

#[test]
fn a_call_with_a_wrong_signature_is_not_connected() {
    let (twilio, gateway) = start(|setup| setup);
    twilio.point_at(gateway.address(), PUBLIC_URL, "", "another token");
    let refused = twilio.inbound_call(CUSTOMER, OURS, ANA).expect_err("it is not signed by the account");
    assert!(refused.contains("Some(403)"), "{refused}");
}

#[test]
fn a_tenant_without_calls_has_no_address_for_them() {
    let (_twilio, gateway) =
        start(|setup| setup.set("tenants.demo.twilio.voice.enabled", "false").set("tenants.demo.roles.calls", "[]"));
    assert_eq!(gateway.callback("voice", &end("CA1", "ringing")).status, 404);
}

#[test]
fn a_failed_entry_is_retried_until_the_plugin_accepts_it() {
    let (twilio, gateway) = start(|setup| setup.set("plugins.named.plugin.config.call", "\"unavailable\""));
    let call = inbound(&twilio);
    gateway.log().event("delivery.retry_scheduled").saying("call of role calls failed").wait_for(2);
    gateway.reconfigure(&[("plugins.named.plugin.config.call", "\"\"")]);
    logged(&gateway, &call.sid);
}

#[test]
fn a_recording_that_never_arrives_does_not_prevent_the_entry() {
    let (_twilio, gateway) = start(|setup| setup.set("tenants.demo.twilio.voice.recording_wait_ms", "300"));
    assert_eq!(gateway.callback("voice/status", &end("CA1", "completed")).status, 200);
    let entry = logged(&gateway, "CA1");
    assert!(entry.contains("recording: None"), "{entry}");
}

#[test]
fn an_unanswered_call_is_logged_when_twilio_reports_no_recording() {
    let (_twilio, gateway) = start(|setup| setup);
    assert_eq!(gateway.callback("voice/status", &end("CA1", "no-answer")).status, 200);
    let absent = [("CallSid", "CA1"), ("RecordingSid", "RE1"), ("RecordingStatus", "absent")];
    assert_eq!(gateway.callback("voice/recording", &absent).status, 200);
    let entry = logged(&gateway, "CA1");
    assert!(entry.contains("status: \"no-answer\"") && entry.contains("recording: None"), "{entry}");
}

/// The fields of a status of a leg to a worker.
fn leg<'f>(sid: &'f str, worker: &'f str, status: &'f str) -> [(&'f str, &'f str); 5] {
    [("CallSid", sid), ("ParentCallSid", "CA1"), ("CallStatus", status), ("From", CUSTOMER), ("To", worker)]
}

#[test]
fn a_call_that_the_second_worker_answers_is_logged_with_that_worker() {
    let (_twilio, gateway) = start(|setup| setup.set("tenants.demo.twilio.voice.record", "\"do-not-record\""));
    for fields in [
        leg("CA2", "client:ana@example.org", "no-answer"),
        leg("CA3", "client:ben@example.org", "ringing"),
        leg("CA3", "client:ben@example.org", "completed"),
    ] {
        assert_eq!(gateway.callback("voice/status", &fields).status, 200);
    }
    let ended = [("CallSid", "CA1"), ("CallStatus", "in-progress"), ("From", CUSTOMER), ("To", OURS)];
    assert_eq!(gateway.callback("voice/ended", &ended).status, 200);
    let entry = logged(&gateway, "CA1");
    assert!(entry.contains("worker: Some(\"ben@...\")") && entry.contains("status: \"completed\""), "{entry}");
}

#[test]
fn an_unanswered_caller_hears_the_text_of_the_operator_and_the_call_is_logged() {
    let (twilio, gateway) =
        start(|setup| setup.set("tenants.demo.twilio.voice.unanswered_say", "\"We call you back.\""));
    let call = twilio.unanswered_call(CUSTOMER, OURS, ANA).expect("a connected call");
    let answer = &call.fired.last().expect("the end of the call").body;
    assert!(answer.contains("<Say>We call you back.</Say><Hangup/>"), "{answer}");
    let absent = [("CallSid", call.sid.as_str()), ("RecordingSid", "RE1"), ("RecordingStatus", "absent")];
    assert_eq!(gateway.callback("voice/recording", &absent).status, 200);
    let entry = logged(&gateway, &call.sid);
    assert!(entry.contains("status: \"no-answer\"") && entry.contains("worker: Some(\"ana@...\")"), "{entry}");
}

#[test]
fn a_call_without_a_worker_is_logged_by_its_end() {
    let (_twilio, gateway) = start(|setup| setup.set("tenants.demo.twilio.voice.recording_wait_ms", "300"));
    let fields = [("CallSid", "CA1"), ("From", CUSTOMER), ("To", OURS), ("Result", "no-other-participants")];
    assert_eq!(gateway.callback("voice/ended", &fields).status, 200);
    let entry = logged(&gateway, "CA1");
    assert!(entry.contains("status: \"no-answer\"") && entry.contains("worker: None"), "{entry}");
}

#[test]
fn an_end_that_cannot_be_read_hangs_up() {
    let (_twilio, gateway) = start(|setup| setup);
    let answer = gateway.callback("voice/ended", &[("From", CUSTOMER)]);
    assert_eq!((answer.status, answer.text.as_str()), (200, "<Response><Hangup/></Response>"));
}
