//! Tests the webhooks of conversations. Pre-events are answered within their deadline despite any failure; post-events
//! are stored before they are acknowledged.

use frontgate_tests::{Answer, Gateway, Setup, Twilio};
use serde_json::{Value, json};

pub(crate) const CH: (&str, &str) = ("ConversationSid", "CH00000000000000000000000000000007");

pub(crate) fn webhook(gateway: &Gateway, event: &str, more: &[(&str, &str)]) -> Answer {
    let common = [("EventType", event), ("AccountSid", "AC00000000000000000000000000000000"), ("RetryCount", "0")];
    gateway.callback("conversations", &[&common, more].concat())
}

fn conversation_add(gateway: &Gateway, address: &str, body: &str) -> Answer {
    let proxy = ("MessagingBinding.ProxyAddress", "+12025550199");
    let more = [("MessagingBinding.Address", address), proxy, ("MessageBody", body), ("Attributes", "{\"kept\":1}")];
    webhook(gateway, "onConversationAdd", &more)
}

fn attributes(answer: &Answer) -> Value {
    serde_json::from_str(answer.json["attributes"].as_str().expect("attributes as a string")).expect("JSON")
}

#[test]
fn without_a_plugin_a_conversation_is_named_after_the_crm_customer() {
    let gateway = Setup::misbehaving().start();
    let answer = conversation_add(&gateway, "whatsapp:+12025550107", "Hello");
    assert_eq!((answer.status, &answer.json["friendly_name"]), (200, &json!("Mora Lind")));
    assert_eq!(attributes(&answer), json!({ "kept": 1, "avatar": "https://img.example.org/c.png" }));
    let answer = conversation_add(&gateway, "+4930901820", "Hello");
    assert_eq!((answer.status, &answer.json["friendly_name"]), (200, &json!("+4930901820")));
    assert_eq!(attributes(&answer), json!({ "kept": 1 }));
    // If a worker starts the conversation, no customer address has to be looked up.
    let answer = webhook(&gateway, "onConversationAdd", &[("Attributes", "{}")]);
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
}

#[test]
fn a_group_is_named_after_its_known_members() {
    let gateway = Setup::misbehaving().start();
    let body = "EventType=onConversationAdd&MessagingBinding.Address=%2B12025550199&MessagingBinding.Address=\
                %2B12025550108&MessagingBinding.AuthorAddress=%2B12025550107&State=initializing";
    let path = "/callbacks/conversations";
    // Twilio sorts repeated values.
    let form = [
        ("EventType", "onConversationAdd"),
        ("MessagingBinding.Address", "+12025550108MessagingBinding.Address+12025550199"),
        ("MessagingBinding.AuthorAddress", "+12025550107"),
        ("State", "initializing"),
    ];
    let signature =
        frontgate_tests::sign(frontgate_tests::TOKEN, &format!("{}{path}", frontgate_tests::PUBLIC_URL), &form);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", &*signature)];
    let answer = frontgate_tests::post(gateway.address(), path, &headers, body.as_bytes());
    assert_eq!(
        (answer.status, &answer.json["friendly_name"]),
        (200, &json!("Mora Lind, Mora Lind")),
        "{}",
        answer.text
    );
}

#[test]
fn a_plugin_sets_the_name_and_avatar_of_a_conversation() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    let answer = conversation_add(&gateway, "+12025550107", "avatar https://img.example.org/7.png");
    assert_eq!(answer.json["friendly_name"], "a name of two lines");
    assert_eq!(attributes(&answer), json!({ "kept": 1, "avatar": "https://img.example.org/7.png" }));
    let answer = conversation_add(&gateway, "+12025550107", "avatar no-url");
    assert_eq!(attributes(&answer), json!({ "kept": 1 }));
    assert_eq!(conversation_add(&gateway, "+12025550107", "nothing").text, "{}");
    let text = conversation_add(&gateway, "+12025550107", "event").text;
    for part in ["+12025550107", "+12025550199", "kept"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_plugin_accepts_changes_or_rejects_a_message() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    let message = |body: &str| webhook(&gateway, "onMessageAdd", &[CH, ("Author", "+12025550107"), ("Body", body)]);
    assert_eq!((message("hello").status, message("hello").text), (200, "{}".to_owned()));
    assert_eq!(message("change").json, json!({ "body": "changed", "attributes": "{\"changed\":true}" }));
    assert_eq!(message("bad-change").text, "{}");
    let rejected = message("reject");
    assert_eq!((rejected.status, rejected.code()), (403, "rejected"));
    assert!(!rejected.text.contains("text for the log"));
    // Without a plugin for the role, no message is rejected.
    let plain = Setup::misbehaving().start();
    let answer = webhook(&plain, "onMessageAdd", &[CH, ("Author", "x"), ("Body", "reject")]);
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
}

