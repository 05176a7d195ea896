//! Tests the actions of an admin, and the format of Front's requests.

use frontgate_tests::front::{Address, Connect, Draft, Farewell, Refusal, Timestamps, UNDEFINED, signature};
use frontgate_tests::{Front, digest};
use serde_json::json;

use super::{Got, LEE, connected, fine, imported, kinds, serve};

fn is_signed(got: &Got, secret: &str, signed: &str) -> bool {
    let timestamp = got.header("x-front-request-timestamp").unwrap_or_default();
    got.header("x-front-signature") == Some(&signature(secret, timestamp, signed.as_bytes()))
}

#[test]
fn a_channel_uses_the_webhook_url_of_the_server() {
    let (url, got) = serve(fine);
    let front = Front::start();
    let channel = front.connect(Connect::to(&url).token("typed").address("+15550109999")).expect("it is connected");
    let other = front.connect(&url).expect("it is connected");
    let known = front.channel(&channel);
    assert_eq!(known.webhook_url, format!("{url}/front/{channel}"));
    assert_eq!((known.address.as_str(), known.is_connected, known.is_online), ("+15550109999", true, true));
    front.send(&channel, Draft::new("Hello").to(LEE)).ids();
    front.send(&other, Draft::new("Hello").to(LEE)).ids();
    let got = got.lock();
    assert!(got.iter().all(|got| is_signed(got, Front::SECRET, &got.body)));
    assert_eq!(got[0].body, json!({ "type": "authorization", "payload": { "channel_id": channel } }).to_string());
    let seen: Vec<_> = got.iter().map(|got| (got.path.as_str(), got.header("authorization"))).collect();
    let paths = [&channel, &other].map(|channel| format!("/front/{channel}"));
    assert_eq!(seen, [("/", Some("Bearer typed")), ("/", None), (&paths[0], Some("Bearer typed")), (&paths[1], None)]);
}

