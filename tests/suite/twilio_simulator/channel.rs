//! Runs the plugin `twilio-channel` natively against the simulator, to check that both agree on Twilio's behavior.

mod fixture;

use std::net::SocketAddr;

use frontgate_sdk::channel::{Body, Connection, Event, Party, SendReceipt, SendStatus, Source};
use frontgate_sdk::{Channel as _, Error};
use frontgate_tests::{Action, Call, DeliveryStatus, Fault, PUBLIC_URL, Twilio};
use serde_json::{Value, json};
use twilio_channel::TwilioChannel;

use self::fixture::{
    Deliver, SECOND, TEAMMATE, channel, deliver, deliver_asking, fixture, long_text, message, with_files,
};
use super::{ANA, CUSTOMER, NUMBER, OTHER, messages};

#[test]
fn a_teammate_answers_a_customer_in_the_same_conversation() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let files: [(&str, &str, &[u8]); 1] = [("", "image/jpeg", b"a picture")];
    let sid = fixture.twilio.inbound_sms_with(CUSTOMER, NUMBER, "Hello", &files).expect("no webhook rejects it");
    let asked = fixture.twilio.requests().len();
    let events = fixture.received(&connection);
    let [Event::Inbound(inbound)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((inbound.external_conversation_id.as_str(), inbound.sender.handle.as_str()), (sid.as_str(), CUSTOMER));
    let said = fixture.messages(&sid)[0].clone();
    assert_eq!((&inbound.external_id, &inbound.body), (&said.sid, &Body::Plain("Hello".to_owned())));
    assert!(inbound.delivered_at.is_some_and(|seconds| seconds > 1_700_000_000));
    assert_eq!(
        (inbound.files[0].filename.as_str(), inbound.files[0].content_type.as_str()),
        ("image.jpeg", "image/jpeg")
    );
    let Source::Url(url) = &inbound.files[0].source else { panic!("a URL") };
    let (status, _) = fixture.client.send("GET", url, &[]).expect("an answer");
    assert_eq!((status, fixture.twilio.requests().len()), (307, asked + 1), "the event says it all");

    let receipt = deliver(&connection, &message("k-1", Some(&sid), &[CUSTOMER], "Hi there"));
    let answer = fixture.messages(&sid)[1].clone();
    assert_eq!(receipt, Ok(SendReceipt::new(&answer.sid, &sid)));
    assert_eq!((answer.author.as_str(), answer.body.as_str()), (TEAMMATE, "Hi there"));
    let mark = json!({ "frontgate": { "key": "k-1", "part": 1, "of": 1, "channel": connection.channel_id } });
    assert_eq!(answer.attributes, mark);
    assert_eq!(fixture.received(&connection), []);
}

#[test]
fn a_teammate_starts_with_a_long_text_and_files() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let files = [("a.pdf", "application/pdf"), ("b ü.png", "image/png")];
    let text = long_text();
    let message = with_files(message("k 1/2", None, &[CUSTOMER], &text), &files);
    let receipt = deliver(&connection, &message).expect("it is sent");
    let conversation = fixture.twilio.conversations()[0].clone();
    let customer = &conversation.participants[0];
    assert_eq!(
        (customer.address.as_deref(), receipt.external_conversation_id),
        (Some(CUSTOMER), Some(conversation.sid.clone()))
    );
    let said = fixture.messages(&conversation.sid);
    assert_eq!(receipt.external_id.as_ref(), Some(&said[0].sid));
    let texts: Vec<_> = said.iter().map(|message| message.body.as_str()).filter(|body| !body.is_empty()).collect();
    assert_eq!(texts.join(" "), text);
    let names: Vec<_> =
        said.iter().flat_map(|message| &message.media).filter_map(|media| media.filename.as_deref()).collect();
    assert_eq!((names, said.len()), (vec!["a.pdf", "b ü.png"], texts.len() + 1));
    assert_eq!(fixture.twilio.media(&said[texts.len() - 1].media[0].sid), b"a.pdf");
    assert_eq!(
        TwilioChannel::check_sent(connection.clone(), message.clone()),
        Ok(SendStatus::Sent(SendReceipt::new(&said[0].sid, &conversation.sid)))
    );
    assert_eq!(deliver(&connection, &message).map(|receipt| receipt.external_id), Ok(Some(said[0].sid.clone())));
    assert_eq!(fixture.messages(&conversation.sid).len(), said.len(), "a repeat sends nothing");

    fixture.twilio.inbound_sms(CUSTOMER, NUMBER, "Thanks").expect("no webhook rejects it");
    let events = fixture.received(&connection);
    assert!(matches!(events.as_slice(), [Event::Inbound(thanks)] if thanks.sender.handle == CUSTOMER), "{events:?}");
}

