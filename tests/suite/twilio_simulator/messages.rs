//! Tests messages created over REST, by customers and by workers: order and delivery receipts.

use frontgate_tests::{Action, Call, DeliveryStatus, Effect, Fault, Twilio};
use serde_json::{Value, json};

use super::{ADDRESS, ANA, CUSTOMER, Client, Form, KEY, NUMBER, OTHER, PROXY, events, fine, messages, participants};
use super::{pointed, twilio};

fn sids(page: &Value) -> Vec<&str> {
    page["messages"].as_array().into_iter().flatten().filter_map(|message| message["sid"].as_str()).collect()
}

#[test]
fn a_message_is_created_and_read_over_rest() {
    let (twilio, client) = twilio();
    let conversation = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let attributes = json!({ "frontgate": { "key": "k-1", "part": 1 } }).to_string();
    let form = [("Author", ANA), ("Body", "Hi there"), ("Attributes", &attributes)];
    let (status, written) = client.post(&messages(&conversation), &form);
    assert_eq!((status, &written["index"], &written["author"]), (201, &1.into(), &ANA.into()));
    assert_eq!((&written["attributes"], &written["media"]), (&attributes.into(), &Value::Null));
    let sid = written["sid"].as_str().expect("a SID");
    assert_eq!(client.get(&format!("{}/{sid}", messages(&conversation))), (200, written.clone()));
    assert_eq!(client.get(&format!("{}/IM{:032}", messages(&conversation), 1)).0, 404);
    let kept = twilio.conversation(&conversation).messages;
    let said: Vec<_> = kept.iter().map(|message| (message.author.as_str(), message.body.as_str())).collect();
    assert_eq!(said, [(CUSTOMER, "Hello"), (ANA, "Hi there")]);
    assert_eq!(twilio.effects(), [Effect::MessageAdded { conversation, message: sid.to_owned() }]);
}

#[test]
fn invalid_messages_are_rejected_as_by_twilio() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let (fits, long, author) = ("ä".repeat(1600), "x".repeat(1601), "x".repeat(257));
    let attributes = format!("\"{}\"", "x".repeat(4095));
    let table: [(Form<'_>, (u16, u64)); 7] = [
        (&[("Body", &fits)], (201, 0)),
        (&[("Body", &long)], (400, 50504)),
        (&[("Body", "Hi"), ("Author", &author)], (400, 20001)),
        (&[("Body", "Hi"), ("Attributes", &attributes)], (400, 50306)),
        (&[("Body", "Hi"), ("Attributes", "{not json")], (400, 50306)),
        (&[("Body", "Hi"), ("MediaSid", "ME00000000000000000000000000000001")], (400, 20001)),
        (&[("Author", ANA)], (400, 20001)),
    ];
    for (form, outcome) in table {
        assert_eq!(client.code(&messages(&sid), form), outcome, "{form:?}");
    }
    assert_eq!(client.code(&messages("CH1"), &[("Body", "Hi")]), (404, 20404));
    assert_eq!(client.code(&format!("/v1/Conversations/{sid}"), &[("State", "closed")]).0, 200);
    assert_eq!(client.code(&messages(&sid), &[("Body", "Hi")]), (409, 50377));
    assert_eq!(twilio.conversation(&sid).messages.len(), 2);
}

#[test]
fn messages_are_listed_in_either_order_in_pages() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    for text in ["one", "two", "three", "four"] {
        client.post(&messages(&sid), &[("Body", text)]);
    }
    let kept = twilio.conversation(&sid).messages;
    let mut expected: Vec<_> = kept.iter().map(|message| message.sid.as_str()).collect();
    assert_eq!(sids(&client.get(&messages(&sid)).1), expected);
    expected.reverse();
    let mut next = format!("{}?Order=desc&PageSize=2", messages(&sid));
    let mut found = Vec::new();
    loop {
        let (status, page) = client.get(&next);
        assert_eq!((status, &page["meta"]["key"]), (200, &"messages".into()));
        found.extend(sids(&page).into_iter().map(ToOwned::to_owned));
        let Some(url) = page["meta"]["next_page_url"].as_str() else { break };
        url.clone_into(&mut next);
    }
    assert_eq!(found, expected);
    for query in ["PageSize=101", "Order=newest"] {
        assert_eq!(client.get(&format!("{}?{query}", messages(&sid))).0, 400, "{query}");
    }
    assert_eq!(twilio.take_deviations().len(), 2);
}

