//! Tests providers that are slow, hang or are down: Front is answered in time, and every message arrives once.

use std::time::Duration;

use frontgate_tests::front::{Draft, MessageState};
use frontgate_tests::provider::Trouble;
use serde_json::json;

use crate::channels::{ChannelFixture, LEE, SERVER};

#[test]
fn a_hanging_provider_delays_no_answer_to_front() {
    // Timeouts of the plugin in ms, one below and one above the delay of the provider's answer.
    for timeout in ["3000", "9000"] {
        let fixture = ChannelFixture::with(|setup| {
            setup
                .set("plugins.limits.outbound_timeout_ms", timeout)
                .set("plugins.limits.call_timeout_ms", timeout)
                .set("delivery.plugin_timeout_ms", timeout)
                .set("tenants.demo.front.sms.at_once_per_channel_max", "8")
        });
        for seconds in [1, 6, 8, 60] {
            fixture.provider.trouble(Trouble::Slow(Duration::from_secs(seconds)));
            let number = format!("+1555010{seconds:04}");
            fixture.front.begin_send(&fixture.channel, Draft::new(&format!("planted text {seconds}")).to(&number));
            fixture.provider.wait_for(|known| known.texts().contains(&&*format!("planted text {seconds}")));
        }
        fixture.front.wait_for(|state| state.messages().all(|message| message.state == MessageState::Sent));
        assert!(fixture.front.hooks().iter().all(|fired| !fired.late && fired.error.is_none()));
        let ended = fixture.gateway.wait_for_deliveries();
        assert!(ended.iter().all(|delivery| delivery["state"] == "sent"), "{ended:?}");
        assert_eq!(fixture.provider.look(|known| (known.attempts, known.messages.len())), (4, 4));
    }
}

#[test]
fn messages_written_during_an_outage_arrive_once_and_in_order() {
    let fixture = ChannelFixture::with(|setup| setup.set("plugins.breaker.failures", "1000000"));
    let first = fixture.front.send(&fixture.channel, Draft::new("planted text 0").to(LEE));
    fixture.provider.go_down();
    for turn in 1..10 {
        let sent = fixture.front.reply(&first.conversation, &*format!("planted text {turn}"));
        // On a busy machine the answer can miss its deadline. Front then sends the message again.
        let sent = if sent.outcome.is_err() { fixture.front.resend(&sent.message) } else { sent };
        sent.ids();
    }
    // Waiting messages are retried during the outage.
    fixture.gateway.log().event("delivery.retry_scheduled").saying("`send` of the plugin failed").wait_for(1);
    let seconds = std::env::var("FRONTGATE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    std::thread::park_timeout(Duration::from_secs(seconds));
    fixture.provider.come_back();
    fixture.provider.wait_for(|known| known.messages.len() == 10);
    fixture.gateway.wait_for_deliveries();
    let expected: Vec<_> = (0..10).map(|turn| format!("planted text {turn}")).collect();
    assert_eq!(fixture.provider.look(|known| known.texts().join(",")), expected.join(","));
    assert_eq!(fixture.front.conversation(&first.conversation).texts(), expected);
}

#[test]
fn a_delivery_that_was_given_up_is_reported_and_blocks_no_other() {
    let fixture = ChannelFixture::with(|setup| setup.set("delivery.give_up_after_ms", "300"));
    fixture.provider.always(Some(Trouble::Status(503)));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    sent.ids();
    fixture.front.wait_for(|state| {
        state.message(&sent.message).is_some_and(|message| matches!(message.state, MessageState::Failed(Some(_))))
    });
    fixture.provider.always(None);
    fixture.front.reply(&sent.conversation, "planted text 2").ids();
    assert_eq!(fixture.provider.look(|known| known.texts().join(",")), "planted text 2");
}

#[test]
fn a_hanging_channel_leaves_capacity_for_other_channels() {
    let fixture = ChannelFixture::with(|setup| {
        setup
            .set("delivery.at_once_max", "3")
            .set("tenants.demo.front.sms.at_once_per_channel_max", "2")
            .set("plugins.limits.outbound_timeout_ms", "30000")
            .set("plugins.limits.call_timeout_ms", "30000")
            .set("delivery.plugin_timeout_ms", "30000")
    });
    let other = fixture.front.connect(SERVER).expect("a channel");
    fixture.provider.always(Some(Trouble::Slow(Duration::from_secs(30))));
    for index in 0..4 {
        fixture.front.begin_send(&fixture.channel, Draft::new("planted text").to(&format!("+1555010{index:04}")));
    }
    fixture.provider.wait_for(|known| known.attempts == 2);
    fixture.provider.always(None);
    fixture.front.send(&other, Draft::new("planted text of another").to(LEE)).ids();
    assert_eq!(fixture.provider.look(|known| known.attempts), 3);
}

#[test]
fn a_plugin_crash_fails_only_the_message_that_caused_it() {
    let fixture = ChannelFixture::with(|setup| setup.set("plugins.breaker.failures", "1000000"));
    let sent = fixture.front.send(&fixture.channel, Draft::new("crash").to(LEE));
    fixture.front.wait_for(|state| {
        state.message(&sent.message).is_some_and(|message| matches!(message.state, MessageState::Failed(Some(_))))
    });
    fixture.front.reply(&sent.conversation, "planted text").ids();
    assert_eq!(fixture.provider.look(|known| known.texts().join(",")), "planted text");
    fixture.report_events(&json!([{"failed": {"id": "nobody knows this one", "reason": "-"}}]));
    let ended = fixture.gateway.wait_for_deliveries();
    assert_eq!(ended.last().expect("a delivery")["state"], "failed");
}
