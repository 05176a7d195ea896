//! Tests the checks of channels: Front shows a channel as offline while its provider does not work.

use frontgate_tests::Front;
use frontgate_tests::front::{Action, Call, Connect, Draft, Fault};

use crate::channel_commands::{run_failing, run_ok};
use crate::channels::{ChannelFixture, LEE, SERVER};

/// Longer than any test.
const NEVER_MS: u64 = 86_400_000;

/// Returns a fixture whose channel is checked often, and is offline after failing for `offline_after_ms`.
fn fixture(offline_after_ms: u64) -> ChannelFixture {
    ChannelFixture::with(|setup| {
        setup
            .set("tenants.demo.front.sms.check_interval_ms", "100")
            .set("tenants.demo.front.sms.offline_after_ms", offline_after_ms.to_string())
            .set("delivery.retry_first_ms", "100")
            .set("delivery.retry_longest_ms", "1000")
    })
}

/// Returns the statuses that Front has accepted, in order.
fn reported(front: &Front) -> Vec<String> {
    let requests = front.requests();
    let reported = requests.iter().filter(|request| request.call == Call::UpdateChannel && request.acted);
    reported.map(|request| request.body["status"].as_str().unwrap_or_default().to_owned()).collect()
}

#[track_caller]
fn wait_until_online(fixture: &ChannelFixture, wanted: bool) {
    fixture.front.wait_for(|state| state.channel(&fixture.channel).is_some_and(|channel| channel.is_online == wanted));
}

/// Waits for some more checks.
#[track_caller]
fn wait_for_checks(fixture: &ChannelFixture) {
    let checks = fixture.provider.look(|known| known.checks);
    fixture.provider.wait_for(|known| known.checks > checks + 2);
}

#[test]
fn front_shows_once_that_a_provider_is_down_and_once_that_it_is_back() {
    let fixture = fixture(300);
    fixture.provider.go_down();
    wait_until_online(&fixture, false);
    fixture.provider.come_back();
    wait_until_online(&fixture, true);
    wait_for_checks(&fixture);
    assert_eq!(reported(&fixture.front), ["offline", "ok"]);
}

#[test]
fn messages_of_an_outage_arrive_once_when_the_provider_is_back() {
    let fixture = fixture(300);
    fixture.provider.go_down();
    wait_until_online(&fixture, false);
    let texts = ["planted text 1", "planted text 2", "planted text 3"];
    for text in texts {
        fixture.front.send(&fixture.channel, Draft::new(text).to(LEE));
    }
    fixture.provider.come_back();
    fixture.provider.wait_for(|known| known.messages.len() >= texts.len());
    wait_until_online(&fixture, true);
    let mut arrived = fixture.provider.look(|known| known.texts().into_iter().map(str::to_owned).collect::<Vec<_>>());
    arrived.sort_unstable();
    assert_eq!(arrived, texts);
}

#[test]
fn a_short_outage_is_not_shown_in_front() {
    let fixture = fixture(NEVER_MS);
    fixture.provider.go_down();
    fixture.gateway.log().event("channel.check_failed").wait_for(1);
    fixture.provider.come_back();
    wait_for_checks(&fixture);
    assert!(reported(&fixture.front).is_empty());
}

#[test]
fn a_refused_credential_is_shown_at_once() {
    let fixture = fixture(NEVER_MS);
    fixture.provider.revoke(true);
    wait_until_online(&fixture, false);
    fixture.gateway.log().event("channel.offline").wait_for(1);
    let shown = run_ok(&fixture.gateway, &["channels", "show", &fixture.channel]);
    assert!(shown.contains("offline") && shown.contains("the provider refuses the token"), "{shown}");
    assert!(run_ok(&fixture.gateway, &["channels", "list"]).contains("offline"));
}

#[test]
fn a_channel_that_is_authorized_again_works_and_keeps_its_address_and_conversations() {
    let fixture = fixture(NEVER_MS);
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let conversation = sent.ids().1.to_owned();
    let address = fixture.front.channel(&fixture.channel).webhook_url;
    fixture.provider.revoke(true);
    fixture.gateway.log().event("channel.offline").wait_for(1);
    fixture.provider.revoke(false);
    fixture.front.reconnect(&fixture.channel, Connect::to(SERVER).token("a new token")).expect("a channel");
    fixture.gateway.log().event("channel.online").wait_for(1);
    wait_until_online(&fixture, true);
    assert_eq!(fixture.front.channel(&fixture.channel).webhook_url, address);
    assert_eq!(fixture.front.reply(&sent.conversation, "planted text 2").ids().1, conversation);
}

#[test]
fn a_status_is_reported_when_front_is_back_itself() {
    let fixture = fixture(NEVER_MS);
    fixture.front.fault(Fault::new(Action::FailBefore(500)).on(Call::UpdateChannel).times(2));
    fixture.provider.revoke(true);
    wait_until_online(&fixture, false);
    fixture.gateway.log().event("channel.status_delayed").wait_for(2);
    assert_eq!(reported(&fixture.front), ["offline"]);
}

#[test]
fn what_front_shows_is_known_after_a_restart() {
    let fixture = fixture(NEVER_MS);
    fixture.provider.revoke(true);
    wait_until_online(&fixture, false);
    let fixture = ChannelFixture { gateway: fixture.gateway.restart(), ..fixture };
    fixture.front.point_at(fixture.gateway.address());
    wait_for_checks(&fixture);
    fixture.provider.revoke(false);
    wait_until_online(&fixture, true);
    assert_eq!(reported(&fixture.front), ["offline", "ok"]);
}

#[test]
fn channels_check_asks_the_provider_and_exits_with_1_if_it_does_not_work() {
    let fixture = ChannelFixture::new();
    let output = run_ok(&fixture.gateway, &["channels", "check"]);
    assert_eq!(output.trim(), format!("{}: the provider answers and accepts the credential", fixture.channel));
    fixture.provider.revoke(true);
    let output = run_failing(&fixture.gateway, &["channels", "check", &fixture.channel]);
    assert!(output.contains("the provider refuses the token"), "{output}");
}
