//! Tests templates of the simulated Front: only the published fields are accepted.

use frontgate_tests::front::Call;
use serde_json::{Value, json};

use super::{connected, fine};

fn template() -> Value {
    json!({
        "external_id": "t/1",
        "name": "order",
        "blurb": "Hello {{1}}",
        "is_disabled": false,
        "status_name": "APPROVED",
        "variable_mappings": [{ "uid": "1", "name": "Name", "type": "text" }],
        "template_preview": "<p>Hello {{1}}</p>",
    })
}

#[test]
fn a_template_is_added_and_changed() {
    let (front, client, _) = connected(fine);
    let path = client.path("/application_message_templates");
    let put = client.call("PUT", &path, &template()).expect("an answer");
    assert_eq!((put.status, &put.json), (200, &json!({ "template_id": 1 })));
    let change = json!({ "status_name": "REJECTED", "is_disabled": true });
    assert_eq!(client.call("PATCH", &format!("{path}/t%2F1"), &change).expect("an answer").status, 200);
    assert_eq!(client.call("PATCH", &format!("{path}/t2"), &change).expect("an answer").status, 404);
    let found = front.templates(&client.channel);
    assert_eq!((found.len(), found[0].blurb.as_str(), found[0].is_disabled), (1, "Hello {{1}}", true));
    assert_eq!(found[0].status_name, "REJECTED");
    assert_eq!(client.call("PUT", &path, &template()).expect("an answer").status, 200);
    assert!(!front.templates(&client.channel)[0].is_disabled);
    assert_eq!(front.requests().iter().filter(|one| one.call == Call::PutTemplate && one.acted).count(), 2);
}

#[test]
fn an_invalid_template_is_rejected() {
    let (front, client, _) = connected(fine);
    let path = client.path("/application_message_templates");
    let with = |name: &str, value: Value| {
        let mut body = template();
        body[name] = value;
        body
    };
    for (body, problem) in [
        (with("blurb", Value::Null), "body.blurb: missing"),
        (with("language", json!("en")), "body.language: unknown field"),
        (with("status_name", json!("approved")), "body.status_name: unknown status"),
        (with("is_disabled", json!("no")), "body.is_disabled: not a boolean"),
        (with("variable_mappings", json!([{ "uid": "1", "name": "a", "type": "date" }])), "body.variable_mappings"),
        (with("variable_mappings", json!([{ "uid": "1", "x": "a" }])), "body.variable_mappings.x: unknown field"),
    ] {
        let reply = client.call("PUT", &path, &body).expect("an answer");
        let details = reply.json["_error"]["details"].to_string();
        assert!(reply.status == 400 && details.contains(problem), "{problem}: {details}");
    }
    front.allow_templates(false);
    assert_eq!(client.call("PUT", &path, &template()).expect("an answer").status, 400);
    assert!(front.templates(&client.channel).is_empty());
}
