//! Finding 4: one channel's provider stops other tenants' events.

use std::thread;

use frontgate_tests::provider::Provider;
use frontgate_tests::{Answer, Front, Gateway, Setup, component, post, wait_until};
use rusqlite::Connection;
use serde_json::json;

const SERVER: &str = "https://gw.example.org/acme/front/sms";

/// A company with a channel that takes what anybody tells, and another one that gets conversations.
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

/// A channel, and the address of its provider.
pub(crate) fn connect(front: &Front, gateway: &Gateway) -> (String, String) {
    front.point_at(gateway.address());
    let channel = front.connect(SERVER).expect("a channel");
    let webhook = format!("{}/provider", front.channel(&channel).webhook_url);
    (channel, webhook)
}

/// Tells the echo channel of a customer's message.
pub(crate) fn tell(gateway: &Gateway, webhook: &str, id: usize, text: &str) -> Answer {
    let event =
        json!({ "id": format!("in-{id}"), "conversation": format!("c-{id}"), "from": "+15550100001", "text": text });
    Provider::tell(gateway.address(), webhook, &event)
}

pub(crate) fn routing(gateway: &Gateway, tenant: &str, sid: &str) -> Answer {
    let form = [("ConversationSid", sid), ("MessagingBinding.Address", "+12025550107")];
    gateway.callback_of(tenant, "routing", &form)
}

/// Writes of a tenant that wait.
fn waiting(gateway: &Gateway, tenant: &str) -> f64 {
    gateway.metric(&format!("frontgate_store_waiting{{tenant=\"{tenant}\"}}"))
}

#[test]
fn a_provider_that_floods_its_channel_leaves_the_other_tenants_events_their_place() {
    let front = Front::start();
    let gateway = two_tenants(&front)
        .set("store.queue_max", "16")
        .set("store.queue_per_tenant_max", "12")
        .set("store.queue_per_channel_max", "4")
        .set("store.timeout_ms", "4000")
        .set("tenants.demo.front.sms.provider_calls_per_channel_max", "100")
        .start();
    let (_, webhook) = connect(&front, &gateway);
    // From here on the writer waits: new writes stay in the queue.
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let flood = 40_u32;
    thread::scope(|scope| {
        let tell = |id: u32| tell(&gateway, &webhook, id as usize, "planted text");
        let all: Vec<_> = (0..flood).map(|id| scope.spawn(move || tell(id))).collect();
        let refused = "frontgate_requests_total{callback=\"front-provider\",code=\"overload\"}";
        // Four wait in the queue and one is in the writer's hands; or four, if the writer held something else.
        wait_until(|| gateway.counted(refused) >= f64::from(flood - 5));
        assert!(waiting(&gateway, "demo") >= 4.0);
        let event = |sid| routing(&gateway, "/bolt", sid).status;
        let answers = ["CH1", "CH2", "CH3"].map(|sid| scope.spawn(move || event(sid)));
        wait_until(|| waiting(&gateway, "bolt") >= 3.0);
        // The flooded tenant's own events have a place beside its imports.
        let own = scope.spawn(|| routing(&gateway, "/acme", "CH9").status);
        wait_until(|| waiting(&gateway, "demo") >= 5.0);
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
    assert!(!gateway.operators("/metrics").1.contains("frontgate_store_refused_total{tenant=\"bolt\""));
}

#[test]
fn requests_of_one_channels_provider_take_turns() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("tenants.demo.front.sms.provider_calls_per_channel_max", "1").start();
    let (_, webhook) = connect(&front, &gateway);
    thread::scope(|scope| {
        let tell = |id| tell(&gateway, &webhook, id, "planted text").status;
        let all: Vec<_> = (0..8).map(|id| scope.spawn(move || tell(id))).collect();
        for answer in all {
            assert_eq!(answer.join().expect("no panic"), 204);
        }
    });
}

#[test]
fn a_plugin_that_writes_state_as_fast_as_it_can_leaves_the_other_tenants_events_their_place() {
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
            let wish = format!("state set key-{turn} value");
            gateway.callback_of("/acme", "crm", &frontgate_tests::list(&[("Query", &wish)])).status
        };
        let all: Vec<_> = (0..20).map(|turn| scope.spawn(move || write(turn))).collect();
        let refused = "frontgate_store_refused_total{tenant=\"demo\",limit=\"tenant-queue\"}";
        wait_until(|| gateway.counted(refused) >= 15.0);
        let answer = scope.spawn(|| routing(&gateway, "/bolt", "CH1").status);
        wait_until(|| waiting(&gateway, "bolt") >= 1.0);
        other.execute_batch("ROLLBACK").expect("an end");
        assert_eq!(answer.join().expect("no panic"), 200);
        let statuses: Vec<_> = all.into_iter().map(|answer| answer.join().expect("no panic")).collect();
        assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    });
}

#[test]
fn front_is_told_when_to_come_again() {
    let front = Front::start();
    let gateway = two_tenants(&front).set("store.timeout_ms", "200").start();
    let (_, webhook) = connect(&front, &gateway);
    let other = Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let answer = tell(&gateway, &webhook, 1, "planted text");
    assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "not-stored", "1"));
    let answer = routing(&gateway, "/bolt", "CH1");
    assert_eq!((answer.status, &*answer.headers["retry-after"]), (503, "1"));
    // Unsigned as it is, it is no matter of the store's.
    assert_eq!(post(gateway.address(), "/acme/front/sms", &[], b"{}").status, 401);
    other.execute_batch("ROLLBACK").expect("an end");
}
