//! Finding 14: replays are not recognized.
//!
//! Twilio signs the URL and the fields, but no time and no headers. Requests with the same signed text are one event.

use std::time::{SystemTime, UNIX_EPOCH};

use frontgate_tests::front::signature;
use frontgate_tests::{
    Answer, Front, Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, component, post, run, sign, sign_sha256,
};
use serde_json::json;

const PATH: &str = "/callbacks/conversations";
const FORM: &str = "application/x-www-form-urlencoded";

/// An event without its own SID and without a time.
const EVENT: [(&str, &str); 4] =
    [("Body", "hello"), ("ConversationSid", "CH1"), ("EventType", "onMessageUpdated"), ("RetryCount", "0")];

fn gateway() -> (Twilio, Gateway) {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    (twilio, gateway)
}

fn signature_of(form: &[(&str, &str)]) -> String {
    sign(TOKEN, &format!("{PUBLIC_URL}{PATH}"), form)
}

/// Sends a body with a signature and an idempotency token.
fn send(gateway: &Gateway, body: &str, signature: &str, token: &str) -> Answer {
    let headers = [("content-type", FORM), ("x-twilio-signature", signature), ("i-twilio-idempotency-token", token)];
    post(gateway.address(), PATH, &headers, body.as_bytes())
}

fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

