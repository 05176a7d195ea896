//! Tests voice calls of channels: what the provider reports is in Front once, and in order.

use frontgate_tests::front::{Action, Call, Fault, Recorded, VoiceCall};
use frontgate_tests::{Provider, digest};
use serde_json::{Value, json};

use crate::channels::{ChannelFixture, LEE};

/// A time in milliseconds since 1970.
const AT: u64 = 1_700_000_000_123;

fn event(call: &str, fields: &Value) -> Value {
    let mut event = json!({ "call": call });
    event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    json!({ "call": event })
}

fn begun(call: &str) -> Value {
    event(call, &json!({ "from": LEE }))
}

fn status(call: &str, status: &str) -> Value {
    event(call, &json!({ "status": status }))
}

fn summary(call: &str, text: &str) -> Value {
    event(call, &json!({ "summary": text }))
}

impl ChannelFixture {
    /// Waits until a call in Front fulfils the condition, and returns the call.
    fn call(&self, id: &str, condition: impl Fn(&VoiceCall) -> bool) -> VoiceCall {
        let found = |calls: Vec<&VoiceCall>| calls.into_iter().find(|call| call.external_id == id).cloned();
        self.front.wait_for(|state| found(state.calls(&self.channel)).is_some_and(|call| condition(&call)));
        self.front.calls(&self.channel).into_iter().find(|call| call.external_id == id).expect("it was just there")
    }

    /// Returns the requests about calls.
    fn call_requests(&self) -> Vec<Recorded> {
        let is_call = |one: &Recorded| one.path.contains("/calls");
        self.front.requests().into_iter().filter(is_call).collect()
    }

