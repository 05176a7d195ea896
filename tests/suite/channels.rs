//! Tests the channels of a Front app: connecting, sending and importing messages.

use std::time::Duration;

use frontgate_tests::front::{Connect, Draft, Farewell, MessageState};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Front, Gateway, PUBLIC_URL, Provider, Setup, component};
use serde_json::json;

pub(crate) const LEE: &str = "+15550100001";
pub(crate) const SERVER: &str = "https://gw.example.org/front/sms";

/// A Front simulator, a provider, a gateway between them, and a channel.
pub(crate) struct ChannelFixture {
    pub(crate) front: Front,
    pub(crate) provider: Provider,
    pub(crate) gateway: Gateway,
    pub(crate) channel: String,
}

impl ChannelFixture {
    pub(crate) fn new() -> Self {
        Self::with(|setup| setup)
    }

    pub(crate) fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        Self::with_provider(change, |_| {})
    }

    /// Connects a channel whose provider was prepared before.
    pub(crate) fn with_provider(change: impl FnOnce(Setup) -> Setup, prepare: impl FnOnce(&Provider)) -> Self {
        let (front, provider) = (Front::start(), Provider::start());
        prepare(&provider);
        let gateway = change(Setup::courier(&front, &provider)).start();
        front.point_at(gateway.address());
        let channel = front.connect(SERVER).expect("a channel");
        Self { front, provider, gateway, channel }
    }

    /// Returns the URL at which the provider reports events.
    pub(crate) fn webhook(&self) -> String {
        format!("{}/provider", self.front.channel(&self.channel).webhook_url)
    }

    /// Reports events of the provider, which the gateway must accept.
    #[track_caller]
    pub(crate) fn report_events(&self, events: &serde_json::Value) {
        let answer = Provider::tell(self.gateway.address(), &self.webhook(), events);
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    /// Returns the customers' messages in Front, in order.
    pub(crate) fn imported(&self) -> Vec<String> {
        let conversations = self.front.conversations();
        let messages = conversations.iter().flat_map(|conversation| &conversation.messages);
        messages.filter(|message| message.is_inbound).map(|message| message.text.clone()).collect()
    }
}

#[test]
fn an_echo_channel_returns_every_message() {
    let front = Front::start();
    let setup = Setup::new().set("tenants.demo.roles.crm", "[]").plugin("echo-channel", &component("echo-channel"));
    let gateway = setup.front(&front, "echo-channel").start();
    front.point_at(gateway.address());
    assert_eq!(front.list_addresses(SERVER).expect("addresses")[0].address, "echo");
    let channel = front.connect(SERVER).expect("a channel");
    let sent = front.send(&channel, Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "a file"));
    let (_, conversation) = sent.ids();
    front.wait_for(|state| state.conversation(conversation).is_some_and(|found| found.messages.len() == 2));
    let found = front.conversation(conversation);
    assert_eq!(found.texts(), ["planted text", "planted text"]);
    let echo = &found.messages[1];
    assert!(echo.is_inbound && echo.recipients[0].handle == LEE, "{echo:?}");
    assert_eq!(echo.referenced, found.messages[0].external_id);
    assert_eq!(echo.attachments[0].filename, "a.txt");
    assert_eq!(echo.attachments[0].digest, found.messages[0].attachments[0].digest);
}

#[test]
fn each_channel_has_its_own_address_until_it_is_removed() {
    let fixture = ChannelFixture::new();
    let url = fixture.front.channel(&fixture.channel).webhook_url;
    assert!(url.starts_with(&format!("{PUBLIC_URL}/front/sms/fg-")), "{url}");
    let other = fixture.front.connect(Connect::to(SERVER).token("another")).expect("a channel");
    assert_ne!(fixture.front.channel(&other).webhook_url, url);
    let again = fixture.front.reconnect(&other, Connect::to(SERVER).token("a third")).expect("a channel");
    assert_eq!(fixture.front.channel(&again).webhook_url, fixture.front.channel(&other).webhook_url);
    let refusal = fixture.front.connect(Connect::to(SERVER).token("refused")).expect_err("it is refused");
    assert_eq!((refusal.status, &*refusal.message), (Some(400), "this token is not known"));
    let farewells = [(&fixture.channel, Farewell::Signed), (&other, Farewell::SignedAsUndefined)];
    for (channel, farewell) in farewells {
        let fired = fixture.front.disconnect(channel, farewell);
        assert_eq!(fired.status, Some(200), "{fired:?}");
        fixture.provider.wait_for(|known| known.removed.contains(channel));
    }
    let third = fixture.front.connect(SERVER).expect("a channel");
    let fired = fixture.front.disconnect(&third, Farewell::Bodiless);
    assert_eq!(fired.status, Some(200), "{fired:?}");
    fixture.provider.wait_for(|known| known.removed.contains(&third));
    assert_eq!(fixture.provider.look(|known| known.removed.len()), 3);
    let answer = Provider::tell(fixture.gateway.address(), &fixture.webhook(), &json!([]));
    assert_eq!((answer.status, answer.code()), (404, "no-channel"));
}

