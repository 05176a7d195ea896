//! Channels of a Front app: connected by an admin, asked to send, told of what customers write.

use std::time::Duration;

use frontgate_tests::front::{Connect, Draft, Farewell, MessageState};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Front, Gateway, PUBLIC_URL, Provider, Setup, component};
use serde_json::json;

pub(crate) const LEE: &str = "+15550100001";
pub(crate) const SERVER: &str = "https://gw.example.org/front/sms";

/// Front, a provider, a gateway between them, and a channel.
pub(crate) struct Wired {
    pub(crate) front: Front,
    pub(crate) provider: Provider,
    pub(crate) gateway: Gateway,
    pub(crate) channel: String,
}

impl Wired {
    pub(crate) fn new() -> Self {
        Self::with(|setup| setup)
    }

    pub(crate) fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let (front, provider) = (Front::start(), Provider::start());
        let gateway = change(Setup::courier(&front, &provider)).start();
        front.point_at(gateway.address());
        let channel = front.connect(SERVER).expect("a channel");
        Self { front, provider, gateway, channel }
    }

    /// Where the provider tells of events.
    pub(crate) fn webhook(&self) -> String {
        format!("{}/provider", self.front.channel(&self.channel).webhook_url)
    }

    /// Tells of events, which must be taken.
    #[track_caller]
    pub(crate) fn tell(&self, events: &serde_json::Value) {
        let answer = Provider::tell(self.gateway.address(), &self.webhook(), events);
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    /// What a customer wrote, in its order.
    pub(crate) fn imported(&self) -> Vec<String> {
        let conversations = self.front.conversations();
        let messages = conversations.iter().flat_map(|conversation| &conversation.messages);
        messages.filter(|message| message.is_inbound).map(|message| message.text.clone()).collect()
    }
}

#[test]
fn an_echo_channel_answers_every_message_with_itself() {
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
    assert_eq!(echo.attachments[0].filename, "a.txt");
    assert_eq!(echo.attachments[0].digest, found.messages[0].attachments[0].digest);
}

#[test]
fn a_channel_is_connected_at_an_address_of_its_own_and_removed_with_it() {
    let wired = Wired::new();
    let url = wired.front.channel(&wired.channel).webhook_url;
    assert!(url.starts_with(&format!("{PUBLIC_URL}/front/sms/fg-")), "{url}");
    let other = wired.front.connect(Connect::to(SERVER).token("another")).expect("a channel");
    assert_ne!(wired.front.channel(&other).webhook_url, url);
    let again = wired.front.reconnect(&other, Connect::to(SERVER).token("a third")).expect("a channel");
    assert_eq!(wired.front.channel(&again).webhook_url, wired.front.channel(&other).webhook_url);
    let refusal = wired.front.connect(Connect::to(SERVER).token("refused")).expect_err("it is refused");
    assert_eq!((refusal.status, &*refusal.message), (Some(400), "this token is not known"));
    let farewells = [(&wired.channel, Farewell::Signed), (&other, Farewell::SignedAsUndefined)];
    for (channel, farewell) in farewells {
        let fired = wired.front.disconnect(channel, farewell);
        assert_eq!(fired.status, Some(200), "{fired:?}");
        wired.provider.wait_for(|known| known.removed.contains(channel));
    }
    let third = wired.front.connect(SERVER).expect("a channel");
    let fired = wired.front.disconnect(&third, Farewell::Bodiless);
    assert_eq!(fired.status, Some(200), "{fired:?}");
    wired.provider.wait_for(|known| known.removed.contains(&third));
    assert_eq!(wired.provider.look(|known| known.removed.len()), 3);
    let answer = Provider::tell(wired.gateway.address(), &wired.webhook(), &json!([]));
    assert_eq!((answer.status, answer.code()), (404, "no-channel"));
}

#[test]
fn addresses_come_page_by_page() {
    let wired = Wired::new();
    let addresses = wired.front.list_addresses(Connect::to(SERVER).token("planted text")).expect("addresses");
    let shown: Vec<_> = addresses.iter().map(|one| (&*one.address, one.name.as_deref())).collect();
    assert_eq!(shown, [("one", Some("planted text")), ("two", Some("two"))]);
}

