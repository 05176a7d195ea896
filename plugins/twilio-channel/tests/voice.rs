//! Tests calls: Twilio's callbacks become events, and connecting registers for them.

use frontgate_sdk::channel::{
    CallChange, CallDirection, CallEvent, CallStatus, Connection, Event, InitialCallStatus, RecordingKind, Request,
    Source,
};
use frontgate_sdk::http::Response;
use frontgate_sdk::{Channel as _, Error, testing};
use twilio_channel::TwilioChannel;

const NUMBER: &str = "+12025550190";
const CUSTOMER: &str = "+12025550107";
const HOOK: &str = "https://gw.example.org/front/sms/k/provider";
const VOICE: &str = "https://gw.example.org/front/sms/k/provider/voice";
const ACCOUNT: &str = "AC000000000000000000000000000000a1";

fn settings(others: &[(&str, &str)]) {
    let own = [("service_sid", "IS000000000000000000000000000000c3"), ("numbers", NUMBER), ("webhooks", "manual")];
    testing::settings(own.into_iter().chain(others.iter().copied()));
}

fn connection() -> Connection {
    Connection { channel_id: "cha_1".to_owned(), credential: None, webhook_url: HOOK.to_owned() }
}

/// Returns the status and the events of a callback with these fields at an address. The test accepts every signature.
fn received(url: &str, fields: &[(&str, &str)]) -> (u16, Vec<CallEvent>) {
    settings(&[]);
    testing::signatures(|_| true);
    let body = fields.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect::<Vec<_>>();
    let request = Request::post(url, body.join("&")).with("x-twilio-signature", "s");
    let result = TwilioChannel::receive(connection(), request).expect("a result");
    let events = result.events.into_iter().map(|event| match event {
        Event::Call(event) => event,
        other => panic!("no event of a call: {other:?}"),
    });
    (result.response.status, events.collect())
}

fn call<'f>(direction: &'f str, status: &'f str) -> Vec<(&'f str, &'f str)> {
    let (from, to) = if direction == "inbound" { (CUSTOMER, NUMBER) } else { (NUMBER, CUSTOMER) };
    let time = ("Timestamp", "Wed, 01 May 2024 10:00:00 +0000");
    vec![("CallSid", "CA1"), ("CallStatus", status), ("Direction", direction), ("From", from), ("To", to), time]
}

/// Returns the states that a callback with this status brings to Front, after the beginning.
fn later(direction: &str, status: &str) -> Option<Vec<CallStatus>> {
    let (_, events) = received(VOICE, &call(direction, status));
    let (begun, later) = events.split_first()?;
    assert!(matches!(begun.change, CallChange::Begun(_)), "{begun:?}");
    let changed = |event: &CallEvent| match &event.change {
        CallChange::Changed(change) => {
            assert_eq!((event.event_id.as_deref(), change.occurred_at_ms), (Some(status), Some(1_714_557_600_000)));
            change.status
        }
        other => panic!("no change: {other:?}"),
    };
    Some(later.iter().map(changed).collect())
}

#[test]
fn each_status_of_a_call_has_its_state_in_front() {
    let table = [
        ("queued", Some(vec![])),
        ("initiated", Some(vec![])),
        ("ringing", Some(vec![])),
        ("in-progress", Some(vec![CallStatus::Connected])),
        ("answered", Some(vec![CallStatus::Connected])),
        ("completed", Some(vec![CallStatus::Hangup])),
        ("busy", Some(vec![CallStatus::Missed])),
        ("no-answer", Some(vec![CallStatus::Missed])),
        ("failed", Some(vec![CallStatus::Missed])),
        ("canceled", Some(vec![CallStatus::Abandoned])),
        ("new", None),
    ];
    for (status, want) in table {
        let names = |states: Option<Vec<CallStatus>>| format!("{states:?}");
        for direction in ["inbound", "outbound-api"] {
            assert_eq!(names(later(direction, status)), names(want.clone()), "{direction} {status}");
        }
    }
}

#[test]
fn a_call_that_is_reported_at_its_end_began_before() {
    let more = [("CallDuration", "90"), ("CallerName", "Mora"), ("ParentCallSid", "CA0")];
    let (status, events) = received(VOICE, &[call("inbound", "completed"), more.to_vec()].concat());
    let CallChange::Begun(begun) = &events[0].change else { panic!("no beginning: {events:?}") };
    let CallDirection::Inbound(party) = &begun.direction else { panic!("outbound: {begun:?}") };
    assert_eq!((status, &*events[0].call_id, events.len()), (200, "CA1", 2));
    assert_eq!((&*party.handle, party.name.as_deref()), (CUSTOMER, Some("Mora")));
    assert_eq!((begun.started_at_ms, begun.parent_call_id.as_deref()), (Some(1_714_557_510_000), Some("CA0")));
    let (_, events) = received(VOICE, &call("outbound-dial", "queued"));
    let CallChange::Begun(begun) = &events[0].change else { panic!("no beginning: {events:?}") };
    assert!(matches!(&begun.direction, CallDirection::Outbound(party) if party.handle == CUSTOMER));
    assert!(matches!(begun.status, InitialCallStatus::Queued));
}

