//! Sends requests in the shapes that public integrators of Front's channels read, with the plugin `echo-channel`.
//!
//! `webhookdb/webhookdb` carries SMS in production, `chaynHQ/bloom-backend` a chat, `mavenagi-apps/chat` a hand-over to
//! agents, and `frontapp/partner-channel-template` is Front's own sample. Names, numbers and texts are ours.

use std::time::{SystemTime, UNIX_EPOCH};

use frontgate_tests::front::{signature, token};
use frontgate_tests::{Front, Gateway, PUBLIC_URL, Raw, Setup, component, post};
use serde_json::{Value, json};

use crate::channels::{LEE, SERVER};

/// A number without a plus, as in the samples of `webhookdb`.
const NATIONAL: &str = "9998887777";

/// The time limit of a token, which integrators choose themselves.
const LIFETIME_S: u64 = 30;

struct Integration {
    front: Front,
    gateway: Gateway,
    channel: String,
}

impl Integration {
    fn start() -> Self {
        let front = Front::start();
        let setup = Setup::new().set("tenants.demo.roles.crm", "[]").plugin("echo-channel", &component("echo-channel"));
        let gateway = setup.front(&front, "echo-channel").start();
        front.point_at(gateway.address());
        let channel = front.connect(SERVER).expect("a channel");
        Self { front, gateway, channel }
    }

    /// Sends a signed request, and returns status and JSON of the response.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &Value) -> (u16, Value) {
        let (body, time) = (body.to_string(), now().as_millis().to_string());
        let signature = signature(Front::SECRET, &time, body.as_bytes());
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: gw.example.org\r\ncontent-type: application/json\r\n{headers}\
             x-front-request-timestamp: {time}\r\nx-front-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answer = Raw::connect(self.gateway.address()).send(request).answer().expect("an answer");
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| answer.body.clone().into()))
    }

    /// Sends a request to the channel's address.
    fn tell(&self, method: &str, body: &Value) -> (u16, Value) {
        let url = self.front.channel(&self.channel).webhook_url;
        self.ask(method, url.strip_prefix(PUBLIC_URL).expect("an address of the gateway"), "", body)
    }

    /// Sends a message, which must be accepted with exactly the members that Front reads, and returns the ids.
    #[track_caller]
    fn deliver(&self, message: &Value) -> [String; 2] {
        let (status, answer) = self.tell("POST", message);
        assert_eq!((status, &answer["type"], members(&answer)), (200, &json!("success"), 3), "{answer}");
        ["external_id", "external_conversation_id"].map(|name| answer[name].as_str().expect("an id").to_owned())
    }

    /// Waits until the echo of a text is in Front, and returns the handle of its sender.
    fn echo(&self, text: &str) -> String {
        let sender = || {
            let all = self.front.conversations();
            let mut messages = all.into_iter().flat_map(|one| one.messages);
            messages.find(|one| one.is_inbound && one.text == text).map(|one| one.recipients[0].handle.clone())
        };
        self.front.wait_for(|state| state.messages().any(|one| one.is_inbound && one.text == text));
        sender().expect("it was found")
    }

    /// Imports a message as an integrator does, with a token of its own, and returns status and response.
    fn import(&self, direction: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
        let address = self.front.url().trim_start_matches("http://").parse().expect("an address");
        let token = token(Front::APP, Front::SECRET, &self.channel, now().as_secs() + LIFETIME_S);
        let headers = [("content-type", content_type), ("authorization", &format!("Bearer {token}"))];
        let answer = post(address, &format!("/channels/{}/{direction}_messages", self.channel), &headers, body);
        (answer.status, answer.json)
    }
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

fn members(answer: &Value) -> usize {
    answer.as_object().map_or(0, serde_json::Map::len)
}