    /// Waits until nothing is left to deliver, and returns the states.
    fn ended(&self) -> Vec<String> {
        let ended = self.gateway.wait_for_deliveries();
        ended.iter().map(|delivery| delivery["state"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[test]
fn a_call_is_in_front_with_all_that_happened() {
    let fixture = ChannelFixture::new();
    fixture.front.teammate("ana@acme.example");
    fixture.report_events(&json!([
        event("CA1", &json!({ "queued": LEE, "at": AT })),
        status("CA1", "ringing"),
        event("CA1", &json!({ "status": "connected", "at": AT + 5_000, "agent": "ana@acme.example" })),
        status("CA1", "hangup"),
        event("CA1", &json!({ "recording": ["call.mp3", "audio/mpeg", "planted sound"] })),
        event("CA1", &json!({ "voicemail": ["message.wav", "audio/wav", "planted message"] })),
        event("CA1", &json!({ "lines": [["Ana", true, 0, "Hello"], ["Lee", false, 1_500, "Hi"]] })),
        summary("CA1", "planted summary"),
    ]));
    let call = fixture.call("CA1", |call| !call.summaries.is_empty());
    assert_eq!((&*call.direction, &*call.party, &*call.parent), ("inbound", LEE, "CA1"));
    assert_eq!(call.statuses(), ["queued", "ringing", "connected", "hangup"]);
    let connected = &call.statuses[2];
    assert_eq!(
        (connected.occurred_at, connected.agent.as_deref()),
        (Some((AT + 5_000) as f64), Some("ana@acme.example"))
    );
    assert_eq!(call.started_at, Some(AT as f64));
    let recordings: Vec<_> =
        call.recordings.iter().map(|(kind, file)| (&**kind, &*file.filename, &*file.content_type)).collect();
    assert_eq!(recordings, [("call", "call.mp3", "audio/mpeg"), ("voicemail", "message.wav", "audio/wav")]);
    assert_eq!(call.recordings[0].1.digest, digest(b"planted sound"));
    let lines = json!([
        { "speaker_name": "Ana", "content": "Hello", "start_time_seconds": 0.0, "speaker_type": "internal" },
        { "speaker_name": "Lee", "content": "Hi", "start_time_seconds": 1.5, "speaker_type": "external" },
    ]);
    assert_eq!(call.transcripts, [lines]);
    assert_eq!(call.summaries, ["planted summary"]);
    assert_eq!(fixture.ended(), ["sent"; 8]);
}

#[test]
fn a_call_to_a_customer_can_continue_another_one() {
    let fixture = ChannelFixture::new();
    fixture.report_events(&json!([event("call/2", &json!({ "to": LEE, "parent": "call 1" }))]));
    fixture.front.wait_for(|state| !state.calls(&fixture.channel).is_empty());
    let call = fixture.front.calls(&fixture.channel).remove(0);
    assert_eq!((&*call.direction, &*call.party), ("outbound", LEE));
    assert!(call.external_id.starts_with("call-2~") && call.parent.starts_with("call-1~"), "{call:?}");
    fixture.report_events(&json!([status("call/2", "missed")]));
    fixture.call(&call.external_id, |call| call.statuses() == ["ringing", "missed"]);
}

#[test]
fn events_of_a_call_stay_in_order_while_front_fails() {
    let fixture = ChannelFixture::new();
    fixture.front.fault(Fault::new(Action::FailBefore(500)).on(Call::CreateCall).times(2));
    fixture.front.fault(Fault::new(Action::Slow(300)).on(Call::CreateCall));
    fixture.front.fault(Fault::new(Action::BurstFor(100)).on(Call::UpdateCall));
    fixture.front.fault(Fault::new(Action::FailBefore(503)).on(Call::AddSummary));
    let (first, rest) = (begun("CA1"), ["connected", "hold", "hangup"].map(|name| status("CA1", name)));
    fixture.report_events(&json!([first, rest[0], rest[1]]));
    fixture.report_events(&json!([rest[2], summary("CA1", "planted summary")]));
    let call = fixture.call("CA1", |call| !call.summaries.is_empty());
    assert_eq!((call.statuses(), call.repeated), (vec!["ringing", "connected", "hold", "hangup"], 0));
    let acted: Vec<_> = fixture.call_requests().into_iter().filter(|one| one.acted).map(|one| one.call).collect();
    let updates = Call::UpdateCall;
    assert_eq!(acted, [Call::CreateCall, updates, updates, updates, Call::AddSummary]);
}

#[test]
fn a_failing_call_does_not_delay_another_one() {
    let fixture = ChannelFixture::new();
    fixture.front.fault(Fault::new(Action::FailBefore(500)).on(Call::CreateCall).times(3));
    fixture.report_events(&json!([begun("CA1")]));
    fixture.gateway.log().event("delivery.outcome_unknown").wait_for(3);
    fixture.report_events(&json!([begun("CA2"), status("CA2", "hangup")]));
    fixture.call("CA2", |call| call.statuses() == ["ringing", "hangup"]);
    fixture.call("CA1", |call| call.statuses() == ["ringing"]);
}

#[test]
fn a_repeated_event_reaches_front_once() {
    let fixture = ChannelFixture::new();
    fixture.report_events(&json!([begun("CA1"), event("CA1", &json!({ "from": LEE, "at": AT }))]));
    for at in [AT, AT, AT + 1] {
        fixture.report_events(&json!([event("CA1", &json!({ "status": "hold", "at": at }))]));
    }
    for (id, at) in [("1", AT), ("1", AT + 2), ("2", AT)] {
        fixture.report_events(&json!([event("CA1", &json!({ "status": "connected", "id": id, "at": at }))]));
    }
    fixture.report_events(&json!([summary("CA1", "planted summary"), summary("CA1", "planted summary")]));
    fixture.call("CA1", |call| !call.summaries.is_empty());
    assert_eq!(fixture.ended(), ["sent"; 6]);
    let call = fixture.call("CA1", |_| true);
    assert_eq!(call.statuses(), ["ringing", "hold", "hold", "connected", "connected"]);
    assert_eq!((call.summaries.len(), call.repeated), (1, 0));
}

#[test]
fn a_request_without_an_answer_is_repeated_without_a_second_effect() {
    let fixture = ChannelFixture::new();
    fixture.front.dedup(true);
    let all = [Call::CreateCall, Call::UpdateCall, Call::AddRecording, Call::AddTranscript, Call::AddSummary];
    for call in all {
        fixture.front.fault(Fault::new(Action::CloseAfterActing).on(call));
    }
    fixture.report_events(&json!([
        begun("CA1"),
        status("CA1", "hangup"),
        event("CA1", &json!({ "recording": ["call.mp3", "audio/mpeg", "planted sound"] })),
        event("CA1", &json!({ "lines": [["Ana", true, 0, "Hello"]] })),
        summary("CA1", "planted summary"),
    ]));
    let call = fixture.call("CA1", |call| call.repeated == all.len());
    assert_eq!(call.statuses(), ["ringing", "hangup"]);
    assert_eq!((call.recordings.len(), call.transcripts.len(), call.summaries.len()), (1, 1, 1));
    assert_eq!(fixture.ended(), ["sent"; 5]);
}

#[test]
fn a_rejected_repetition_says_that_front_may_have_the_first_request() {
    let fixture = ChannelFixture::new();
    fixture.front.fault(Fault::new(Action::CloseAfterActing).on(Call::CreateCall));
    fixture.report_events(&json!([begun("CA1"), status("CA1", "hangup")]));
    fixture.call("CA1", |call| call.statuses() == ["ringing", "hangup"]);
    fixture.gateway.log().event("delivery.failed").saying("Front may have the first request").wait_for(1);
}

#[test]
fn calls_survive_a_restart() {
    let fixture = ChannelFixture::new();
    fixture.front.go_down();
    fixture.report_events(&json!([begun("CA1"), status("CA1", "connected")]));
    fixture.report_events(&json!([status("CA1", "hangup"), summary("CA1", "planted summary")]));
    let ChannelFixture { front, provider, mut gateway, channel } = fixture;
    gateway.kill();
    front.come_back();
    let gateway = gateway.start_again();
    front.point_at(gateway.address());
    let fixture = ChannelFixture { front, provider, gateway, channel };
    let call = fixture.call("CA1", |call| !call.summaries.is_empty());
    assert_eq!(call.statuses(), ["ringing", "connected", "hangup"]);
}

#[test]
fn a_recording_is_fetched_when_its_host_is_back() {
    let fixture = ChannelFixture::new();
    fixture.provider.file("call.mp3", "planted sound");
    let url = format!("http://{}/files/call.mp3", fixture.provider.address());
    fixture.provider.go_down();
    // The events pass through the gateway only, so the provider can be down.
    let recording = event("CA1", &json!({ "recording": ["call.mp3", "audio/mpeg", url] }));
    fixture.report_events(&json!([begun("CA1"), recording, summary("CA1", "planted summary")]));
    fixture.gateway.log().event("delivery.retry_scheduled").saying("failed to fetch a recording").wait_for(1);
    fixture.provider.come_back();
    let call = fixture.call("CA1", |call| !call.summaries.is_empty());
    assert_eq!(call.recordings[0].1.digest, digest(b"planted sound"));
}

#[test]
fn a_recording_that_cannot_be_fetched_is_given_up() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.file_patience_ms", "200"));
    let url = format!("http://{}/files/call.mp3", fixture.provider.address());
    fixture.provider.go_down();
    let recording = event("CA1", &json!({ "recording": ["call.mp3", "audio/mpeg", url] }));
    fixture.report_events(&json!([begun("CA1"), recording, summary("CA1", "planted summary")]));
    let call = fixture.call("CA1", |call| !call.summaries.is_empty());
    assert!(call.recordings.is_empty());
    fixture.gateway.log().event("delivery.failed").saying("the recording could not be fetched").wait_for(1);
}

#[test]
fn what_front_rejects_is_final_and_logged_without_numbers() {
    let fixture = ChannelFixture::new();
    // A call that never began, and a state after the end.
    fixture.report_events(&json!([status("CA0", "connected"), summary("CA0", "planted summary")]));
    fixture.report_events(&json!([begun("CA1"), status("CA1", "hangup"), status("CA1", "connected")]));
    fixture.report_events(&json!([summary("CA1", "planted summary")]));
    fixture.call("CA1", |call| !call.summaries.is_empty());
    let mut ended = fixture.ended();
    ended.sort();
    assert_eq!(ended, ["failed", "failed", "failed", "sent", "sent", "sent"]);
    fixture.gateway.log().event("delivery.failed").saying("the call is rejected").wait_for(3);
    assert_eq!(fixture.call_requests().len(), 6);
    let log = fixture.gateway.log().text();
    assert!(!log.contains(LEE) && !log.contains("planted"), "{log}");
}

#[test]
fn a_teammate_that_front_does_not_know_is_left_out() {
    let fixture = ChannelFixture::new();
    fixture.report_events(&json!([
        event("CA1", &json!({ "from": LEE, "agent": "stranger@acme.example" })),
        event("CA1", &json!({ "status": "connected", "agent": "not an address" })),
    ]));
    let call = fixture.call("CA1", |call| call.statuses() == ["ringing", "connected"]);
    assert!(call.statuses.iter().all(|change| change.agent.is_none()));
    let sent: Vec<_> = fixture.call_requests().iter().map(|one| one.body["agent_email_address"].clone()).collect();
    assert_eq!(sent, [json!("stranger@acme.example"), Value::Null, Value::Null]);
    fixture.gateway.log().event("delivery.call_agent_dropped").wait_for(1);
}

#[test]
fn an_event_that_front_cannot_accept_is_an_error_of_the_plugin() {
    let fixture = ChannelFixture::new();
    let events = [
        event("CA1", &json!({ "recording": ["call.txt", "text/plain", "planted"] })),
        event("CA1", &json!({ "lines": [] })),
        summary("CA1", " "),
        summary(" ", "planted summary"),
        event("CA1", &json!({ "from": "" })),
        event("CA1", &json!({ "status": "hold", "id": "" })),
    ];
    for event in events {
        let answer = Provider::tell(fixture.gateway.address(), &fixture.webhook(), &json!([event]));
        assert_eq!((answer.status, answer.code()), (502, "plugin-failed"), "{event}");
    }
    assert!(fixture.gateway.deliveries().is_empty());
}

#[test]
fn events_of_a_removed_channel_are_dropped() {
    let fixture = ChannelFixture::new();
    fixture.front.go_down();
    fixture.report_events(&json!([begun("CA1")]));
    fixture.gateway.log().event("delivery.retry_scheduled").wait_for(1);
    fixture.front.come_back();
    fixture.front.fault(Fault::new(Action::FailBefore(503)).on(Call::CreateCall).times(1_000));
    fixture.front.disconnect(&fixture.channel, frontgate_tests::front::Farewell::Signed);
    fixture.gateway.log().event("delivery.failed").saying("the channel was removed").wait_for(1);
    assert!(fixture.front.calls(&fixture.channel).is_empty());
}