#[test]
fn messages_over_rest_fire_webhooks_on_request_and_others_always() {
    let (twilio, got) = pointed(fine);
    twilio.filters(&["onMessageAdded"]);
    twilio.custom_routing(false);
    let quiet = Client::new(&twilio, KEY);
    let loud = quiet.clone().with("x-twilio-webhook-enabled", "true");
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    quiet.post(&messages(&sid), &[("Body", "unheard")]);
    loud.post(&messages(&sid), &[("Body", "heard"), ("Attributes", r#"{"a":1}"#)]);
    twilio.wait_for(|state| state.webhooks().len() == 2);
    let message = twilio.agent_writes(&sid, ANA, "from the app", &[]).expect("no webhook rejects it");
    assert_eq!(events(&twilio), ["onMessageAdded"; 3]);
    let fields = ["Source", "ClientIdentity", "Author", "Body", "Index", "Attributes"];
    let told = twilio.webhooks().into_iter();
    let told: Vec<_> = told.map(|fired| fields.map(|name| fired.field(name).map(ToOwned::to_owned))).collect();
    let some = |values: [&str; 6]| values.map(|value| (!value.is_empty()).then(|| value.to_owned()));
    assert_eq!(told[0], some(["SMS", "", CUSTOMER, "Hello", "0", "{}"]));
    assert_eq!(told[1], some(["API", "", "system", "heard", "2", r#"{"a":1}"#]));
    assert_eq!(told[2], some(["SDK", ANA, ANA, "from the app", "3", "{}"]));
    let worker = twilio.conversation(&sid).participant(ANA).map(|participant| participant.sid.clone());
    let last = &twilio.webhooks()[2];
    assert_eq!((last.field("ParticipantSid"), last.field("MessageSid")), (worker.as_deref(), Some(message.as_str())));
    assert!(got.lock().iter().all(|got| got.headers.contains("x-twilio-signature: ")));
}

#[test]
fn carriers_report_the_delivery_of_a_message() {
    let (twilio, _) = pointed(fine);
    twilio.filters(&["onDeliveryUpdated"]);
    twilio.custom_routing(false);
    let client = Client::new(&twilio, KEY);
    let sid = twilio.inbound_whatsapp(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let written = client.post(&messages(&sid), &[("Body", "Hi"), ("Author", ANA)]).1;
    let message = written["sid"].as_str().expect("a SID");
    let path = format!("{}/{message}", messages(&sid));
    assert_eq!(client.get(&format!("{path}/Receipts")).1["delivery_receipts"], json!([]));
    twilio.delivery(message, DeliveryStatus::Sent, None);
    twilio.delivery(message, DeliveryStatus::Undelivered, Some(63016));
    assert_eq!(events(&twilio), ["onDeliveryUpdated"; 2]);
    let customer = twilio.conversation(&sid).participants[0].sid.clone();
    let webhooks = twilio.webhooks();
    let fields = ["ConversationSid", "MessageSid", "ParticipantSid", "Status", "ErrorCode"];
    let told = |at: usize| fields.map(|name| webhooks[at].field(name).unwrap_or_default());
    assert_eq!(told(0), [sid.as_str(), message, &customer, "sent", "0"]);
    assert_eq!(told(1), [sid.as_str(), message, &customer, "undelivered", "63016"]);
    let same = [0, 1].map(|at: usize| webhooks[at].field("DeliveryReceiptSid"));
    assert!(same[0] == same[1] && same[0].is_some_and(|receipt| receipt.starts_with("DY")), "{same:?}");
    let receipts = client.get(&format!("{path}/Receipts")).1["delivery_receipts"].clone();
    assert_eq!((&receipts[0]["status"], &receipts[0]["error_code"]), (&"undelivered".into(), &63016.into()));
    assert_eq!((receipts.as_array().map(Vec::len), &receipts[1]), (Some(1), &Value::Null));
    let delivery = client.get(&path).1["delivery"].clone();
    assert_eq!((&delivery["total"], &delivery["undelivered"]), (&1.into(), &"all".into()));
    assert_eq!(delivery["delivered"], "none");
}

#[test]
fn each_call_of_messages_and_webhooks_can_fail() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let message = twilio.conversation(&sid).messages[0].sid.clone();
    let hooks = format!("/v1/Conversations/{sid}/Webhooks");
    let (addresses, media) = ("/v1/Configuration/Addresses", format!("/v1/Services/{}/Media", Twilio::SERVICE_SID));
    let table = [
        (Call::CreateMessage, "POST", messages(&sid)),
        (Call::ListMessages, "GET", messages(&sid)),
        (Call::FetchMessage, "GET", format!("{}/{message}", messages(&sid))),
        (Call::ListReceipts, "GET", format!("{}/{message}/Receipts", messages(&sid))),
        (Call::AddScopedWebhook, "POST", hooks.clone()),
        (Call::ListScopedWebhooks, "GET", hooks.clone()),
        (Call::RemoveScopedWebhook, "DELETE", format!("{hooks}/WH1")),
        (Call::CreateAddress, "POST", addresses.to_owned()),
        (Call::FetchAddress, "GET", format!("{addresses}/%2B15550109999")),
        (Call::UpdateAddress, "POST", format!("{addresses}/IG1")),
        (Call::RemoveAddress, "DELETE", format!("{addresses}/IG1")),
        (Call::UploadMedia, "POST", media.clone()),
        (Call::FetchMedia, "GET", format!("{media}/ME1")),
        (Call::FetchContent, "GET", format!("{media}/ME1/Content")),
        (Call::DownloadContent, "GET", "/temporary/ME1".to_owned()),
    ];
    for (call, method, path) in table {
        twilio.fault(Fault::new(Action::FailBefore(503)).on(call));
        assert_eq!(client.send(method, &path, &[]).map(|(status, _)| status), Ok(503), "{call:?}");
    }
    // Faults hit requests before their fields are read, so invalid ones are enough here.
    twilio.take_deviations();
}

#[test]
fn a_unique_name_identifies_one_conversation() {
    let (_twilio, client) = twilio();
    let (status, created) = client.post("/v1/Conversations", &[("UniqueName", "k 1/2")]);
    assert_eq!((status, client.code("/v1/Conversations", &[("UniqueName", "k 1/2")])), (201, (409, 50353)));
    assert_eq!(client.get("/v1/Conversations/k%201%2F2").1["sid"], created["sid"]);
    let sid = created["sid"].as_str().expect("a SID");
    assert_eq!(client.post(&participants(sid), &[(ADDRESS, OTHER), (PROXY, NUMBER)]).0, 201);
    assert_eq!(client.code(&messages("k%201%2F2"), &[("Body", "Hi")]).0, 201);
}
