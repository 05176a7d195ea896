//! Tests pre-events: a plugin accepts, changes or rejects every kind of them, and no failure of the plugin blocks one.

use frontgate_tests::{Answer, Gateway, Setup, Twilio};
use serde_json::json;

use crate::conversations::{CH, webhook};

const MB: (&str, &str) = ("ParticipantSid", "MB00000000000000000000000000000007");
const IM: (&str, &str) = ("MessageSid", "IM00000000000000000000000000000007");
const US: (&str, &str) = ("UserSid", "US00000000000000000000000000000007");

/// Every pre-event.
const EVENTS: [&str; 10] = [
    "onConversationAdd",
    "onConversationUpdate",
    "onConversationRemove",
    "onParticipantAdd",
    "onParticipantUpdate",
    "onParticipantRemove",
    "onMessageAdd",
    "onMessageUpdate",
    "onMessageRemove",
    "onUserUpdate",
];

/// Sends a pre-event with an instruction for the plugin, in the field where the plugin expects it.
fn instruct(gateway: &Gateway, event: &str, instruction: &str) -> Answer {
    let attributes = json!({ "do": instruction }).to_string();
    let mut form = vec![CH, MB, IM, US, ("Author", "ana@example.org")];
    form.push(match event {
        "onConversationAdd" => ("MessageBody", instruction),
        _ if event.starts_with("onParticipant") => ("Attributes", &attributes),
        _ if event.starts_with("onMessage") => ("Body", instruction),
        _ => ("FriendlyName", instruction),
    });
    webhook(gateway, event, &form)
}

fn every_role() -> (Twilio, Setup) {
    let twilio = Twilio::start();
    let setup = Setup::every_role(&twilio);
    (twilio, setup)
}

#[test]
fn a_plugin_accepts_each_pre_event() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    for event in EVENTS {
        let answer = instruct(&gateway, event, "accept");
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"), "{event}");
    }
    assert!(gateway.deliveries().is_empty());
}

#[test]
fn a_plugin_rejects_each_pre_event_with_a_reason_in_the_log() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    for event in EVENTS {
        let answer = instruct(&gateway, event, "reject");
        assert_eq!((answer.status, answer.code()), (403, "rejected"), "{event}");
        assert!(!answer.text.contains("text for the log"), "{event}: {}", answer.text);
    }
    gateway.log().wait_for_count("the text for the log", EVENTS.len());
}

#[test]
fn a_plugin_changes_what_twilio_allows_to_be_changed() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    let named = json!({ "friendly_name": "a name of two lines" });
    let added = instruct(&gateway, "onConversationAdd", "change").json;
    assert_eq!(added["friendly_name"], named["friendly_name"]);
    assert_eq!(instruct(&gateway, "onConversationUpdate", "change").json, named);
    for event in ["onMessageAdd", "onMessageUpdate"] {
        let changed = json!({ "body": "changed", "attributes": "{\"changed\":true}" });
        assert_eq!(instruct(&gateway, event, "change").json, changed, "{event}");
        assert_eq!(instruct(&gateway, event, "bad-change").text, "{}", "{event}");
    }
}

#[test]
fn a_clean_message_cannot_be_edited_into_a_rejected_one() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    let say = |event: &str, body: &str| {
        webhook(&gateway, event, &[CH, IM, ("Author", "ana@example.org"), ("Body", body)]).status
    };
    assert_eq!(say("onMessageAdd", "hello"), 200);
    assert_eq!(say("onMessageUpdate", "hello again"), 200);
    assert_eq!(say("onMessageUpdate", "reject"), 403);
}

#[test]
fn no_failure_of_a_plugin_blocks_a_pre_event() {
    let (_twilio, setup) = every_role();
    let gateway = setup.set("tenants.demo.twilio.webhook_timeout_ms", "300").start();
    for event in EVENTS {
        for instruction in ["forbidden", "failed", "panic", "sleep 60000"] {
            let answer = instruct(&gateway, event, instruction);
            assert_eq!((answer.status, answer.text.as_str()), (200, "{}"), "{event} {instruction}");
        }
        // The breaker opens after ten failures.
        assert_eq!(instruct(&gateway, event, "accept").status, 200, "{event}");
    }
    gateway.log().wait_for_count("answered 200 despite an error", EVENTS.len() * 4);
}

#[test]
fn a_malformed_pre_event_is_let_through() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    for event in EVENTS {
        for form in [&[][..], &[("ConversationSid", "../.."), ("MessageSid", "x"), ("UserSid", "y")]] {
            assert_eq!(webhook(&gateway, event, form).status, 200, "{event}");
        }
    }
}