/// `webhookdb`: a message without metadata of its conversation, whose author is an empty object.
fn plain(handle: &str, text: &str) -> Value {
    json!({ "type": "message", "payload": {
        "_links": { "self": "https://acme.api.frontapp.com/messages/msg_1a", "related": {
            "conversation": "https://acme.api.frontapp.com/conversations/cnv_1a",
            "message_replied_to": "https://acme.api.frontapp.com/messages/msg_19",
        } },
        "id": "msg_1a", "type": "email", "is_inbound": true, "draft_mode": null, "created_at": 1_453_770_984.123,
        "blurb": text, "body": text, "text": text, "author": {}, "attachments": [], "metadata": {},
        "recipients": [{ "handle": handle, "role": "to" }],
    } })
}

/// `webhookdb`: the answer of a rule, without an id.
fn autoreply(handle: &str) -> Value {
    json!({ "type": "message_autoreply", "payload": {
        "_links": { "related": {
            "conversation": "https://acme.api.frontapp.com/conversations/cnv_1a",
            "message_replied_to": "https://acme.api.frontapp.com/messages/msg_19",
        } },
        "type": "auto_reply", "is_inbound": false, "created_at": 1_453_770_984.123,
        "body": "We answer tomorrow.", "text": "We answer tomorrow.", "attachments": [],
        "recipients": [{
            "_links": { "related": { "contact": "https://acme.api.frontapp.com/contacts/crd_1a" } },
            "handle": handle, "role": "to",
        }],
    } })
}

/// `mavenagi-apps/chat`: every member that its types declare, and the ids of a merged conversation.
fn complete(text: &str) -> Value {
    let links = json!({ "self": "https://acme.api.frontapp.com/teammates/tea_1a", "related": {} });
    json!({
        "type": "message",
        "payload": {
            "_links": { "self": "https://acme.api.frontapp.com/messages/msg_2a", "related": {
                "conversation": "https://acme.api.frontapp.com/conversations/cnv_2a",
            } },
            "id": "msg_2a", "type": "custom", "is_inbound": false, "created_at": 1_700_000_000.5, "blurb": text,
            "body": format!("<p>{text}</p>"), "text": text, "error_type": null, "version": "8a-1", "subject": "",
            "draft_mode": "shared", "metadata": { "headers": { "in_reply_to": null } }, "attachments": [],
            "author": {
                "_links": links, "id": "tea_1a", "email": "ana@acme.example", "username": "ana", "first_name": "Ana",
                "last_name": "Ruiz", "is_admin": true, "is_available": true, "is_blocked": false,
            },
            "recipients": [
                { "_links": { "related": { "contact": null } }, "name": null, "handle": "acme", "role": "from" },
                { "_links": { "related": { "contact": null } }, "name": "Lee", "handle": LEE, "role": "to" },
            ],
            "signature": null, "is_draft": false,
        },
        "metadata": { "external_conversation_id": "conv-2", "external_conversation_ids": ["conv-2", "conv-1"] },
    })
}

#[test]
fn a_channel_is_connected_whatever_its_id_and_token_look_like() {
    let integration = Integration::start();
    for (id, headers) in [("cha_9z", ""), ("ch_abc", "authorization: Bearer a-b c\r\n"), ("123", "")] {
        let body = json!({ "type": "authorization", "payload": { "channel_id": id } });
        let (status, answer) = integration.ask("POST", "/front/sms", headers, &body);
        let url = answer["webhook_url"].as_str().unwrap_or_default();
        assert_eq!((status, &answer["type"], members(&answer)), (200, &json!("success"), 2), "{id}: {answer}");
        assert!(url.starts_with("https://gw.example.org/front/sms/fg-"), "{answer}");
    }
}

#[test]
fn a_message_without_metadata_and_author_is_accepted() {
    let integration = Integration::start();
    let [_, conversation] = integration.deliver(&plain(NATIONAL, "planted text"));
    assert_eq!(conversation, format!("echo-{NATIONAL}"));
    assert_eq!(integration.echo("planted text"), NATIONAL);
}

#[test]
fn a_message_with_nothing_but_an_id_a_text_and_a_recipient_is_accepted() {
    let integration = Integration::start();
    let recipients = json!([{ "role": "to", "handle": "lee@example.com" }]);
    let payload = json!({ "id": "msg_1", "text": "planted text", "recipients": recipients });
    integration.deliver(&json!({ "type": "message", "payload": payload }));
    assert_eq!(integration.echo("planted text"), "lee@example.com");
}

