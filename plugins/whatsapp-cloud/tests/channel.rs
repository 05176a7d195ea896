//! Tests what admins, teammates and operators read, and what is sent after lost responses.
//! `tests/suite/whatsapp` tests the plugin with the gateway and the simulator of WhatsApp.

use std::time::Duration;

use frontgate_sdk::channel::{Attachment, Connection, Event, OutboundMessage, Request, SendStatus, TemplateUse};
use frontgate_sdk::http::{Error as HttpError, Response};
use frontgate_sdk::{Channel as _, Error, clock, testing};
use serde_json::{Value, json};
use whatsapp_cloud::WhatsAppCloud;

const ACCOUNT: &str = "102290129340398";
const NUMBER_ID: &str = "106540352242922";
const NUMBER: &str = "+1 555-078-3881";
const CUSTOMER: &str = "+12025550107";

fn settings() {
    testing::settings([("business_account_id", ACCOUNT), ("verify_token", "made-up")]);
    testing::signatures(|check| check.key == "whatsapp" && check.signature == "right");
}

fn connection() -> Connection {
    Connection::new("cha_1").credential(NUMBER)
}

fn ok(body: &Value) -> Result<Response, HttpError> {
    Ok(Response::new(200, body.to_string()))
}

fn refused(status: u16, code: u64) -> Result<Response, HttpError> {
    Ok(Response::new(status, json!({ "error": { "code": code, "message": CUSTOMER } }).to_string()))
}

fn numbers() -> Result<Response, HttpError> {
    ok(&json!({ "data": [{ "id": NUMBER_ID, "display_phone_number": NUMBER, "verified_name": "Lind & Co" }] }))
}

fn accepted(id: &str) -> Result<Response, HttpError> {
    ok(&json!({ "contacts": [{ "wa_id": "12025550107" }], "messages": [{ "id": id }] }))
}

fn uploaded(id: &str) -> Result<Response, HttpError> {
    ok(&json!({ "id": id }))
}

/// Returns the JSON of the messages that were sent.
fn sent() -> Vec<Value> {
    let all = testing::requests().into_iter();
    let messages = all.filter(|request| request.url.ends_with("/messages"));
    messages.map(|request| serde_json::from_slice(&request.body).expect("JSON")).collect()
}

/// Receives events for the channel's number, and returns what Front gets.
fn receive(value: Value) -> Vec<Event> {
    let mut value = value;
    value["metadata"] = json!({ "display_phone_number": "15550783881", "phone_number_id": NUMBER_ID });
    let body = json!({ "entry": [{ "id": ACCOUNT, "changes": [{ "field": "messages", "value": value }] }] });
    let request =
        Request::post("https://gw.example.net/", body.to_string()).with("x-hub-signature-256", "sha256=right");
    let result = WhatsAppCloud::receive(connection(), request).expect("a result");
    assert_eq!(result.response.status, 200);
    result.events
}

fn wrote(at: u64) -> Value {
    let message = json!({ "from": "12025550107", "id": "wamid.1", "timestamp": at.to_string(), "type": "text",
        "text": { "body": "Hello" } });
    json!({ "messages": [message] })
}

/// Returns the report about a message that was sent.
fn report(id: &str, status: &str, data: &Value, code: Option<u64>) -> Value {
    let mut report =
        json!({ "id": id, "status": status, "recipient_id": "12025550107", "biz_opaque_callback_data": data });
    if let Some(code) = code {
        report["errors"] = json!([{ "code": code }]);
    }
    json!({ "statuses": [report] })
}

#[test]
fn the_admin_enters_a_number_or_its_id_unless_there_is_only_one() {
    let two = json!({ "data": [
        { "id": NUMBER_ID, "display_phone_number": NUMBER },
        { "id": "2", "display_phone_number": "+44 20 7946 0000" },
    ] });
    let known = format!("Enter one of the account's numbers: {NUMBER}, +44 20 7946 0000");
    let table = [
        (numbers(), None, Ok(())),
        (ok(&two), None, Err(Error::Invalid(known.clone()))),
        (ok(&two), Some("+44 (20) 7946-0000"), Ok(())),
        (ok(&two), Some(NUMBER_ID), Ok(())),
        (ok(&two), Some("+12025550190"), Err(Error::Invalid(known))),
        (refused(401, 190), Some(NUMBER), Err(Error::forbidden("Meta rejected the access token"))),
    ];
    for (answer, typed, want) in table {
        settings();
        testing::answers([answer]);
        let credential = typed.map(str::to_owned);
        assert_eq!(WhatsAppCloud::connect(Connection { credential, ..Connection::new("cha_1") }), want, "{typed:?}");
    }
}