#[test]
fn no_plugin_failure_blocks_a_customers_message() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).set("tenants.demo.twilio.webhook_timeout_ms", "300").start();
    for instruction in ["not-found", "forbidden", "invalid", "unavailable", "failed", "panic", "loop", "sleep 60000"] {
        let message = webhook(&gateway, "onMessageAdd", &[CH, ("Author", "x"), ("Body", instruction)]);
        let conversation = conversation_add(&gateway, "+12025550107", instruction);
        for answer in [message, conversation] {
            assert_eq!((answer.status, answer.text.as_str()), (200, "{}"), "{instruction}");
        }
    }
    gateway.log().wait_for_count("answered 200 despite an error", 16);
    // Tests missing fields, malformed fields and an unknown event.
    for (event, more) in [
        ("onMessageAdd", &[][..]),
        ("onMessageAdd", &[("ConversationSid", "../..")]),
        ("onSomethingNew", &[]),
        ("", &[]),
        ("onConversationAdd", &[("Attributes", "no json"), ("MessagingBinding.Address", ",, ,")]),
    ] {
        let answer = webhook(&gateway, event, more);
        assert_eq!(answer.status, 200, "{event} {more:?}: {}", answer.text);
    }
}

#[test]
fn a_missing_plugin_blocks_no_message() {
    let gateway = Setup::new().set("tenants.demo.roles.conversations", "[\"nowhere\"]").start();
    let answer = conversation_add(&gateway, "+12025550107", "planted text");
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
}

#[test]
fn a_forged_webhook_is_rejected() {
    let gateway = Setup::misbehaving().start();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", "AAAA")];
    for event in ["onMessageAdd", "onParticipantAdded", "onSomethingNew"] {
        let body = format!("EventType={event}");
        let answer = frontgate_tests::post(gateway.address(), "/callbacks/conversations", &headers, body.as_bytes());
        assert_eq!(answer.status, 403, "{event}");
    }
}

#[test]
fn a_signed_webhook_in_another_encoding_is_accepted() {
    use frontgate_tests::{PUBLIC_URL, TOKEN, post, sign};
    let gateway = Setup::misbehaving().start();
    let path = "/callbacks/conversations";
    let bare = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &[]);
    let answer = gateway.get(path, &[("x-twilio-signature", &bare)]);
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    assert_eq!(gateway.get(path, &[("x-twilio-signature", "AAAA")]).status, 403);
    assert_eq!(gateway.get("/callbacks/crm", &[("x-twilio-signature", &bare)]).status, 405);
    let json = [("content-type", "application/json"), ("x-twilio-signature", &*bare)];
    assert_eq!(post(gateway.address(), path, &json, b"{}").status, 200);
    // The content type is spelled as in Twilio's documentation; a wrong one follows below.
    let form = [("EventType", "onConversationAdd"), ("MessagingBinding.Address", "+12025550107")];
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &form);
    let body = b"EventType=onConversationAdd&MessagingBinding.Address=%2B12025550107";
    let spelled = [("content-type", "application/x-www-urlencoded"), ("x-twilio-signature", &*signature)];
    assert_eq!(post(gateway.address(), path, &spelled, body).json["friendly_name"], "Mora Lind");
    let unsaid = [("content-type", "text/plain"), ("x-twilio-signature", &*signature)];
    assert_eq!(post(gateway.address(), path, &unsaid, body).status, 403);
    gateway.log().wait_for("it would match if Content-Type were application/x-www-form-urlencoded");
}

/// Sends a webhook by GET: its fields are in the query, which is a part of the signed URL.
fn webhook_by_get(gateway: &Gateway, fields: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let target = format!("/callbacks/conversations?{query}");
    let url = format!("{}{target}", frontgate_tests::PUBLIC_URL);
    gateway.get(&target, &[("x-twilio-signature", &frontgate_tests::sign(frontgate_tests::TOKEN, &url, &[]))])
}

