//! Tests the metrics of what waits, is paused, or comes close to a deadline.

use std::time::Duration;

use frontgate_tests::{Setup, eventually};
use serde_json::json;

use crate::channels::{ChannelFixture, LEE};
use crate::console::waiting;

#[test]
fn requests_are_counted_for_each_tenant() {
    let gateway = Setup::misbehaving().start();
    gateway.output_of("hello");
    assert_eq!(gateway.get("/unknown", &[]).status, 404);
    assert_eq!(gateway.metric("frontgate_requests_total{tenant=\"demo\",callback=\"crm\",code=\"ok\"}"), 1.0);
    assert_eq!(gateway.metric("frontgate_request_seconds_count{tenant=\"demo\",callback=\"crm\"}"), 1.0);
    let unknown = "frontgate_requests_total{tenant=\"-\",callback=\"-\",code=\"unknown-address\"}";
    assert_eq!(gateway.metric_or_zero(unknown), 1.0, "{}", gateway.admin_get("/metrics").1);
}

#[test]
fn the_share_of_the_deadline_is_measured() {
    let gateway = Setup::misbehaving().set("tenants.demo.twilio.callback_timeout_ms", "2000").start();
    gateway.instruct("sleep 300");
    let share = gateway.metric("frontgate_request_deadline_share_sum{callback=\"crm\"}");
    assert!((0.15..1.0).contains(&share), "{share}");
    assert_eq!(gateway.metric("frontgate_request_deadline_share_bucket{callback=\"crm\",le=\"0.1\"}"), 0.0);
}

#[test]
fn the_age_of_the_oldest_delivery_grows_while_it_waits() {
    let (_twilio, gateway, _) = waiting(1);
    let unknown = "frontgate_delivery_oldest_seconds{tenant=\"demo\",state=\"unknown\"}";
    eventually("a second has passed", || gateway.metric(unknown), |age| *age >= 1.0);
    assert_eq!(gateway.metric("frontgate_delivery_oldest_seconds{tenant=\"demo\",state=\"leased\"}"), 0.0);
}

#[test]
fn an_open_breaker_is_a_metric() {
    let breaker = "{ failures = 3, pause_ms = 60000, pause_max_ms = 60000 }";
    let gateway = Setup::misbehaving().set("plugins.breaker", breaker).start();
    let open = "frontgate_plugin_breaker_open{plugin=\"plugin\"}";
    assert_eq!(gateway.metric(open), 0.0);
    (0..3).for_each(|_| assert_eq!(gateway.instruct("panic").code(), "plugin-trapped"));
    assert_eq!(gateway.metric(open), 1.0);
}

#[test]
fn a_ready_gateway_and_its_sessions_are_metrics() {
    let gateway = Setup::misbehaving().start();
    gateway.sign_in("ana", "viewer");
    gateway.sign_in("bo", "viewer");
    assert_eq!((gateway.metric("frontgate_ready"), gateway.metric("frontgate_console_sessions")), (1.0, 2.0));
}

#[test]
fn the_calls_that_front_has_left_are_a_metric() {
    let fixture = ChannelFixture::new();
    fixture.front.budget(1_000, Duration::from_secs(60));
    fixture.report_events(&json!([{"inbound": {"id": "1", "conversation": "c-1", "with": LEE, "text": "hello"}}]));
    fixture.gateway.wait_for_deliveries();
    let left = fixture.gateway.metric("frontgate_front_budget_remaining{tenant=\"demo\",app=\"sms\"}");
    assert!((900.0..1_000.0).contains(&left), "{left}");
}
