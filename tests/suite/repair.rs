//! Tests repairs: conversations that got no name when they were created, chat customers, and wrong customer ids.

use frontgate_tests::{Action, Call, Effect, Fault, Gateway, Setup, Twilio};
use serde_json::{Value, json};

use crate::delivery::{OURS, point_twilio_at};
use crate::twilio_simulator::{Client, KEY};

const MORA: &str = "+12025550107";

/// Starts a gateway that names conversations after the CRM, and a Twilio simulator. `find` is the CRM's behavior.
fn start_with_crm(find: &str, setup: impl FnOnce(Setup) -> Setup) -> (Twilio, Gateway) {
    let twilio = Twilio::start();
    let gateway = setup(
        Setup::misbehaving()
            .twilio(&twilio)
            .set("tenants.demo.twilio.default_worker", "\"ana@example.org\"")
            .set("plugins.named.plugin.config.find", format!("{find:?}")),
    )
    .start();
    point_twilio_at(&twilio, &gateway);
    (twilio, gateway)
}

/// Lets the CRM answer again.
fn recover(gateway: &Gateway) {
    let receipt = gateway.reconfigure(&[("plugins.named.plugin.config.find", "\"\"")]);
    assert_eq!(receipt["outcome"], "live", "{receipt}");
}

fn wait_for_name(twilio: &Twilio, sid: &str, name: &str) {
    twilio.wait_for(|state| state.conversation(sid).is_some_and(|found| found.friendly_name.as_deref() == Some(name)));
}

/// Returns the number of names that were written to Twilio.
fn names_set(twilio: &Twilio) -> usize {
    twilio.effects().iter().filter(|effect| matches!(effect, Effect::NameSet { .. })).count()
}

fn attributes_of(twilio: &Twilio, sid: &str, who: &str) -> Value {
    twilio.conversation(sid).participant(who).expect("the participant").attributes.clone()
}

#[test]
fn a_conversation_is_named_after_the_crm_recovers() {
    let (twilio, gateway) = start_with_crm("unavailable", |setup| setup);
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    gateway.log().wait_for("answered 200 despite an error");
    assert_eq!(names_set(&twilio), 0);
    recover(&gateway);
    wait_for_name(&twilio, &sid, "Mora Lind");
    let attributes = twilio.conversation(&sid).attributes;
    assert_eq!(attributes, json!({ "avatar": "https://img.example.org/c.png" }));
    gateway.wait_for_deliveries();
    assert_eq!(names_set(&twilio), 1);
}

#[test]
fn a_group_is_named_after_the_crm_recovers() {
    let (twilio, gateway) = start_with_crm("unavailable", |setup| setup);
    let sid = twilio.group_mms(MORA, &["+12025550108"], OURS, "planted text").expect("a conversation");
    recover(&gateway);
    wait_for_name(&twilio, &sid, "Mora Lind, Mora Lind");
}

#[test]
fn a_named_conversation_keeps_its_name() {
    let (twilio, gateway) = start_with_crm("", |setup| setup);
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    gateway.wait_for_deliveries();
    assert_eq!(twilio.conversation(&sid).friendly_name.as_deref(), Some("Mora Lind"));
    assert_eq!(names_set(&twilio), 0);
}

#[test]
fn a_strangers_conversation_is_named_once_after_its_number() {
    let (twilio, gateway) = start_with_crm("", |setup| setup);
    let sid = twilio.inbound_sms("+4930901820", OURS, "planted text").expect("a conversation");
    gateway.wait_for_deliveries();
    assert_eq!(twilio.conversation(&sid).friendly_name.as_deref(), Some("+4930901820"));
    assert_eq!(names_set(&twilio), 0);
}

#[test]
fn a_name_that_a_worker_gives_during_the_repair_stays() {
    let (twilio, gateway) = start_with_crm("unavailable", |setup| setup);
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    twilio.fault(Fault::new(Action::Slow(2_000)).on(Call::ListParticipants));
    recover(&gateway);
    twilio.wait_for(|state| state.requests().iter().any(|request| request.call == Call::FetchConversation));
    let named = [("FriendlyName", "VIP: Mora")];
    let path = format!("/v1/Conversations/{sid}");
    assert_eq!(Client::new(&twilio, KEY).post(&path, &named).0, 200);
    gateway.wait_for_deliveries();
    let requests = twilio.requests();
    assert!(requests.iter().any(|request| request.call == Call::ListParticipants && request.status == Some(200)));
    assert_eq!(twilio.conversation(&sid).friendly_name.as_deref(), Some("VIP: Mora"));
}

