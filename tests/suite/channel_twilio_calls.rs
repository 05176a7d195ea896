//! End to end: calls of a channel's number are in Front, through Twilio, `twilio-channel` and the gateway.

use frontgate_tests::front::{Farewell, VoiceCall};
use frontgate_tests::{Call, CallEnd, Recorded, Twilio, digest};
use serde_json::Value;

use crate::channel_twilio::{OURS, Team};
use crate::channels::LEE;

/// A team with a channel whose calls Twilio reports.
fn team() -> Team {
    let config = |name: &str| format!("plugins.named.twilio-channel.config.{name}");
    Team::with_twilio(|setup, twilio| {
        twilio.add_number(OURS);
        setup
            .set(&config("voice"), "true")
            .set(&config("account_sid"), format!("{:?}", Twilio::ACCOUNT_SID))
            .set(&config("voice_url"), format!("{:?}", twilio.url()))
    })
}

impl Team {
    /// Waits until a call in Front fulfils the condition, and returns the call.
    fn call(&self, id: &str, condition: impl Fn(&VoiceCall) -> bool) -> VoiceCall {
        let found = |calls: Vec<&VoiceCall>| calls.into_iter().find(|call| call.external_id == id).cloned();
        self.front.wait_for(|state| found(state.calls(&self.channel)).is_some_and(|call| condition(&call)));
        self.front.calls(&self.channel).into_iter().find(|call| call.external_id == id).expect("it was just there")
    }
}

#[test]
fn an_incoming_call_is_in_front_with_its_recording() {
    let team = team();
    let played = team.twilio.number_call(LEE, OURS, CallEnd::Recorded).expect("a call");
    let call = team.call(&played.sid, |call| !call.recordings.is_empty());
    assert_eq!((&*call.direction, &*call.party), ("inbound", LEE));
    assert_eq!(call.statuses(), ["ringing", "hangup"]);
    let (kind, file) = &call.recordings[0];
    assert_eq!((&**kind, &file.digest), ("call", &digest(Twilio::SOUND)));
}

#[test]
fn an_outgoing_call_is_in_front_with_all_its_states() {
    let team = team();
    let played = team.twilio.number_call(OURS, LEE, CallEnd::Completed).expect("a call");
    assert!(played.fired.iter().all(|fired| fired.acknowledged), "{:?}", played.fired);
    let call = team.call(&played.sid, |call| call.statuses().contains(&"hangup"));
    assert_eq!((&*call.direction, &*call.party), ("outbound", LEE));
    assert_eq!(call.statuses(), ["ringing", "connected", "hangup"]);
}

#[test]
fn a_call_without_an_answer_is_missed() {
    let team = team();
    for end in [CallEnd::NoAnswer, CallEnd::Busy, CallEnd::Failed] {
        let played = team.twilio.number_call(LEE, OURS, end).expect("a call");
        team.call(&played.sid, |call| call.statuses() == ["ringing", "missed"]);
    }
    let played = team.twilio.number_call(LEE, OURS, CallEnd::Canceled).expect("a call");
    team.call(&played.sid, |call| call.statuses() == ["ringing", "abandoned"]);
}

#[test]
fn a_removed_channel_no_longer_gets_calls() {
    let team = team();
    team.front.disconnect(&team.channel, Farewell::Signed);
    let is_reset = |request: &Recorded| {
        request.acted
            && request.call == Call::UpdateNumber
            && request.form.iter().any(|(name, url)| name == "StatusCallback" && url.is_empty())
    };
    team.twilio.wait_for(|state| state.requests().iter().any(is_reset));
    let played = team.twilio.number_call(LEE, OURS, CallEnd::Completed);
    assert_eq!(played.expect_err("no call"), format!("number {OURS} has no status callback"));
}

#[test]
fn a_person_plays_a_call_with_the_control_api() {
    let twilio = Twilio::builder().control().start();
    let address = twilio.url().strip_prefix("http://").expect("a URL").parse().expect("an address");
    let post = |path: &str, form: &str| {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = frontgate_tests::post(address, &format!("/_control/{path}"), &headers, form.as_bytes());
        (answer.status, answer.json)
    };
    let (status, number) = post("number", "number=%2B15550100190");
    assert!(status == 200 && number["number"].as_str().is_some_and(|sid| sid.starts_with("PN")), "{number}");
    let call = "from=%2B15550100107&to=%2B15550100190";
    let (status, answer) = post("number-call", call);
    assert_eq!((status, &answer["error"]), (409, &Value::from("number +15550100190 has no status callback")));
    let (status, answer) = post("number-call", &format!("{call}&end=unheard"));
    assert!(status == 400 && answer["error"].as_str().is_some_and(|error| error.contains("no-answer")), "{answer}");
}