#[test]
fn with_closed_failures_a_failing_plugin_blocks_each_pre_event() {
    let (_twilio, setup) = every_role();
    let gateway = setup.set("tenants.demo.twilio.webhooks_fail", "\"closed\"").start();
    for event in EVENTS {
        assert_eq!(instruct(&gateway, event, "failed").status, 502, "{event}");
        assert_eq!(instruct(&gateway, event, "accept").status, 200, "{event}");
    }
}

#[test]
fn without_a_plugin_each_pre_event_is_accepted_and_not_stored() {
    let gateway = Setup::misbehaving().start();
    for event in EVENTS.iter().filter(|event| **event != "onConversationAdd") {
        let answer = instruct(&gateway, event, "reject");
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"), "{event}");
    }
    assert!(gateway.deliveries().is_empty());
}

#[test]
fn a_repeated_pre_event_gets_the_same_answer() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    let edit = |gateway: &Gateway, body: &str, retry: &str| {
        let form = [("EventType", "onMessageUpdate"), CH, IM, ("Author", "x"), ("Body", body), ("RetryCount", retry)];
        gateway.callback_with_token("conversations", &form, "t-1")
    };
    assert_eq!(edit(&gateway, "reject", "0").status, 403);
    std::fs::remove_file(gateway.path("plugins/plugin.wasm")).expect("the file");
    let gateway = gateway.restart();
    assert_eq!(edit(&gateway, "reject", "1").status, 403);
}

/// Fields of a message's update that Twilio sends, and one that the contract does not know.
const UPDATE: [(&str, &str); 15] = [
    CH,
    IM,
    MB,
    ("Author", "ana@example.org"),
    ("Body", "event"),
    ("Index", "7"),
    ("Attributes", "{\"kept\":1}"),
    ("Media", r#"[{"Sid":"ME1","Filename":"a.png","ContentType":"image/png","Size":812}]"#),
    ("ClientIdentity", "ben@example.org"),
    ("Source", "SDK"),
    ("ChatServiceSid", "IS7"),
    ("MessagingServiceSid", "MG7"),
    ("DateCreated", "2026-01-02T03:04:05.006Z"),
    ("DateUpdated", "2026-01-02T03:04:06.007Z"),
    ("ChannelMetadata", "{\"x\":1}"),
];

#[test]
fn an_event_carries_every_field_that_twilio_sends() {
    let (_twilio, setup) = every_role();
    let gateway = setup.start();
    let answer = webhook(&gateway, "onMessageUpdate", &UPDATE);
    let shown = answer.json["body"].as_str().expect("the event as text");
    for part in [
        "participant-sid: Some(\"MB00000000000000000000000000000007\")",
        "index: Some(7)",
        "client-identity: Some(\"ben@example.org\")",
        "source: Some(\"SDK\")",
        "chat-service-sid: Some(\"IS7\")",
        "messaging-service-sid: Some(\"MG7\")",
        "account-sid: Some(\"AC00000000000000000000000000000000\")",
        "date-created: Some(\"2026-01-02T03:04:05.006Z\")",
        "sid: \"ME1\", filename: Some(\"a.png\"), content-type: Some(\"image/png\"), size: Some(812)",
        "more: [(\"RetryCount\", \"0\"), (\"ChannelMetadata\", \"{\\\"x\\\":1}\")]",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_routed_conversation_carries_every_field_that_twilio_sends() {
    let (_twilio, setup) = every_role();
    let gateway = setup.set("plugins.named.plugin.config.route", "\"event\"").start();
    // The plugin logs the event, so that the form has no value that must not be in the log.
    let form = [
        CH,
        ("UniqueName", "ours-7"),
        ("Attributes", "{}"),
        ("ConversationServiceSid", "IS7"),
        ("MessagingBinding.ProxyAddress", "+442079460199"),
        ("MessagingBinding.Address", "+442079460107"),
        ("State", "active"),
        ("DateCreated", "2026-01-02T03:04:05.006Z"),
        ("SomethingNew", "7"),
    ];
    assert_eq!(gateway.callback("routing", &form).status, 200);
    for part in [
        "unique-name: Some(\"ours-7\")",
        "state: Some(\"active\")",
        "chat-service-sid: Some(\"IS7\")",
        "more: [(\"SomethingNew\", \"7\")]",
    ] {
        gateway.log().wait_for(part);
    }
}