#[test]
fn the_accounts_numbers_are_listed_page_by_page() {
    settings();
    let mut page =
        json!({ "data": [{ "id": NUMBER_ID, "display_phone_number": NUMBER, "verified_name": "Lind & Co" }] });
    page["paging"] = json!({ "cursors": { "before": "A", "after": "B" }, "next": "https://graph.facebook.com/..." });
    testing::answers([ok(&page), numbers()]);
    let first = WhatsAppCloud::list_addresses(None, None).expect("a page");
    assert_eq!((first.addresses[0].value.as_str(), first.next_page_token.as_deref()), ("+15550783881", Some("B")));
    let last = WhatsAppCloud::list_addresses(None, first.next_page_token).expect("a page");
    assert_eq!(last.next_page_token, None);
    assert!(testing::requests()[1].url.ends_with("&after=B"));
}

#[test]
fn a_check_tells_a_refused_token_from_an_outage() {
    let table = [
        (vec![numbers(), ok(&json!({ "id": NUMBER_ID }))], Ok(())),
        (vec![refused(401, 190)], Err(Error::forbidden("Meta rejected the access token"))),
        (vec![Ok(Response::new(503, ""))], Err(Error::unavailable("Meta returned status 503"))),
        (vec![refused(400, 80_007)], Err(Error::unavailable("Meta asks to retry later"))),
    ];
    for (answers, want) in table {
        settings();
        testing::answers(answers);
        assert_eq!(WhatsAppCloud::check(connection()), want);
    }
}

#[test]
fn each_response_to_a_message_is_final_or_retried() {
    let table = [
        (refused(401, 190), Error::unavailable("Meta rejected the access token")),
        (refused(400, 130_429), Error::unavailable("Meta asks to retry later")),
        (refused(400, 131_056), Error::unavailable("Meta asks to retry later")),
        (refused(500, 131_000), Error::unavailable("Meta is not available (error 131000)")),
        (Err(HttpError::Timeout), Error::unavailable("the request to Meta timed out")),
        (
            refused(400, 131_026),
            Error::invalid("The customer is not on WhatsApp, or cannot receive this message (WhatsApp error 131026)."),
        ),
        (refused(400, 999_999), Error::invalid("WhatsApp rejected the message (error 999999).")),
    ];
    for (answer, want) in table {
        settings();
        testing::state(true);
        testing::answers([numbers(), answer]);
        assert_eq!(WhatsAppCloud::send(connection(), OutboundMessage::new(CUSTOMER, "Hello")), Err(want));
    }
}

#[test]
fn a_template_is_sent_by_name_with_the_values_in_order() {
    settings();
    testing::answers([numbers(), accepted("wamid.2")]);
    let used = TemplateUse::new("order_ready:en_US", "en_US").value("2", "4711").value("1", "Mora");
    WhatsAppCloud::send(connection(), OutboundMessage::new(CUSTOMER, "Hello Mora").template(used)).expect("a receipt");
    let parameters = json!([{ "type": "text", "text": "Mora" }, { "type": "text", "text": "4711" }]);
    let want = json!({ "name": "order_ready", "language": { "code": "en_US" },
        "components": [{ "type": "body", "parameters": parameters }] });
    assert_eq!(sent()[0]["template"], want);
}

#[test]
fn files_are_uploaded_before_the_first_message() {
    settings();
    testing::files([("fil_1", "one"), ("fil_2", "two")]);
    testing::answers([numbers(), uploaded("m1"), uploaded("m2"), accepted("wamid.2"), accepted("wamid.3")]);
    let message = OutboundMessage::new(CUSTOMER, "Hello")
        .attach(Attachment::new("fil_1", "a.png", "image/png"))
        .attach(Attachment::new("fil_2", "b.pdf", "application/pdf"));
    let receipt = WhatsAppCloud::send(connection(), message).expect("a receipt");
    assert_eq!(receipt.external_id.as_deref(), Some("wamid.2"));
    let sent = sent();
    assert_eq!(sent[0]["image"], json!({ "id": "m1", "caption": "Hello" }));
    assert_eq!(sent[1]["document"], json!({ "id": "m2", "filename": "b.pdf" }));
}

#[test]
fn a_rejected_second_part_is_never_retried() {
    settings();
    testing::answers([numbers(), accepted("wamid.2"), Ok(Response::new(503, ""))]);
    let sent = WhatsAppCloud::send(connection(), OutboundMessage::new(CUSTOMER, "word ".repeat(1000)));
    let Err(Error::Invalid(why)) = sent else { panic!("{sent:?}") };
    assert!(why.starts_with("The customer got only 1 of the 2 parts"), "{why}");
}

#[test]
fn a_text_outside_the_window_is_refused_without_a_request() {
    settings();
    receive(wrote(clock::seconds()));
    let message = OutboundMessage::new(CUSTOMER, "Hello");
    testing::answers([numbers(), accepted("wamid.2")]);
    WhatsAppCloud::send(connection(), message.clone()).expect("the window is open");
    testing::pass(Duration::from_secs(24 * 60 * 60));
    testing::answers([numbers()]);
    let Err(Error::Invalid(why)) = WhatsAppCloud::send(connection(), message.clone()) else { panic!("it was sent") };
    assert!(why.contains("has not written for 24 hours") && why.contains("templates"), "{why}");
    receive(wrote(clock::seconds()));
    testing::answers([accepted("wamid.3")]);
    WhatsAppCloud::send(connection(), message).expect("the window is open again");
}

