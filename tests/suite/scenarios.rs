//! End to end with the bundled plugins: from a customer's message to the worker who reads it.

use std::thread;

use frontgate_tests::{Effect, Gateway, Initializing, Setup, Twilio};
use serde_json::json;

use crate::delivery::{OURS, point_twilio_at, workers, workers_added};

/// Starts a gateway with all bundled plugins and two customers, and a Twilio simulator.
pub(crate) fn start_bundled() -> (Twilio, Gateway) {
    let csv =
        "Id,Name,Phone,Owner\nc-1,Mora Lind,+12025550101,ana@example.org\nc-2,Otto Vale,+12025550102,ben@example.org\n";
    let twilio = Twilio::start();
    let gateway = Setup::bundled(csv)
        .twilio(&twilio)
        .set(
            "plugins.named.plugin.config.columns",
            "{ id = \"Id\", name = \"Name\", phone = \"Phone\", owner = \"Owner\" }",
        )
        .set("plugins.named.owner-routing.config.round_robin", "\"eva@example.org, kim@example.org\"")
        .start();
    point_twilio_at(&twilio, &gateway);
    (twilio, gateway)
}

#[test]
fn an_sms_of_a_known_customer_gets_name_owner_and_customer_id() {
    let (twilio, gateway) = start_bundled();
    let sid = twilio.inbound_sms("+12025550101", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
    let conversation = twilio.conversation(&sid);
    assert_eq!(conversation.friendly_name.as_deref(), Some("Mora Lind"));
    twilio.wait_for(|state| {
        let conversation = state.conversation(&sid).expect("it is there");
        let customer = conversation.participant("+12025550101").expect("the customer");
        customer.attributes == json!({ "customer_id": "c-1", "display_name": "Mora Lind" })
    });
    gateway.wait_for_delivery(1, "sent");
    gateway.wait_for_delivery(2, "sent");
}

#[test]
fn a_whatsapp_message_of_a_known_customer_gets_name_and_owner() {
    let (twilio, _gateway) = start_bundled();
    let sid = twilio.inbound_whatsapp("+12025550102", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["ben@example.org"]);
    assert_eq!(twilio.conversation(&sid).friendly_name.as_deref(), Some("Otto Vale"));
}

#[test]
fn unknown_numbers_are_assigned_round_robin() {
    let (twilio, _gateway) = start_bundled();
    let mut got = Vec::new();
    for number in ["+12025550111", "+12025550112", "+12025550113"] {
        let sid = twilio.inbound_sms(number, OURS, "planted text").expect("a conversation");
        twilio.wait_for(|state| !workers(state, &sid).is_empty());
        let conversation = twilio.conversation(&sid);
        assert_eq!(conversation.friendly_name.as_deref(), Some(number));
        assert_eq!(conversation.participant(number).expect("the customer").attributes, json!({}));
        got.push(conversation.workers().concat());
    }
    assert_eq!(got, ["eva@example.org", "kim@example.org", "eva@example.org"]);
}

#[test]
fn a_group_gets_a_worker_under_our_number_once_it_is_initialized() {
    for projected in [true, false] {
        let (twilio, _gateway) = start_bundled();
        twilio.initializing(Initializing::Refusals(3));
        twilio.projected_participant(projected);
        let sid = thread::scope(|scope| {
            let group = scope.spawn(|| twilio.group_mms("+12025550102", &["+12025550101"], OURS, "planted text"));
            group.join().expect("no panic").expect("a conversation")
        });
        twilio.wait_for(|state| workers(state, &sid) == ["ben@example.org"]);
        let conversation = twilio.conversation(&sid);
        assert_eq!(conversation.friendly_name.as_deref(), Some("Otto Vale, Mora Lind"));
        let worker = conversation.participant("ben@example.org").expect("the worker");
        assert_eq!(worker.projected_address.as_deref(), Some(OURS));
        twilio.wait_for(|state| {
            let ties = ["+12025550101", "+12025550102"].map(|number| {
                let customer = state.conversation(&sid).and_then(|conversation| conversation.participant(number));
                customer.map(|customer| customer.attributes["customer_id"].clone())
            });
            ties == [Some(json!("c-1")), Some(json!("c-2"))]
        });
    }
}

#[test]
fn an_outgoing_conversation_keeps_its_worker_and_gets_its_customer() {
    let (twilio, gateway) = start_bundled();
    let sid = twilio.outgoing("ana@example.org", "+12025550101", OURS, "c-1").expect("a conversation");
    twilio.wait_for(|state| {
        let conversation = state.conversation(&sid).expect("it is there");
        conversation
            .participant("+12025550101")
            .is_some_and(|customer| customer.attributes["display_name"] == "Mora Lind")
    });
    assert_eq!(twilio.conversation(&sid).workers(), ["ana@example.org"]);
    gateway.wait_for_delivery(1, "sent");
    assert_eq!(workers_added(&twilio, &sid), 0);
}

#[test]
fn attributes_of_others_are_kept_and_ours_written_once() {
    let (twilio, gateway) = start_bundled();
    let sid = twilio.inbound_sms("+12025550101", OURS, "planted text").expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    gateway.wait_for_delivery(2, "sent");
    let written = |effect: &&Effect| matches!(effect, Effect::AttributesSet { .. });
    assert_eq!(twilio.effects().iter().filter(written).count(), 1);
    let participant = twilio.conversation(&sid).participant("+12025550101").expect("the customer").sid.clone();
    // Another event reports the same change; the attributes are already up to date.
    let fields = [
        ("ConversationSid", &*sid),
        ("ParticipantSid", &*participant),
        ("MessagingBinding.Address", "+12025550101"),
        ("DateUpdated", "2026"),
    ];
    let form = [&[("EventType", "onParticipantAdded")], &fields[..]].concat();
    let gateway = gateway.restart();
    assert_eq!(gateway.callback("conversations", &form).status, 200);
    assert_eq!(gateway.deliveries().len(), 2);
    assert_eq!(twilio.effects().iter().filter(written).count(), 1);
}
