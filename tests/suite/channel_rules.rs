//! What developers of channels ran into, row by row of the contract's section 7, and what Front's own sample
//! server does wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_tests::front::{
    Action, Authorization, Call, Draft, Fault, MessageState, Timestamps, UNDEFINED, signature,
};
use frontgate_tests::{Answer, Front, PUBLIC_URL, post};
use serde_json::{Value, json};

use crate::channels::{LEE, SERVER, Wired};

const KIM: &str = "+15550100002";

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 300 million")
}

impl Wired {
    /// The path of the channel's address.
    fn path(&self) -> String {
        self.front.channel(&self.channel).webhook_url.strip_prefix(PUBLIC_URL).expect("ours").to_owned()
    }

    /// Any body at any time, signed as Front does, or with this signature.
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

    /// The same now.
    fn ask(&self, body: &Value) -> Answer {
        self.post(&self.path(), &now_ms().to_string(), &body.to_string(), None)
    }
}

fn message(id: &str, text: &str) -> Value {
    json!({"type": "message", "payload": {"id": id, "text": text, "recipients": [{"handle": LEE, "role": "to"}]}})
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16) {
    assert_eq!((answer.status, &answer.json["type"]), (status, &json!("bad_request")), "{}", answer.text);
    assert!(answer.json["message"].as_str().is_some_and(|text| !text.is_empty()), "{}", answer.text);
}

#[test]
fn row_1_the_time_may_count_seconds_or_milliseconds() {
    for timestamps in [Timestamps::Milliseconds, Timestamps::Seconds] {
        let wired = Wired::new();
        wired.front.timestamps(timestamps);
        wired.front.send(&wired.channel, Draft::new("planted text").to(LEE)).ids();
    }
}

#[test]
fn row_2_the_raw_body_is_signed_with_its_time_in_base64() {
    let wired = Wired::new();
    let (path, time) = (wired.path(), now_ms().to_string());
    // Bodies that would not be the same after they were read and written again.
    let bodies = [
        r#"{ "type" : "message", "payload": {"text":"caf\u00e9 \ud83d\udc4b", "id":"msg_1", "to": 10.0} }"#,
        r#"{"type":"message","payload":{"id":"msg_2","b":1,"a":2,"1":3,"text":"\/ \u2028 Ω"}}"#,
        r#"{"type":"message","payload":{"id":"msg_3","text":"one","text":"two"}}"#,
        "\n\t{\"payload\":{\"id\":\"msg_4\",\"text\":\"x\",\"created_at\":1.70e9},\"type\":\"message\"}\r\n",
    ];
    for body in bodies {
        let answer = wired.post(&path, &time, body, None);
        assert_eq!((answer.status, &answer.json["type"]), (200, &json!("success")), "{body}: {}", answer.text);
        let again: Value = serde_json::from_str(body).expect("JSON");
        let other = signature(Front::SECRET, &time, again.to_string().as_bytes());
        is_refused(&wired.post(&path, &time, body, Some(&other)), 401);
    }
    let body = message("msg_5", "planted text").to_string();
    let right = signature(Front::SECRET, &time, body.as_bytes());
    let hexadecimal: String = right.bytes().map(|byte| format!("{byte:02x}")).collect();
    let without_time = signature(Front::SECRET, "", body.as_bytes());
    let other_time = signature(Front::SECRET, &(now_ms() + 1).to_string(), body.as_bytes());
    let wrong = [hexadecimal, without_time, other_time, right.to_lowercase(), right.replace('=', ""), String::new()];
    for signature in wrong {
        is_refused(&wired.post(&path, &time, &body, Some(&signature)), 401);
    }
    assert_eq!(wired.provider.look(|known| known.messages.len()), 4);
}