#[test]
fn a_conversation_goes_on_on_both_sides_under_the_providers_ids() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("planted text 1").to(LEE));
    assert_eq!(sent.ids(), ("P1", "C+15550100001"));
    wired.tell(
        &json!([{"inbound": {"id": "in-1", "conversation": "C+15550100001", "with": LEE, "text": "planted text 2"}}]),
    );
    wired.front.wait_for(|state| state.conversation(&sent.conversation).is_some_and(|found| found.messages.len() == 2));
    let reply = wired.front.reply(&sent.conversation, "planted text 3");
    assert_eq!(reply.ids(), ("P2", "C+15550100001"));
    assert_eq!(wired.provider.look(|known| known.messages[1].body["conversations"].clone()), json!(["C+15550100001"]));
    let found = wired.front.conversation(&sent.conversation);
    assert_eq!(found.texts(), ["planted text 1", "planted text 2", "planted text 3"]);
    assert_eq!(wired.provider.look(|known| known.texts().join(",")), "planted text 1,planted text 3");
}

#[test]
fn what_the_provider_tells_twice_is_told_to_front_once() {
    let wired = Wired::new();
    let event = json!([{"inbound": {"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text"}}]);
    wired.tell(&event);
    wired.tell(&event);
    wired.tell(&json!([
        {"inbound": {"id": "in-2", "conversation": "c", "with": LEE, "text": ""}},
        {"inbound": {"id": "in-2", "conversation": "c", "with": LEE, "text": "planted text 2"}},
    ]));
    wired.front.wait_for(|state| state.messages().count() == 2);
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.imported(), ["planted text", "(no text)"]);
}

#[test]
fn an_echo_of_what_went_out_is_not_told_to_front_and_an_agents_own_message_is() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    let said = |id: &str, text: &str| json!({"outbound": {"id": id, "conversation": "C+15550100001", "with": LEE, "text": text}});
    wired.tell(&json!([said("P1", "planted text"), said("P77", "planted text of an agent")]));
    wired.front.wait_for(|state| state.conversation(&sent.conversation).is_some_and(|found| found.messages.len() == 2));
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.front.conversation(&sent.conversation).texts(), ["planted text", "planted text of an agent"]);
}

#[test]
fn an_echo_that_comes_before_the_receipt_waits_for_it() {
    let wired = Wired::new();
    wired.provider.trouble(Trouble::Slow(Duration::from_millis(1_500)));
    wired.front.begin_send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.provider.wait_for(|known| known.messages.len() == 1);
    wired.tell(
        &json!([{"outbound": {"id": "P1", "conversation": "C+15550100001", "with": LEE, "text": "planted text"}}]),
    );
    wired.gateway.wait_for_deliveries();
    wired.front.wait_for(|state| state.messages().all(|message| message.state == MessageState::Sent));
    assert_eq!(wired.front.look(|state| state.messages().count()), 1);
}

#[test]
fn a_message_that_is_refused_at_once_shows_why_and_is_never_tried_again() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("refuse this number is blocked").to(LEE));
    let again = wired.front.resend(&sent.message);
    let said = json!({"type": "bad_request", "message": "Delivery failed: this number is blocked"});
    let fired: Vec<_> = wired.front.hooks().into_iter().filter(|fired| fired.kind == "message").collect();
    let answers: Vec<_> = fired.iter().map(|fired| (fired.status, fired.answered())).collect();
    assert_eq!(answers, [(Some(400), said.clone()), (Some(400), said)]);
    assert!(sent.outcome.is_err() && again.outcome.is_err());
    assert_eq!(wired.provider.look(|known| known.attempts), 0);
    let deliveries = wired.gateway.deliveries();
    assert_eq!((deliveries.len(), &deliveries[0]["attempts"]), (1, &json!(1)), "{deliveries:?}");
}

#[test]
fn a_provider_that_is_slow_gets_the_message_and_front_gets_our_own_ids() {
    let wired = Wired::with(|setup| {
        setup.set("tenants.demo.front.sms.timeout_ms", "400").set("plugins.limits.outbound_timeout_ms", "4000")
    });
    wired.provider.trouble(Trouble::Slow(Duration::from_millis(1_200)));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    let (message, conversation) = sent.ids();
    assert!(message.starts_with("fg-") && conversation.starts_with("fg-"), "{message} {conversation}");
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.front.resend(&sent.message).ids(), (message, conversation));
    // The provider's own names lead to the same conversation.
    let said = |kind: &str, id: &str| json!({kind: {"id": id, "conversation": "C+15550100001", "with": LEE, "text": "planted text 2"}});
    wired.tell(&json!([said("outbound", "P1"), said("inbound", "in-1")]));
    wired.front.wait_for(|state| state.conversation(conversation).is_some_and(|found| found.messages.len() == 2));
    let reply = wired.front.reply(&sent.conversation, "planted text 3");
    assert_eq!(wired.provider.look(|known| known.messages[1].body["conversations"].clone()), json!(["C+15550100001"]));
    assert!(reply.outcome.is_ok() && wired.provider.look(|known| known.texts().len()) == 2);
}

