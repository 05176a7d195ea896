//! A provider that is slow, hangs, or is down: Front has its answer in time, and every message arrives once.

use std::time::Duration;

use frontgate_tests::front::{Draft, MessageState};
use frontgate_tests::provider::Trouble;
use serde_json::json;

use crate::channels::{LEE, SERVER, Wired};

#[test]
fn a_provider_may_hang_for_as_long_as_it_likes() {
    // What the plugin may take of a message, and whether a hanging provider is still there when it answers.
    for patience in ["3000", "9000"] {
        let wired = Wired::with(|setup| {
            setup
                .set("plugins.limits.outbound_timeout_ms", patience)
                .set("plugins.limits.call_timeout_ms", patience)
                .set("delivery.plugin_timeout_ms", patience)
                .set("tenants.demo.front.sms.at_once_per_channel_max", "8")
        });
        for seconds in [1, 6, 8, 60] {
            wired.provider.trouble(Trouble::Slow(Duration::from_secs(seconds)));
            let number = format!("+1555010{seconds:04}");
            wired.front.begin_send(&wired.channel, Draft::new(&format!("planted text {seconds}")).to(&number));
            wired.provider.wait_for(|known| known.texts().contains(&&*format!("planted text {seconds}")));
        }
        wired.front.wait_for(|state| state.messages().all(|message| message.state == MessageState::Sent));
        assert!(wired.front.hooks().iter().all(|fired| !fired.late && fired.error.is_none()));
        let ended = wired.gateway.wait_for_deliveries();
        assert!(ended.iter().all(|delivery| delivery["state"] == "sent"), "{ended:?}");
        assert_eq!(wired.provider.look(|known| (known.attempts, known.messages.len())), (4, 4));
    }
}

#[test]
fn what_is_written_while_the_provider_is_down_arrives_when_it_is_back_once_and_in_order() {
    let wired = Wired::with(|setup| setup.set("plugins.breaker.failures", "1000000"));
    let first = wired.front.send(&wired.channel, Draft::new("planted text 0").to(LEE));
    wired.provider.go_down();
    for turn in 1..10 {
        wired.front.reply(&first.conversation, &*format!("planted text {turn}")).ids();
    }
    // What waits is tried again and again meanwhile.
    wired.gateway.log().wait_for("is ready: the plugin has not sent it");
    let seconds = std::env::var("FRONTGATE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    std::thread::park_timeout(Duration::from_secs(seconds));
    wired.provider.come_back();
    wired.provider.wait_for(|known| known.messages.len() == 10);
    wired.gateway.wait_for_deliveries();
    let expected: Vec<_> = (0..10).map(|turn| format!("planted text {turn}")).collect();
    assert_eq!(wired.provider.look(|known| known.texts().join(",")), expected.join(","));
    assert_eq!(wired.front.conversation(&first.conversation).texts(), expected);
}

#[test]
fn what_is_given_up_is_reported_and_others_go_on() {
    let wired = Wired::with(|setup| setup.set("delivery.give_up_after_ms", "300"));
    wired.provider.always(Some(Trouble::Status(503)));
    let sent = wired.front.send(&wired.channel, Draft::new("planted text").to(LEE));
    sent.ids();
    wired.front.wait_for(|state| {
        state.message(&sent.message).is_some_and(|message| matches!(message.state, MessageState::Failed(Some(_))))
    });
    wired.provider.always(None);
    wired.front.reply(&sent.conversation, "planted text 2").ids();
    assert_eq!(wired.provider.look(|known| known.texts().join(",")), "planted text 2");
}

#[test]
fn a_channel_whose_provider_hangs_takes_no_place_of_another() {
    let wired = Wired::with(|setup| {
        setup
            .set("delivery.at_once_max", "3")
            .set("tenants.demo.front.sms.at_once_per_channel_max", "2")
            .set("plugins.limits.outbound_timeout_ms", "30000")
            .set("plugins.limits.call_timeout_ms", "30000")
            .set("delivery.plugin_timeout_ms", "30000")
    });
    let other = wired.front.connect(SERVER).expect("a channel");
    wired.provider.always(Some(Trouble::Slow(Duration::from_secs(30))));
    for index in 0..4 {
        wired.front.begin_send(&wired.channel, Draft::new("planted text").to(&format!("+1555010{index:04}")));
    }
    wired.provider.wait_for(|known| known.attempts == 2);
    wired.provider.always(None);
    wired.front.send(&other, Draft::new("planted text of another").to(LEE)).ids();
    assert_eq!(wired.provider.look(|known| known.attempts), 3);
}

#[test]
fn a_plugin_that_crashes_over_a_message_fails_it_and_nothing_else() {
    let wired = Wired::with(|setup| setup.set("plugins.breaker.failures", "1000000"));
    let sent = wired.front.send(&wired.channel, Draft::new("crash").to(LEE));
    wired.front.wait_for(|state| {
        state.message(&sent.message).is_some_and(|message| matches!(message.state, MessageState::Failed(Some(_))))
    });
    wired.front.reply(&sent.conversation, "planted text").ids();
    assert_eq!(wired.provider.look(|known| known.texts().join(",")), "planted text");
    wired.tell(&json!([{"failed": {"id": "nobody knows this one", "reason": "-"}}]));
    let ended = wired.gateway.wait_for_deliveries();
    assert_eq!(ended.last().expect("a delivery")["state"], "failed");
}