#[test]
fn row_2_no_bit_of_a_request_can_be_another() {
    let wired = Wired::with(|setup| setup.set("server.explanations_per_second_max", "0"));
    let (path, time) = (wired.path(), now_ms().to_string());
    let body = r#"{"type":"message","payload":{"id":"msg_1","text":"x"}}"#.as_bytes();
    let signature = signature(Front::SECRET, &time, body);
    let send = |time: &str, body: &[u8], signature: &str| {
        let headers = [("x-front-request-timestamp", time), ("x-front-signature", signature)];
        post(wired.gateway.address(), &path, &headers, body)
    };
    for at in 0..body.len() * 8 {
        let mut other = body.to_vec();
        other[at / 8] ^= 1 << (at % 8);
        is_refused(&send(&time, &other, &signature), 401);
    }
    // What is still a header afterwards.
    let flipped = |text: &str, at: usize| {
        let mut other = text.as_bytes().to_vec();
        other[at / 8] ^= 1 << (at % 8);
        String::from_utf8(other).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    for other in (0..time.len() * 8).filter_map(|at| flipped(&time, at)) {
        is_refused(&send(&other, body, &signature), 401);
    }
    for other in (0..signature.len() * 8).filter_map(|at| flipped(&signature, at)) {
        is_refused(&send(&time, body, &other), 401);
    }
    assert_eq!(send(&time, body, &signature).status, 200);
}

#[test]
fn row_3_every_answer_has_the_shape_that_front_takes() {
    let wired = Wired::with(|setup| setup.set("tenants.demo.front.sms.body_bytes_max", "20000"));
    let time = || now_ms().to_string();
    is_refused(&wired.ask(&json!({"type": "typing", "payload": {}})), 400);
    is_refused(&wired.ask(&json!({"payload": {}})), 400);
    is_refused(&wired.ask(&json!([1, 2])), 400);
    is_refused(&wired.post(&wired.path(), &time(), "no JSON", None), 400);
    is_refused(&wired.post(&wired.path(), &time(), "", None), 400);
    is_refused(&wired.post("/front/sms/fg-unknown", &time(), &message("msg_1", "x").to_string(), None), 404);
    is_refused(&wired.post("/front/sms", &time(), &message("msg_1", "x").to_string(), None), 400);
    is_refused(&wired.post("/front/sms", &time(), &json!({"type": "authorization"}).to_string(), None), 400);
    let many: Vec<_> = (0..101).map(|at| json!({"handle": format!("+1{at}"), "role": "to"})).collect();
    is_refused(&wired.ask(&json!({"type": "message", "payload": {"id": "msg_2", "recipients": many}})), 400);
    let imported = wired.ask(&json!({"type": "message_imported", "payload": {}}));
    assert_eq!((imported.status, imported.json), (200, json!({"type": "success"})));
    let huge = wired.post(&wired.path(), &time(), &" ".repeat(20_001), None);
    is_refused(&huge, 413);
}

#[test]
fn row_4_each_call_has_a_token_of_its_own_that_lives_for_less_than_30_seconds() {
    let wired = Wired::new();
    for turn in 0..3 {
        let id = format!("in-{turn}");
        wired.tell(&json!([{"inbound": {"id": id, "conversation": "c", "with": LEE, "text": "planted text"}}]));
    }
    wired.front.wait_for(|state| state.messages().count() == 3);
    // The double refuses a token that lives longer.
    let requests = wired.front.requests();
    let mut tokens: Vec<_> = requests.iter().filter_map(|request| request.jti()).collect();
    assert_eq!(tokens.len(), requests.len());
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), requests.len());
}

#[test]
fn row_5_a_message_of_files_only_has_a_body_for_front_and_none_for_the_customer() {
    let wired = Wired::new();
    wired.front.send(&wired.channel, Draft::new("").to(LEE).attach("a.txt", "text/plain", "a")).ids();
    assert_eq!(wired.provider.look(|known| known.messages[0].text().to_owned()), "");
    let files = json!([["b.txt", "b"]]);
    wired.tell(&json!([{"inbound": {"id": "in-1", "conversation": "c", "with": KIM, "text": " ", "files": files}}]));
    wired.front.wait_for(|state| state.messages().any(|message| message.text == "Attachment" && message.is_inbound));
}

#[test]
fn row_6_a_files_storage_is_not_shown_the_token() {
    let wired = Wired::new();
    wired.front.send(&wired.channel, Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "a")).ids();
    let requests = wired.front.requests();
    let stored = requests.iter().find(|request| request.call == Call::Storage).expect("it is fetched from there");
    assert_eq!(stored.authorization, Authorization::Missing);
    assert_eq!(wired.provider.look(|known| known.uploads.len()), 1);
}

#[test]
fn row_7_what_fails_after_it_was_promised_is_marked_as_failed_and_nobody_is_made_to_say_so() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.tell(&json!([{"failed": {"id": "P1", "reason": "the phone is off"}}]));
    let failed = MessageState::Failed(Some("the phone is off".to_owned()));
    wired.front.wait_for(|state| state.message(&sent.message).is_some_and(|message| message.state == failed));
    assert_eq!(wired.front.conversation(&sent.conversation).messages.len(), 1);
    assert!(wired.front.conversation(&sent.conversation).is_open);
}

#[test]
fn row_8_an_echo_is_not_imported_again() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    let echo =
        json!([{"outbound": {"id": "P1", "conversation": "C+15550100001", "with": LEE, "text": "planted text"}}]);
    wired.tell(&echo);
    wired.tell(&echo);
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.front.conversation(&sent.conversation).messages.len(), 1);
}

