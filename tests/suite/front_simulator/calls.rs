//! Tests the calls of channels to Front: imports, failures, states, tokens and rate limits.

use std::time::{Duration, UNIX_EPOCH};

use frontgate_tests::Front;
use frontgate_tests::front::{Authorization, Call, Draft, Duplicate, MessageState, token};
use serde_json::{Value, json};

use super::{KIM, LEE, connected, fine, imported, inbound, kinds, soon};

#[test]
fn calls_need_a_token_of_at_most_thirty_seconds() {
    let (front, client, _) = connected(fine);
    let other = front.connect(&front.channel(&client.channel).server_url).expect("it is connected");
    let (path, body) = (client.path("/inbound_messages"), inbound("conv-1", "1", "Hello").to_string());
    let with = |token: &str| {
        let headers = [("authorization", token), ("content-type", "application/json")];
        let headers = if token.is_empty() { &headers[1..] } else { &headers[..] };
        client.send("POST", &path, headers, body.as_bytes()).expect("an answer")
    };
    let refused = [
        String::new(),
        token(Front::APP, Front::SECRET, &client.channel, soon(29)),
        format!("Bearer {}", token(Front::APP, Front::SECRET, &client.channel, soon(40))),
        format!("Bearer {}", token(Front::APP, Front::SECRET, &client.channel, soon(0) - 1)),
        format!("Bearer {}", token(Front::APP, "another secret", &client.channel, soon(29))),
        format!("Bearer {}", token("another-app", Front::SECRET, &client.channel, soon(29))),
        format!("Bearer {}", token(Front::APP, Front::SECRET, &other, soon(29))),
    ];
    for token in refused {
        let reply = with(&token);
        assert_eq!((reply.status, &reply.json["_error"]["status"]), (401, &401.into()), "{token}");
    }
    assert_eq!(with(&client.token()).status, 202);
    let requests = front.requests();
    assert_eq!(requests[0].authorization, Authorization::Missing);
    assert!(requests[1..7].iter().all(|request| matches!(request.authorization, Authorization::Wrong(_))));
    assert_eq!(requests[1].answer["_error"]["message"], "JSON web token is invalid: not a Bearer token");
    assert_eq!(
        (requests[7].jti().map(str::len), requests.iter().filter(|request| request.acted).count()),
        (Some(32), 1)
    );
}

#[test]
fn an_import_is_accepted_and_notified_later() {
    let (front, client, got) = connected(fine);
    front.import_delay(Duration::from_secs(3600));
    let body = json!({
        "sender": { "handle": LEE, "name": "Lee", "email": "lee@example.org" },
        "subject": "Parcel",
        "body": "<p>Where?</p>",
        "metadata": {
            "external_id": "1", "external_conversation_id": "conv-1", "referenced_message_external_id": "0"
        },
        "delivered_at": 1_700_000_000,
    });
    let slow = client.call("POST", &client.path("/inbound_messages"), &body).expect("an answer");
    let uid = |reply: &super::Reply| reply.json["message_uid"].as_str().unwrap_or_default().to_owned();
    assert_eq!((slow.status, &slow.json["status"], uid(&slow).len()), (202, &"accepted".into(), 32));
    assert_eq!(client.get(&format!("/messages/alt:uid:{}", uid(&slow))).status, 404, "it is not there yet");
    assert_eq!(front.conversation("conv-1").messages[0].state, MessageState::Accepted);

    front.import_delay(Duration::ZERO);
    let conversation = imported(&front, &client, "conv-1", "2", "Hello?");
    let told = got.lock()[1].json();
    let payload = &told["payload"];
    assert_eq!(
        (&told["type"], &payload["is_inbound"], &payload["author"]),
        (&"message_imported".into(), &true.into(), &Value::Null)
    );
    assert_eq!(told["metadata"]["external_conversation_ids"], json!(["conv-1"]));
    let fetched = client.get(&format!("/messages/alt:uid:{}", payload["message_uid"].as_str().unwrap_or_default()));
    assert_eq!((fetched.status, &fetched.json), (200, payload));
    let messages = front.conversation(&conversation).messages;
    let then = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert_eq!((messages[0].created(), messages[0].referenced.as_deref()), (then, Some("0")));
    assert_eq!((messages[1].state.clone(), messages[1].external_id.as_deref()), (MessageState::Imported, Some("2")));
    let known = client.get(&format!("/conversations/{conversation}")).json;
    assert_eq!(
        (&known["metadata"]["external_conversation_ids"], &known["status"]),
        (&json!(["conv-1"]), &"unassigned".into())
    );
    let contact = front.look(|state| state.contact(LEE).cloned()).expect("a contact");
    assert_eq!((contact.name.as_deref(), contact.email.as_deref()), (Some("Lee"), Some("lee@example.org")));
    assert_eq!(kinds(&front), ["authorization", "message_imported"]);
}

