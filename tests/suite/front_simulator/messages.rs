//! Tests messages of teammates, the effects of responses, and conversations.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use frontgate_tests::front::{Draft, Duplicate, MessageState};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Got, KIM, LEE, connected, fine, imported, serve, success};

#[test]
fn a_message_has_every_field() {
    let (front, client, got) = connected(fine);
    let conversation = imported(&front, &client, "conv-77", "1", "Where is it?");
    let draft = Draft::new("It left <today>.\nYes.").subject("Parcel").attach("label.pdf", "application/pdf", "%PDF");
    let sent = front.reply(&conversation, draft);
    assert_eq!(sent.ids(), (format!("gw-{}", sent.message).as_str(), "conv-77"));
    let body = got.lock()[2].json();
    let (payload, base) = (&body["payload"], front.url());
    let names: Vec<_> = payload.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let expected = "_links id message_uid type is_inbound draft_mode is_draft error_type version created_at subject \
                    blurb body text author recipients attachments signature metadata";
    assert_eq!(names.join(" "), expected);
    let first = front.conversation("conv-77").messages[0].id.clone();
    let links = json!({
        "self": format!("{base}/messages/{}", sent.message),
        "related": {
            "conversation": format!("{base}/conversations/{conversation}"),
            "message_replied_to": format!("{base}/messages/{first}"),
        },
    });
    assert_eq!(payload["_links"], links);
    assert_eq!(payload["body"], "<p>It left &lt;today&gt;.<br>Yes.</p>");
    let words = ["id", "type", "text", "subject"].map(|name| payload[name].as_str().unwrap_or_default());
    assert_eq!(words, [&sent.message, "custom", "It left <today>.\nYes.", "Parcel"]);
    assert_eq!((&payload["author"]["email"], &payload["author"]["type"]), (&"ana@acme.example".into(), &"user".into()));
    let recipients = payload["recipients"].as_array().expect("recipients");
    let roles: Vec<_> = recipients.iter().map(|known| (known["role"].as_str(), known["handle"].as_str())).collect();
    assert_eq!(roles, [(Some("to"), Some(LEE)), (Some("from"), Some("ana@acme.example"))]);
    assert_eq!((&recipients[0]["name"], &recipients[1]["name"]), (&"Lee".into(), &Value::Null));
    let file = &payload["attachments"][0];
    let url = format!("{base}/messages/{}/download/{}", sent.message, file["id"].as_str().unwrap_or_default());
    assert_eq!((&file["url"], &file["size"], &file["metadata"]["is_inline"]), (&url.into(), &4.into(), &false.into()));
    let metadata = json!({ "external_conversation_id": "conv-77", "external_conversation_ids": ["conv-77"] });
    assert_eq!(body["metadata"], metadata);
}

#[test]
fn drafts_set_each_field_of_a_message() {
    let (front, client, got) = connected(fine);
    let draft = Draft::new("").to(LEE).to(KIM).recipient("cc", "+15550100003").without_author();
    let sent = front.send(&client.channel, draft.attach_generated("scan.bin", "application/octet-stream", 100_000));
    let strange = Draft::new("plain").html("<b>bold</b>").author("bo@acme.example").to(LEE).edit(|request| {
        request["payload"]["unheard_of"] = json!([1]);
        request.as_object_mut().expect("an object").remove("metadata");
    });
    front.send(&client.channel, strange).ids();
    let bodies: Vec<_> = got.lock()[1..].iter().map(Got::json).collect();
    let [file_only, strange] = [&bodies[0], &bodies[1]];
    assert_eq!(
        (&file_only["payload"]["body"], &file_only["payload"]["author"]),
        (&"<p>Attachment</p>".into(), &Value::Null)
    );
    assert_eq!(file_only["payload"]["attachments"][0]["size"], 100_000);
    assert_eq!(file_only["metadata"], json!({ "external_conversation_ids": [] }), "it is a new conversation");
    assert_eq!(front.message(&sent.message).to(), [LEE, KIM]);
    assert_eq!((&strange["payload"]["body"], &strange["payload"]["unheard_of"]), (&"<b>bold</b>".into(), &json!([1])));
    assert_eq!((strange.get("metadata"), &strange["payload"]["author"]["username"]), (None, &"bo".into()));
    assert!(strange["payload"]["_links"]["related"].get("message_replied_to").is_none());
}

#[test]
fn any_other_answer_shows_the_teammate_an_error() {
    let exact = success("1", "conv-1").to_string();
    let table = [
        (202, exact.clone(), "the status is 202"),
        (500, exact.clone(), "the status is 500"),
        (307, exact.clone(), "the status is 307"),
        (200, "OK".to_owned(), "the answer is not JSON"),
        (200, json!({ "type": "bad_request", "message": "no" }).to_string(), "type is not success"),
        (200, json!({ "type": "success", "external_id": "1" }).to_string(), "external_conversation_id is missing"),
        (200, exact.replace("\"1\"", "1"), "external_id is missing"),
        (200, exact.replace("conv-1", ""), "external_conversation_id is missing"),
        (200, exact.replace('}', ",\"more\":1}"), "there are other keys"),
    ];
    for (status, body, why) in table {
        let (front, client, _) = connected(move |got| match got.kind().as_str() {
            "message" => Some((status, body.clone())),
            _ => fine(got),
        });
        let sent = front.send(&client.channel, Draft::new("Hello").to(LEE));
        let error = sent.outcome.expect_err("it is not what Front asks for");
        assert!(error.starts_with(why), "{error}");
        assert_eq!(front.message(&sent.message).state, MessageState::Unresponsive(error.clone()));
        assert_eq!(front.hooks()[1].error, Some(error));
    }
}

