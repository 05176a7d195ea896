mod anything;

use serde_json::json;

use super::*;
use crate::signature::{Key, Keys, SignedRequest, WINDOW_MS};

fn decoded(body: &Value) -> Decoded {
    decode_stored(body.to_string().as_bytes()).expect("readable")
}

fn message(body: &Value) -> Message {
    let ChannelRequest::Message(message) = decoded(body).request else { panic!("no message: {body}") };
    *message
}

/// Decodes a request with a signed and a received body.
fn signed(is_delete: bool, signed: &[u8], body: &[u8]) -> Result<Decoded, Unreadable> {
    let keys = Keys::new(vec![Key::new("k", "secret")], WINDOW_MS);
    let signature = keys.sign("1700000000123", signed).expect("a key");
    let request = SignedRequest { is_delete, timestamp: Some("1700000000123"), signature: Some(&signature), body };
    decode(&keys.verify(&request, 1_700_000_000_123).expect("signed"))
}

fn party(handle: &str, name: Option<&str>) -> Party {
    Party { handle: handle.to_owned(), name: name.map(str::to_owned), email: None }
}

/// Returns a message with every known field.
fn whole() -> Value {
    json!({
        "type": "message",
        "payload": {
            "_links": {
                "self": "https://acme.api.frontapp.com/messages/msg_aa1",
                "related": {
                    "conversation": "https://acme.api.frontapp.com/conversations/cnv_bb2",
                    "message_replied_to": "https://acme.api.frontapp.com/messages/msg_aa0?x=1",
                },
            },
            "id": "msg_aa1", "message_uid": "9f3c", "type": "custom", "is_inbound": false, "draft_mode": null,
            "created_at": 1_700_000_000.123, "subject": "", "blurb": "Your parcel left",
            "body": "<p>Your parcel left today.</p>", "text": "Your parcel left today.",
            "author": {"id": "tea_cc3", "email": "ana@acme.example", "username": "ana", "first_name": "Ana",
                       "last_name": "Ruiz", "is_admin": false, "type": "user"},
            "recipients": [
                {"_links": {"related": {"contact": null}}, "name": "Lee", "handle": "+15550199", "role": "to"},
                {"name": null, "handle": "+15550198", "role": "to"},
                {"name": "Lee again", "handle": "+15550199", "role": "to"},
                {"name": null, "handle": "ana@acme.example", "role": "from"},
            ],
            "attachments": [
                {"id": "fil_ee5", "filename": "label.pdf", "content_type": "application/pdf", "size": 40213,
                 "url": "https://acme.api.frontapp.com/messages/msg_aa1/download/fil_ee5",
                 "metadata": {"is_inline": true, "cid": "logo"}},
            ],
            "signature": null, "metadata": {"headers": {"in_reply_to": "conv-77"}},
        },
        "metadata": {"external_conversation_id": "conv-12", "external_conversation_ids": ["conv-77", "conv-12"]},
    })
}

#[test]
fn a_message_is_decoded_with_all_fields() {
    let message = message(&whole());
    assert_eq!(message.kind, Kind::Message);
    assert_eq!((message.id.as_deref(), message.uid.as_deref()), (Some("msg_aa1"), Some("9f3c")));
    assert_eq!(message.front_conversation_id.as_deref(), Some("cnv_bb2"));
    assert_eq!((message.replied_to.as_deref(), message.in_reply_to.as_deref()), (Some("msg_aa0"), Some("conv-77")));
    assert_eq!(message.conversation_ids, ["conv-77", "conv-12"]);
    assert_eq!(message.to, [party("+15550199", Some("Lee")), party("+15550198", None)]);
    assert_eq!((message.recipients.len(), message.recipients[3].role.as_str()), (4, "from"));
    let author = message.author.expect("an author");
    assert_eq!((author.id.as_deref(), author.kind), (Some("tea_cc3"), AuthorKind::Teammate));
    assert_eq!((author.handle.as_deref(), author.name.as_deref()), (Some("ana@acme.example"), Some("Ana Ruiz")));
    assert_eq!((message.subject, message.created_ms), (None, Some(1_700_000_000_123)));
    assert_eq!(
        (message.text.as_str(), message.html.as_str()),
        ("Your parcel left today.", "<p>Your parcel left today.</p>")
    );
    let file = Attachment {
        id: "fil_ee5".to_owned(),
        filename: "label.pdf".to_owned(),
        url: Some("https://acme.api.frontapp.com/messages/msg_aa1/download/fil_ee5".to_owned()),
        content_type: "application/pdf".to_owned(),
        size: Some(40_213),
        is_inline: true,
        cid: Some("logo".to_owned()),
    };
    assert_eq!(message.attachments, [file]);
    assert_eq!(decoded(&whole()).raw, whole());
}

