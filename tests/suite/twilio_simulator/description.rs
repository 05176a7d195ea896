//! Tests that the simulator compares requests and its own responses with Twilio's published description.

use std::panic::{AssertUnwindSafe, catch_unwind};

use frontgate_tests::{DeliveryStatus, Twilio};
use ureq::http::Request;

use super::{ADDRESS, ANA, CUSTOMER, Client, Form, KEY, NUMBER, OTHER, PROXY, participants, twilio};

/// Sends a request, and returns the faults that the simulator found, without method and path.
fn faults(twilio: &Twilio, client: &Client, method: &str, path: &str, form: Form<'_>) -> Vec<String> {
    client.send(method, path, form).expect("an answer");
    twilio.take_deviations().into_iter().map(|deviation| deviation.fault).collect()
}

#[test]
fn a_request_that_twilio_does_not_describe_is_a_deviation() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let conversation = format!("/v1/Conversations/{sid}");
    let messages = format!("{conversation}/Messages");
    let [list, webhooks] = ["Participants", "Webhooks"].map(|name| format!("{conversation}/{name}"));
    let (addresses, other_service) = ("/v1/Configuration/Addresses", "/v1/Services/IS1/Conversations");
    let table: [(&str, &str, Form<'_>, &str); 16] = [
        ("POST", &list, &[("Identities", ANA)], "field Identities: unknown"),
        ("POST", &list, &[("identity", ANA)], "field identity: unknown"),
        ("POST", &list, &[("Identity", ANA), ("Identity", ANA)], "field Identity: repeated"),
        ("POST", &list, &[("Identity", "bo"), ("RoleSid", "RL1")], "field RoleSid: no SID with prefix RL"),
        ("POST", &conversation, &[("State", "open")], "field State: none of initializing, inactive, active, closed"),
        ("POST", &messages, &[("Body", "Hi"), ("MediaSid", "1")], "field MediaSid: no SID with prefix ME"),
        ("POST", &webhooks, &[("Configuration.Url", "https://a.test")], "field Target: missing"),
        ("POST", addresses, &[("Type", "fax"), ("Address", NUMBER)], "field Type: none of sms, whatsapp,"),
        ("POST", addresses, &[("Type", "sms"), ("Address", NUMBER), ("AutoCreation.Enabled", "1")], "no boolean"),
        ("GET", &format!("{list}?PageSize=many"), &[], "query parameter PageSize: no integer"),
        ("GET", &format!("{list}?PageSize=101"), &[], "query parameter PageSize: 101 is out of range"),
        ("GET", &format!("{list}?Pages=1"), &[], "query parameter Pages: unknown"),
        ("GET", other_service, &[], "path parameter ChatServiceSid: no SID with prefix IS"),
        ("GET", "/v1/Conversation", &[], "unknown path"),
        ("GET", "/v2/Conversations", &[], "unknown path"),
        ("PUT", &conversation, &[], "unknown method"),
    ];
    for (method, path, form, fault) in table {
        let found = faults(&twilio, &client, method, path, form);
        assert!(found.iter().any(|found| found.contains(fault)), "{method} {path} {form:?}: {found:?}");
    }
}

#[test]
fn a_body_that_is_not_a_form_is_a_deviation() {
    let (twilio, client) = twilio();
    let request = Request::post(format!("{}/v1/Conversations", twilio.url()));
    let request = client.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let request = request.header("content-type", "application/json").body("{}").expect("a request");
    client.agent.run(request).expect("an answer");
    let found: Vec<_> = twilio.take_deviations().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["POST /v1/Conversations: body: application/json instead of a form"]);
}

#[test]
fn an_unknown_header_of_twilio_is_a_deviation() {
    let twilio = Twilio::start();
    let client = Client::new(&twilio, KEY).with("x-twilio-webhook-enabled", "true");
    assert_eq!(faults(&twilio, &client, "POST", "/v1/Conversations", &[]), [] as [&str; 0]);
    let client = Client::new(&twilio, KEY).with("x-twilio-webhooks-enabled", "true");
    let fault = "header x-twilio-webhooks-enabled: unknown";
    assert_eq!(faults(&twilio, &client, "POST", "/v1/Conversations", &[]), [fault]);
}

#[test]
fn a_deviation_fails_the_test_that_caused_it() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    client.post(&participants(&sid), &[("Identity", ANA), ("Attribute", "{}")]);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(twilio))).expect_err("the simulator panics");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains(&format!("POST {}: field Attribute: unknown", participants(&sid))), "{text}");
}

