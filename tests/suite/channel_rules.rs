//! Tests known pitfalls for developers of channels. Section 7 of the contract lists the pitfalls; faults of Front's
//! sample server are tested too.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_tests::front::{
    Action, Authorization, Call, Draft, Fault, MessageState, Timestamps, UNDEFINED, signature,
};
use frontgate_tests::{Answer, Front, PUBLIC_URL, eventually, post};
use serde_json::{Value, json};

use crate::channels::{ChannelFixture, LEE, SERVER};

const KIM: &str = "+15550100002";

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 300 million")
}

impl ChannelFixture {
    /// Returns the path of the channel's webhook URL.
    fn path(&self) -> String {
        self.front.channel(&self.channel).webhook_url.strip_prefix(PUBLIC_URL).expect("ours").to_owned()
    }

    /// Sends a body with a timestamp, with the given signature or otherwise with a valid one.
    fn post(&self, path: &str, timestamp: &str, body: &str, signature: Option<&str>) -> Answer {
        let own = frontgate_tests::front::signature(Front::SECRET, timestamp, body.as_bytes());
        let signature = signature.unwrap_or(&own);
        let headers = [
            ("content-type", "application/json"),
            ("x-front-request-timestamp", timestamp),
            ("x-front-signature", signature),
        ];
        post(self.gateway.address(), path, &headers, body.as_bytes())
    }

    /// Sends a body with a valid signature and the current time.
    fn ask(&self, body: &Value) -> Answer {
        self.post(&self.path(), &now_ms().to_string(), &body.to_string(), None)
    }

    /// Reports a message from a customer or to one: `inbound` or `outbound`.
    #[track_caller]
    fn report(&self, direction: &str, id: &str, conversation: &str, text: &str) {
        let message = json!({"id": id, "conversation": conversation, "with": LEE, "text": text});
        self.report_events(&json!([{(direction): message}]));
    }
}

fn message(id: &str, text: &str) -> Value {
    json!({"type": "message", "payload": {"id": id, "text": text, "recipients": [{"handle": LEE, "role": "to"}]}})
}

#[track_caller]
fn assert_rejected(answer: &Answer, status: u16) {
    assert_eq!((answer.status, &answer.json["type"]), (status, &json!("bad_request")), "{}", answer.text);
    assert!(answer.json["message"].as_str().is_some_and(|text| !text.is_empty()), "{}", answer.text);
}

#[test]
fn row_1_timestamps_may_be_seconds_or_milliseconds() {
    for timestamps in [Timestamps::Milliseconds, Timestamps::Seconds] {
        let fixture = ChannelFixture::new();
        fixture.front.timestamps(timestamps);
        fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE)).ids();
    }
}

#[test]
fn row_2_the_signature_covers_the_raw_body_and_timestamp() {
    let fixture = ChannelFixture::new();
    let (path, time) = (fixture.path(), now_ms().to_string());
    // Bodies that parsing and serializing would change.
    let bodies = [
        r#"{ "type" : "message", "payload": {"text":"caf\u00e9 \ud83d\udc4b", "id":"msg_1", "to": 10.0} }"#,
        r#"{"type":"message","payload":{"id":"msg_2","b":1,"a":2,"1":3,"text":"\/ \u2028 Ω"}}"#,
        r#"{"type":"message","payload":{"id":"msg_3","text":"one","text":"two"}}"#,
        "\n\t{\"payload\":{\"id\":\"msg_4\",\"text\":\"x\",\"created_at\":1.70e9},\"type\":\"message\"}\r\n",
    ];
    for body in bodies {
        let answer = fixture.post(&path, &time, body, None);
        assert_eq!((answer.status, &answer.json["type"]), (200, &json!("success")), "{body}: {}", answer.text);
        let again: Value = serde_json::from_str(body).expect("JSON");
        let other = signature(Front::SECRET, &time, again.to_string().as_bytes());
        assert_rejected(&fixture.post(&path, &time, body, Some(&other)), 401);
    }
    let body = message("msg_5", "planted text").to_string();
    let right = signature(Front::SECRET, &time, body.as_bytes());
    let hexadecimal: String = right.bytes().map(|byte| format!("{byte:02x}")).collect();
    let without_time = signature(Front::SECRET, "", body.as_bytes());
    let other_time = signature(Front::SECRET, &(now_ms() + 1).to_string(), body.as_bytes());
    let wrong = [hexadecimal, without_time, other_time, right.to_lowercase(), right.replace('=', ""), String::new()];
    for signature in wrong {
        assert_rejected(&fixture.post(&path, &time, &body, Some(&signature)), 401);
    }
    assert_eq!(fixture.provider.look(|known| known.messages.len()), 4);
}