#[test]
fn row_9_an_autoreply_without_id_author_and_conversation_goes_where_it_belongs_once() {
    let wired = Wired::new();
    wired.front.autoreply_rule(Some("We are closed."));
    wired.tell(&json!([{"inbound": {"id": "in-1", "conversation": "conv-1", "with": LEE, "text": "planted text"}}]));
    wired.provider.wait_for(|known| known.messages.len() == 1);
    let taken = wired.provider.look(|known| known.messages[0].clone());
    assert_eq!((taken.text(), &taken.body["autoreply"]), ("We are closed.", &json!(true)));
    assert_eq!(taken.body["conversations"], json!(["conv-1"]));
    let hook = || wired.front.hooks().into_iter().find(|fired| fired.kind == "message_autoreply");
    wired.front.wait_for(|state| state.hooks().iter().any(|fired| fired.kind == "message_autoreply"));
    let fired = hook().expect("it was sent");
    assert_eq!(fired.answered()["external_conversation_id"], "conv-1");
    assert_eq!(wired.front.repeat(&fired).answered(), fired.answered());
    assert_eq!(wired.provider.look(|known| known.attempts), 1);
}

#[test]
fn row_10_a_teammate_can_begin_a_conversation() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    let (_, conversation) = sent.ids();
    let reply = wired.front.reply(&sent.conversation, "planted text 2");
    assert_eq!(reply.ids().1, conversation);
}

#[test]
fn row_11_all_recipients_reach_the_plugin_and_the_message_is_one() {
    let wired = Wired::new();
    let draft = Draft::new("planted text").to(LEE).to(KIM).to(LEE).recipient("cc", "+15550100009");
    wired.front.send(&wired.channel, draft).ids();
    assert_eq!(wired.provider.look(|known| known.messages[0].body["to"].clone()), json!([LEE, KIM]));
}

#[test]
fn row_12_a_sender_with_an_address_joins_the_contact_that_front_knows() {
    let wired = Wired::new();
    let said = |id: &str, with: &str| json!({"inbound": {"id": id, "conversation": id, "with": with, "email": "mora@acme.example", "text": "planted text"}});
    wired.tell(&json!([said("in-1", LEE), said("in-2", KIM)]));
    wired.front.wait_for(|state| state.messages().count() == 2);
    let contact = |handle: &str| wired.front.look(|state| state.contact(handle).map(|contact| contact.id.clone()));
    assert!(contact(LEE).is_some() && contact(LEE) == contact(KIM));
}