#[test]
fn an_answer_after_the_deadline_is_ignored() {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let (front, client, _) = connected(move |got| match got.kind().as_str() {
        "message" => released.lock().recv().ok().and_then(|()| fine(got)),
        _ => fine(got),
    });
    front.deadline(Duration::from_millis(50));
    let sent = front.send(&client.channel, Draft::new("Hello").to(LEE));
    let fired = front.hooks()[1].clone();
    assert_eq!((fired.late, fired.status, sent.outcome.is_err()), (true, None, true));
    front.deadline(Duration::from_secs(60));
    let message = front.begin_reply(&sent.conversation, Draft::new("Hello?").to(LEE));
    assert_eq!(front.message(&message).state, MessageState::Sending);
    for () in [(), ()] {
        release.send(()).expect("the server waits");
    }
    front.wait_for(|state| state.message(&message).is_some_and(|known| known.state == MessageState::Sent));
    let states: Vec<_> = front.conversation(&sent.conversation).messages.into_iter().map(|known| known.state).collect();
    assert!(matches!(states.as_slice(), [MessageState::Unresponsive(_), MessageState::Sent]), "{states:?}");
}

#[test]
fn a_server_that_was_down_is_found_at_its_new_address() {
    let (front, client, _) = connected(fine);
    front.point_at("127.0.0.1:1".parse().expect("an address"));
    let sent = front.send(&client.channel, Draft::new("Hello").to(LEE));
    assert!(sent.outcome.is_err() && front.hooks()[1].unreachable);
    let (url, got) = serve(fine);
    front.point_at(url.trim_start_matches("http://").parse().expect("an address"));
    let again = front.resend(&sent.message);
    assert_eq!(
        (again.message.as_str(), again.ids().0),
        (sent.message.as_str(), format!("gw-{}", sent.message).as_str())
    );
    assert_eq!(front.message(&sent.message).state, MessageState::Sent);
    let host = front.channel(&client.channel).server_url;
    assert_eq!(got.lock()[0].header("host"), host.strip_prefix("http://"));
}

#[test]
fn the_id_in_the_answer_selects_the_conversation() {
    let thread = Arc::new(Mutex::new("conv-1"));
    let (told, number) = (Arc::clone(&thread), Mutex::new(0));
    let (front, client, _) = connected(move |got| match got.kind().as_str() {
        "message" => {
            let mut number = number.lock();
            *number += 1;
            Some((200, success(&number.to_string(), *told.lock()).to_string()))
        }
        _ => fine(got),
    });
    let name = |id| *thread.lock() = id;
    let first = front.send(&client.channel, Draft::new("one").to(LEE));
    assert_eq!(front.conversation("conv-1").id, first.conversation);
    front.reply(&first.conversation, "two");
    // If the response names a known conversation, the new conversation is merged into it.
    let joined = front.send(&client.channel, Draft::new("three").to(LEE));
    assert_eq!(joined.conversation, first.conversation);
    name("conv-2");
    let strayed = front.reply(&first.conversation, "four");
    assert_eq!(front.conversation("conv-1").texts(), ["one", "two", "three"]);
    assert_eq!(
        (front.conversation("conv-2").texts(), front.conversation("conv-2").id),
        (vec!["four"], strayed.conversation)
    );
    assert!(front.conversations().iter().all(|conversation| !conversation.is_open), "an answer archives");
}

#[test]
fn merged_conversations_keep_all_ids() {
    let (front, client, got) = connected(fine);
    let [first, second] = ["conv-1", "conv-2"].map(|thread| imported(&front, &client, thread, thread, thread));
    let other = imported(&front, &client, "conv-3", "3", "three");
    front.merge(&first, &second);
    front.merge(&other, &first);
    let merged = front.conversation(&second);
    assert_eq!((merged.id.as_str(), front.conversation("conv-1").id.as_str()), (other.as_str(), other.as_str()));
    assert_eq!(merged.external_ids, ["conv-3", "conv-1", "conv-2"]);
    assert_eq!(merged.texts(), ["conv-1", "conv-2", "three"], "in the order of their times");
    assert_eq!(front.reply(&second, "to all").conversation, other);
    assert_eq!(imported(&front, &client, "conv-2", "4", "four"), other);
    let got = got.lock();
    let ids = json!({
        "external_conversation_id": "conv-3", "external_conversation_ids": ["conv-3", "conv-1", "conv-2"]
    });
    let metadata: Vec<_> = got.iter().rev().take(2).map(|got| got.json()["metadata"].clone()).collect();
    assert_eq!(metadata, [ids.clone(), ids]);
}

#[test]
fn a_resent_message_keeps_its_id_and_duplicates_are_recorded() {
    let (front, client, got) = connected(|got| match got.kind().as_str() {
        "message" => Some((200, success("always the same", "conv-1").to_string())),
        _ => fine(got),
    });
    let sent = front.send(&client.channel, Draft::new("one").to(LEE));
    assert_eq!(front.resend(&sent.message).ids(), sent.ids());
    assert_eq!(front.duplicates(), []);
    let ids: Vec<_> = got.lock()[1..].iter().map(|got| got.json()["payload"]["id"].clone()).collect();
    assert_eq!(ids, [sent.message.as_str(), &sent.message]);
    let again = front.reply(&sent.conversation, "two");
    let duplicate = Duplicate {
        channel: client.channel,
        external_id: "always the same".to_owned(),
        first: sent.message,
        second: Some(again.message),
    };
    assert_eq!(front.duplicates(), [duplicate]);
}
