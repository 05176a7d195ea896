//! Finding 5: one channel's provider fills the disk.

use frontgate_tests::front::Draft;
use frontgate_tests::{Front, Gateway, wait_until};

use super::finding_04::{connect, routing, tell, two_tenants};
use crate::channels::LEE;

/// More than any disk has.
const FULL: &str = "1125899906842624";

/// Tells until it is refused, and says how often it was taken.
fn fill(gateway: &Gateway, webhook: &str, text: &str) -> usize {
    for id in 0..1_000 {
        let answer = tell(gateway, webhook, id, text);
        if answer.status != 204 {
            assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "overload", "5"));
            return id;
        }
    }
    panic!("nothing was refused")
}

#[test]
fn a_channels_imports_wait_up_to_a_number_and_go_on_when_there_is_room() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("tenants.demo.front.sms.waiting_max", "5").start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, "planted text"), 5);
    let refusals = gateway.metric("frontgate_store_refused_total{tenant=\"demo\",limit=\"channel-waiting\"}");
    assert!(refusals >= 1.0);
    // Events of the platforms are no imports.
    assert_eq!(routing(&gateway, "/acme", "CH1").status, 200);
    assert_eq!(routing(&gateway, "/bolt", "CH1").status, 200);
    front.come_back();
    let mut id = 1_000;
    wait_until(|| {
        id += 1;
        tell(&gateway, &webhook, id, "planted text").status == 204
    });
}

#[test]
fn a_channels_imports_wait_up_to_their_bytes() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("tenants.demo.front.sms.waiting_bytes_max", "100000").start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, &"x".repeat(24_000)), 5);
}

#[test]
fn what_was_given_up_counts_until_the_operator_takes_it_out() {
    let front = Front::start();
    let gateway = two_tenants(&front)
        .set("tenants.demo.front.sms.waiting_max", "3")
        .set("delivery.give_up_after_ms", "1")
        .start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, "planted text"), 3);
    gateway.wait_for_delivery(1, "dead");
    assert_eq!(fill(&gateway, &webhook, "planted text again"), 0);
    let cancelled = gateway.command(&["deliveries", "cancel", "1"]);
    assert!(cancelled.status.success(), "{}", String::from_utf8_lossy(&cancelled.stderr));
    let mut id = 1_000;
    wait_until(|| {
        id += 1;
        tell(&gateway, &webhook, id, "planted text").status == 204
    });
}

#[test]
fn a_tenants_events_wait_up_to_a_number_and_another_tenants_are_taken() {
    let front = Front::start();
    // Without credentials nothing can be done about them.
    let gateway = two_tenants(&front).set("store.waiting_per_tenant_max", "4").start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, "planted text"), 2, "imports have half");
    for sid in ["CH1", "CH2"] {
        assert_eq!(routing(&gateway, "/acme", sid).status, 200);
    }
    let answer = routing(&gateway, "/acme", "CH3");
    assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "overload", "5"));
    // What was taken before is known.
    assert_eq!(routing(&gateway, "/acme", "CH1").status, 200);
    assert_eq!(routing(&gateway, "/bolt", "CH3").status, 200);
}

#[test]
fn what_is_remembered_of_a_tenants_events_has_a_limit() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.events_bytes_per_tenant_max", "50").start();
    let taken = (0..100).take_while(|turn| routing(&gateway, "/acme", &format!("CH{turn}")).status == 200).count();
    assert!((1..10).contains(&taken), "{taken}");
    assert_eq!(routing(&gateway, "/bolt", "CH1").status, 200);
}

#[test]
fn with_little_free_space_imports_are_refused_and_events_are_not() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.free_bytes_imports_min", FULL).start();
    let (_, webhook) = connect(&front, &gateway);
    assert_eq!(fill(&gateway, &webhook, "planted text"), 0);
    for tenant in ["/acme", "/bolt"] {
        assert_eq!(routing(&gateway, tenant, "CH1").status, 200);
    }
    gateway.log().wait_for("imports are refused: less than store.free_bytes_imports_min is free");
}

#[test]
fn with_less_free_space_events_are_refused_and_what_is_stored_is_delivered() {
    let front = Front::start();
    let gateway = two_tenants(&front).start();
    let (channel, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(tell(&gateway, &webhook, 1, "planted text").status, 204);
    gateway.set(&[("store.free_bytes_imports_min", FULL), ("store.free_bytes_events_min", FULL)]);
    let gateway = gateway.restart();
    front.point_at(gateway.address());
    front.come_back();
    front.wait_for(|state| state.messages().count() == 1);
    let answer = routing(&gateway, "/bolt", "CH1");
    assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "overload", "5"));
    let sent = front.send(&channel, Draft::new("planted text").to(LEE));
    assert!(sent.outcome.is_err(), "{sent:?}");
}

#[test]
fn deliveries_that_have_ended_are_deleted_early_where_a_tenant_keeps_too_much() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.deliveries_keep_bytes_per_tenant_max", "0").start();
    let (_, webhook) = connect(&front, &gateway);
    assert_eq!(tell(&gateway, &webhook, 1, "planted text").status, 204);
    gateway.wait_for_delivery(1, "sent");
    let gateway = gateway.restart();
    wait_until(|| gateway.deliveries().is_empty());
    assert_eq!(tell(&gateway, &webhook, 1, "planted text").status, 204, "its message is known");
    assert!(gateway.deliveries().is_empty());
}
