//! Tests the messages to admins, teammates and operators, and the verification of webhooks.
//! `tests/suite/twilio_simulator/channel.rs` tests the plugin with the simulator of Twilio.

use frontgate_sdk::channel::{Connection, Event, Header, OutboundMessage, Party, Request, SendReceipt, WebhookResult};
use frontgate_sdk::http::{Error as HttpError, Response};
use frontgate_sdk::signatures::Algorithm;
use frontgate_sdk::{Channel as _, Error, testing};
use twilio_channel::TwilioChannel;

const NUMBER: &str = "+12025550190";
const CUSTOMER: &str = "+12025550107";
const SERVICE: &str = "IS000000000000000000000000000000c3";
const CONVERSATION: &str = "CH00000000000000000000000000000007";
const OTHER: &str = "CH00000000000000000000000000000008";
const HOOK: &str = "https://gw.example.org/front/sms/k/provider";

fn settings(others: &[(&str, &str)]) {
    let own = [("service_sid", SERVICE), ("numbers", NUMBER)];
    testing::settings(own.into_iter().chain(others.iter().copied()));
}

fn connection(credential: Option<&str>) -> Connection {
    let credential = credential.map(str::to_owned);
    Connection { channel_id: "cha_1".to_owned(), credential, webhook_url: HOOK.to_owned() }
}

fn message(conversation: Option<&str>, to: &[&str], text: &str) -> OutboundMessage {
    OutboundMessage {
        idempotency_key: "k-1".to_owned(),
        conversation_ids: conversation.into_iter().map(str::to_owned).collect(),
        to: to.iter().copied().map(Party::new).collect(),
        ..OutboundMessage::new(CUSTOMER, text)
    }
}

fn json(status: u16, body: &str) -> Result<Response, HttpError> {
    Ok(Response::new(status, body))
}