#[test]
fn row_2_any_flipped_bit_invalidates_a_request() {
    let fixture = ChannelFixture::with(|setup| setup.set("server.explanations_per_second_max", "0"));
    let (path, time) = (fixture.path(), now_ms().to_string());
    let body = r#"{"type":"message","payload":{"id":"msg_1","text":"x"}}"#.as_bytes();
    let signature = signature(Front::SECRET, &time, body);
    let send = |time: &str, body: &[u8], signature: &str| {
        let headers = [("x-front-request-timestamp", time), ("x-front-signature", signature)];
        post(fixture.gateway.address(), &path, &headers, body)
    };
    for at in 0..body.len() * 8 {
        let mut other = body.to_vec();
        other[at / 8] ^= 1 << (at % 8);
        assert_rejected(&send(&time, &other, &signature), 401);
    }
    // Flips one bit, and returns `None` if the result is not a valid header value.
    let flipped = |text: &str, at: usize| {
        let mut other = text.as_bytes().to_vec();
        other[at / 8] ^= 1 << (at % 8);
        String::from_utf8(other).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    for other in (0..time.len() * 8).filter_map(|at| flipped(&time, at)) {
        assert_rejected(&send(&other, body, &signature), 401);
    }
    for other in (0..signature.len() * 8).filter_map(|at| flipped(&signature, at)) {
        assert_rejected(&send(&time, body, &other), 401);
    }
    assert_eq!(send(&time, body, &signature).status, 200);
}

#[test]
fn row_3_every_answer_has_the_shape_that_front_expects() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.body_bytes_max", "20000"));
    let time = || now_ms().to_string();
    assert_rejected(&fixture.ask(&json!({"type": "typing", "payload": {}})), 400);
    assert_rejected(&fixture.ask(&json!({"payload": {}})), 400);
    assert_rejected(&fixture.ask(&json!([1, 2])), 400);
    assert_rejected(&fixture.post(&fixture.path(), &time(), "no JSON", None), 400);
    assert_rejected(&fixture.post(&fixture.path(), &time(), "", None), 400);
    assert_rejected(&fixture.post("/front/sms/fg-unknown", &time(), &message("msg_1", "x").to_string(), None), 404);
    assert_rejected(&fixture.post("/front/sms", &time(), &message("msg_1", "x").to_string(), None), 400);
    assert_rejected(&fixture.post("/front/sms", &time(), &json!({"type": "authorization"}).to_string(), None), 400);
    let many: Vec<_> = (0..101).map(|at| json!({"handle": format!("+1{at}"), "role": "to"})).collect();
    assert_rejected(&fixture.ask(&json!({"type": "message", "payload": {"id": "msg_2", "recipients": many}})), 400);
    let imported = fixture.ask(&json!({"type": "message_imported", "payload": {}}));
    assert_eq!((imported.status, imported.json), (200, json!({"type": "success"})));
    let huge = fixture.post(&fixture.path(), &time(), &" ".repeat(20_001), None);
    assert_rejected(&huge, 413);
}

#[test]
fn row_4_each_api_call_has_its_own_short_lived_token() {
    let fixture = ChannelFixture::new();
    for turn in 0..3 {
        fixture.report("inbound", &format!("in-{turn}"), "c", "planted text");
    }
    fixture.front.wait_for(|state| state.messages().count() == 3);
    // The simulator rejects tokens with a longer lifetime.
    let requests = fixture.front.requests();
    let mut tokens: Vec<_> = requests.iter().filter_map(|request| request.jti()).collect();
    assert_eq!(tokens.len(), requests.len());
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), requests.len());
}