#[test]
fn a_message_that_fails_after_it_was_promised_is_reported_with_the_reason() {
    let wired = Wired::new();
    wired.provider.trouble(Trouble::Status(503));
    wired.provider.trouble(Trouble::Refused("no such number".to_owned()));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.front.wait_for(|state| {
        let found = state.message(&sent.message).expect("it is there");
        matches!(&found.state, MessageState::Failed(Some(why)) if why.contains("no such number"))
    });
    assert!(sent.outcome.is_ok());
    assert_eq!(wired.provider.look(|known| (known.attempts, known.messages.len())), (2, 0));
}

#[test]
fn a_provider_that_could_not_deliver_after_all_makes_it_failed_in_front() {
    let wired = Wired::new();
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.tell(&json!([{"failed": {"id": "P1", "reason": "the phone is off"}}]));
    wired.front.wait_for(|state| {
        state
            .message(&sent.message)
            .is_some_and(|found| found.state == MessageState::Failed(Some("the phone is off".to_owned())))
    });
}

#[test]
fn an_answer_that_got_lost_is_asked_after_and_the_message_is_not_sent_twice() {
    for (trouble, attempts) in [(Trouble::Silent, 1), (Trouble::Lost, 2)] {
        let wired = Wired::new();
        wired.provider.trouble(trouble.clone());
        let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
        wired.gateway.wait_for_deliveries();
        assert!(sent.outcome.is_ok(), "{trouble:?}: {sent:?}");
        assert_eq!(wired.provider.look(|known| (known.attempts, known.messages.len())), (attempts, 1), "{trouble:?}");
        let ended: Vec<_> = wired.gateway.deliveries().iter().map(|delivery| delivery["state"].clone()).collect();
        assert_eq!(ended, ["sent"], "{trouble:?}");
    }
}

#[test]
fn a_conversation_whose_first_message_failed_keeps_the_id_that_front_was_told() {
    let wired = Wired::new();
    wired.provider.trouble(Trouble::Status(503));
    wired.provider.trouble(Trouble::Refused("no such number".to_owned()));
    let failed = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    let (_, conversation) = failed.ids();
    wired.gateway.wait_for_deliveries();
    let reply = wired.front.reply(&failed.conversation, "planted text 2");
    assert_eq!(reply.ids().1, conversation);
    let said =
        json!([{"inbound": {"id": "in-1", "conversation": "C+15550100001", "with": LEE, "text": "planted text 3"}}]);
    wired.tell(&said);
    wired
        .front
        .wait_for(|state| state.conversation(&failed.conversation).is_some_and(|found| found.messages.len() == 3));
}

#[test]
fn a_message_that_may_have_gone_out_is_asked_after_also_when_its_plugin_was_away_meanwhile() {
    let wired = Wired::new();
    wired.provider.trouble(Trouble::Silent);
    wired.front.begin_send(&wired.channel, Draft::new("planted text").to(LEE));
    wired.provider.wait_for(|known| known.messages.len() == 1);
    wired.provider.go_down();
    wired.gateway.log().wait_for("is unknown: asking the plugin about it");
    std::fs::remove_file(wired.gateway.path("plugins/courier.wasm")).expect("the plugin");
    wired.gateway.log().wait_for("is unknown: no plugin");
    wired.provider.come_back();
    wired.gateway.drop_plugin("courier", &component("courier"));
    let ended = wired.gateway.wait_for_deliveries();
    assert_eq!(ended[0]["state"], "sent");
    assert_eq!(wired.provider.look(|known| known.attempts), 1);
}

#[test]
fn a_conversation_that_both_sides_named_has_both_names() {
    let wired = Wired::with(|setup| setup.set("tenants.demo.front.sms.timeout_ms", "300"));
    wired.provider.trouble(Trouble::Slow(Duration::from_millis(1_500)));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    assert!(sent.ids().1.starts_with("fg-"));
    // The customer answers before the provider has said what it calls the conversation.
    let said =
        json!([{"inbound": {"id": "in-1", "conversation": "C+15550100001", "with": LEE, "text": "planted text 2"}}]);
    wired.tell(&said);
    wired.gateway.wait_for_deliveries();
    wired.front.reply(&sent.conversation, "planted text 3");
    wired.provider.wait_for(|known| known.messages.len() == 2);
    assert_eq!(wired.provider.look(|known| known.messages[1].body["conversations"].clone()), json!(["C+15550100001"]));
}