#[test]
fn one_captured_webhook_with_twenty_tokens_is_one_delivery() {
    let (_twilio, gateway) = gateway();
    let (body, signature) = (encoded(&EVENT), signature_of(&EVENT));
    for token in 0..20 {
        assert_eq!(send(&gateway, &body, &signature, &format!("t-{token}")).status, 200);
    }
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn a_replayed_pre_event_is_one_delivery() {
    let (_twilio, gateway) = gateway();
    for event in ["onSomethingNew", "onSomethingElse"] {
        let form = [("Body", "hello"), ("ConversationSid", "CH1"), ("EventType", event)];
        for token in ["t-1", "t-2", ""] {
            assert_eq!(send(&gateway, &encoded(&form), &signature_of(&form), token).status, 200);
        }
    }
    assert_eq!(gateway.deliveries().len(), 2);
}

#[test]
fn other_spellings_of_the_signed_text_are_the_same_event() {
    let (_twilio, gateway) = gateway();
    let signature = signature_of(&EVENT);
    let spellings = [
        "Body=hello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0",
        "RetryCount=0&EventType=onMessageUpdated&ConversationSid=CH1&Body=hello",
        "Body=hello&Body=hello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0",
        "Body=hello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0&&",
        "B%6fdy=hell%6F&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0",
        "Bod=yhello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0",
        "Bodyhello=&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0",
        "Bodyhello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0",
        "Body=helloConversationSidCH1&EventType=onMessageUpdated&RetryCount=0",
        "Body=hello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCount0=",
        "Body=hello&ConversationSid=CH1&EventType=onMessageUpdated&RetryCoun=t0",
        "Body=hello&ConversationSid=CH1&EventType=onMessageUpdatedRetryCount0",
        "Body=hello&ConversationSid=CH1EventTypeonMessageUpdated&RetryCount=0",
    ];
    for (token, body) in spellings.iter().enumerate() {
        let answer = send(&gateway, body, &signature, &format!("t-{token}"));
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
    }
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn fields_moved_into_the_query_are_the_same_event() {
    let (_twilio, gateway) = gateway();
    let url = format!("{PUBLIC_URL}{PATH}?x=1");
    let signature = sign(TOKEN, &url, &EVENT);
    let headers = [("content-type", FORM), ("x-twilio-signature", &*signature)];
    let honest = post(gateway.address(), &format!("{PATH}?x=1"), &headers, encoded(&EVENT).as_bytes());
    let moved = "ConversationSid=CH1&EventType=onMessageUpdated&RetryCount=0";
    let moved = post(gateway.address(), &format!("{PATH}?x=1Bodyhello"), &headers, moved.as_bytes());
    assert_eq!((honest.status, moved.status), (200, 200), "{}", moved.text);
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn a_replay_signed_with_a_shared_key_is_recognized() {
    let twilio = Twilio::start();
    let key = "[{ id = \"webhooks_sharedkey_1\", secret = { file = \"files/shared\" }, algorithm = \"HMAC_SHA256\" }]";
    let gateway = Setup::every_role(&twilio)
        .file("shared", "a shared secret")
        .set("tenants.demo.twilio.shared_keys", key)
        .start();
    let signature = sign_sha256("a shared secret", &format!("{PUBLIC_URL}{PATH}"), &EVENT);
    for token in ["t-1", "t-2"] {
        let headers = [
            ("content-type", FORM),
            ("x-twilio-signature", &*signature),
            ("x-twilio-webhooks-signature-settings", "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"),
            ("i-twilio-idempotency-token", token),
        ];
        assert_eq!(post(gateway.address(), PATH, &headers, encoded(&EVENT).as_bytes()).status, 200);
    }
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn a_routing_request_with_merged_fields_is_the_same_request() {
    let (_twilio, gateway) = gateway();
    let path = "/callbacks/routing";
    let form = [("ConversationSid", "CH1"), ("FriendlyName", "Mora")];
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &form);
    let headers = [("content-type", FORM), ("x-twilio-signature", &*signature)];
    for body in ["ConversationSid=CH1&FriendlyName=Mora", "ConversationSid=CH1FriendlyNameMora"] {
        assert_eq!(post(gateway.address(), path, &headers, body.as_bytes()).status, 200);
    }
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn twilios_own_retries_are_one_delivery_with_or_without_tokens() {
    let (_twilio, gateway) = gateway();
    for (retry, token) in [("0", "t-1"), ("1", "t-1"), ("2", "")] {
        let form = [EVENT[0], EVENT[1], EVENT[2], ("RetryCount", retry)];
        assert_eq!(gateway.callback_with_token("conversations", &form, token).status, 200);
    }
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn events_that_differ_in_a_signed_field_are_distinct() {
    let (_twilio, gateway) = gateway();
    for time in ["2026-05-01T10:00:00.000Z", "2026-05-01T10:00:00.001Z"] {
        let form = [EVENT[0], EVENT[1], EVENT[2], EVENT[3], ("DateUpdated", time)];
        assert_eq!(gateway.callback_with_token("conversations", &form, "t-1").status, 200);
    }
    assert_eq!(gateway.deliveries().len(), 2);
}

#[test]
fn a_pre_event_question_is_asked_each_time() {
    let (_twilio, gateway) = gateway();
    let form = [("Author", "x"), ("Body", "change"), ("ConversationSid", "CH1"), ("EventType", "onMessageAdd")];
    for token in ["t-1", "t-2"] {
        assert!(gateway.callback_with_token("conversations", &form, token).text.contains("changed"));
    }
}

#[test]
fn a_field_without_a_name_is_rejected() {
    let (_twilio, gateway) = gateway();
    let form = [("ConversationSid", "CH1"), ("EventType", "onX")];
    for body in ["=&ConversationSid=CH1&EventType=onX", "ConversationSid=CH1&EventType=onX&="] {
        assert_eq!(send(&gateway, body, &signature_of(&form), "t-1").status, 403, "{body}");
    }
    assert!(gateway.deliveries().is_empty());
}

#[test]
fn a_body_hash_in_the_url_is_checked_for_forms_too() {
    let (_twilio, gateway) = gateway();
    let json_hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let path = format!("{PATH}?bodySHA256={json_hash}");
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &[]);
    let as_form = [("content-type", FORM), ("x-twilio-signature", &*signature)];
    assert_eq!(post(gateway.address(), &path, &as_form, b"").status, 403);
    assert!(gateway.deliveries().is_empty());
}

#[test]
fn retention_shorter_than_the_signature_window_is_a_fault() {
    let front = Front::start();
    let setup = |key: &str, keep: &str| {
        let setup = Setup::new().plugin("courier", &component("courier")).front(&front, "courier");
        setup.set("tenants.demo.roles.crm", "[]").set(key, keep)
    };
    for key in ["store.events_keep_ms", "store.messages_keep_ms"] {
        let setup = setup(key, "599999");
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(key) && text.contains("signature_window_ms"), "{text}");
    }
    setup("store.events_keep_ms", "600000").start();
}

/// Sends a signed authorization request with a credential, which the signature does not cover.
fn authorize(gateway: &Gateway, timestamp: &str, credential: &str) -> Answer {
    let body = json!({"type": "authorization", "payload": {"channel_id": "cha_9"}}).to_string();
    let signature = signature(Front::SECRET, timestamp, body.as_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("authorization", credential),
        ("x-front-request-timestamp", timestamp),
        ("x-front-signature", &signature),
    ];
    post(gateway.address(), "/front/sms", &headers, body.as_bytes())
}

#[test]
fn a_failed_request_can_be_repeated_with_the_same_credential_only() {
    let front = Front::start();
    let setup = Setup::new().set("tenants.demo.roles.crm", "[]").set("plugins.named.courier.config.url", "\"x\"");
    // The plugin is missing at first, so the request fails and Front may repeat it.
    let gateway = setup.front(&front, "courier").start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis().to_string();
    let first = authorize(&gateway, &now, "Bearer the-admins");
    assert!(first.status >= 500, "{}", first.text);
    gateway.drop_plugin("courier", &component("courier"));
    gateway.log().event("plugin.live").with("plugin", "courier").wait_for(1);
    let altered = authorize(&gateway, &now, "Bearer another");
    assert_eq!(altered.status, 401, "{} {}", altered.text, gateway.log().text());
    let again = authorize(&gateway, &now, "Bearer the-admins");
    assert_eq!(again.status, 200, "{}", again.text);
}