#[test]
fn row_5_a_message_with_files_only_has_a_placeholder_body_in_front_only() {
    let fixture = ChannelFixture::new();
    fixture.front.send(&fixture.channel, Draft::new("").to(LEE).attach("a.txt", "text/plain", "a")).ids();
    assert_eq!(fixture.provider.look(|known| known.messages[0].text().to_owned()), "");
    let files = json!([["b.txt", "b"]]);
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "c", "with": KIM, "text": " ", "files": files}}]),
    );
    fixture.front.wait_for(|state| state.messages().any(|message| message.text == "Attachment" && message.is_inbound));
}

#[test]
fn row_6_file_storage_never_receives_the_token() {
    let fixture = ChannelFixture::new();
    fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "a")).ids();
    let requests = fixture.front.requests();
    let stored = requests.iter().find(|request| request.call == Call::Storage).expect("it is fetched from there");
    assert_eq!(stored.authorization, Authorization::Missing);
    assert_eq!(fixture.provider.look(|known| known.uploads.len()), 1);
}

#[test]
fn row_7_a_failure_after_the_promise_marks_the_message_as_failed() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.report_events(&json!([{"failed": {"id": "P1", "reason": "the phone is off"}}]));
    let failed = MessageState::Failed(Some("the phone is off".to_owned()));
    fixture.front.wait_for(|state| state.message(&sent.message).is_some_and(|message| message.state == failed));
    assert_eq!(fixture.front.conversation(&sent.conversation).messages.len(), 1);
    assert!(fixture.front.conversation(&sent.conversation).is_open);
}

#[test]
fn row_8_an_echo_is_not_imported_again() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.report("outbound", "P1", "C+15550100001", "planted text");
    fixture.report("outbound", "P1", "C+15550100001", "planted text");
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.front.conversation(&sent.conversation).messages.len(), 1);
}

#[test]
fn row_9_an_autoreply_without_ids_is_sent_once_to_its_conversation() {
    let fixture = ChannelFixture::new();
    fixture.front.autoreply_rule(Some("We are closed."));
    fixture.report("inbound", "in-1", "conv-1", "planted text");
    fixture.provider.wait_for(|known| known.messages.len() == 1);
    let message = fixture.provider.look(|known| known.messages[0].clone());
    assert_eq!((message.text(), &message.body["autoreply"]), ("We are closed.", &json!(true)));
    assert_eq!(message.body["conversations"], json!(["conv-1"]));
    let hook = || fixture.front.hooks().into_iter().find(|fired| fired.kind == "message_autoreply");
    fixture.front.wait_for(|state| state.hooks().iter().any(|fired| fired.kind == "message_autoreply"));
    let fired = hook().expect("it was sent");
    assert_eq!(fired.answered()["external_conversation_id"], "conv-1");
    assert_eq!(fixture.front.repeat(&fired).answered(), fired.answered());
    assert_eq!(fixture.provider.look(|known| known.attempts), 1);
}

#[test]
fn row_10_a_teammate_can_start_a_conversation() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let (_, conversation) = sent.ids();
    let reply = fixture.front.reply(&sent.conversation, "planted text 2");
    assert_eq!(reply.ids().1, conversation);
}

#[test]
fn row_11_all_recipients_reach_the_plugin_in_one_message() {
    let fixture = ChannelFixture::new();
    let draft = Draft::new("planted text").to(LEE).to(KIM).to(LEE).recipient("cc", "+15550100009");
    fixture.front.send(&fixture.channel, draft).ids();
    assert_eq!(fixture.provider.look(|known| known.messages[0].body["to"].clone()), json!([LEE, KIM]));
}