#[test]
fn messages_of_the_company_are_imported_as_well() {
    let (front, client, _) = connected(fine);
    let path = client.path("/outbound_messages");
    let body = json!({
        "to": [{ "handle": LEE, "email": "lee@example.org" }, { "handle": KIM }],
        "sender_name": "Bo",
        "author_id": front.teammate("bo@acme.example").id,
        "body": "On its way",
        "metadata": { "external_id": "1", "external_conversation_id": "conv-1" },
    });
    assert_eq!(client.call("POST", &path, &body).expect("an answer").status, 202);
    front.wait_for(|state| state.hooks().len() == 2);
    let message = front.conversation("conv-1").messages[0].clone();
    assert_eq!((message.is_inbound, message.to()), (false, vec![LEE, KIM]));
    assert_eq!(message.author.map(|author| author.email).as_deref(), Some("bo@acme.example"));
    let alias = format!("/channels/alt:address:{}/inbound_messages", front.channel(&client.channel).address);
    let mut joined = inbound("conv-2", "2", "It is me");
    joined["sender"] = json!({ "handle": "another handle", "email": "lee@example.org" });
    assert_eq!(client.call("POST", &alias, &joined).expect("an answer").status, 202);
    let handles = front.look(|state| state.contact(LEE).map(|contact| contact.handles.clone()));
    assert_eq!(handles.expect("a contact"), [LEE, "another handle"]);
}

#[test]
fn invalid_imports_are_rejected_as_by_front() {
    let (front, client, _) = connected(fine);
    let long = "ü".repeat(201);
    let with = |pointer: &str, value: Value| {
        let mut body = inbound("conv-1", "1", "Hello");
        *body.pointer_mut(pointer).expect("a field") = value;
        body
    };
    let table = [
        ("inbound", with("/sender/handle", Value::Null), "body.sender.handle: missing"),
        ("inbound", with("/sender", json!("Lee")), "body.sender.handle: missing"),
        ("inbound", with("/sender/name", json!(7)), "body.sender.name: not a string"),
        ("inbound", with("/body", Value::Null), "body.body: missing"),
        ("inbound", with("/body", json!(" \n")), "body.body: blank"),
        ("inbound", with("/metadata/external_id", json!(7)), "body.metadata.external_id: not a string"),
        (
            "inbound",
            with("/metadata/external_id", json!(long)),
            "body.metadata.external_id: longer than 200 characters",
        ),
        (
            "inbound",
            with("/metadata", json!({ "external_id": "1" })),
            "body.metadata.external_conversation_id: missing",
        ),
        ("outbound", with("/body", json!("Hello")), "body.to: not an array of recipients"),
        ("inbound", json!([1]), "body: not an object"),
    ];
    for (direction, body, detail) in table {
        let reply = client.call("POST", &client.path(&format!("/{direction}_messages")), &body).expect("an answer");
        let error = &reply.json["_error"];
        assert_eq!((reply.status, &error["status"], &error["title"]), (400, &400.into(), &"Bad request".into()));
        assert_eq!(error["details"][0], detail);
    }
    let mut late = inbound("conv-1", "1", "Hello");
    late["delivered_at"] = json!(1_700_000_000.5);
    assert_eq!(client.call("POST", &client.path("/inbound_messages"), &late).expect("an answer").status, 400);
    let fits = with("/metadata/external_id", json!("ü".repeat(200)));
    assert_eq!(client.call("POST", &client.path("/inbound_messages"), &fits).expect("an answer").status, 202);
    for path in ["/message_status", "/conversations/conv-1/messages/1"] {
        assert_eq!(client.call("PUT", &client.path(path), &json!({})).expect("an answer").status, 404);
    }
    assert_eq!(front.requests().iter().filter(|request| request.acted).count(), 1);
}