#[test]
fn a_rejected_channel_has_the_reason_of_the_server() {
    let table = [
        (400, r#"{"type":"bad_request","message":"token unknown"}"#, "token unknown"),
        (200, r#"{"type":"bad_request","message":"token unknown"}"#, "token unknown"),
        (201, r#"{"type":"success","webhook_url":"https://gw.example.net/1"}"#, "the answer is 201"),
        (200, r#"{"type":"success"}"#, "webhook_url is missing"),
        (200, r#"{"type":"success","webhook_url":"/front/1"}"#, "webhook_url: "),
        (302, "", "the answer is 302"),
    ];
    for (status, body, message) in table {
        let (url, _) = serve(move |_| Some((status, body.to_owned())));
        let front = Front::start();
        let refusal = front.connect(&url).expect_err("it refuses");
        assert!(refusal.status == Some(status) && refusal.message.starts_with(message), "{refusal}");
        assert_eq!(front.look(|state| state.hooks()[0].error.clone()), Some(refusal.message));
    }
    let refusal = Front::start().connect("http://127.0.0.1:1/").expect_err("no server listens");
    assert_eq!(refusal.status, None);
}

#[test]
fn a_channel_is_reconnected_with_its_id() {
    let (front, client, got) = connected(fine);
    front.rotate_secret("another secret");
    let connect = Connect::to(&front.channel(&client.channel).server_url).field("address", "+15550109999");
    assert_eq!(front.reconnect(&client.channel, connect), Ok(client.channel.clone()));
    let got = got.lock();
    assert_eq!(got[1].json()["payload"], json!({ "channel_id": client.channel, "address": "+15550109999" }));
    assert!(is_signed(&got[0], Front::SECRET, &got[0].body) && is_signed(&got[1], "another secret", &got[1].body));
}

#[test]
fn addresses_are_listed_page_by_page() {
    let (url, got) = serve(|got| {
        let page = got.json()["payload"]["page_token"].as_str().map_or(0, |token| token.len());
        let mut body = json!({ "type": "success", "addresses": [{ "address": format!("+1{page}"), "name": "Line" }] });
        if page < 2 {
            body["pagination"] = json!({ "next_page_token": "x".repeat(page + 1) });
        }
        Some((200, body.to_string()))
    });
    let front = Front::start();
    let line = |number: &str| Address { address: number.to_owned(), name: Some("Line".to_owned()) };
    assert_eq!(front.list_addresses(&url), Ok(vec![line("+10"), line("+11"), line("+12")]));
    let bodies: Vec<_> = got.lock().iter().map(|got| got.body.clone()).collect();
    assert_eq!(bodies[0], r#"{"type":"list_addresses","payload":{}}"#);
    assert_eq!(bodies[2], r#"{"type":"list_addresses","payload":{"page_token":"xx"}}"#);
    let (url, _) = serve(|_| Some((400, r#"{"type":"bad_request","message":"not today"}"#.to_owned())));
    let refusal = Refusal { status: Some(400), message: "not today".to_owned() };
    assert_eq!(front.list_addresses(&url), Err(refusal));
}

#[test]
fn requests_are_signed_as_javascript_serializes_them() {
    let (front, client, got) = connected(fine);
    let text = "Café ☕ 👋 \u{2028} a/b \"q\"";
    front.send(&client.channel, Draft::new(text).to(LEE)).ids();
    front.timestamps(Timestamps::Seconds);
    front.send(&client.channel, Draft::new("Hello").to(LEE)).ids();
    let got = got.lock();
    assert!(got.iter().all(|got| is_signed(got, Front::SECRET, &got.body)));
    for raw in ["Café ☕ 👋 \u{2028} a/b \\\"q\\\"", r#"{"type":"message","payload":{"_links":"#] {
        assert!(got[1].body.contains(raw), "{}", got[1].body);
    }
    assert!(!got[1].body.contains("\": ") && !got[1].body.contains("\\u"), "{}", got[1].body);
    let digits = |got: &Got| got.header("x-front-request-timestamp").map(str::len);
    assert_eq!([digits(&got[1]), digits(&got[2])], [Some(13), Some(10)]);
    assert_eq!(got[1].header("content-type"), Some("application/json"));
}

#[test]
fn a_request_can_be_replayed() {
    let (front, client, got) = connected(fine);
    front.send(&client.channel, Draft::new("Hello").to(LEE)).ids();
    let fired = front.hooks()[1].clone();
    assert_eq!(front.repeat(&fired).status, Some(200));
    let strange = front.fire(&front.channel(&client.channel).webhook_url, r#"{"type":"typing","payload":{}}"#);
    assert_eq!((strange.kind.as_str(), strange.status, strange.answered()), ("typing", Some(200), json!({})));
    let got = got.lock();
    assert_eq!((&got[1].headers, &got[1].body), (&got[2].headers, &got[2].body));
    assert_eq!(kinds(&front), ["authorization", "message", "message", "typing"]);
}

#[test]
fn a_channel_is_removed_with_and_without_a_body() {
    for farewell in [Farewell::Signed, Farewell::Bodiless, Farewell::SignedAsUndefined] {
        let (front, client, got) = connected(fine);
        let fired = front.disconnect(&client.channel, farewell);
        assert_eq!((fired.method, fired.status, fired.error), ("DELETE", Some(200), None));
        let got = got.lock()[1].clone();
        let body = json!({ "type": "delete", "payload": { "channel_id": client.channel } }).to_string();
        let (sent, signed) = match farewell {
            Farewell::Signed => (body.as_str(), body.as_str()),
            Farewell::Bodiless => ("", UNDEFINED),
            Farewell::SignedAsUndefined => (body.as_str(), UNDEFINED),
        };
        assert!(is_signed(&got, Front::SECRET, signed), "{farewell:?}");
        let path = format!("/front/{}", client.channel);
        assert_eq!((got.method.as_str(), got.path, got.body.as_str()), ("DELETE", path, sent));
        assert_eq!(client.import("conv-1", "1", "Hello").expect("an answer").status, 404);
        assert!(!front.channel(&client.channel).is_connected);
    }
    let (front, client, _) =
        connected(|got| if got.method == "DELETE" { Some((500, String::new())) } else { fine(got) });
    assert!(front.disconnect(&client.channel, Farewell::Signed).error.is_some());
    assert!(!front.channel(&client.channel).is_connected, "Front removes the channel regardless");
}

#[test]
fn autoreplies_have_no_id_and_no_author() {
    let (front, client, got) = connected(fine);
    front.autoreply_rule(Some("We are closed."));
    let conversation = imported(&front, &client, "conv-1", "1", "Hello?");
    front.wait_for(|state| state.hooks().len() == 3);
    let body = got.lock()[2].json();
    let payload = &body["payload"];
    let names: Vec<_> = payload.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let expected = ["_links", "type", "is_inbound", "created_at", "body", "text", "recipients", "attachments"];
    assert_eq!((names, &payload["type"]), (expected.to_vec(), &"auto_reply".into()));
    assert_eq!((body.get("metadata"), payload["_links"].get("self")), (None, None));
    let first = front.conversation(&conversation).messages[0].id.clone();
    let replied_to = payload["_links"]["related"]["message_replied_to"].as_str().unwrap_or_default();
    assert!(replied_to.ends_with(&first), "{replied_to}");
    assert_eq!((&payload["recipients"][0]["handle"], &payload["text"]), (&LEE.into(), &"We are closed.".into()));
    // The response names another conversation, since the request names no conversation.
    assert_eq!(front.conversation("gw-autoreply").texts(), ["We are closed."]);

    front.autoreply_rule(None);
    front.autoreply_metadata(true);
    let sent = front.autoreply(&conversation, Draft::new("Later").attach("hours.txt", "text/plain", "9 to 5"));
    assert_eq!(sent.ids().1, "conv-1");
    let message = front.message(&sent.message);
    assert_eq!((message.author, message.is_autoreply), (None, true));
    assert_eq!(message.attachments[0].digest, digest(b"9 to 5"));
}