#[test]
fn calls_of_other_numbers_and_incomplete_callbacks_have_no_events() {
    let without = |name: &str| call("inbound", "completed").into_iter().filter(|field| field.0 != name).collect();
    let forwarded =
        vec![("CallSid", "CA1"), ("CallStatus", "ringing"), ("Direction", "outbound-dial"), ("From", CUSTOMER)];
    let forwarded = [forwarded, vec![("To", "client:ana")]].concat();
    let all: [Vec<(&str, &str)>; 6] =
        [forwarded, without("CallSid"), without("CallStatus"), without("Direction"), without("From"), without("To")];
    for fields in all {
        let (status, events) = received(VOICE, &fields);
        assert!(status == 200 && events.is_empty(), "{fields:?}: {events:?}");
    }
}

#[test]
fn a_recording_is_fetched_from_the_host_with_the_bound_key() {
    let base = [("CallSid", "CA1"), ("AccountSid", ACCOUNT), ("RecordingSid", "RE1")];
    let url = ("RecordingUrl", "https://evil.example.com/1");
    let with = |more: &[(&'static str, &'static str)]| [base.to_vec(), vec![url], more.to_vec()].concat();
    for (source, kind) in [("DialVerb", RecordingKind::Call), ("RecordVerb", RecordingKind::Voicemail)] {
        let (_, events) = received(VOICE, &with(&[("RecordingStatus", "completed"), ("RecordingSource", source)]));
        let [event] = events.as_slice() else { panic!("not one event: {events:?}") };
        let CallChange::Recording(recording) = &event.change else { panic!("no recording: {event:?}") };
        let Source::Url(url) = &recording.file.source else { panic!("no URL: {recording:?}") };
        let expected = format!("https://api.ashburn.us1.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1.mp3");
        assert_eq!((url, &*recording.file.content_type), (&expected, "audio/mpeg"));
        assert_eq!((&*event.call_id, event.event_id.as_deref()), ("CA1", Some("RE1")));
        assert_eq!(format!("{:?}", recording.kind), format!("{kind:?}"));
    }
    assert!(received(VOICE, &with(&[("RecordingStatus", "absent")])).1.is_empty());
    let escaping = [("CallSid", "CA1"), ("AccountSid", "../x"), ("RecordingSid", "RE1")];
    assert!(received(VOICE, &escaping).1.is_empty());
}

#[test]
fn only_signed_callbacks_at_the_address_of_calls_have_events() {
    settings(&[]);
    testing::signatures(|_| false);
    let request = Request::post(VOICE, "CallSid=CA1&CallStatus=ringing").with("x-twilio-signature", "s");
    let refused = TwilioChannel::receive(connection(), request).expect("a result");
    assert_eq!((refused.response.status, refused.events.len()), (403, 0));
    assert_eq!(received(HOOK, &call("inbound", "ringing")), (200, vec![]));
    assert_eq!(received(&format!("{VOICE}/more"), &call("inbound", "ringing")).1, vec![]);
}

fn found(callback: &str) -> String {
    format!(r#"{{"incoming_phone_numbers":[{{"sid":"number-1","status_callback":"{callback}"}}]}}"#)
}

#[test]
fn connecting_registers_for_calls_only_if_the_setting_says_so() {
    settings(&[]);
    testing::answers([]);
    assert_eq!(TwilioChannel::connect(connection()), Ok(()));
    assert!(testing::requests().is_empty());
    settings(&[("voice", "true"), ("account_sid", ACCOUNT)]);
    testing::answers([Ok(Response::new(200, found(""))), Ok(Response::new(200, "{}"))]);
    assert_eq!(TwilioChannel::connect(connection()), Ok(()));
    let requests = testing::requests();
    let place = format!("https://api.ashburn.us1.twilio.com/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers");
    assert_eq!(requests[0].url, format!("{place}.json?PhoneNumber=%2B12025550190"));
    assert_eq!((requests[1].method.as_str(), &requests[1].url), ("POST", &format!("{place}/number-1.json")));
    let form = String::from_utf8(requests[1].body.clone()).expect("a form");
    assert!(form.contains("provider%2Fvoice&StatusCallbackMethod=POST"), "{form}");
}

#[test]
fn a_status_callback_of_another_system_is_not_replaced() {
    settings(&[("voice", "true"), ("account_sid", ACCOUNT)]);
    let moved = "https://old.example.org/front/sms/k/provider/voice";
    for (callback, is_own) in [("https://bot.example.org/calls", false), (moved, true), (VOICE, true)] {
        let answers = || [Ok(Response::new(200, found(callback))), Ok(Response::new(200, "{}"))];
        testing::answers(answers());
        assert_eq!(TwilioChannel::connect(connection()).is_ok(), is_own, "{callback}");
        assert_eq!(testing::requests().len(), 1 + usize::from(is_own), "{callback}");
        testing::answers(answers());
        assert_eq!(TwilioChannel::disconnect(connection()), Ok(()));
        assert_eq!(testing::requests().len(), 1 + usize::from(is_own), "{callback}");
    }
    testing::answers([Ok(Response::new(200, r#"{"incoming_phone_numbers":[]}"#))]);
    assert!(matches!(TwilioChannel::connect(connection()), Err(Error::Invalid(_))));
    settings(&[("voice", "true")]);
    assert!(TwilioChannel::connect(connection()).is_err());
}
