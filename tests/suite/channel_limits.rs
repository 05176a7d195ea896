//! Tests that the gateway stays below Front's rate limits, and that waiting requests keep their order.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::channels::{ChannelFixture, LEE};

/// Sends messages at three times the rate that Front accepts, and checks that all of them arrive in order.
fn offer_load(fixture: &ChannelFixture, count: usize, pause: Duration) {
    let began = Instant::now();
    for turn in 0..count {
        let (conversation, id) = (format!("c-{}", turn % 3), format!("{turn:05}"));
        fixture.report_events(&json!([{"inbound": {"id": id, "conversation": conversation, "with": LEE, "text": id}}]));
        let next = pause * u32::try_from(turn + 1).expect("a small number");
        thread::park_timeout(next.saturating_sub(began.elapsed()));
    }
    fixture.gateway.wait_for_deliveries();
    assert_eq!(fixture.front.look(|state| state.messages().count()), count);
    assert!(fixture.front.limited() <= 1, "Front said {} times that it is too much", fixture.front.limited());
    for conversation in fixture.front.conversations() {
        let texts = conversation.texts();
        assert!(texts.is_sorted() && texts.len() == count / 3, "{texts:?}");
    }
}

#[test]
fn three_times_the_channel_rate_drains_in_order_without_429() {
    let fixture = ChannelFixture::new();
    let seconds: usize = std::env::var("FRONTGATE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    fixture.front.budget(100_000, Duration::from_secs(60));
    offer_load(&fixture, 15 * seconds, Duration::from_secs(1) / 15);
}

#[test]
fn three_times_the_company_rate_drains_in_order_without_429() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.calls_per_second_max", "1000"));
    fixture.front.burst(1_000);
    fixture.front.budget(10, Duration::from_secs(2));
    offer_load(&fixture, 30, Duration::ZERO);
}