#[test]
fn only_a_report_proves_that_a_message_was_sent() {
    settings();
    testing::answers([numbers(), Err(HttpError::Interrupted("cut".to_owned()))]);
    let message = OutboundMessage::new(CUSTOMER, "Hello");
    WhatsAppCloud::send(connection(), message.clone()).expect_err("no response");
    let data = sent()[0]["biz_opaque_callback_data"].clone();
    assert_eq!(WhatsAppCloud::check_sent(connection(), message.clone()), Ok(SendStatus::Unknown));
    assert_eq!(receive(report("wamid.2", "sent", &data, None)), []);
    let Ok(SendStatus::Sent(receipt)) = WhatsAppCloud::check_sent(connection(), message.clone()) else {
        panic!("unknown")
    };
    assert_eq!((receipt.external_id.as_deref(), receipt.events.len()), (Some("wamid.2"), 0));
    let failed = receive(report("wamid.2", "failed", &data, Some(131_026)));
    assert!(matches!(&failed[..], [Event::Failed(failed)] if failed.external_id == "wamid.2"), "{failed:?}");
    let Ok(SendStatus::Sent(receipt)) = WhatsAppCloud::check_sent(connection(), message) else { panic!("unknown") };
    assert_eq!(receipt.events, failed);
}

#[test]
fn a_message_without_state_is_sent_and_its_outcome_stays_unknown() {
    settings();
    testing::state(false);
    receive(wrote(0));
    testing::answers([numbers(), accepted("wamid.2")]);
    let message = OutboundMessage::new(CUSTOMER, "Hello");
    WhatsAppCloud::send(connection(), message.clone()).expect("a receipt");
    assert_eq!(WhatsAppCloud::check_sent(connection(), message), Ok(SendStatus::Unknown));
}

#[test]
fn every_type_of_message_reaches_front() {
    settings();
    let table = [
        (json!({ "type": "button", "button": { "text": "Yes", "payload": "y" } }), "Yes"),
        (
            json!({ "type": "interactive", "interactive": { "type": "list_reply", "list_reply": { "id": "1", "title": "Red" } } }),
            "Red",
        ),
        (json!({ "type": "reaction", "reaction": { "message_id": "wamid.9", "emoji": "👍" } }), "Reaction: 👍"),
        (json!({ "type": "reaction", "reaction": { "message_id": "wamid.9" } }), "(Reaction removed)"),
        (
            json!({ "type": "location", "location": { "latitude": 52.5, "longitude": 13.4, "name": "Office" } }),
            "Location: Office, 52.5, 13.4",
        ),
        (
            json!({ "type": "contacts", "contacts": [{ "name": { "formatted_name": "Otto" }, "phones": [{ "phone": "+1 202" }] }] }),
            "Contact: Otto, +1 202",
        ),
        (
            json!({ "type": "unsupported", "errors": [{ "code": 131_051, "title": "Message type unknown" }] }),
            "(A WhatsApp message of the type \"unsupported\" arrived, which cannot be shown here: Message type unknown)",
        ),
    ];
    for (message, want) in table {
        let mut message = message;
        (message["id"], message["from"]) = ("wamid.1".into(), "12025550107".into());
        let events = receive(json!({ "messages": [message] }));
        let [Event::Inbound(event)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(event.body.as_str(), want);
    }
}

#[test]
fn a_file_is_fetched_by_its_address() {
    settings();
    let url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=7";
    testing::answers([ok(&json!({ "url": url }))]);
    let image = json!({ "id": "7", "mime_type": "image/jpeg", "caption": "Look" });
    let message = json!({ "id": "wamid.1", "from": "12025550107", "type": "image", "image": image });
    let events = receive(json!({ "messages": [message] }));
    let [Event::Inbound(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.body.as_str(), event.files[0].filename.as_str()), ("Look", "image.jpeg"));
    assert_eq!(testing::requests()[0].url, "https://graph.facebook.com/v23.0/7");
}

#[test]
fn events_for_another_number_are_ignored() {
    settings();
    let mut body = wrote(0);
    body["metadata"] = json!({ "display_phone_number": "442079460000", "phone_number_id": "2" });
    let body = json!({ "entry": [{ "id": ACCOUNT, "changes": [{ "field": "messages", "value": body }] }] }).to_string();
    let request = Request::post("https://gw.example.net/", body).with("x-hub-signature-256", "sha256=right");
    let result = WhatsAppCloud::receive(connection(), request).expect("a result");
    assert_eq!((result.response.status, result.events.len()), (200, 0));
}

#[test]
fn a_request_without_a_right_signature_is_refused() {
    settings();
    for header in [None, Some("right"), Some("sha256=wrong")] {
        let request = Request::post("https://gw.example.net/", "{}");
        let request = header.map_or(request.clone(), |header| request.with("x-hub-signature-256", header));
        let result = WhatsAppCloud::receive(connection(), request).expect("a result");
        assert_eq!((result.response.status, result.events.len()), (403, 0), "{header:?}");
    }
}