#[test]
fn each_part_is_sent_once_and_in_order_under_every_fault() {
    let calls = [
        Call::ParticipantConversations,
        Call::CreateConversation,
        Call::AddParticipant,
        Call::ListScopedWebhooks,
        Call::AddScopedWebhook,
        Call::ListMessages,
        Call::UploadMedia,
        Call::CreateMessage,
    ];
    let text = long_text();
    for call in calls {
        let (fixture, connection) = fixture(&[]).connected(NUMBER);
        for (at, action) in Action::passing().into_iter().enumerate() {
            // A plugin cannot know of an effect that happens after the failed answer.
            if matches!(action, Action::ActLate(_)) {
                continue;
            }
            let customer = format!("+1555010{at:04}");
            let ways: [(Deliver, usize, &str); 4] =
                [(deliver, 0, &text), (deliver_asking, 1, &text), (deliver, 0, "short"), (deliver_asking, 0, "short")];
            for (turn, (deliver, spared, text)) in ways.into_iter().enumerate() {
                fixture.twilio.fault(Fault::new(action.clone()).on(call).after(spared));
                let key = format!("{at}-{turn}");
                let message = with_files(message(&key, None, &[&customer], text), &[("a.pdf", "application/pdf")]);
                let receipt = deliver(&connection, &message).expect("it is sent");
                fixture.twilio.faults_off();
                let sid = receipt.external_conversation_id.expect("a conversation");
                let mut marks = Vec::new();
                for said in fixture.messages(&sid) {
                    let mark = &said.attributes["frontgate"];
                    if mark["key"] == key.as_str() {
                        marks.push((mark["part"].as_u64(), mark["of"].as_u64(), said.sid));
                    }
                }
                let of = marks[0].1.expect("a number");
                let parts: Vec<_> = marks.iter().map(|(part, ..)| *part).collect();
                assert_eq!(parts, (1..=of).map(Some).collect::<Vec<_>>(), "{call:?} {action:?} {turn}");
                assert_eq!(receipt.external_id.as_ref(), Some(&marks[0].2), "{call:?} {action:?} {turn}");
            }
        }
        let empty = fixture.twilio.conversations().into_iter().filter(|known| known.messages.is_empty());
        assert_eq!(empty.count(), 0, "{call:?}");
    }
}

#[test]
fn each_part_is_sent_once_under_random_faults() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let passing: Vec<_> =
        Action::passing().into_iter().filter(|action| !matches!(action, Action::ActLate(_))).collect();
    let sid = fixture.twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    fixture.twilio.faults_at_random_of(7, 0.3, &passing);
    for number in 0..10 {
        let text = if number % 2 == 0 { long_text() } else { "short".to_owned() };
        let conversation = (number % 3 > 0).then_some(sid.as_str());
        let message = with_files(message(&format!("k-{number}"), conversation, &[CUSTOMER], &text), &[("a.pdf", "")]);
        let deliver = if number % 4 < 2 { deliver } else { deliver_asking };
        let receipt = deliver(&connection, &message).expect("it is sent");
        assert_eq!(receipt.external_conversation_id.as_ref(), Some(&sid));
    }
    let said = fixture.messages(&sid);
    let mut parts: Vec<_> = said[1..].iter().map(|said| said.attributes["frontgate"].to_string()).collect();
    let count = parts.len();
    parts.dedup();
    assert_eq!((parts.len(), count), (20, 20), "five of three parts, and five of one");
}

