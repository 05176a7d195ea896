//! The simulator of WhatsApp as a program: its control API plays a customer, and it rejects what Meta does not document.

use frontgate_tests::whatsapp::Call;
use frontgate_tests::{WhatsApp, post};
use serde_json::{Value, json};

use super::Team;

/// Sends a request to the API of a simulator, and returns the status and Meta's code.
fn send(whatsapp: &WhatsApp, body: &Value) -> (u16, u64) {
    let address = whatsapp.url().trim_start_matches("http://").parse().expect("an address");
    let token = format!("Bearer {}", WhatsApp::TOKEN);
    let path = format!("/v23.0/{}/messages", WhatsApp::NUMBER_ID);
    let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
    let answer = post(address, &path, &headers, body.to_string().as_bytes());
    (answer.status, answer.json["error"]["code"].as_u64().unwrap_or_default())
}

#[test]
fn the_simulator_rejects_what_meta_does_not_document() {
    let whatsapp = WhatsApp::start();
    let text =
        json!({ "messaging_product": "whatsapp", "to": "15550100001", "type": "text", "text": { "body": "Hello" } });
    assert_eq!(send(&whatsapp, &text), (200, 0));
    let with = |name: &str, value: Value| {
        let mut body = text.clone();
        body[name] = value;
        body
    };
    let table = [
        (with("idempotency_key", "1".into()), (400, 100)),
        (with("text", json!({ "body": "Hello", "html": "Hello" })), (400, 100)),
        (with("text", json!({ "body": "a".repeat(4097) })), (400, 100)),
        (with("biz_opaque_callback_data", "a".repeat(513).into()), (400, 100)),
        (with("to", "Mora".into()), (400, 131_009)),
        (with("type", "order".into()), (400, 131_051)),
    ];
    for (body, want) in table {
        assert_eq!(send(&whatsapp, &body), want, "{body}");
    }
    assert_eq!((whatsapp.messages().len(), whatsapp.count(Call::Send)), (1, 7));
}

#[test]
fn the_plugin_sends_nothing_that_the_simulator_rejects() {
    let team = Team::new();
    let conversation = team.receive(crate::channels::LEE, "planted question");
    let text = "planted words ".repeat(400);
    team.front.reply(&conversation, text.as_str()).ids();
    let sent = team.texts_to(crate::channels::LEE);
    assert_eq!((sent.len(), sent.join(" ")), (2, text.trim().to_owned()));
}