#[test]
fn a_message_with_every_known_member_stays_in_its_conversation() {
    let integration = Integration::start();
    let [_, conversation] = integration.deliver(&complete("planted text"));
    assert_eq!(conversation, "conv-2");
    assert_eq!(integration.echo("planted text"), LEE);
}

#[test]
fn a_repeated_message_is_answered_with_the_same_ids() {
    let integration = Integration::start();
    let message = complete("planted text");
    assert_eq!(integration.deliver(&message), integration.deliver(&message));
}

#[test]
fn an_autoreply_without_an_id_is_accepted_and_not_echoed() {
    let integration = Integration::start();
    let [first, conversation] = integration.deliver(&autoreply(NATIONAL));
    assert_eq!((conversation, &first), (format!("echo-{NATIONAL}"), &integration.deliver(&autoreply(NATIONAL))[0]));
    integration.gateway.wait_for_deliveries();
    assert_eq!(integration.front.look(|state| state.messages().count()), 0);
}

#[test]
fn a_confirmed_import_is_acknowledged() {
    let integration = Integration::start();
    let mut confirmation = complete("planted text");
    confirmation["type"] = json!("message_imported");
    assert_eq!(integration.tell("POST", &confirmation), (200, json!({ "type": "success" })));
    confirmation["metadata"] = json!({});
    assert_eq!(integration.tell("POST", &confirmation), (200, json!({ "type": "success" })));
}

#[test]
fn a_channel_is_deleted_with_its_id_in_the_body_or_without() {
    for body in [json!({ "type": "delete" }), json!({ "type": "delete", "payload": { "channel_id": "cha_1" } })] {
        let integration = Integration::start();
        let mut body = body;
        if body["payload"].is_object() {
            body["payload"]["channel_id"] = integration.channel.as_str().into();
        }
        assert_eq!(integration.tell("DELETE", &body), (200, json!({ "type": "success" })));
        assert_eq!(integration.tell("POST", &plain(NATIONAL, "planted text")).0, 404);
    }
}

#[test]
fn the_simulator_accepts_what_integrators_import() {
    let integration = Integration::start();
    let metadata = |id: &str| json!({ "external_id": id, "external_conversation_id": NATIONAL });
    let inbound = json!({
        "sender": { "handle": NATIONAL }, "body": "planted 1", "delivered_at": 1_700_000_000, "metadata": metadata("1"),
    });
    let outbound = json!({
        "to": [{ "handle": NATIONAL, "name": "Lee" }], "body": "planted 2", "sender_name": "Ana", "subject": "Order",
        "metadata": metadata("2"),
    });
    // The description has no lower bound, and Front's Postman collection has such a time.
    let early = json!({
        "sender": { "handle": NATIONAL }, "body": "planted 4", "delivered_at": -90_277_252, "metadata": metadata("4"),
    });
    // A form of `webhookdb`: one field for each leaf, and an index for each file.
    let field =
        |name: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let file = "--b\r\nContent-Disposition: form-data; name=\"attachments[0]\"; filename=\"1.png\"\r\n\
                Content-Type: image/png\r\n\r\nbytes\r\n--b--\r\n";
    let form = [
        field("sender[handle]", NATIONAL),
        field("body", "planted 3"),
        field("delivered_at", "1700000000"),
        field("metadata[external_id]", "3"),
        field("metadata[external_conversation_id]", NATIONAL),
        file.to_owned(),
    ];
    let imports = [
        integration.import("inbound", "application/json", inbound.to_string().as_bytes()),
        integration.import("outbound", "application/json", outbound.to_string().as_bytes()),
        integration.import("inbound", "multipart/form-data; boundary=b", form.concat().as_bytes()),
        integration.import("inbound", "application/json", early.to_string().as_bytes()),
    ];
    for (status, answer) in imports {
        assert_eq!((status, &answer["status"], members(&answer)), (202, &json!("accepted"), 2), "{answer}");
        assert!(answer["message_uid"].as_str().is_some_and(|uid| !uid.is_empty()), "{answer}");
    }
    integration.front.wait_for(|state| state.messages().count() == 4);
}