#[test]
fn channels_of_one_service_get_their_own_customers_only() {
    let (fixture, one) = fixture(&[]).connected(NUMBER);
    let (fixture, other) = fixture.connected(SECOND);
    fixture.twilio.inbound_sms(CUSTOMER, NUMBER, "to one").expect("no webhook rejects it");
    fixture.twilio.inbound_sms(CUSTOMER, SECOND, "to the other").expect("no webhook rejects it");
    let all = fixture.got.lock().clone();
    let told = |connection: &Connection| {
        *fixture.got.lock() = all.clone();
        fixture
            .received(connection)
            .into_iter()
            .map(|event| match event {
                Event::Inbound(message) => message.body.as_str().to_owned(),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!((told(&one), told(&other)), (vec!["to one".to_owned()], vec!["to the other".to_owned()]));

    // The channel gets another number; later messages from the old number's webhook are acknowledged and ignored.
    let moved = Connection { credential: Some(SECOND.to_owned()), ..one.clone() };
    *fixture.got.lock() = all;
    assert_eq!(fixture.received(&moved), []);

    assert_eq!(TwilioChannel::disconnect(one.clone()), Ok(()));
    fixture.twilio.inbound_sms(OTHER, NUMBER, "to nobody").expect("no webhook rejects it");
    assert_eq!(fixture.received(&one), []);
}

#[test]
fn messages_of_agents_and_programs_reach_front_without_echoes() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let sid = fixture.twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    fixture.received(&connection);
    let loud = fixture.client.clone().with("x-twilio-webhook-enabled", "true");
    let agents = fixture.twilio.agent_writes(&sid, ANA, "from the app", &[]).expect("no webhook rejects it");
    loud.post(&messages(&sid), &[("Body", "by a program")]);
    let mark = json!({ "frontgate": { "key": "k", "part": 1, "of": 1 } }).to_string();
    loud.post(&messages(&sid), &[("Body", "from Front"), ("Attributes", &mark)]);
    loud.post(&messages(&sid), &[("Body", "for the customer"), ("Author", CUSTOMER)]);
    fixture.twilio.wait_for(|state| state.webhooks().len() == 5);
    let events = fixture.received(&connection);
    let [Event::Agent(app), Event::Agent(program), Event::Inbound(customers)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (app.external_id.as_str(), app.author.as_deref(), app.body.as_str()),
        (agents.as_str(), Some(ANA), "from the app")
    );
    assert_eq!((app.to.as_slice(), app.external_conversation_id.as_str()), (&[Party::new(CUSTOMER)][..], sid.as_str()));
    assert_eq!((program.author.as_deref(), program.body.as_str()), (None, "by a program"));
    assert_eq!((customers.sender.handle.as_str(), customers.body.as_str()), (CUSTOMER, "for the customer"));
}

#[test]
fn an_undelivered_part_fails_the_message() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let message = message("k-1", None, &[CUSTOMER], &long_text());
    let receipt = deliver(&connection, &message).expect("it is sent");
    let sid = receipt.external_conversation_id.expect("a conversation");
    let said = fixture.messages(&sid);
    fixture.twilio.delivery(&said[0].sid, DeliveryStatus::Delivered, None);
    fixture.twilio.delivery(&said[1].sid, DeliveryStatus::Failed, Some(21610));
    let agents = fixture.twilio.agent_writes(&sid, ANA, "not from Front", &[]).expect("no webhook rejects it");
    fixture.twilio.delivery(&agents, DeliveryStatus::Undelivered, Some(30003));
    let events = fixture.received(&connection);
    let failed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Failed(failed) => Some((failed.external_id.as_str(), failed.reason.as_str())),
            _ => None,
        })
        .collect();
    let reason = format!(
        "Part 2 of {}: The customer has unsubscribed, and receives nothing until they write START (Twilio error 21610).",
        said.len()
    );
    assert_eq!(failed, [(said[0].sid.as_str(), reason.as_str())]);
}

