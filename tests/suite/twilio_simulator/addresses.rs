//! Tests webhooks of single conversations, and address configurations that attach a webhook to new conversations.

use frontgate_tests::{DeliveryStatus, Effect, PUBLIC_URL, TOKEN, sign};
use serde_json::json;

use super::{CUSTOMER, Client, KEY, NUMBER, OTHER, fine, messages, pointed};

const ADDRESSES: &str = "/v1/Configuration/Addresses";

#[test]
fn a_conversation_webhook_gets_the_filtered_events() {
    let (twilio, got) = pointed(fine);
    twilio.custom_routing(false);
    twilio.filters(&[]);
    let client = Client::new(&twilio, KEY);
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let other = twilio.inbound_sms(OTHER, NUMBER, "Hello").expect("no webhook rejects it");
    let path = format!("/v1/Conversations/{sid}/Webhooks");
    let url = format!("{PUBLIC_URL}/own/hook?x=1");
    let form = [
        ("Target", "webhook"),
        ("Configuration.Url", url.as_str()),
        ("Configuration.Method", "post"),
        ("Configuration.Filters", "onMessageAdded"),
        ("Configuration.Filters", "onDeliveryUpdated"),
    ];
    let (status, added) = client.post(&path, &form);
    let filters = json!(["onMessageAdded", "onDeliveryUpdated"]);
    assert_eq!((status, &added["configuration"]["filters"]), (201, &filters));
    assert_eq!(client.get(&path).1["webhooks"], json!([added]));
    assert!(got.lock().is_empty());

    twilio.inbound_sms(CUSTOMER, NUMBER, "Hello?").expect("no webhook rejects it");
    twilio.inbound_sms(OTHER, NUMBER, "Hello?").expect("no webhook rejects it");
    let message = client.post(&messages(&sid), &[("Body", "Hi")]).1["sid"].as_str().expect("a SID").to_owned();
    twilio.delivery(&message, DeliveryStatus::Failed, Some(30007));
    let came = got.lock().clone();
    assert_eq!(came.iter().map(|got| got.event()).collect::<Vec<_>>(), ["onMessageAdded", "onDeliveryUpdated"]);
    for got in &came {
        let fields: Vec<_> = got.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(got.path, "/own/hook?x=1");
        assert!(got.headers.contains(&format!("x-twilio-signature: {}", sign(TOKEN, &url, &fields))));
        assert!(fields.contains(&("ConversationSid", &sid)) && !fields.contains(&("ConversationSid", &other)));
    }
    let fired = twilio.webhooks()[0].clone();
    assert_eq!((twilio.repeat(&fired, true).url, fired.url), (url.clone(), url.clone()));

    for _ in 1..5 {
        assert_eq!(client.post(&path, &form).0, 201);
    }
    assert_eq!(client.code(&path, &form), (400, 50361));
    let remove = format!("{path}/{}", added["sid"].as_str().expect("a SID"));
    assert_eq!(client.send("DELETE", &remove, &[]).map(|(status, _)| status), Ok(204));
    assert_eq!(client.send("DELETE", &remove, &[]).map(|(status, _)| status), Ok(404));
    assert_eq!(client.get(&path).1["webhooks"].as_array().map(Vec::len), Some(4));
}

#[test]
fn an_address_configuration_attaches_a_webhook_to_new_conversations() {
    let (twilio, got) = pointed(fine);
    twilio.custom_routing(false);
    twilio.filters(&[]);
    let client = Client::new(&twilio, KEY);
    let by_number = format!("{ADDRESSES}/%2B15550109999");
    assert_eq!(client.get(&by_number).0, 404);
    let url = format!("{PUBLIC_URL}/number");
    let form = [
        ("Type", "sms"),
        ("Address", NUMBER),
        ("AutoCreation.Enabled", "true"),
        ("AutoCreation.Type", "webhook"),
        ("AutoCreation.WebhookUrl", url.as_str()),
        ("AutoCreation.WebhookMethod", "post"),
        ("AutoCreation.WebhookFilters", "onMessageAdded"),
    ];
    let (status, created) = client.post(ADDRESSES, &form);
    assert_eq!((status, &created["auto_creation"]["webhook_url"]), (201, &url.as_str().into()));
    assert_eq!(client.get(&by_number).1, created);
    assert_eq!(client.code(ADDRESSES, &form).0, 400, "there is one already");

    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    twilio.inbound_sms(CUSTOMER, NUMBER, "Hello?").expect("no webhook rejects it");
    twilio.inbound_whatsapp(CUSTOMER, NUMBER, "another number").expect("no webhook rejects it");
    let bodies = |at: &str| {
        let got = got.lock().clone();
        let texts = got.iter().flat_map(|got| got.form.clone()).filter(|(name, _)| name == at);
        texts.map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(bodies("Body"), ["Hello", "Hello?"], "also of the message that made the conversation");
    assert_eq!(bodies("ConversationSid"), [sid.clone(), sid]);

    let by_sid = format!("{ADDRESSES}/{}", created["sid"].as_str().expect("a SID"));
    let (status, updated) = client.post(&by_sid, &[("AutoCreation.Type", "default")]);
    assert_eq!((status, &updated["auto_creation"]["type"]), (200, &"default".into()));
    twilio.inbound_sms(OTHER, NUMBER, "Hello").expect("no webhook rejects it");
    assert_eq!(bodies("Body").len(), 2);
    client.post(&by_sid, &[("AutoCreation.Enabled", "false")]);
    let none = twilio.inbound_sms("+15550100003", NUMBER, "Hello").expect_err("no conversation is made");
    assert_eq!(none.event, "auto-creation");
    assert!(twilio.inbound_sms(OTHER, NUMBER, "Hello").is_ok(), "an open conversation continues");
    assert_eq!(client.send("DELETE", &by_sid, &[]).map(|(status, _)| status), Ok(204));
    let address = NUMBER.to_owned();
    assert_eq!(twilio.effects().last(), Some(&Effect::AddressRemoved { address }));
}
