//! Tests files: upload, attachment, files of customers, download.

use frontgate_tests::{Twilio, digest};
use serde_json::Value;

use super::{ANA, CUSTOMER, Client, KEY, NUMBER, events, fine, messages, pointed, twilio};

fn folder() -> String {
    format!("/v1/Services/{}/Media", Twilio::SERVICE_SID)
}

fn upload(client: &Client, query: &str, content_type: &str, bytes: &[u8]) -> (u16, Value) {
    let mut request = client.agent.post(format!("{}{}{query}", client.url, folder()));
    for (name, value) in &client.headers {
        request = request.header(*name, value);
    }
    let mut response = request.header("content-type", content_type).send(bytes).expect("an answer");
    let text = response.body_mut().read_to_string().expect("a text");
    (response.status().as_u16(), serde_json::from_str(&text).expect("JSON"))
}

/// Fetches a URL, and returns status, media type, location and bytes.
fn fetch(client: &Client, url: &str) -> (u16, String, String, Vec<u8>) {
    let mut request = client.agent.get(if url.starts_with("http") { url.to_owned() } else { client.url.clone() + url });
    for (name, value) in &client.headers {
        request = request.header(*name, value);
    }
    let mut response = request.call().expect("an answer");
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, location) = (header("content-type").to_owned(), header("location").to_owned());
    let bytes = response.body_mut().with_config().limit(1 << 26).read_to_vec().expect("the bytes");
    (response.status().as_u16(), kind, location, bytes)
}

#[test]
fn a_large_file_is_downloaded_from_a_url_without_credentials() {
    let (twilio, client) = twilio();
    let stranger = Client { headers: Vec::new(), ..client.clone() };
    let bytes: Vec<u8> = (0..24_u32 << 20).map(|at| (at % 251) as u8).collect();
    let (status, stored) = upload(&client, "?Filename=label%201.pdf", "application/pdf", &bytes);
    assert_eq!((status, &stored["size"], &stored["filename"]), (201, &bytes.len().into(), &"label 1.pdf".into()));
    assert_eq!(stored["content_type"], "application/pdf");
    let sid = stored["sid"].as_str().expect("a SID");
    assert_eq!(fetch(&client, &format!("{}/{sid}", folder())).0, 200);
    assert_eq!(stored["links"]["content"], format!("{}/{sid}/Content", folder()));
    assert!(twilio.media(sid) == bytes);

    let content = stored["links"]["content"].as_str().expect("a path");
    assert_eq!(fetch(&stranger, content).0, 401);
    let (status, _, location, _) = fetch(&client, content);
    assert_eq!((status, Some(location.as_str())), (307, stored["links"]["content_direct_temporary"].as_str()));
    assert!(location.starts_with(twilio.storage_url()) && !location.starts_with(twilio.url()), "{location}");
    assert_eq!(fetch(&client, &location).0, 403, "a signed URL and credentials are too much");
    assert_eq!(fetch(&stranger, location.split('?').next().expect("a URL")).0, 403);
    let (status, kind, _, came) = fetch(&stranger, &location);
    assert_eq!((status, kind.as_str()), (200, "application/pdf"));
    assert!(came == bytes);

    let conversation = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let (status, message) = client.post(&messages(&conversation), &[("Body", "Here"), ("MediaSid", sid)]);
    assert_eq!((status, &message["media"][0]["sid"]), (201, &sid.into()));
    let media = twilio.conversation(&conversation).messages[1].media[0].clone();
    assert_eq!((media.size, media.sha256), (bytes.len(), digest(&bytes)));
    assert_eq!(twilio.requests()[0].size, bytes.len());
}

#[test]
fn uploads_need_credentials_and_accept_any_type() {
    let (twilio, client) = twilio();
    let stranger = Client { headers: Vec::new(), ..client.clone() };
    assert_eq!(upload(&stranger, "", "image/png", b"x").0, 401);
    assert_eq!(upload(&client, "", "image/png", b"").0, 400);
    let (status, stored) = upload(&client, "", "application/x-www-form-urlencoded", b"a=b");
    assert_eq!((status, &stored["size"], &stored["filename"]), (201, &3.into(), &Value::Null));
    assert_eq!(client.get(&format!("{}/ME1/Content", folder())).0, 404);
    assert_eq!(client.send("POST", "/v1/Media", &[]).map(|(status, _)| status), Ok(404), "only below a service");
    assert_eq!(twilio.take_deviations().len(), 1);
}

#[test]
fn customers_and_workers_send_files() {
    let (twilio, _) = pointed(fine);
    twilio.custom_routing(false);
    twilio.filters(&["onConversationAdd", "onMessageAdded"]);
    let client = Client::new(&twilio, KEY);
    let files: [(&str, &str, &[u8]); 2] = [("", "image/jpeg", b"a picture"), ("a.txt", "text/plain", b"a text")];
    let sid = twilio.inbound_sms_with(CUSTOMER, NUMBER, "", &files).expect("no webhook rejects it");
    assert_eq!(twilio.inbound_sms_with(CUSTOMER, NUMBER, "again", &files[..1]), Ok(sid.clone()));
    twilio.agent_writes(&sid, ANA, "", &files[1..]).expect("no webhook rejects it");
    assert_eq!(events(&twilio), ["onConversationAdd", "onMessageAdded", "onMessageAdded", "onMessageAdded"]);
    let webhooks = twilio.webhooks();
    let media = |at: usize| serde_json::from_str::<Value>(webhooks[at].field("Media").expect("files")).expect("JSON");
    assert_eq!((media(0), media(1).as_array().map(Vec::len)), (media(1), Some(2)));
    assert_eq!((&media(1)[0]["Filename"], &media(1)[0]["ContentType"]), (&Value::Null, &"image/jpeg".into()));
    assert_eq!((&media(3)[0]["Filename"], &media(3)[0]["Size"]), (&"a.txt".into(), &6.into()));
    let picture = media(1)[0]["Sid"].as_str().expect("a SID").to_owned();
    let (_, _, location, _) = fetch(&client, &format!("{}/{picture}/Content", folder()));
    let stranger = Client { headers: Vec::new(), ..client };
    assert_eq!(fetch(&stranger, &location), (200, "image/jpeg".to_owned(), String::new(), b"a picture".to_vec()));
    let kept = twilio.conversation(&sid).messages;
    assert_eq!(kept.iter().map(|message| message.media.len()).collect::<Vec<_>>(), [2, 1, 1]);
}
