//! Tests voice calls of the simulated Front: only the published fields and possible states are accepted.

use frontgate_tests::Front;
use serde_json::{Value, json};

use super::{Client, LEE, connected, fine};

fn call(id: &str) -> Value {
    json!({
        "external_call_id": id,
        "initial_status": "ringing",
        "direction": "inbound",
        "from": { "handle": LEE, "name": "Lee" },
        "parent_external_call_id": id,
    })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

impl Client {
    /// Makes a request below the calls of the channel; returns the status and the first problem.
    fn voice(&self, method: &str, rest: &str, body: &Value) -> (u16, String) {
        let reply = self.call(method, &self.path(&format!("/calls{rest}")), body).expect("an answer");
        (reply.status, reply.json["_error"]["details"][0].as_str().unwrap_or_default().to_owned())
    }

    fn become_state(&self, status: &str) -> u16 {
        self.voice("PATCH", "/CA1", &json!({ "call_status": status })).0
    }

    /// Adds files of one type as recordings.
    fn record(&self, content_type: &str, files: usize, field: &str) -> u16 {
        let part = |name: &str, more: &str, body: &str| {
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{more}\r\n\r\n{body}\r\n")
        };
        let file = part("attachments", &format!("; filename=\"a\"\r\ncontent-type: {content_type}"), "sound");
        let form = part(field, "", "call") + &file.repeat(files) + "--b--\r\n";
        let path = self.path("/calls/CA1/recording");
        let token = self.token();
        let headers = [("authorization", &*token), ("content-type", "multipart/form-data; boundary=b")];
        self.send("POST", &path, &headers, form.as_bytes()).expect("an answer").status
    }
}

fn begun() -> (Front, Client) {
    let (front, client, _) = connected(fine);
    assert_eq!(client.voice("POST", "", &call("CA1")).0, 202);
    (front, client)
}

#[test]
fn a_new_call_needs_the_published_fields_and_no_others() {
    let (front, client, _) = connected(fine);
    for (body, problem) in [
        (with(call("CA1"), "parent_external_call_id", Value::Null), "body.parent_external_call_id: missing"),
        (with(call("CA1"), "initial_status", json!("connected")), "body.initial_status: unknown value"),
        (with(call("CA1"), "direction", json!("outbound")), "body.to.handle: missing"),
        (with(call("CA1"), "to", json!({ "handle": LEE })), "body.to: unknown field"),
        (with(call("CA1"), "from", json!({ "handle": LEE, "email": "x" })), "body.from.email: unknown field"),
        (with(call("CA1"), "started_at", json!("now")), "body.started_at: not a number"),
        (with(call("CA1"), "agent_email_address", json!("x@y.example")), "body.agent_email_address: unknown teammate"),
    ] {
        assert_eq!(client.voice("POST", "", &body), (400, problem.to_owned()));
    }
    assert!(front.calls(&client.channel).is_empty());
}

#[test]
fn a_call_has_only_states_that_can_follow() {
    let (front, client) = begun();
    let answers = ["queued", "connected", "hold", "connected", "missed", "hangup", "connected", "talking"]
        .map(|status| client.become_state(status));
    assert_eq!(answers, [400, 202, 202, 202, 400, 202, 400, 400]);
    assert_eq!(front.calls(&client.channel)[0].statuses(), ["ringing", "connected", "hold", "connected", "hangup"]);
    assert_eq!(client.voice("PATCH", "/CA2", &json!({ "call_status": "hangup" })).0, 400);
}

#[test]
fn a_recording_is_one_audio_file() {
    let (front, client) = begun();
    let answers = [
        client.record("audio/mpeg", 1, "recording_type"),
        client.record("text/plain", 1, "recording_type"),
        client.record("audio/mpeg", 2, "recording_type"),
        client.record("audio/mpeg", 0, "recording_type"),
        client.record("audio/mpeg", 1, "kind"),
    ];
    assert_eq!(answers, [202, 400, 400, 400, 400]);
    assert_eq!(front.calls(&client.channel)[0].recordings.len(), 1);
}

#[test]
fn transcripts_and_summaries_are_not_empty() {
    let (front, client) = begun();
    let line = json!({ "speaker_name": "Lee", "content": "Hi", "start_time_seconds": 1.5, "speaker_type": "external" });
    let lines = |lines: Value| client.voice("POST", "/CA1/transcript", &json!({ "lines": lines })).0;
    let answers = [
        lines(json!([line])),
        lines(json!([])),
        lines(json!([with(line.clone(), "speaker_type", json!("agent"))])),
        lines(json!([with(line, "language", json!("en"))])),
    ];
    assert_eq!(answers, [202, 400, 400, 400]);
    let content = |body: Value| client.voice("POST", "/CA1/summary", &body).0;
    let answers =
        [content(json!({ "content": "An order" })), content(json!({ "content": "" })), content(json!({ "text": "x" }))];
    assert_eq!(answers, [202, 400, 400]);
    let call = &front.calls(&client.channel)[0];
    assert_eq!((call.transcripts.len(), call.summaries.len()), (1, 1));
}

#[test]
fn a_repetition_has_no_effect_if_duplicates_are_dropped() {
    for is_deduplicating in [true, false] {
        let (front, client) = begun();
        front.dedup(is_deduplicating);
        let answers = [
            client.voice("POST", "", &call("CA1")).0,
            client.voice("POST", "/CA1/summary", &json!({ "content": "An order" })).0,
            client.voice("POST", "/CA1/summary", &json!({ "content": "An order" })).0,
        ];
        let call = &front.calls(&client.channel)[0];
        let kept = (answers, call.summaries.len(), call.repeated);
        let expected = if is_deduplicating { ([202; 3], 1, 2) } else { ([400, 202, 202], 2, 0) };
        assert_eq!(kept, expected);
    }
}
