//! Finding 4: one channel's provider blocks the events of other tenants.

use std::thread;

use frontgate_tests::provider::Provider;
use frontgate_tests::{Answer, Front, Gateway, Setup, component, eventually, post};
use rusqlite::Connection;
use serde_json::json;

const SERVER: &str = "https://gw.example.org/acme/front/sms";

/// Creates a setup with two tenants: one has a channel that accepts every event, the other receives conversations.
pub(crate) fn two_tenants(front: &Front) -> Setup {
    Setup::new()
        .plugin("echo-channel", &component("echo-channel"))
        .front(front, "echo-channel")
        .set("tenants.demo.path", "\"/acme\"")
        .set("tenants.demo.roles.crm", "[]")
        .set("tenants.demo.twilio.default_worker", "\"ana@example.org\"")
        .set("tenants.bolt.path", "\"/bolt\"")
        .set("tenants.bolt.twilio.auth_tokens", "[{ file = \"token\" }]")
        .set("tenants.bolt.twilio.default_worker", "\"bob@example.org\"")
}

/// Connects a channel, and returns its id and the URL for its provider.
pub(crate) fn connect(front: &Front, gateway: &Gateway) -> (String, String) {
    front.point_at(gateway.address());
    let channel = front.connect(SERVER).expect("a channel");
    let webhook = format!("{}/provider", front.channel(&channel).webhook_url);
    (channel, webhook)
}

/// Reports a customer's message to the echo channel, as its provider.
pub(crate) fn report_message(gateway: &Gateway, webhook: &str, id: usize, text: &str) -> Answer {
    let event =
        json!({ "id": format!("in-{id}"), "conversation": format!("c-{id}"), "from": "+15550100001", "text": text });
    Provider::tell(gateway.address(), webhook, &event)
}

pub(crate) fn routing(gateway: &Gateway, tenant: &str, sid: &str) -> Answer {
    let form = [("ConversationSid", sid), ("MessagingBinding.Address", "+12025550107")];
    gateway.tenant_callback(tenant, "routing", &form)
}

/// Returns the number of a tenant's queued writes.
fn waiting(gateway: &Gateway, tenant: &str) -> f64 {
    gateway.metric(&format!("frontgate_store_waiting{{tenant=\"{tenant}\"}}"))
}

#[test]
fn a_flooded_channel_leaves_queue_room_for_other_tenants() {
    let front = Front::start();
    let gateway = two_tenants(&front)
        .set("store.queue_max", "16")
        .set("store.queue_per_tenant_max", "12")
        .set("store.queue_per_channel_max", "4")
        .set("store.timeout_ms", "4000")
        .set("tenants.demo.front.sms.provider_calls_per_channel_max", "100")
        .start();
    let (_, webhook) = connect(&front, &gateway);
    // The lock blocks the writer, so that new writes stay in the queue.
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let flood = 40_u32;
    thread::scope(|scope| {
        let report = |id: u32| report_message(&gateway, &webhook, id as usize, "planted text");
        let all: Vec<_> = (0..flood).map(|id| scope.spawn(move || report(id))).collect();
        let refused = "frontgate_requests_total{tenant=\"demo\",callback=\"front-provider\",code=\"overload\"}";
        // Four writes are queued, and the writer may hold a fifth.
        let refusals = || gateway.metric_or_zero(refused);
        eventually("the flood is rejected", refusals, |count| *count >= f64::from(flood - 5));
        assert!(waiting(&gateway, "demo") >= 4.0);
        let event = |sid| routing(&gateway, "/bolt", sid).status;
        let answers = ["CH1", "CH2", "CH3"].map(|sid| scope.spawn(move || event(sid)));
        eventually("the other tenant's events are queued", || waiting(&gateway, "bolt"), |count| *count >= 3.0);
        // The flooded tenant's own events are queued although its queue of imports is full.
        let own = scope.spawn(|| routing(&gateway, "/acme", "CH9").status);
        eventually("the tenant's own event is queued", || waiting(&gateway, "demo"), |count| *count >= 5.0);
        other.execute_batch("ROLLBACK").expect("an end");
        assert_eq!(answers.map(|answer| answer.join().expect("no panic")), [200; 3]);
        assert_eq!(own.join().expect("no panic"), 200);
        let all: Vec<_> = all.into_iter().map(|answer| answer.join().expect("no panic")).collect();
        for answer in &all {
            assert!(matches!(answer.status, 204 | 503), "{}", answer.text);
        }
        let refused: Vec<_> = all.iter().filter(|answer| answer.status == 503).collect();
        assert!(refused.len() >= 35, "{}", refused.len());
        assert!(refused.iter().all(|answer| answer.code() == "overload" && answer.headers.contains_key("retry-after")));
    });
    let refusals = gateway.metric("frontgate_store_refused_total{tenant=\"demo\",limit=\"channel-queue\"}");
    assert!(refusals >= 35.0, "{refusals}");
    assert!(!gateway.admin_get("/metrics").1.contains("frontgate_store_refused_total{tenant=\"bolt\""));
}

#[test]
fn requests_of_one_channels_provider_are_serialized() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("tenants.demo.front.sms.provider_calls_per_channel_max", "1").start();
    let (_, webhook) = connect(&front, &gateway);
    thread::scope(|scope| {
        let report = |id| report_message(&gateway, &webhook, id, "planted text").status;
        let all: Vec<_> = (0..8).map(|id| scope.spawn(move || report(id))).collect();
        for answer in all {
            assert_eq!(answer.join().expect("no panic"), 204);
        }
    });
}

#[test]
fn a_state_writing_plugin_leaves_queue_room_for_other_tenants() {
    let front = Front::start();
    let gateway = two_tenants(&front)
        .plugin("plugin", &component("misbehaving"))
        .set("plugins.named.plugin.state", "true")
        .set("tenants.demo.roles.crm", "[\"plugin\"]")
        .set("store.queue_max", "16")
        .set("store.queue_per_tenant_max", "8")
        .set("store.timeout_ms", "4000")
        .start();
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    thread::scope(|scope| {
        let write = |turn: usize| {
            let instruction = format!("state set key-{turn} value");
            gateway.tenant_callback("/acme", "crm", &frontgate_tests::list(&[("Query", &instruction)])).status
        };
        let all: Vec<_> = (0..20).map(|turn| scope.spawn(move || write(turn))).collect();
        let refused = "frontgate_store_refused_total{tenant=\"demo\",limit=\"tenant-queue\"}";
        eventually("writes are rejected", || gateway.metric_or_zero(refused), |count| *count >= 15.0);
        let answer = scope.spawn(|| routing(&gateway, "/bolt", "CH1").status);
        eventually("the other tenant's event is queued", || waiting(&gateway, "bolt"), |count| *count >= 1.0);
        other.execute_batch("ROLLBACK").expect("an end");
        assert_eq!(answer.join().expect("no panic"), 200);
        let statuses: Vec<_> = all.into_iter().map(|answer| answer.join().expect("no panic")).collect();
        assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    });
}

#[test]
fn overload_answers_carry_retry_after() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.timeout_ms", "200").start();
    let (_, webhook) = connect(&front, &gateway);
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let answer = report_message(&gateway, &webhook, 1, "planted text");
    assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "not-stored", "1"));
    let answer = routing(&gateway, "/bolt", "CH1");
    assert_eq!((answer.status, &*answer.headers["retry-after"]), (503, "1"));
    // An unsigned request never reaches the store.
    assert_eq!(post(gateway.address(), "/acme/front/sms", &[], b"{}").status, 401);
    other.execute_batch("ROLLBACK").expect("an end");
}