fn people(address: &str) -> Result<Response, HttpError> {
    let binding = format!(r#"{{"type":"sms","address":"{address}","proxy_address":"{NUMBER}"}}"#);
    json(200, &format!(r#"{{"participants":[{{"messaging_binding":null}},{{"messaging_binding":{binding}}}]}}"#))
}

fn no_messages() -> Result<Response, HttpError> {
    json(200, r#"{"messages":[]}"#)
}

fn asked() -> Vec<String> {
    let short = |url: String| url.replace(&format!("https://conversations.twilio.com/v1/Services/{SERVICE}"), "");
    testing::requests().into_iter().map(|request| format!("{} {}", request.method, short(request.url))).collect()
}

#[test]
fn the_admin_enters_a_number_unless_there_is_only_one() {
    let two = format!("{NUMBER}, whatsapp:+12025550191");
    let table = [
        (NUMBER, None, true),
        (NUMBER, Some("  "), true),
        (NUMBER, Some(" +1 (202) 555-0190"), true),
        (NUMBER, Some("+12025550191"), false),
        (&two, None, false),
        (&two, Some("WhatsApp: +1 202 555 0191"), true),
        (&two, Some("+12025550191"), false),
    ];
    for (numbers, typed, fine) in table {
        settings(&[("numbers", numbers), ("webhooks", "manual")]);
        let known = format!("Enter one of the configured numbers: {numbers}");
        let want = if fine { Ok(()) } else { Err(Error::Invalid(known)) };
        assert_eq!(TwilioChannel::connect(connection(typed)), want, "{numbers} {typed:?}");
    }
    let addresses = TwilioChannel::list_addresses(None, None).expect("a page").addresses;
    let names: Vec<_> = addresses.iter().map(|address| address.name.as_deref().unwrap_or_default()).collect();
    assert_eq!(names, ["SMS +12025550190", "WhatsApp +12025550191"]);
}

#[test]
fn connecting_registers_the_channels_webhook() {
    settings(&[]);
    testing::answers([json(404, r#"{"code":20404}"#), json(201, r#"{"sid":"IG1"}"#)]);
    assert_eq!(TwilioChannel::connect(connection(None)), Ok(()));
    let requests = testing::requests();
    assert_eq!(requests[0].url, "https://conversations.twilio.com/v1/Configuration/Addresses/%2B12025550190");
    let form = String::from_utf8(requests[1].body.clone()).expect("a form");
    let own = "AutoCreation.WebhookUrl=https%3A%2F%2Fgw.example.org%2Ffront%2Fsms%2Fk%2Fprovider%2F";
    for part in [own, "AutoCreation.WebhookFilters=onDeliveryUpdated", "Type=sms&Address=%2B12025550190", SERVICE] {
        assert!(form.contains(part), "{part} is not in {form}");
    }
}

#[test]
fn webhooks_of_other_systems_are_not_replaced() {
    settings(&[]);
    let elsewhere = r#""type":"webhook","webhook_url":"https://bot.example.org/front/sms/other/provider/x""#;
    let moved = r#""type":"webhook","webhook_url":"https://old.example.org/front/sms/k/provider/x""#;
    let table = [
        (format!(r#"{{"enabled":true,{elsewhere}}}"#), false),
        (r#"{"enabled":true,"type":"studio"}"#.to_owned(), false),
        (r#"{"enabled":true,"type":"default","conversation_service_sid":"IS1"}"#.to_owned(), false),
        (r#"{"enabled":true,"type":"default","conversation_service_sid":null}"#.to_owned(), true),
        (format!(r#"{{"enabled":false,{elsewhere}}}"#), true),
        (format!(r#"{{"enabled":true,{moved}}}"#), true),
    ];
    for (auto_creation, fine) in table {
        let found = format!(r#"{{"sid":"IG1","auto_creation":{auto_creation}}}"#);
        testing::answers([json(200, &found), json(200, r#"{"sid":"IG1"}"#)]);
        let connected = TwilioChannel::connect(connection(None));
        assert_eq!((connected.is_ok(), testing::requests().len()), (fine, 1 + usize::from(fine)), "{auto_creation}");
        assert!(fine || matches!(connected, Err(Error::Invalid(_))));
    }
}

#[test]
fn invalid_settings_make_messages_wait() {
    let table = [
        ("service_sid", "AC1", "setting `service_sid` missing; set it to the SID of the Conversations service (IS...)"),
        ("numbers", " , ", "setting `numbers` missing; list the company's numbers, such as \"+12025550190\""),
        (
            "numbers",
            "+12025550190, 2025550191",
            "number 2 of the setting `numbers` is not one of Twilio; write for example +12025550190, whatsapp:+12025550190, messenger:108000000000001 or rcs:acme_agent",
        ),
        (
            "auth_token",
            "12345",
            "secret `auth_token` is no longer used: replace it with webhook_keys = { twilio = { env = \
             \"TWILIO_AUTH_TOKEN\" } }",
        ),
        ("webhooks", "none", "the setting `webhooks` is `none`; write number, service or manual"),
        ("number", NUMBER, "unknown setting `number`: did you mean `numbers`?"),
    ];
    for (key, value, want) in table {
        settings(&[(key, value)]);
        let sent = TwilioChannel::send(connection(None), message(None, &[CUSTOMER], "Hi"));
        assert_eq!(sent, Err(Error::unavailable(want)), "{key} = {value}");
    }
}

/// Ten customers.
const TEN: [&str; 10] = [
    "+12025550101",
    "+12025550102",
    "+12025550103",
    "+12025550104",
    "+12025550105",
    "+12025550106",
    "+12025550107",
    "+12025550108",
    "+12025550109",
    "+12025550110",
];

#[test]
fn invalid_recipients_are_rejected_before_any_request() {
    settings(&[]);
    let table: [(&[&str], &str, &str); 6] = [
        (&[CUSTOMER], " \n", "The message is empty."),
        (&[], "Hi", "The message has no recipient."),
        (&TEN, "Hi", "A group has at most 9 customers."),
        (&["mora@example.org"], "Hi", "The recipient is not a number with country code, such as +12025550107."),
        (&["whatsapp:+12025550107"], "Hi", "This channel is SMS, and the recipient has a WhatsApp address."),
        (&[NUMBER], "Hi", "The recipient is this channel's own number."),
    ];
    for (to, text, want) in table {
        assert_eq!(TwilioChannel::send(connection(None), message(None, to, text)), Err(Error::invalid(want)), "{to:?}");
    }
    let long = "word ".repeat(4000);
    let sent = TwilioChannel::send(connection(None), message(None, &[CUSTOMER], &long));
    assert_eq!(sent, Err(Error::invalid("The text is too long: this channel sends up to 16000 characters.")));
    assert_eq!(asked(), Vec::<String>::new());

    testing::answers([no_messages(), people(CUSTOMER)]);
    let reply = message(Some(CONVERSATION), &[CUSTOMER, "+12025550108"], "Hi");
    assert!(matches!(TwilioChannel::send(connection(None), reply), Err(Error::Invalid(_))));
    assert_eq!(asked().len(), 2, "only what and who is in the conversation was asked");
}

#[test]
fn a_reply_is_three_requests() {
    settings(&[]);
    testing::answers([no_messages(), people(CUSTOMER), json(201, r#"{"sid":"IM1"}"#)]);
    let sent = TwilioChannel::send(connection(None), message(Some(CONVERSATION), &["+1 202 555 0107"], "Hi"));
    assert_eq!(sent, Ok(SendReceipt::new("IM1", CONVERSATION)));
    let path = format!("/Conversations/{CONVERSATION}");
    let first =
        [format!("GET {path}/Messages?Order=desc&PageSize=50"), format!("GET {path}/Participants?PageSize=100")];
    assert_eq!(asked(), [&first[..], &[format!("POST {path}/Messages")]].concat());
}

#[test]
fn twilios_errors_are_explained_without_customers_numbers() {
    settings(&[]);
    let table = [
        (409, 50377, "The conversation was closed in Twilio; write a new message to the customer instead"),
        (400, 21610, "The customer has unsubscribed, and receives nothing until they write START"),
        (400, 21211, "The customer's number is not valid or not in service"),
    ];
    for (status, code, words) in table {
        let problem = format!(r#"{{"code":{code},"message":"{CUSTOMER} {CONVERSATION}"}}"#);
        testing::answers([no_messages(), people(CUSTOMER), json(status, &problem)]);
        let sent = TwilioChannel::send(connection(None), message(Some(CONVERSATION), &[CUSTOMER], "Hi"));
        assert_eq!(sent, Err(Error::Invalid(format!("{words} (Twilio error {code})."))));
    }
}

#[test]
fn an_existing_conversation_of_the_pair_is_used() {
    settings(&[("webhooks", "manual")]);
    let taken = format!(r#"{{"code":50416,"message":"A binding exists already in Conversation {OTHER}"}}"#);
    let made = format!(r#"{{"sid":"{CONVERSATION}"}}"#);
    let nobody = || json(200, r#"{"conversations":[],"meta":{"next_page_url":null}}"#);
    let posted = || json(201, r#"{"sid":"IM1"}"#);
    let send = || TwilioChannel::send(connection(None), message(None, &[CUSTOMER], "Hi"));

    testing::answers([nobody(), json(201, &made), json(409, &taken), json(204, ""), no_messages(), posted()]);
    assert_eq!(send(), Ok(SendReceipt::new("IM1", OTHER)));
    let asked = asked();
    assert_eq!(asked[3], format!("DELETE /Conversations/{CONVERSATION}"), "the empty one is not left behind");
    assert_eq!(asked[5], format!("POST /Conversations/{OTHER}/Messages"));

    // An earlier attempt created the conversation and added the customer.
    let own = taken.replace(OTHER, CONVERSATION);
    let named = json(409, r#"{"code":50353}"#);
    testing::answers([nobody(), named, json(200, &made), json(409, &own), no_messages(), posted()]);
    assert_eq!(send(), Ok(SendReceipt::new("IM1", CONVERSATION)));
    let by_name = testing::requests().remove(2).url;
    assert!(by_name.ends_with("/Conversations/frontgate-k-1"), "{by_name}");
}

#[test]
fn only_requests_signed_by_twilio_are_accepted() {
    settings(&[]);
    let request = |signature: Option<&str>, body: &str| {
        let header = |value: &str| Header { name: "x-twilio-signature".to_owned(), value: value.to_owned() };
        let request = Request {
            method: "POST".to_owned(),
            url: "https://mycompany.com/myapp.php?foo=1&bar=2".to_owned(),
            headers: signature.map(header).into_iter().collect(),
            body: body.as_bytes().to_vec(),
        };
        TwilioChannel::receive(connection(None), request)
    };
    let signed = "https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1234567890ABCDECaller+14158675309Digits1234\
                  From+14158675309To+18005551212";
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    let unbound = request(Some(signature), body);
    assert!(matches!(&unbound, Err(Error::Unavailable(text)) if text.contains("webhook_keys")), "{unbound:?}");
    testing::signatures(move |check| {
        (check.key, check.algorithm) == ("twilio", Algorithm::HmacSha1)
            && check.message == signed.as_bytes()
            && check.signature == signature
    });
    assert_eq!(request(Some(signature), body), Ok(WebhookResult::status(200)), "an event that means nothing here");
    for (signature, body) in [
        (None, body),
        (Some(""), body),
        (Some("UlNPWUR0NFQxY1VUZEsxUERkOTM="), body),
        (Some(signature), "EventType=onMessageAdded"),
        (Some(signature), "%FF"),
    ] {
        assert_eq!(request(signature, body), Ok(WebhookResult::status(403)), "{signature:?} {body}");
    }
}

#[test]
fn an_agents_message_names_the_answered_message_and_the_teammate() {
    settings(&[("teammates.otto", "tea_7"), ("webhooks", "manual")]);
    testing::signatures(|_| true);
    testing::answers([people(CUSTOMER)]);
    let answered = "IM00000000000000000000000000000003";
    let body = format!(
        "EventType=onMessageAdded&Source=API&MessageSid=IM1&ConversationSid={CONVERSATION}&Author=otto&Body=Yes\
         &Attributes=%7B%22in_reply_to%22%3A%22{answered}%22%7D"
    );
    let received = TwilioChannel::receive(connection(None), Request::post(HOOK, body).with("x-twilio-signature", "s"));
    let [Event::Agent(message)] = &received.expect("a result").events[..] else { panic!("no message of an agent") };
    assert_eq!((message.author.as_deref(), message.author_id.as_deref()), (Some("otto"), Some("tea_7")));
    assert_eq!(message.in_reply_to.as_deref(), Some(answered));
}
