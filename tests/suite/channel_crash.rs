//! Kills the gateway while teammates and customers write and call: every acknowledged message or event of a call arrives
//! exactly once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::front::{Draft, MessageState};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Front, Gateway, Provider, SetOnDrop, Setup, digest, eventually};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::channels::{LEE, SERVER};

/// The crash points that a channel's message can reach.
pub(crate) const CRASH_POINTS: [&str; 10] = [
    "accept",
    "before-commit",
    "committed",
    "accepted",
    "claimed",
    "before-send",
    "after-send",
    "asked",
    "settled",
    "template",
];

/// The number of customers' messages that may wait while the gateway is killed. All are of one conversation, so they are
/// imported one by one, and the rest must arrive within a minute after the last kill.
const BACKLOG_MAX: usize = 50;

fn setup(front: &Front, provider: &Provider) -> Setup {
    front.burst(10_000);
    front.budget(1_000_000, Duration::from_secs(60));
    // An import whose answer was lost is repeated, so Front must deduplicate it by its id.
    front.dedup(true);
    Setup::courier(front, provider)
        .set("tenants.demo.front.sms.calls_per_second_max", "1000")
        .set("tenants.demo.front.sms.templates_interval_ms", "300")
        .set("tenants.demo.front.sms.import_patience_ms", "300")
        .set("plugins.limits.outbound_timeout_ms", "500")
        .set("delivery.request_timeout_ms", "500")
}

fn event(id: &str) -> Value {
    json!([{"inbound": {"id": id, "conversation": "c", "with": LEE, "text": id}}])
}

/// Returns the events of a call, each for a request of its own.
fn call_events(id: &str) -> [Value; 4] {
    let parts = [
        json!({ "call": id, "from": LEE }),
        json!({ "call": id, "status": "connected" }),
        json!({ "call": id, "recording": ["call.mp3", "audio/mpeg", id] }),
        json!({ "call": id, "status": "hangup" }),
    ];
    parts.map(|part| json!([{ "call": part }]))
}

/// Checks that each call is in Front once, with everything that happened once and in order.
fn assert_calls(front: &Front, channel: &str, reported: &[String]) {
    let calls = front.calls(channel);
    // Calls do not wait for each other.
    let mut ids: Vec<_> = calls.iter().map(|call| call.external_id.clone()).collect();
    let mut reported = reported.to_vec();
    ids.sort();
    reported.sort();
    assert_eq!(ids, reported);
    for call in &calls {
        let recordings: Vec<_> = call.recordings.iter().map(|(_, file)| file.digest.clone()).collect();
        assert_eq!(call.statuses(), ["ringing", "connected", "hangup"], "{call}");
        assert_eq!(recordings, [digest(call.external_id.as_bytes())], "{call}");
    }
}

/// Waits until the queue is empty, and checks that every message arrived exactly once.
fn assert_exactly_once(front: &Front, provider: &Provider, gateway: &Gateway, sent: &[String], reported: &[String]) {
    let unsent = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(unsent.is_none(), "{unsent:?}");
    let mut at_provider = BTreeMap::new();
    provider
        .look(|known| known.texts().iter().for_each(|text| *at_provider.entry((*text).to_owned()).or_insert(0) += 1));
    for text in sent {
        assert_eq!(at_provider.get(text), Some(&1), "{text} at the provider");
    }
    assert!(at_provider.values().all(|count| *count == 1), "{at_provider:?}");
    front.wait_for(|state| state.messages().all(|message| message.state != MessageState::Accepted));
    let mut in_front = BTreeMap::new();
    front.look(|state| {
        let inbound = state.messages().filter(|message| message.is_inbound);
        inbound.for_each(|message| *in_front.entry(message.text.clone()).or_insert(0) += 1);
    });
    for id in reported {
        assert_eq!(in_front.get(id), Some(&1), "{id} in Front");
    }
    assert!(in_front.values().all(|count| *count == 1), "{in_front:?}");
}

/// Checks that each message from the template was sent as one, and that Front has the template once.
fn assert_templates(front: &Front, provider: &Provider, channel: &str) {
    let used = |text: &str| match text.strip_prefix("template ") {
        Some(number) => json!({ "id": "template-1", "language": "en", "values": [["1", number]] }),
        None => Value::Null,
    };
    provider.look(|known| {
        for message in &known.messages {
            assert_eq!(message.body["template"], used(message.text()), "{}", message.text());
        }
    });
    let templates = front.templates(channel);
    assert!(templates.len() == 1 && !templates[0].is_disabled, "{templates:?}");
}

/// A gateway that is restarted while others send requests to it.
struct RestartingGateway(Mutex<Option<Gateway>>);

impl RestartingGateway {
    fn new(gateway: Gateway, front: &Front) -> Self {
        front.point_at(gateway.address());
        Self(Mutex::new(Some(gateway)))
    }

    fn with<T>(&self, action: impl FnOnce(&mut Gateway) -> T) -> T {
        action(self.0.lock().as_mut().expect("it is always put back"))
    }

    fn address(&self) -> SocketAddr {
        self.with(|gateway| gateway.address())
    }

    /// Kills the gateway, if it is still running, and starts it again.
    fn restart(&self, front: &Front) {
        let mut slot = self.0.lock();
        let mut gateway = slot.take().expect("it is always put back");
        gateway.kill();
        let gateway = gateway.start_again();
        front.point_at(gateway.address());
        *slot = Some(gateway);
    }

    fn into_inner(self) -> Gateway {
        self.0.into_inner().expect("it is always put back")
    }
}