#[test]
fn every_type_of_teammate_has_a_kind() {
    let kind = |of: Value| message(&with(&whole(), "/payload/author/type", of)).author.expect("an author").kind;
    for (of, want) in [
        ("user", AuthorKind::Teammate),
        ("rule", AuthorKind::Rule),
        ("macro", AuthorKind::Macro),
        ("api", AuthorKind::Api),
        ("application", AuthorKind::Api),
        ("integration", AuthorKind::Api),
        ("ai", AuthorKind::Ai),
        ("bulk_reply", AuthorKind::Other),
        ("new", AuthorKind::Other),
    ] {
        assert_eq!(kind(json!(of)), want, "{of}");
    }
    assert_eq!(kind(Value::Null), AuthorKind::Teammate);
    assert_eq!(message(&with(&whole(), "/payload/author", Value::Null)).author, None);
}

#[test]
fn an_autoreply_has_neither_id_nor_author_nor_metadata() {
    let body = json!({"type": "message_autoreply", "payload": {
        "_links": {"related": {"message_replied_to": "https://acme.api.frontapp.com/messages/msg_aa0"}},
        "type": "auto_reply", "created_at": 1_700_000_001.5, "body": "We are closed.", "text": "We are closed.",
        "recipients": [{"handle": "+15550199", "role": "to"}], "attachments": []}});
    let closed = message(&body);
    assert_eq!((closed.kind, closed.id.as_deref()), (Kind::Autoreply, None));
    assert_eq!(closed.author, Some(Author { kind: AuthorKind::Rule, id: None, handle: None, name: None }));
    assert_eq!((closed.to.len(), closed.conversation_ids.len()), (1, 0));
    assert_eq!(closed.replied_to.as_deref(), Some("msg_aa0"));
    let other_text = message(&with(&body, "/payload/text", json!("We are open.")));
    let later = message(&with(&body, "/payload/created_at", json!(1_700_000_009)));
    assert_eq!(closed.idempotency_key("cha_1"), later.idempotency_key("cha_1"));
    assert_ne!(closed.idempotency_key("cha_1"), other_text.idempotency_key("cha_1"));
    assert_ne!(closed.idempotency_key("cha_1"), closed.idempotency_key("cha_2"));
}

/// Returns the body with another value at one pointer.
fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).expect("a place") = value;
    body
}