#[test]
fn fields_that_are_not_published_are_rejected() {
    let (_front, client, _) = connected(fine);
    let with = |pointer: &str, name: &str| {
        let mut body = inbound("conv-1", "1", "Hello");
        body.pointer_mut(pointer).expect("an object")[name] = json!("x");
        body
    };
    let status = |rest: &str, method: &str, body: &Value| {
        let reply = client.call(method, &client.path(rest), body).expect("an answer");
        (reply.status, reply.json["_error"]["details"][0].clone())
    };
    for (pointer, name, field) in [
        ("", "body_format", "body.body_format"),
        ("", "author_id", "body.author_id"),
        ("/metadata", "thread_ref", "body.metadata.thread_ref"),
        ("/sender", "role", "body.sender.role"),
    ] {
        let refused = status("/inbound_messages", "POST", &with(pointer, name));
        assert_eq!(refused, (400, format!("{field}: unknown field").into()));
    }
    assert_eq!(status("", "PATCH", &json!({ "status": "ok", "reason": "x" })).0, 400);
    let mut agent = json!({ "to": [{ "handle": LEE }], "body": "Hello", "author_id": "tea_none" });
    agent["metadata"] = inbound("conv-1", "1", "Hello")["metadata"].clone();
    let refused = status("/outbound_messages", "POST", &agent);
    assert_eq!(refused, (400, "body.author_id: unknown teammate".into()));
}

#[test]
fn a_failed_message_reopens_its_conversation() {
    let (front, client, _) = connected(|got| match got.kind().as_str() {
        "message" => Some((200, super::success("a/b 1", "conv é/1").to_string())),
        _ => fine(got),
    });
    let sent = front.send(&client.channel, Draft::new("Hello").to(LEE));
    assert!(!front.conversation(&sent.conversation).is_open);
    imported(&front, &client, "conv é/1", "in", "Hello?");
    let (thread, id) = ("conv%20%C3%A9%2F1", "a%2Fb%201");
    assert_eq!(
        [client.fail(thread, "in", "no"), client.fail(thread, "2", "no"), client.fail("conv-2", id, "no")],
        [400, 404, 404]
    );
    let path = client.path(&format!("/conversations/{thread}/messages/{id}/status"));
    assert_eq!(client.call("PUT", &path, &json!({ "status": "delivered" })).expect("an answer").status, 400);
    assert_eq!(client.fail(thread, id, "landline"), 204);
    assert_eq!(front.message(&sent.message).state, MessageState::Failed(Some("landline".to_owned())));
    assert!(front.conversation(&sent.conversation).is_open);
    let acted = front.requests().into_iter().filter(|request| request.acted && request.call == Call::MessageStatus);
    assert_eq!(acted.map(|request| request.body["reason"].clone()).collect::<Vec<_>>(), ["landline"]);
}

#[test]
fn a_channel_reports_its_status() {
    let (front, client, _) = connected(fine);
    let patch =
        |status: &str| client.call("PATCH", &client.path(""), &json!({ "status": status })).expect("an answer").status;
    let states =
        ["offline", "ok", "offline", "broken"].map(|status| (patch(status), front.channel(&client.channel).is_online));
    assert_eq!(states, [(204, false), (204, true), (204, false), (400, false)]);
}