#[test]
fn the_answers_of_account_and_service_are_as_described() {
    let (twilio, client) = twilio();
    for (number, base) in ["/v1".to_owned(), format!("/v1/Services/{}", Twilio::SERVICE_SID)].iter().enumerate() {
        let post = |path: &str, form: Form<'_>| {
            let (status, answer) = client.post(path, form);
            assert!(status < 300, "{path}: {status} {answer}");
            answer["sid"].as_str().unwrap_or_default().to_owned()
        };
        let customer = format!("{CUSTOMER}{number}");
        let conversation = format!("{base}/Conversations/{}", post(&format!("{base}/Conversations"), &[]));
        post(&conversation, &[("FriendlyName", "Mora Lind"), ("Timers.Closed", "PT10M")]);
        let participant = post(&format!("{conversation}/Participants"), &[(ADDRESS, &customer), (PROXY, OTHER)]);
        post(&format!("{conversation}/Participants/{participant}"), &[("Attributes", "{}")]);
        let message = post(&format!("{conversation}/Messages"), &[("Body", "Hi"), ("Author", ANA)]);
        twilio.delivery(&message, DeliveryStatus::Delivered, None);
        let form = [("Target", "webhook"), ("Configuration.Url", "https://a.test"), ("Configuration.Method", "post")];
        let webhook = post(&format!("{conversation}/Webhooks"), &form);
        post(&format!("{conversation}/Messages/{message}"), &[("Body", "Hello")]);
        post(&format!("{conversation}/Webhooks/{webhook}"), &[("Configuration.Url", "https://b.test")]);
        post(&format!("{base}/Configuration/Webhooks"), &[("Filters", "onMessageAdded"), ("Method", "POST")]);
        for path in [
            format!("{base}/Conversations"),
            conversation.clone(),
            format!("{conversation}/Participants"),
            format!("{conversation}/Participants/{participant}"),
            format!("{conversation}/Messages?Order=desc"),
            format!("{conversation}/Messages/{message}"),
            format!("{conversation}/Messages/{message}/Receipts"),
            format!("{conversation}/Webhooks"),
            format!("{conversation}/Webhooks/{webhook}"),
            format!("{base}/Configuration/Webhooks"),
            format!("{base}/ParticipantConversations?Address={}", customer.replace('+', "%2B")),
        ] {
            assert_eq!(client.get(&path).0, 200, "{path}");
        }
        let removed = [("Webhooks", &webhook), ("Participants", &participant), ("Messages", &message)];
        for path in removed.map(|(kind, sid)| format!("{conversation}/{kind}/{sid}")) {
            assert_eq!(client.send("DELETE", &path, &[]).map(|(status, _)| status), Ok(204));
        }
        assert_eq!(client.send("DELETE", &conversation, &[]).map(|(status, _)| status), Ok(204));
    }
    client.post("/v1/Configuration/Addresses", &[("Type", "sms"), ("Address", NUMBER)]);
    assert_eq!(client.get("/v1/Configuration/Addresses?Type=sms").1["address_configurations"][0]["address"], NUMBER);
    assert_eq!(client.get("/v1/Configuration").1["default_chat_service_sid"], Twilio::SERVICE_SID);
    assert_eq!(twilio.take_deviations(), []);
}

#[test]
fn a_service_without_a_url_inherits_the_webhooks_of_the_account() {
    let (twilio, got) = super::pointed(super::fine);
    twilio.custom_routing(false);
    let client = Client::new(&twilio, KEY);
    let path = format!("/v1/Services/{}/Configuration/Webhooks", Twilio::SERVICE_SID);
    let empty = client.get(&path).1;
    assert!(["pre_webhook_url", "post_webhook_url", "filters", "method"].iter().all(|key| empty[key].is_null()));
    twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let inherited = got.lock().len();
    assert!(inherited > 0);
    let form = [("PostWebhookUrl", "https://gw.example.org/own"), ("Filters", "onMessageAdded")];
    assert_eq!(client.post(&path, &form).0, 200);
    twilio.inbound_sms(OTHER, NUMBER, "Hello").expect("no webhook rejects it");
    let own: Vec<_> = got.lock()[inherited..].iter().map(|got| got.path.clone()).collect();
    assert_eq!(own, ["/own"]);
}