/// Reports an event of the provider repeatedly until the gateway accepts it.
fn report_until_accepted(gateway: &RestartingGateway, url: &str, event: &Value) {
    let report = || Provider::try_tell(gateway.address(), url, event);
    eventually("the gateway accepts the event", report, |accepted| *accepted);
}

/// Sends a teammate's message repeatedly until Front receives success.
fn send_until_accepted(front: &Front, channel: &str, text: &str) {
    let sent = front.send(channel, Draft::new(text).to(LEE));
    if sent.outcome.is_err() {
        eventually("Front receives success", || front.resend(&sent.message), |sent| sent.outcome.is_ok());
    }
}

#[test]
fn channel_messages_arrive_exactly_once_after_a_crash_at_any_point() {
    for crash_point in CRASH_POINTS {
        let mut reached = 0;
        for count in [1, 2, 4] {
            let (front, provider) = (Front::start(), Provider::start());
            let mut gateway = setup(&front, &provider).start();
            front.point_at(gateway.address());
            let channel = front.connect(SERVER).expect("a channel");
            let url = format!("{}/provider", front.channel(&channel).webhook_url);
            gateway.kill();
            let gateway = gateway.start_again_crashing(&format!("{crash_point}:{count}"));
            let gateway = RestartingGateway::new(gateway, &front);
            provider.templates(&[["template-1", "approved", "template {{1}}"]]);
            if crash_point == "asked" {
                (0..4).for_each(|_| provider.trouble(Trouble::Lost));
            }
            let names = |kind: &str| (0..3).map(|index| format!("{kind} {index}")).collect::<Vec<_>>();
            let (sent, reported) = (names("sent"), names("reported"));
            thread::scope(|scope| {
                let all: Vec<_> = sent
                    .iter()
                    .map(|text| scope.spawn(|| send_until_accepted(&front, &channel, text)))
                    .chain(reported.iter().map(|id| scope.spawn(|| report_until_accepted(&gateway, &url, &event(id)))))
                    .collect();
                // Either the gateway exits, or every message is acknowledged and has arrived.
                let arrived = || provider.look(|known| known.messages.len()) == sent.len();
                // The only template is brought to Front once.
                let must_end = crash_point.contains("commit") || crash_point == "template" && count == 1;
                let done = || !must_end && all.iter().all(|one| one.is_finished()) && arrived();
                let ended_or_done = || gateway.with(Gateway::has_ended) || done();
                eventually("the gateway ends or is done", ended_or_done, |is_so| *is_so);
                reached += u32::from(gateway.with(Gateway::has_ended));
                gateway.restart(&front);
            });
            assert_exactly_once(&front, &provider, &gateway.into_inner(), &sent, &reported);
        }
        assert!(reached > 0, "{crash_point} was never reached");
    }
}

#[test]
fn channel_messages_arrive_exactly_once_after_random_kills() {
    let kills: u32 = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    let (front, provider) = (Front::start(), Provider::start());
    let gateway = RestartingGateway::new(setup(&front, &provider).start(), &front);
    let channel = front.connect(SERVER).expect("a channel");
    let url = format!("{}/provider", front.channel(&channel).webhook_url);
    provider.templates(&[["template-1", "approved", "template {{1}}"]]);
    front.wait_for(|state| state.templates(&channel).len() == 1);
    let ended = AtomicBool::new(false);
    let (sent, reported, calls) = thread::scope(|scope| {
        let end = SetOnDrop(&ended);
        let sending = scope.spawn(|| {
            let (mut sent, mut next) = (Vec::new(), 0..);
            while !ended.load(Ordering::SeqCst) {
                let number = next.next().unwrap_or_default();
                let text = if number % 2 == 0 { format!("sent {number}") } else { format!("template {number}") };
                if next.start % 7 == 0 {
                    provider.trouble(if next.start % 2 == 0 { Trouble::Silent } else { Trouble::Lost });
                }
                send_until_accepted(&front, &channel, &text);
                sent.push(text);
            }
            sent
        });
        let reporting = scope.spawn(|| {
            let (mut reported, mut next) = (Vec::new(), 0..);
            while !ended.load(Ordering::SeqCst) {
                let id = format!("reported {}", next.next().unwrap_or_default());
                report_until_accepted(&gateway, &url, &event(&id));
                reported.push(id);
                let is_close = |arrived: usize| arrived + BACKLOG_MAX >= reported.len();
                front.wait_for(|state| is_close(state.messages().filter(|message| message.is_inbound).count()));
            }
            reported
        });
        let calling = scope.spawn(|| {
            let (mut calls, mut next) = (Vec::new(), 0..);
            while !ended.load(Ordering::SeqCst) {
                let id = format!("CA{}", next.next().unwrap_or_default());
                call_events(&id).iter().for_each(|event| report_until_accepted(&gateway, &url, event));
                calls.push(id);
            }
            calls
        });
        for kill in 0..kills {
            let attempts = provider.look(|known| known.attempts);
            // The gateway makes some progress before each kill, which happens at an arbitrary point.
            provider.wait_for(|known| known.attempts > attempts + (kill % 3) as usize);
            gateway.restart(&front);
        }
        drop(end);
        let [reported, calls] = [reporting, calling].map(|one| one.join().expect("no panic"));
        (sending.join().expect("no panic"), reported, calls)
    });
    assert_exactly_once(&front, &provider, &gateway.into_inner(), &sent, &reported);
    assert_templates(&front, &provider, &channel);
    assert_calls(&front, &channel, &calls);
    assert!(sent.len() as u32 >= kills && !reported.is_empty() && !calls.is_empty(), "{sent:?} {reported:?} {calls:?}");
}