#[test]
fn a_plugin_names_a_conversation_afterwards() {
    let roles = |setup: Setup| {
        setup
            .set("tenants.demo.roles.conversations", "[\"plugin\"]")
            .set("plugins.named.plugin.config.name", "\"Lind, Mora\"")
    };
    let (twilio, gateway) = start_with_crm("unavailable", roles);
    // The plugin fails at the first attempt, as the message demands.
    let sid = twilio.inbound_sms(MORA, OURS, "unavailable").expect("a conversation");
    recover(&gateway);
    wait_for_name(&twilio, &sid, "Lind, Mora");
}

#[test]
fn an_unnamed_conversation_is_named_by_its_own_event_too() {
    let (twilio, gateway) = start_with_crm("unavailable", |setup| setup);
    twilio.filters(&["onConversationAdd", "onConversationAdded"]);
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    recover(&gateway);
    wait_for_name(&twilio, &sid, "Mora Lind");
}

#[test]
fn a_chat_customer_is_linked_to_the_crm() {
    let csv = "Id,Name,Phone,Chat\nc-1,Mora Lind,+12025550107,mora-in-the-chat\n";
    let twilio = Twilio::start();
    let gateway = Setup::directory(csv).twilio(&twilio).start();
    point_twilio_at(&twilio, &gateway);
    let sid = twilio.outgoing("mora-in-the-chat", "+12025550109", OURS, "").expect("a conversation");
    gateway.wait_for_deliveries();
    let linked = json!({ "customer_id": "c-1", "display_name": "Mora Lind" });
    assert_eq!(attributes_of(&twilio, &sid, "mora-in-the-chat"), linked);
}

#[test]
fn a_worker_is_linked_to_no_customer() {
    // The CRM finds a customer for this identity, but not as the identity of a chat.
    let (twilio, gateway) = start_with_crm("", |setup| setup);
    let sid = twilio.outgoing("+12025550108", MORA, OURS, "").expect("a conversation");
    gateway.wait_for_deliveries();
    assert_eq!(attributes_of(&twilio, &sid, "+12025550108"), json!({}));
}

#[test]
fn a_crm_that_rejects_identities_fails_no_delivery_of_a_worker() {
    let (twilio, gateway) = start_with_crm("invalid", |setup| setup);
    twilio.outgoing("ana@example.org", MORA, OURS, "").expect("a conversation");
    let states: Vec<_> = gateway.wait_for_deliveries().iter().map(|delivery| delivery["state"].clone()).collect();
    assert_eq!(states, ["failed", "sent"], "of the customer and of the worker");
}

#[test]
fn a_worker_who_joins_reaches_the_plugin_without_credentials() {
    let gateway = Setup::misbehaving().set("tenants.demo.roles.conversations", "[\"plugin\"]").start();
    let form = [
        ("EventType", "onParticipantAdded"),
        ("ConversationSid", "CH00000000000000000000000000000007"),
        ("ParticipantSid", "MB00000000000000000000000000000007"),
        ("Identity", "ana@example.org"),
    ];
    assert_eq!(gateway.callback("conversations", &form).status, 200);
    gateway.wait_for_delivery(1, "sent");
}

#[test]
fn a_customer_who_joins_reaches_the_plugin_without_credentials() {
    let gateway = Setup::misbehaving().set("tenants.demo.roles.conversations", "[\"plugin\"]").start();
    let form = [
        ("EventType", "onParticipantAdded"),
        ("ConversationSid", "CH00000000000000000000000000000007"),
        ("ParticipantSid", "MB00000000000000000000000000000007"),
        ("MessagingBinding.Address", "+4930901820"),
        ("MessagingBinding.ProxyAddress", OURS),
    ];
    assert_eq!(gateway.callback("conversations", &form).status, 200);
    gateway.wait_for_delivery(1, "sent");
}

#[test]
fn a_plugin_corrects_a_wrong_customer_id_only_on_request() {
    for (instruction, id) in [("", "wrong"), ("overwrite", "c-+12025550107")] {
        let setup = |setup: Setup| {
            setup
                .set("tenants.demo.roles.conversations", "[\"plugin\"]")
                .set("plugins.named.plugin.config.participant", format!("{instruction:?}"))
        };
        let (twilio, gateway) = start_with_crm("", setup);
        let sid = twilio.outgoing("ana@example.org", MORA, OURS, "wrong").expect("a conversation");
        gateway.wait_for_deliveries();
        assert_eq!(attributes_of(&twilio, &sid, MORA), json!({ "customer_id": id }), "{instruction}");
    }
}