#[test]
fn a_duplicate_external_id_is_recorded() {
    let (front, client, _) = connected(fine);
    let first = imported(&front, &client, "conv-1", "1", "Hello");
    let again = client.import("conv-1", "1", "Hello").expect("an answer");
    front.wait_for(|state| state.hooks().len() == 3);
    let messages = front.conversation(&first).messages;
    assert_eq!((again.status, messages.len()), (202, 2), "nothing promises otherwise");
    let duplicate = |second: Option<&str>| Duplicate {
        channel: client.channel.clone(),
        external_id: "1".to_owned(),
        first: messages[0].id.clone(),
        second: second.map(ToOwned::to_owned),
    };
    front.dedup(true);
    let dropped = client.import("conv-1", "1", "Hello").expect("an answer");
    assert_eq!((dropped.status, &dropped.json["message_uid"]), (202, &messages[0].uid.as_str().into()));
    assert_eq!(front.duplicates(), [duplicate(Some(&messages[1].id)), duplicate(None)]);
    // If a sent message is imported as a new one, it is a duplicate as well.
    front.dedup(false);
    let sent = front.reply(&first, "On its way");
    let mut echo = inbound("conv-1", sent.ids().0, "On its way");
    echo.as_object_mut().expect("an object").remove("sender");
    echo["to"] = json!([{ "handle": LEE }]);
    assert_eq!(client.call("POST", &client.path("/outbound_messages"), &echo).expect("an answer").status, 202);
    assert_eq!(front.duplicates().last().map(|known| known.first.clone()), Some(sent.message));
}

#[test]
fn rate_limits_return_the_time_to_retry() {
    let (front, client, _) = connected(fine);
    front.budget(2, Duration::from_secs(60));
    let limits = |reply: &super::Reply| {
        ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| reply.header(name).unwrap_or_default().to_owned())
    };
    let first = client.import("conv-1", "1", "Hello").expect("an answer");
    assert_eq!((first.status, limits(&first)), (202, ["2", "1"].map(ToOwned::to_owned)));
    let reset: u64 = first.header("x-ratelimit-reset").and_then(|text| text.parse().ok()).expect("a time");
    assert!((soon(0)..=soon(61)).contains(&reset), "{reset}");

    front.burst(0);
    let burst = client.import("conv-1", "2", "Hello").expect("an answer");
    assert_eq!((burst.status, burst.header("retry-after"), limits(&burst)[1].as_str()), (429, Some("1"), "1"));
    let message = burst.json["_error"]["message"].as_str().unwrap_or_default();
    let millis = message.split_once("retry in ").and_then(|(_, rest)| rest.strip_suffix(" milliseconds"));
    let millis: Option<u64> = millis.and_then(|millis| millis.parse().ok());
    assert!(burst.header("x-front-tier").is_some() && millis.is_some_and(|millis| (1..=1000).contains(&millis)));

    front.burst(5);
    assert_eq!(client.import("conv-1", "3", "Hello").expect("an answer").status, 202);
    let spent = client.import("conv-1", "4", "Hello").expect("an answer");
    let retry: u64 = spent.header("retry-after").and_then(|text| text.parse().ok()).expect("a time");
    assert!((1..=60).contains(&retry) && spent.header("x-front-tier").is_none(), "{retry}");
    assert_eq!((spent.status, limits(&spent)[1].as_str(), front.limited()), (429, "0", 2));
    assert_eq!(front.look(|state| state.messages().count()), 2);
    let unauthorized = client.send("POST", "/channels/cha_1/inbound_messages", &[], &[]).expect("an answer");
    assert_eq!((unauthorized.status, limits(&unauthorized)[0].as_str()), (401, "2"));
}
