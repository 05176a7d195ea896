//! Tests files in both directions: in the forms of imports, and in downloads.

use frontgate_tests::digest;
use frontgate_tests::front::{Action, Call, Downloads, Draft, Fault, generated};
use serde_json::json;

use super::{Client, LEE, Outcome, connected, fine, imported};

const BOUNDARY: &str = "the-boundary";

/// Encodes a form with these fields and files.
fn form(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |head: &str, content: &[u8]| {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend(content);
        body.extend(b"\r\n");
    };
    for (name, value) in fields {
        part(&format!("name=\"{name}\""), value.as_bytes());
    }
    for (name, filename, content) in files {
        part(&format!("name=\"{name}\"; filename=\"{filename}\"\r\nContent-Type: image/png"), content);
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn post(client: &Client, direction: &str, body: &[u8]) -> Outcome {
    let (token, kind) = (client.token(), format!("multipart/form-data; boundary={BOUNDARY}"));
    let headers = [("authorization", token.as_str()), ("content-type", &kind)];
    client.send("POST", &client.path(&format!("/{direction}_messages")), &headers, body)
}

#[test]
fn imports_accept_files_under_three_field_names() {
    let (front, client, _) = connected(fine);
    let fields = [
        ("sender[handle]", LEE),
        ("body", "Two pictures é"),
        ("metadata[external_id]", "1"),
        ("metadata[external_conversation_id]", "conv-1"),
        ("delivered_at", "1700000000"),
    ];
    let pictures: [&[u8]; 2] = [b"\x89PNG\r\n--the-bound", &generated(70_000)];
    for (number, names) in
        [["attachments"; 2], ["attachments[]"; 2], ["attachments[0]", "attachments[1]"]].iter().enumerate()
    {
        let files = [(names[0], "a.png", pictures[0]), (names[1], "b.png", pictures[1])];
        assert_eq!(post(&client, "inbound", &form(&fields, &files)).expect("an answer").status, 202);
        let message = front.conversation("conv-1").messages[number].clone();
        let kept: Vec<_> = message.attachments.iter().map(|file| (file.filename.as_str(), &file.digest)).collect();
        assert_eq!(kept, [("a.png", &digest(pictures[0])), ("b.png", &digest(pictures[1]))]);
        assert_eq!(
            (message.text.as_str(), message.attachments[1].content_type.as_str()),
            ("Two pictures é", "image/png")
        );
    }
    let recorded = front.requests()[0].clone();
    assert_eq!(
        (recorded.external_id(), recorded.files.len(), &recorded.body["delivered_at"]),
        (Some("1"), 2, &1_700_000_000.into())
    );
    assert_eq!(post(&client, "inbound", &form(&fields, &[("file", "a.png", b"x")])).expect("an answer").status, 400);
    assert_eq!(post(&client, "inbound", &form(&fields, &[])[40..]).expect("an answer").status, 400);
    let to = [&[("to[0][handle]", LEE), ("to[1][handle]", "+1")], &fields[1..]].concat();
    assert_eq!(post(&client, "outbound", &form(&to, &[])).expect("an answer").status, 202);
    assert_eq!(front.look(|state| state.messages().last().map(|last| last.to().len())), Some(2));
}

#[test]
fn a_request_has_a_size_limit() {
    let (front, client, _) = connected(fine);
    let fields = [
        ("sender[handle]", LEE),
        ("body", "A scan"),
        ("metadata[external_id]", "1"),
        ("metadata[external_conversation_id]", "conv-1"),
    ];
    let body = form(&fields, &[("attachments", "a.png", &generated(300_000))]);
    front.bytes_max(body.len());
    assert_eq!(post(&client, "inbound", &body).expect("an answer").status, 202);
    front.bytes_max(body.len() - 1);
    let reply = post(&client, "inbound", &body).expect("an answer");
    assert_eq!((reply.status, &reply.json["_error"]["status"]), (413, &413.into()));
}

#[test]
fn downloads_redirect_to_a_storage_that_rejects_tokens() {
    let (front, client, got) = connected(fine);
    let conversation = imported(&front, &client, "conv-1", "1", "Send it, please");
    front.reply(&conversation, Draft::new("Here").attach_generated("a scan.bin", "application/x-scan", 500_000)).ids();
    let url = got.lock()[2].json()["payload"]["attachments"][0]["url"].clone();
    let url = url.as_str().expect("a URL");
    assert_eq!(client.send("GET", url, &[], &[]).expect("an answer").status, 401);
    let other = front.connect(&front.channel(&client.channel).server_url).expect("it is connected");
    assert_eq!(Client::new(&front, &other).get(url).status, 404, "it is another channel's");

    let redirect = client.get(url);
    let location = redirect.header("location").expect("a redirect");
    assert_eq!(redirect.status, 302);
    assert!(location.starts_with(&format!("http://{}/", front.storage_address())), "{location}");
    let refused = client.send("GET", location, &[("authorization", &client.token())], &[]).expect("an answer");
    assert_eq!(refused.status, 403);
    let forged = location.replace("Signature=", "Signature=0");
    assert_eq!(client.send("GET", &forged, &[], &[]).expect("an answer").status, 403);
    let stored = client.send("GET", location, &[], &[]).expect("an answer");
    assert_eq!(
        (stored.status, stored.header("content-type"), digest(&stored.bytes)),
        (200, Some("application/x-scan"), digest(&generated(500_000)))
    );

    front.downloads(Downloads::Bytes);
    let direct = client.get(url);
    assert_eq!((direct.status, direct.bytes == stored.bytes), (200, true));
    let elsewhere = "http://10.1.2.3/a?b";
    front.downloads(Downloads::RedirectTo(elsewhere.to_owned()));
    assert_eq!(client.get(url).header("location"), Some(elsewhere));
    assert_eq!(client.get(&url.replace("/fil_", "/fil_0")).status, 404);
    let calls: Vec<_> = front.requests().iter().skip(1).map(|request| (request.call, request.acted)).collect();
    use Call::{Download, Storage};
    let expected = [
        (Download, false),
        (Download, false),
        (Download, true),
        (Storage, false),
        (Storage, false),
        (Storage, true),
        (Download, true),
        (Download, true),
        (Download, false),
    ];
    assert_eq!(calls, expected);
}

#[test]
fn a_download_fails_on_demand() {
    let (front, client, _) = connected(fine);
    let draft = Draft::new("Here").to(LEE).attach_generated("scan.bin", "application/x-scan", 500_000);
    let sent = front.send(&client.channel, draft);
    let file = front.message(&sent.message).attachments[0].id.clone();
    let location =
        client.get(&format!("/messages/{}/download/{file}", sent.message)).header("location").map(ToOwned::to_owned);
    let location = location.expect("a redirect");
    front.fault(Fault::new(Action::HalfAnAnswer).on(Call::Storage));
    front.fault(Fault::new(Action::FailBefore(503)).on(Call::Storage));
    assert!(client.send("GET", &location, &[], &[]).is_err());
    assert_eq!(client.send("GET", &location, &[], &[]).expect("an answer").status, 503);
    assert_eq!(client.send("GET", &location, &[], &[]).expect("an answer").bytes.len(), 500_000);
    assert_eq!(front.requests()[1].fault, Some(Action::HalfAnAnswer));
    assert_eq!(json!(front.requests()[2].status), 503);
}