#[test]
fn addresses_are_listed_page_by_page() {
    let fixture = ChannelFixture::new();
    let addresses = fixture.front.list_addresses(Connect::to(SERVER).token("planted text")).expect("addresses");
    let shown: Vec<_> = addresses.iter().map(|one| (&*one.address, one.name.as_deref())).collect();
    assert_eq!(shown, [("one", Some("planted text")), ("two", Some("two"))]);
}

#[test]
fn a_conversation_continues_under_the_providers_ids() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text 1").to(LEE));
    assert_eq!(sent.ids(), ("P1", "C+15550100001"));
    fixture.report_events(
        &json!([{"inbound": {"id": "in-1", "conversation": "C+15550100001", "with": LEE, "text": "planted text 2"}}]),
    );
    fixture
        .front
        .wait_for(|state| state.conversation(&sent.conversation).is_some_and(|found| found.messages.len() == 2));
    let reply = fixture.front.reply(&sent.conversation, "planted text 3");
    assert_eq!(reply.ids(), ("P2", "C+15550100001"));
    assert_eq!(
        fixture.provider.look(|known| known.messages[1].body["conversations"].clone()),
        json!(["C+15550100001"])
    );
    let found = fixture.front.conversation(&sent.conversation);
    assert_eq!(found.texts(), ["planted text 1", "planted text 2", "planted text 3"]);
    assert_eq!(fixture.provider.look(|known| known.texts().join(",")), "planted text 1,planted text 3");
}

#[test]
fn a_duplicate_provider_event_is_imported_once() {
    let fixture = ChannelFixture::new();
    let event = json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text"}}]);
    fixture.report_events(&event);
    fixture.report_events(&event);
    fixture.report_events(&json!([
        {"inbound": {"id": "in-2", "conversation": "c", "with": LEE, "text": ""}},
        {"inbound": {"id": "in-2", "conversation": "c", "with": LEE, "text": "planted text 2"}},
    ]));
    fixture.front.wait_for(|state| state.messages().count() == 2);
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.imported(), ["planted text", "(no text)"]);
}

#[test]
fn an_echo_is_skipped_but_an_agents_own_message_is_imported() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let event = |id: &str, text: &str| json!({"outbound": {"id": id, "conversation": "C+15550100001", "with": LEE, "text": text}});
    fixture.report_events(&json!([event("P1", "planted text"), event("P77", "planted text of an agent")]));
    fixture
        .front
        .wait_for(|state| state.conversation(&sent.conversation).is_some_and(|found| found.messages.len() == 2));
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.front.conversation(&sent.conversation).texts(), ["planted text", "planted text of an agent"]);
}

#[test]
fn an_echo_that_precedes_the_receipt_waits_for_it() {
    let fixture = ChannelFixture::new();
    fixture.provider.trouble(Trouble::Slow(Duration::from_millis(1_500)));
    fixture.front.begin_send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.provider.wait_for(|known| known.messages.len() == 1);
    fixture.report_events(
        &json!([{"outbound": {"id": "P1", "conversation": "C+15550100001", "with": LEE, "text": "planted text"}}]),
    );
    fixture.gateway.wait_for_deliveries();
    fixture.front.wait_for(|state| state.messages().all(|message| message.state == MessageState::Sent));
    assert_eq!(fixture.front.look(|state| state.messages().count()), 1);
}

#[test]
fn a_message_that_was_rejected_at_once_is_never_retried() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("refuse this number is blocked").to(LEE));
    let again = fixture.front.resend(&sent.message);
    let output = json!({"type": "bad_request", "message": "Delivery failed: this number is blocked"});
    let fired: Vec<_> = fixture.front.hooks().into_iter().filter(|fired| fired.kind == "message").collect();
    let answers: Vec<_> = fired.iter().map(|fired| (fired.status, fired.answered())).collect();
    assert_eq!(answers, [(Some(400), output.clone()), (Some(400), output)]);
    assert!(sent.outcome.is_err() && again.outcome.is_err());
    assert_eq!(fixture.provider.look(|known| known.attempts), 0);
    let deliveries = fixture.gateway.deliveries();
    assert_eq!((deliveries.len(), &deliveries[0]["attempts"]), (1, &json!(1)), "{deliveries:?}");
}

#[test]
fn front_gets_gateway_ids_when_the_provider_is_slow() {
    let fixture = ChannelFixture::with(|setup| {
        setup.set("tenants.demo.front.sms.timeout_ms", "400").set("plugins.limits.outbound_timeout_ms", "4000")
    });
    fixture.provider.trouble(Trouble::Slow(Duration::from_millis(1_200)));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let (message, conversation) = sent.ids();
    assert!(message.starts_with("fg-") && conversation.starts_with("fg-"), "{message} {conversation}");
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.front.resend(&sent.message).ids(), (message, conversation));
    // Events with the provider's ids belong to the same conversation.
    let event = |kind: &str, id: &str| json!({kind: {"id": id, "conversation": "C+15550100001", "with": LEE, "text": "planted text 2"}});
    fixture.report_events(&json!([event("outbound", "P1"), event("inbound", "in-1")]));
    fixture.front.wait_for(|state| state.conversation(conversation).is_some_and(|found| found.messages.len() == 2));
    let reply = fixture.front.reply(&sent.conversation, "planted text 3");
    assert_eq!(
        fixture.provider.look(|known| known.messages[1].body["conversations"].clone()),
        json!(["C+15550100001"])
    );
    assert!(reply.outcome.is_ok() && fixture.provider.look(|known| known.texts().len()) == 2);
}

