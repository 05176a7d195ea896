//! Finding 5: one channel's provider fills the disk.

use frontgate_tests::front::Draft;
use frontgate_tests::{Front, Gateway, eventually};

use super::finding_04::{connect, report_message, routing, two_tenants};
use crate::channels::LEE;

/// A number of bytes that exceeds the free space of any disk.
const FULL: &str = "1125899906842624";

/// Sends events until one is rejected, and returns how many were accepted.
fn fill(gateway: &Gateway, webhook: &str, text: &str) -> usize {
    for id in 0..1_000 {
        let answer = report_message(gateway, webhook, id, text);
        if answer.status != 204 {
            assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "overload", "5"));
            return id;
        }
    }
    panic!("no event was rejected")
}

/// Sends events until one is accepted.
fn wait_until_accepted(gateway: &Gateway, webhook: &str) {
    let mut ids = 1_000..;
    let send = || report_message(gateway, webhook, ids.next().unwrap_or_default(), "planted text").status;
    eventually("an event is accepted", send, |status| *status == 204);
}

#[test]
fn imports_waiting_for_a_channel_are_limited_by_number() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("tenants.demo.front.sms.waiting_max", "5").start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, "planted text"), 5);
    let refusals = gateway.metric("frontgate_store_refused_total{tenant=\"demo\",limit=\"channel-waiting\"}");
    assert!(refusals >= 1.0);
    // The limit on imports does not apply to events of platforms.
    assert_eq!(routing(&gateway, "/acme", "CH1").status, 200);
    assert_eq!(routing(&gateway, "/bolt", "CH1").status, 200);
    front.come_back();
    wait_until_accepted(&gateway, &webhook);
}

#[test]
fn imports_waiting_for_a_channel_are_limited_by_bytes() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("tenants.demo.front.sms.waiting_bytes_max", "100000").start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, &"x".repeat(24_000)), 5);
}

#[test]
fn dead_imports_use_up_the_limit_until_an_operator_cancels_them() {
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
    wait_until_accepted(&gateway, &webhook);
}

#[test]
fn waiting_events_are_limited_per_tenant() {
    let front = Front::start();
    // Without credentials the deliveries stay in the queue.
    let gateway = two_tenants(&front).set("store.waiting_per_tenant_max", "4").start();
    let (_, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(fill(&gateway, &webhook, "planted text"), 2, "imports have half");
    for sid in ["CH1", "CH2"] {
        assert_eq!(routing(&gateway, "/acme", sid).status, 200);
    }
    let answer = routing(&gateway, "/acme", "CH3");
    assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "overload", "5"));
    // An event that is already stored is still accepted.
    assert_eq!(routing(&gateway, "/acme", "CH1").status, 200);
    assert_eq!(routing(&gateway, "/bolt", "CH3").status, 200);
}

#[test]
fn remembered_events_are_limited_per_tenant() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.events_bytes_per_tenant_max", "50").start();
    let accepted = (0..100).take_while(|turn| routing(&gateway, "/acme", &format!("CH{turn}")).status == 200).count();
    assert!((1..10).contains(&accepted), "{accepted}");
    assert_eq!(routing(&gateway, "/bolt", "CH1").status, 200);
}

#[test]
fn low_disk_space_rejects_imports_but_not_events() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.free_bytes_imports_min", FULL).start();
    let (_, webhook) = connect(&front, &gateway);
    assert_eq!(fill(&gateway, &webhook, "planted text"), 0);
    for tenant in ["/acme", "/bolt"] {
        assert_eq!(routing(&gateway, tenant, "CH1").status, 200);
    }
    gateway.log().event("store.free_space_low").saying("store.free_bytes_imports_min").wait_for(1);
}

#[test]
fn very_low_disk_space_rejects_events_but_delivers_stored_ones() {
    let front = Front::start();
    let gateway = two_tenants(&front).start();
    let (channel, webhook) = connect(&front, &gateway);
    front.go_down();
    assert_eq!(report_message(&gateway, &webhook, 1, "planted text").status, 204);
    gateway.edit_config(&[("store.free_bytes_imports_min", FULL), ("store.free_bytes_events_min", FULL)]);
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
fn ended_deliveries_of_a_tenant_over_its_limit_are_deleted_early() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.deliveries_keep_bytes_per_tenant_max", "0").start();
    let (_, webhook) = connect(&front, &gateway);
    assert_eq!(report_message(&gateway, &webhook, 1, "planted text").status, 204);
    gateway.wait_for_delivery(1, "sent");
    let gateway = gateway.restart();
    eventually("ended deliveries are deleted", || gateway.deliveries(), Vec::is_empty);
    assert_eq!(report_message(&gateway, &webhook, 1, "planted text").status, 204, "its message is known");
    assert!(gateway.deliveries().is_empty());
}