#[test]
fn row_12_senders_with_the_same_email_share_a_contact() {
    let fixture = ChannelFixture::new();
    let event = |id: &str, with: &str| json!({"inbound": {"id": id, "conversation": id, "with": with, "email": "mora@acme.example", "text": "planted text"}});
    fixture.report_events(&json!([event("in-1", LEE), event("in-2", KIM)]));
    fixture.front.wait_for(|state| state.messages().count() == 2);
    let contact = |handle: &str| fixture.front.look(|state| state.contact(handle).map(|contact| contact.id.clone()));
    assert!(contact(LEE).is_some() && contact(LEE) == contact(KIM));
}

#[test]
fn row_13_an_import_confirmation_prevents_a_second_import() {
    let fixture = ChannelFixture::new();
    fixture.front.import_delay(Duration::from_millis(300));
    fixture.front.fault(Fault::new(Action::CloseAfterActing).on(Call::Inbound));
    fixture.report("inbound", "in-1", "c", "planted text");
    fixture.gateway.wait_for_deliveries();
    let imports = fixture.front.requests().into_iter().filter(|request| request.call == Call::Inbound).count();
    assert_eq!((imports, fixture.front.requests().len()), (1, 1));
    assert_eq!(fixture.front.look(|state| state.messages().count()), 1);
}

#[test]
fn row_13_an_unconfirmed_import_is_retried() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.import_patience_ms", "200"));
    fixture.front.fault(Fault::new(Action::CloseAfterReading).on(Call::Inbound));
    fixture.report("inbound", "in-1", "c", "planted text");
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.front.look(|state| state.messages().count()), 1);
}

#[test]
fn row_14_the_signature_window_is_five_minutes_in_both_directions() {
    let fixture = ChannelFixture::new();
    let minutes = |minutes: f64| (minutes * 60_000.0) as i64;
    let table = [(-5.1, 401), (-4.9, 200), (0.0, 200), (4.9, 200), (5.1, 401), (-300.0, 401), (300.0, 401)];
    for (index, (offset, status)) in table.into_iter().enumerate() {
        for unit in [1, 1_000] {
            let time = ((now_ms() + minutes(offset)) / unit).to_string();
            let body = message(&format!("msg_{index}_{unit}"), "planted text").to_string();
            let answer = fixture.post(&fixture.path(), &time, &body, None);
            assert_eq!(answer.status, status, "{offset} minutes in units of {unit}: {}", answer.text);
        }
    }
}

#[test]
fn row_15_an_event_webhook_is_rejected() {
    let fixture = ChannelFixture::new();
    let event = json!({"type": "inbound_received", "authorization": {"id": "cmp_1"}, "payload": {"id": "evt_1", "emitted_at": 1.5}});
    assert_rejected(&fixture.ask(&event), 400);
    fixture.gateway.log().event("gateway.request_refused").saying("unknown request type: inbound_received").wait_for(1);
}

#[test]
fn row_16_a_custom_channel_request_is_rejected_and_identified_in_the_log() {
    let fixture = ChannelFixture::new();
    let body = json!({"id": "msg_1", "text": "planted text"}).to_string();
    let sha1 = frontgate_tests::sign(Front::SECRET, &body, &[]);
    assert_rejected(&fixture.post(&fixture.path(), &now_ms().to_string(), &body, Some(&sha1)), 401);
    fixture.gateway.log().wait_for("as sent by rule webhooks and custom channels");
}

#[test]
fn row_17_unknown_request_types_are_rejected_in_fronts_error_shape() {
    let fixture = ChannelFixture::new();
    for name in ["typing", "message_read", "reaction", "message_edited", "conversation_merged"] {
        let answer = fixture.ask(&json!({"type": name, "payload": {"id": "x"}}));
        assert_rejected(&answer, 400);
        assert!(answer.text.contains(name), "{}", answer.text);
    }
}

#[test]
fn row_18_a_message_needs_no_author() {
    let fixture = ChannelFixture::new();
    fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE).without_author()).ids();
    let strange = |body: &mut Value| {
        body["payload"]["author"] = json!({"id": 7, "teams": [null]});
        body["payload"]["is_draft"] = json!("no");
        body["payload"]["attachments"] = Value::Null;
        body["payload"]["created_at"] = json!("soon");
        body["metadata"]["new"] = json!({"in": ["2027"]});
    };
    fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE).edit(strange)).ids();
    assert_eq!(fixture.provider.look(|known| known.messages.len()), 2);
}