#[test]
fn a_failure_after_the_promise_is_reported_with_its_reason() {
    let fixture = ChannelFixture::new();
    fixture.provider.trouble(Trouble::Status(503));
    fixture.provider.trouble(Trouble::Refused("no such number".to_owned()));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.front.wait_for(|state| {
        let found = state.message(&sent.message).expect("it is there");
        matches!(&found.state, MessageState::Failed(Some(why)) if why.contains("no such number"))
    });
    assert!(sent.outcome.is_ok());
    assert_eq!(fixture.provider.look(|known| (known.attempts, known.messages.len())), (2, 0));
}

#[test]
fn a_failed_delivery_event_marks_the_message_as_failed() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.report_events(&json!([{"failed": {"id": "P1", "reason": "the phone is off"}}]));
    fixture.front.wait_for(|state| {
        state
            .message(&sent.message)
            .is_some_and(|found| found.state == MessageState::Failed(Some("the phone is off".to_owned())))
    });
}

#[test]
fn a_lost_answer_is_checked_so_the_message_is_not_sent_twice() {
    for (trouble, attempts) in [(Trouble::Silent, 1), (Trouble::Lost, 2)] {
        let fixture = ChannelFixture::new();
        fixture.provider.trouble(trouble.clone());
        let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
        fixture.gateway.wait_for_deliveries();
        assert!(sent.outcome.is_ok(), "{trouble:?}: {sent:?}");
        assert_eq!(fixture.provider.look(|known| (known.attempts, known.messages.len())), (attempts, 1), "{trouble:?}");
        let ended: Vec<_> = fixture.gateway.deliveries().iter().map(|delivery| delivery["state"].clone()).collect();
        assert_eq!(ended, ["sent"], "{trouble:?}");
    }
}

#[test]
fn a_conversation_keeps_its_id_after_a_failed_first_message() {
    let fixture = ChannelFixture::new();
    fixture.provider.trouble(Trouble::Status(503));
    fixture.provider.trouble(Trouble::Refused("no such number".to_owned()));
    let failed = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let (_, conversation) = failed.ids();
    fixture.gateway.wait_for_deliveries();
    let reply = fixture.front.reply(&failed.conversation, "planted text 2");
    assert_eq!(reply.ids().1, conversation);
    let output =
        json!([{"inbound": {"id": "in-1", "conversation": "C+15550100001", "with": LEE, "text": "planted text 3"}}]);
    fixture.report_events(&output);
    fixture
        .front
        .wait_for(|state| state.conversation(&failed.conversation).is_some_and(|found| found.messages.len() == 3));
}

#[test]
fn an_unknown_message_is_checked_after_its_plugin_returns() {
    // A removed file removes the plugin.
    let fixture = ChannelFixture::with(|setup| setup.set("plugins.source", "\"folder\""));
    fixture.provider.trouble(Trouble::Silent);
    fixture.front.begin_send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.provider.wait_for(|known| known.messages.len() == 1);
    fixture.provider.go_down();
    fixture
        .gateway
        .log()
        .event("delivery.outcome_unknown")
        .saying("failed to ask the plugin about the outcome")
        .wait_for(1);
    std::fs::remove_file(fixture.gateway.path("plugins/courier.wasm")).expect("the plugin");
    fixture.gateway.log().event("delivery.outcome_unknown").saying("no live plugin").wait_for(1);
    fixture.provider.come_back();
    fixture.gateway.drop_plugin("courier", &component("courier"));
    let ended = fixture.gateway.wait_for_deliveries();
    assert_eq!(ended[0]["state"], "sent");
    assert_eq!(fixture.provider.look(|known| known.attempts), 1);
}

#[test]
fn a_conversation_named_by_both_sides_keeps_both_names() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.timeout_ms", "300"));
    fixture.provider.trouble(Trouble::Slow(Duration::from_millis(1_500)));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    assert!(sent.ids().1.starts_with("fg-"));
    // The customer replies before the provider has answered with its id of the conversation.
    let output =
        json!([{"inbound": {"id": "in-1", "conversation": "C+15550100001", "with": LEE, "text": "planted text 2"}}]);
    fixture.report_events(&output);
    fixture.gateway.wait_for_deliveries();
    fixture.front.reply(&sent.conversation, "planted text 3");
    fixture.provider.wait_for(|known| known.messages.len() == 2);
    assert_eq!(
        fixture.provider.look(|known| known.messages[1].body["conversations"].clone()),
        json!(["C+15550100001"])
    );
}