#[test]
fn a_webhook_by_get_is_answered() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    let message = |body: &str| {
        webhook_by_get(&gateway, &[("EventType", "onMessageAdd"), CH, ("Author", "ana@example.org"), ("Body", body)])
    };
    assert_eq!((message("hello & more").status, message("change").json["body"].clone()), (200, json!("changed")));
    assert_eq!(message("reject").status, 403);
    let added = [("EventType", "onMessageAdded"), CH, ("MessageSid", "IM7")];
    assert_eq!(webhook_by_get(&gateway, &added).text, "{}");
    gateway.log().wait_for("onMessageAdded IM7");
}

#[test]
fn a_webhook_by_get_with_a_changed_field_is_rejected() {
    let gateway = Setup::misbehaving().start();
    let url = format!("{}/callbacks/conversations?EventType=onMessageAdd&Body=a", frontgate_tests::PUBLIC_URL);
    let signature = frontgate_tests::sign(frontgate_tests::TOKEN, &url, &[]);
    let changed = "/callbacks/conversations?EventType=onMessageAdd&Body=b";
    assert_eq!(gateway.get(changed, &[("x-twilio-signature", &signature)]).status, 403);
}

#[test]
fn all_known_spellings_of_the_conversations_path_work() {
    let gateway = Setup::misbehaving().start();
    let form = [("EventType", "onConversationAdd"), ("MessagingBinding.Address", "+12025550107")];
    for name in ["conversations", "twilio-conversations", "conversations/"] {
        assert_eq!(gateway.callback(name, &form).json["friendly_name"], "Mora Lind");
    }
}

#[test]
fn other_events_reach_the_plugin_in_order() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    let events = ["onMessageAdded", "onDeliveryUpdated", "onSomethingNew", "onMessageUpdated"];
    for (index, event) in events.iter().enumerate() {
        let sid = format!("IM{index}");
        let answer = webhook(&gateway, event, &[CH, ("MessageSid", &sid)]);
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"), "{event}");
    }
    for (index, event) in events.iter().enumerate() {
        gateway.log().wait_for(&format!("{event} IM{index}"));
    }
    let lines = gateway.log().text();
    let places: Vec<_> = (0..4).map(|index| lines.find(&format!(" IM{index}\"")).expect("a line")).collect();
    assert!(places.is_sorted(), "{places:?}");
    let plain = Setup::misbehaving().start();
    assert_eq!(webhook(&plain, "onMessageAdded", &[CH, ("MessageSid", "IM1")]).status, 200);
    assert!(plain.deliveries().is_empty());
}

#[test]
fn a_repeated_attempt_gets_the_same_answer() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    let say = |gateway: &Gateway, body: &str, retry: &str, token: &str| {
        let form = [("EventType", "onMessageAdd"), CH, ("Author", "x"), ("Body", body), ("RetryCount", retry)];
        gateway.callback_with_token("conversations", &form, token)
    };
    let first = say(&gateway, "change", "0", "t-1").text;
    assert!(first.contains("changed"), "{first}");
    assert_eq!(say(&gateway, "reject", "0", "t-2").status, 403);
    assert_eq!(say(&gateway, "hello", "0", "t-1").text, "{}");
    // The stored answer remains after the removal of the plugin.
    std::fs::remove_file(gateway.path("plugins/plugin.wasm")).expect("the file");
    let gateway = gateway.restart();
    assert_eq!(say(&gateway, "change", "1", "t-1").text, first);
    let again = say(&gateway, "reject", "1", "t-2");
    assert_eq!((again.status, again.code()), (403, "rejected"));
    // A new request gets a new decision, and the plugin that would reject it is gone.
    assert_eq!(say(&gateway, "reject", "0", "t-3").text, "{}");
}

#[test]
fn a_repeated_event_is_processed_once() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    let send = |retry: &str, token: &str| {
        let form = [("EventType", "onMessageAdded"), CH, ("MessageSid", "IM7"), ("RetryCount", retry)];
        gateway.callback_with_token("conversations", &form, token)
    };
    assert_eq!(send("0", "t-1").status, 200);
    assert_eq!(send("1", "t-1").status, 200);
    assert_eq!(send("1", "t-2").status, 200);
    let update = |read: &str| {
        webhook(&gateway, "onParticipantUpdated", &[CH, ("ParticipantSid", "MB1"), ("LastReadMessageIndex", read)])
    };
    for read in ["1", "1", "2"] {
        assert_eq!(update(read).status, 200);
    }
    let events: Vec<_> = gateway.deliveries().iter().map(|delivery| delivery["event"].clone()).collect();
    assert_eq!(events, ["onMessageAdded", "onParticipantUpdated", "onParticipantUpdated"]);
}