#[test]
fn the_id_identifies_a_message() {
    let once = message(&whole()).idempotency_key("cha_1");
    for (pointer, value) in
        [("/payload/text", json!("other")), ("/metadata", Value::Null), ("/payload/version", json!(2))]
    {
        let mut again = whole();
        again["payload"]["version"] = json!(1);
        assert_eq!(message(&with(&again, pointer, value)).idempotency_key("cha_1"), once, "{pointer}");
    }
    assert_ne!(message(&with(&whole(), "/payload/id", json!("msg_aa2"))).idempotency_key("cha_1"), once);
    assert_ne!(message(&whole()).idempotency_key("cha_2"), once);
    let nameless = with(&whole(), "/payload/id", Value::Null);
    let other = with(&nameless, "/payload/text", json!("other"));
    assert_eq!(message(&nameless).idempotency_key("cha_1"), message(&nameless).idempotency_key("cha_1"));
    assert_ne!(message(&nameless).idempotency_key("cha_1"), message(&other).idempotency_key("cha_1"));
    assert!(once.len() == 64 && once.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn text_and_html_replace_each_other() {
    let file = json!([{"id": "fil_1", "url": "https://x.example/1"}]);
    let table = [
        (json!({"text": "a < b", "body": "<p>a &lt; b</p>"}), ("a < b", "<p>a &lt; b</p>")),
        (json!({"body": "<p>a &lt; b</p><p>c</p>"}), ("a < b\nc", "<p>a &lt; b</p><p>c</p>")),
        (json!({"text": " ", "body": "plain & simple"}), ("plain & simple", "plain &amp; simple")),
        (json!({"text": "<b>no</b>", "body": "<b>no</b>\n"}), ("<b>no</b>", "&lt;b&gt;no&lt;/b&gt;")),
        (json!({"text": "a < b\nc", "body": ""}), ("a < b\nc", "a &lt; b<br>c")),
        (json!({"text": "Attachment", "body": "<p>Attachment</p>", "attachments": file}), ("", "")),
        (json!({"body": "Attachment", "attachments": file}), ("", "")),
        (json!({"text": "Attachment", "body": "Attachment"}), ("Attachment", "Attachment")),
        (json!({"text": "Attachment 2", "attachments": file}), ("Attachment 2", "Attachment 2")),
        (json!({}), ("", "")),
    ];
    for (payload, want) in table {
        let message = message(&json!({"type": "message", "payload": payload}));
        assert_eq!((message.text.as_str(), message.html.as_str()), want, "{payload}");
    }
}

#[test]
fn only_recipients_with_the_role_to_get_the_message() {
    let table = [
        (json!([{"handle": "a", "role": "To"}, {"handle": "b", "role": "cc"}, {"handle": "c"}]), vec!["a"]),
        (json!([{"handle": "a"}, {"handle": "b", "role": "from"}, {"handle": "c", "role": null}]), vec!["a", "c"]),
        (json!([{"handle": "a", "role": "from"}, {"role": "to"}, {"handle": " ", "role": "to"}]), vec![]),
    ];
    for (recipients, want) in table {
        let message = message(&json!({"type": "message", "payload": {"recipients": recipients}}));
        let handles: Vec<&str> = message.to.iter().map(|party| party.handle.as_str()).collect();
        assert_eq!(handles, want, "{recipients}");
    }
}

#[test]
fn fields_of_other_types_are_ignored() {
    let message = message(&json!({"type": "message", "payload": {
        "_links": [], "id": 12345, "created_at": "1700000000.5", "subject": {"a": 1}, "text": ["x"], "body": 7,
        "author": "Ana", "recipients": {"handle": 15_550_199, "role": null}, "metadata": 3,
        "attachments": [null, "file", {"filename": "../a\"b/c\u{7}.txt\n", "content_type": "x\ny/z", "size": "12"},
                        {"filename": "..", "size": -1, "metadata": {"is_inline": "true"}}]},
        "metadata": {"external_conversation_ids": "conv-1", "external_conversation_id": 7}}));
    assert_eq!((message.id.as_deref(), message.created_ms), (Some("12345"), Some(1_700_000_000_500)));
    assert_eq!((message.subject, message.author, message.text.as_str()), (None, None, "7"));
    assert_eq!(message.to, [party("15550199", None)]);
    assert_eq!(message.conversation_ids, ["conv-1", "7"]);
    let files: Vec<_> =
        message.attachments.iter().map(|file| (file.id.as_str(), file.filename.as_str(), file.size)).collect();
    assert_eq!(files, [("at-2", "c.txt", Some(12)), ("at-3", "attachment", None)]);
    assert!(message.attachments.iter().all(|file| file.content_type == "application/octet-stream"));
    assert_eq!(message.attachments.iter().map(|file| file.is_inline).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn every_other_request_is_decoded() {
    let table = [
        (
            json!({"type": "authorization", "payload": {"channel_id": "cha_1", "new": 1}}),
            ChannelRequest::Authorization(Authorization { channel_id: "cha_1".to_owned() }),
        ),
        (json!({"type": "list_addresses"}), ChannelRequest::ListAddresses(ListAddresses::default())),
        (
            json!({"type": "list_addresses", "payload": {"pagination": {"next_page_token": "p2"}}}),
            ChannelRequest::ListAddresses(ListAddresses { page_token: Some("p2".to_owned()) }),
        ),
        (
            json!({"type": "list_addresses", "metadata": {"page_token": "p3"}}),
            ChannelRequest::ListAddresses(ListAddresses { page_token: Some("p3".to_owned()) }),
        ),
        (json!({"type": "message_imported"}), ChannelRequest::Imported(Imported::default())),
        (
            json!({"type": "message_imported", "payload": {"id": "msg_1", "message_uid": "u1", "is_inbound": true,
                   "_links": {"related": {"conversation": "https://acme.api.frontapp.com/conversations/cnv_2/"}},
                   "metadata": {"external_id": "SM1"}}, "metadata": {"external_conversation_ids": ["a", "b", "a"]}}),
            ChannelRequest::Imported(Imported {
                message_id: Some("msg_1".to_owned()),
                message_uid: Some("u1".to_owned()),
                front_conversation_id: Some("cnv_2".to_owned()),
                external_id: Some("SM1".to_owned()),
                conversation_ids: vec!["a".to_owned(), "b".to_owned()],
                is_inbound: true,
            }),
        ),
        (json!({"type": "delete"}), ChannelRequest::Delete(Delete::default())),
        (json!({"type": "sync", "authorization": {"id": "cmp_1"}}), ChannelRequest::Unknown("sync".to_owned())),
        (json!({"type": "a\nb"}), ChannelRequest::Unknown("ab".to_owned())),
    ];
    for (body, want) in table {
        assert_eq!(decoded(&body).request, want);
    }
    for name in ["authorization", "list_addresses", "message", "message_autoreply", "message_imported", "delete", "new"]
    {
        assert_eq!(decoded(&json!({"type": name, "payload": {"channel_id": "cha_1"}})).request.name(), name);
    }
}

#[test]
fn an_invalid_request_is_rejected_with_the_reason() {
    let crowd: Vec<Value> = (0..=RECIPIENTS_MAX).map(|number| json!({"handle": number, "role": "to"})).collect();
    let files: Vec<Value> = (0..=ATTACHMENTS_MAX).map(|number| json!({"id": number})).collect();
    let table = [
        ("{\n\"a".to_owned(), Unreadable::NotJson { line: 2, column: 2 }),
        ("[]".to_owned(), Unreadable::Missing("type")),
        ("null".to_owned(), Unreadable::Missing("type")),
        (json!({"type": 5}).to_string(), Unreadable::Missing("type")),
        (
            json!({"type": "authorization", "payload": {"channel_id": " "}}).to_string(),
            Unreadable::Missing("payload.channel_id"),
        ),
        (
            json!({"type": "message", "payload": {"recipients": crowd}}).to_string(),
            Unreadable::TooMany { what: "recipients", max: RECIPIENTS_MAX },
        ),
        (
            json!({"type": "message", "payload": {"attachments": files}}).to_string(),
            Unreadable::TooMany { what: "attachments", max: ATTACHMENTS_MAX },
        ),
    ];
    for (body, want) in table {
        assert_eq!(decode_stored(body.as_bytes()).err(), Some(want));
    }
    assert!(decode_stored("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn only_the_signed_part_of_a_delete_is_used() {
    let named = br#"{"type":"delete","payload":{"channel_id":"cha_1"}}"#;
    let channel = |decoded: Result<Decoded, Unreadable>| match decoded.expect("readable").request {
        ChannelRequest::Delete(delete) => delete.channel_id,
        other => panic!("no delete: {other:?}"),
    };
    assert_eq!(channel(signed(true, named, named)), Some("cha_1".to_owned()));
    assert_eq!(channel(signed(false, named, named)), Some("cha_1".to_owned()));
    assert_eq!(channel(signed(true, b"undefined", named)), None);
    for body in [&b""[..], b"undefined", b"null", b"{}", b"not JSON"] {
        assert_eq!(channel(signed(true, body, body)), None);
    }
    let message = br#"{"type":"message","payload":{}}"#;
    assert_eq!(signed(true, message, message).err(), Some(Unreadable::NotDelete));
    assert_eq!(channel(signed(true, b"undefined", message)), None);
    assert!(signed(false, message, message).is_ok());
}
