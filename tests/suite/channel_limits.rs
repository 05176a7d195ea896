//! Front's rate limits: they are kept rather than found out, and what waits for them stays in order.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::channels::{LEE, Wired};

/// Offers three times what Front takes, and looks at what came of it.
fn offer(wired: &Wired, count: usize, pause: Duration) {
    let began = Instant::now();
    for turn in 0..count {
        let (conversation, id) = (format!("c-{}", turn % 3), format!("{turn:05}"));
        wired.tell(&json!([{"inbound": {"id": id, "conversation": conversation, "with": LEE, "text": id}}]));
        let next = pause * u32::try_from(turn + 1).expect("a small number");
        thread::park_timeout(next.saturating_sub(began.elapsed()));
    }
    wired.gateway.wait_for_deliveries();
    assert_eq!(wired.front.look(|state| state.messages().count()), count);
    assert!(wired.front.limited() <= 1, "Front said {} times that it is too much", wired.front.limited());
    for conversation in wired.front.conversations() {
        let texts = conversation.texts();
        assert!(texts.is_sorted() && texts.len() == count / 3, "{texts:?}");
    }
}

#[test]
fn three_times_what_a_channel_may_ask_drains_in_order_and_without_being_refused() {
    let wired = Wired::new();
    let seconds: usize = std::env::var("FRONTGATE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    wired.front.budget(100_000, Duration::from_secs(60));
    offer(&wired, 15 * seconds, Duration::from_secs(1) / 15);
}

#[test]
fn three_times_what_the_company_may_ask_does_so_too() {
    let wired = Wired::with(|setup| setup.set("tenants.demo.front.sms.calls_per_second_max", "1000"));
    wired.front.burst(1_000);
    wired.front.budget(10, Duration::from_secs(2));
    offer(&wired, 30, Duration::ZERO);
}