#[test]
fn row_13_front_says_what_it_imported_so_that_nobody_asks_and_nothing_is_told_twice() {
    let wired = Wired::new();
    wired.front.import_delay(Duration::from_millis(300));
    wired.front.fault(Fault::new(Action::CloseAfterActing).on(Call::Inbound));
    wired.tell(&json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text"}}]));
    wired.gateway.wait_for_deliveries();
    let told = wired.front.requests().into_iter().filter(|request| request.call == Call::Inbound).count();
    assert_eq!((told, wired.front.requests().len()), (1, 1));
    assert_eq!(wired.front.look(|state| state.messages().count()), 1);
}

#[test]
fn row_13_what_front_never_confirms_is_told_again() {
    let wired = Wired::with(|setup| setup.set("tenants.demo.front.sms.import_patience_ms", "200"));
    wired.front.fault(Fault::new(Action::CloseAfterReading).on(Call::Inbound));
    wired.tell(&json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text"}}]));
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.front.look(|state| state.messages().count()), 1);
}

#[test]
fn row_14_the_window_is_five_minutes_both_ways() {
    let wired = Wired::new();
    let minutes = |minutes: f64| (minutes * 60_000.0) as i64;
    let table = [(-5.1, 401), (-4.9, 200), (0.0, 200), (4.9, 200), (5.1, 401), (-300.0, 401), (300.0, 401)];
    for (index, (offset, status)) in table.into_iter().enumerate() {
        for unit in [1, 1_000] {
            let time = ((now_ms() + minutes(offset)) / unit).to_string();
            let body = message(&format!("msg_{index}_{unit}"), "planted text").to_string();
            let answer = wired.post(&wired.path(), &time, &body, None);
            assert_eq!(answer.status, status, "{offset} minutes in units of {unit}: {}", answer.text);
        }
    }
}

#[test]
fn row_15_an_event_webhook_is_no_request_of_a_channel() {
    let wired = Wired::new();
    let event = json!({"type": "inbound_received", "authorization": {"id": "cmp_1"}, "payload": {"id": "evt_1", "emitted_at": 1.5}});
    is_refused(&wired.ask(&event), 400);
    wired.gateway.log().wait_for("unknown request type: inbound_received");
}

#[test]
fn row_16_a_custom_channels_request_is_refused_and_the_log_says_what_it_is() {
    let wired = Wired::new();
    let body = json!({"id": "msg_1", "text": "planted text"}).to_string();
    let sha1 = frontgate_tests::sign(Front::SECRET, &body, &[]);
    is_refused(&wired.post(&wired.path(), &now_ms().to_string(), &body, Some(&sha1)), 401);
    wired.gateway.log().wait_for("as the request of a rule webhook or of a custom channel");
}

#[test]
fn row_17_what_front_may_ask_one_day_is_refused_in_its_shape() {
    let wired = Wired::new();
    for name in ["typing", "message_read", "reaction", "message_edited", "conversation_merged"] {
        let answer = wired.ask(&json!({"type": name, "payload": {"id": "x"}}));
        is_refused(&answer, 400);
        assert!(answer.text.contains(name), "{}", answer.text);
    }
}

#[test]
fn row_18_nobody_has_to_be_the_author() {
    let wired = Wired::new();
    wired.front.send(&wired.channel, Draft::new("planted text").to(LEE).nobody()).ids();
    let strange = |body: &mut Value| {
        body["payload"]["author"] = json!({"id": 7, "teams": [null]});
        body["payload"]["is_draft"] = json!("no");
        body["payload"]["attachments"] = Value::Null;
        body["payload"]["created_at"] = json!("soon");
        body["metadata"]["new"] = json!({"in": ["2027"]});
    };
    wired.front.send(&wired.channel, Draft::new("planted text").to(LEE).edit(strange)).ids();
    assert_eq!(wired.provider.look(|known| known.messages.len()), 2);
}

#[test]
fn the_sample_servers_faults_are_not_ours() {
    let wired = Wired::new();
    let authorization = json!({"type": "authorization", "payload": {"channel_id": "cha_9"}}).to_string();
    // It takes an authorization from anybody.
    let unsigned = post(wired.gateway.address(), "/front/sms", &[], authorization.as_bytes());
    is_refused(&unsigned, 401);
    // Nor is there another address for every authorization, or a second answer for the same bytes.
    let time = now_ms().to_string();
    let first = wired.post("/front/sms", &time, &authorization, None);
    let again = wired.post("/front/sms", &time, &authorization, None);
    assert_eq!((first.status, &first.json), (200, &again.json));
    // It makes up a conversation for every reply.
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    let reply = wired.front.reply(&sent.conversation, "planted text 2");
    assert_eq!(sent.ids().1, reply.ids().1);
    // It has no memory: a repeated message goes out twice.
    assert_eq!(wired.front.resend(&reply.message).ids(), reply.ids());
    assert_eq!(wired.provider.look(|known| known.messages.len()), 2);
    // It tells Front of one recipient where a list is asked for.
    wired.tell(&json!([{"outbound": {"id": "out-1", "conversation": "c", "with": LEE, "text": "planted text 3"}}]));
    wired.front.wait_for(|state| state.messages().any(|message| message.text == "planted text 3"));
    // A request for one channel is none for another of the same app.
    let other = wired.front.connect(SERVER).expect("a channel");
    let path = wired.front.channel(&other).webhook_url.strip_prefix(PUBLIC_URL).expect("ours").to_owned();
    let delete = json!({"type": "delete", "payload": {"channel_id": wired.channel}}).to_string();
    is_refused(&wired.post(&path, &now_ms().to_string(), &delete, None), 400);
}

#[test]
fn all_secrets_count_and_the_first_one_signs_tokens() {
    let wired = Wired::with(|setup| {
        setup.file("old-secret", "the secret before").set(
            "tenants.demo.front.sms.app_secrets",
            "[{ file = \"files/app-secret\" }, { file = \"files/old-secret\" }]",
        )
    });
    let body = message("msg_1", "planted text").to_string();
    let time = now_ms().to_string();
    let old = signature("the secret before", &time, body.as_bytes());
    assert_eq!(wired.post(&wired.path(), &time, &body, Some(&old)).status, 200);
    let none = signature("another secret", &time, body.as_bytes());
    is_refused(&wired.post(&wired.path(), &time, &body, Some(&none)), 401);
    wired.tell(&json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text"}}]));
    wired.front.wait_for(|state| state.messages().count() == 1);
    let (_, metrics) = wired.gateway.operators("/metrics");
    assert!(metrics.contains("key=\"front.sms.app_secrets[1]\""), "{metrics}");
    // The word stands for no body at all, and only in a DELETE.
    let undefined = signature(Front::SECRET, &time, UNDEFINED.as_bytes());
    is_refused(&wired.post(&wired.path(), &time, &body, Some(&undefined)), 401);
}