#[test]
fn a_reply_in_a_merged_conversation_goes_to_the_open_one() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let sms = |from: &str| fixture.twilio.inbound_sms(from, NUMBER, "Hello").expect("no webhook rejects it");
    let others = sms(OTHER);
    let closed = sms(CUSTOMER);
    fixture.client.post(&format!("/v1/Conversations/{closed}"), &[("State", "closed")]);
    let open = sms(CUSTOMER);
    let mut reply = message("k-1", Some("CH00000000000000000000000000000000"), &[CUSTOMER], "Hi");
    reply.conversation_ids.extend([others, closed.clone(), open.clone()]);
    assert_eq!(deliver(&connection, &reply).map(|receipt| receipt.external_conversation_id), Ok(Some(open)));

    let closed_only = message("k-2", Some(&closed), &[CUSTOMER], "Hi");
    let words =
        "The conversation was closed in Twilio; write a new message to the customer instead (Twilio error 50377).";
    assert_eq!(deliver(&connection, &closed_only), Err(Error::invalid(words)));
}

#[test]
fn the_webhook_of_a_service_serves_one_channel_and_is_kept() {
    let fixture = fixture(&[("webhooks", "service")]);
    let (one, other) = (channel(NUMBER), channel(SECOND));
    let service = format!("/v1/Services/{}/Configuration/Webhooks", Twilio::SERVICE_SID);
    let gateway = format!("{PUBLIC_URL}/callbacks/conversations");
    fixture.client.post(&service, &[("PostWebhookUrl", &gateway)]);
    assert!(matches!(TwilioChannel::connect(one.clone()), Err(Error::Invalid(_))), "it is the gateway's already");
    let form = [("PreWebhookUrl", &*gateway), ("PostWebhookUrl", ""), ("Filters", "onConversationAdd")];
    fixture.client.post(&service, &form);
    assert_eq!(TwilioChannel::connect(one.clone()), Ok(()));
    assert_eq!(TwilioChannel::connect(one.clone()), Ok(()));
    assert!(matches!(TwilioChannel::connect(other), Err(Error::Invalid(_))));
    let configured = fixture.client.get(&service).1;
    assert_eq!(configured["filters"], json!(["onMessageAdded", "onDeliveryUpdated", "onConversationAdd"]));
    fixture.twilio.inbound_sms(CUSTOMER, NUMBER, "to one").expect("no webhook rejects it");
    fixture.twilio.inbound_sms(CUSTOMER, SECOND, "to the other").expect("no webhook rejects it");
    let events = fixture.received(&one);
    assert!(
        matches!(events.as_slice(), [Event::Inbound(message)] if message.body == Body::Plain("to one".to_owned())),
        "{events:?}"
    );
    assert_eq!(TwilioChannel::disconnect(one), Ok(()));
    assert_eq!(fixture.client.get(&service).1["post_webhook_url"], Value::Null);
}

#[test]
fn a_channel_keeps_the_webhooks_that_its_service_inherits() {
    let fixture = fixture(&[("webhooks", "service")]);
    let refusal = TwilioChannel::connect(channel(NUMBER)).expect_err("the account's webhooks get the events");
    assert!(matches!(refusal, Error::Invalid(text) if text.contains("no webhooks of its own")));
    fixture.client.post("/v1/Configuration/Webhooks", &[("PreWebhookUrl", ""), ("PostWebhookUrl", "")]);
    assert_eq!(TwilioChannel::connect(channel(NUMBER)), Ok(()));
}

#[test]
fn calls_fail_at_once_while_twilio_is_down() {
    let (fixture, connection) = fixture(&[]).connected(NUMBER);
    let address: SocketAddr = fixture.twilio.address();
    fixture.twilio.go_down();
    let message = message("k-1", None, &[CUSTOMER], "Hi");
    assert!(matches!(TwilioChannel::send(connection.clone(), message.clone()), Err(Error::Unavailable(_))));
    assert!(matches!(TwilioChannel::check_sent(connection.clone(), message.clone()), Err(Error::Unavailable(_))));
    fixture.twilio.come_back();
    assert_eq!(fixture.twilio.address(), address);
    assert!(deliver(&connection, &message).is_ok());
}