#[test]
fn faults_of_fronts_sample_server_are_avoided() {
    let fixture = ChannelFixture::new();
    let authorization = json!({"type": "authorization", "payload": {"channel_id": "cha_9"}}).to_string();
    // The sample server accepts an unsigned authorization.
    let unsigned = post(fixture.gateway.address(), "/front/sms", &[], authorization.as_bytes());
    assert_rejected(&unsigned, 401);
    // The sample server creates a new address for each authorization, even a repeated one.
    let time = now_ms().to_string();
    let first = fixture.post("/front/sms", &time, &authorization, None);
    let again = fixture.post("/front/sms", &time, &authorization, None);
    assert_eq!((first.status, &first.json), (200, &again.json));
    // The sample server creates a new conversation for every reply.
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let reply = fixture.front.reply(&sent.conversation, "planted text 2");
    assert_eq!(sent.ids().1, reply.ids().1);
    // The sample server sends a repeated message twice.
    assert_eq!(fixture.front.resend(&reply.message).ids(), reply.ids());
    assert_eq!(fixture.provider.look(|known| known.messages.len()), 2);
    // The sample server sends one recipient where Front expects a list.
    fixture.report("outbound", "out-1", "c", "planted text 3");
    fixture.front.wait_for(|state| state.messages().any(|message| message.text == "planted text 3"));
    // A request for one channel is not valid for another channel of the app.
    let other = fixture.front.connect(SERVER).expect("a channel");
    let path = fixture.front.channel(&other).webhook_url.strip_prefix(PUBLIC_URL).expect("ours").to_owned();
    let delete = json!({"type": "delete", "payload": {"channel_id": fixture.channel}}).to_string();
    assert_rejected(&fixture.post(&path, &now_ms().to_string(), &delete, None), 400);
}

#[test]
fn identical_requests_at_once_call_the_plugin_once() {
    let fixture = ChannelFixture::new();
    let calls = || fixture.gateway.metric_sum("frontgate_plugin_calls_total");
    // A new channel is checked, and its templates are listed.
    let before = eventually("three calls", calls, |calls| *calls >= 3.0);
    let body = json!({"type": "list_addresses", "payload": {"page_token": "slow"}}).to_string();
    let time = now_ms().to_string();
    let answers: Vec<Answer> = thread::scope(|scope| {
        let send = || scope.spawn(|| fixture.post("/front/sms", &time, &body, None));
        let both = [send(), send()];
        both.map(|call| call.join().expect("an answer")).into()
    });
    assert_eq!((answers[0].status, &answers[0].json), (200, &answers[1].json), "{}", answers[0].text);
    assert_eq!(calls() - before, 1.0);
}

#[test]
fn every_app_secret_verifies_and_the_first_signs_tokens() {
    let fixture = ChannelFixture::with(|setup| {
        setup.file("old-secret", "the secret before").set(
            "tenants.demo.front.sms.app_secrets",
            "[{ file = \"files/app-secret\" }, { file = \"files/old-secret\" }]",
        )
    });
    let body = message("msg_1", "planted text").to_string();
    let time = now_ms().to_string();
    let old = signature("the secret before", &time, body.as_bytes());
    assert_eq!(fixture.post(&fixture.path(), &time, &body, Some(&old)).status, 200);
    let none = signature("another secret", &time, body.as_bytes());
    assert_rejected(&fixture.post(&fixture.path(), &time, &body, Some(&none)), 401);
    fixture.report("inbound", "in-1", "c", "planted text");
    fixture.front.wait_for(|state| state.messages().count() == 1);
    let (_, metrics) = fixture.gateway.admin_get("/metrics");
    assert!(metrics.contains("key=\"front.sms.app_secrets[1]\""), "{metrics}");
    // `undefined` is signed as the body only if a DELETE request has none.
    let undefined = signature(Front::SECRET, &time, UNDEFINED.as_bytes());
    assert_rejected(&fixture.post(&fixture.path(), &time, &body, Some(&undefined)), 401);
}
