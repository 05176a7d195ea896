//! The gateway is ended without warning while teammates and customers write: what was acknowledged arrives,
//! once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::front::{Draft, MessageState};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Front, Gateway, Provider, Setup};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::channels::{LEE, SERVER};

/// Those of all `crash::point`s that a channel's messages pass.
const PLACES: [&str; 9] =
    ["accept", "before-commit", "committed", "accepted", "claimed", "before-send", "after-send", "asked", "settled"];

fn setup(front: &Front, provider: &Provider) -> Setup {
    front.burst(10_000);
    front.budget(1_000_000, Duration::from_secs(60));
    // What Front has taken and nobody heard of is told again: Front is to know it by its id.
    front.dedup(true);
    Setup::courier(front, provider)
        .set("tenants.demo.front.sms.calls_per_second_max", "1000")
        .set("tenants.demo.front.sms.import_patience_ms", "300")
        .set("plugins.limits.outbound_timeout_ms", "500")
        .set("delivery.request_timeout_ms", "500")
}

fn event(id: &str) -> Value {
    json!([{"inbound": {"id": id, "conversation": "c", "with": LEE, "text": id}}])
}

/// Waits until nothing is left to do, and looks for what was lost or doubled.
fn check(front: &Front, provider: &Provider, gateway: &Gateway, sent: &[String], told: &[String]) {
    let stuck = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(stuck.is_none(), "{stuck:?}");
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
    for id in told {
        assert_eq!(in_front.get(id), Some(&1), "{id} in Front");
    }
    assert!(in_front.values().all(|count| *count == 1), "{in_front:?}");
}

/// A gateway that ends and comes back while others talk to it.
struct Mortal(Mutex<Option<Gateway>>);

impl Mortal {
    fn new(gateway: Gateway, front: &Front) -> Self {
        front.point_at(gateway.address());
        Self(Mutex::new(Some(gateway)))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Gateway) -> T) -> T {
        look(self.0.lock().as_mut().expect("it is always put back"))
    }

    fn address(&self) -> SocketAddr {
        self.with(|gateway| gateway.address())
    }

    /// Ends it, unless it has ended by itself, and starts it again.
    fn revive(&self, front: &Front) {
        let mut place = self.0.lock();
        let mut gateway = place.take().expect("it is always put back");
        gateway.kill();
        let gateway = gateway.start_again();
        front.point_at(gateway.address());
        *place = Some(gateway);
    }

    fn last(self) -> Gateway {
        self.0.into_inner().expect("it is always put back")
    }
}

/// A teammate sends until Front was told success.
fn insist(front: &Front, channel: &str, text: &str) {
    let mut sent = front.send(channel, Draft::new(text).to(LEE));
    while sent.outcome.is_err() {
        sent = front.resend(&sent.message);
    }
}

#[test]
fn no_message_of_a_channel_is_lost_or_doubled_wherever_the_gateway_ends() {
    for place in PLACES {
        let mut reached = 0;
        for count in [1, 2, 4] {
            let (front, provider) = (Front::start(), Provider::start());
            let mut gateway = setup(&front, &provider).start();
            front.point_at(gateway.address());
            let channel = front.connect(SERVER).expect("a channel");
            let url = format!("{}/provider", front.channel(&channel).webhook_url);
            gateway.kill();
            // The first commits happen while the gateway starts, and others whenever it looks at its queue.
            let is_commit = place.contains("commit");
            let at = if is_commit { 18 + 2 * count } else { count };
            let gateway = Mortal::new(gateway.start_again_crashing(&format!("{place}:{at}")), &front);
            if place == "asked" {
                (0..4).for_each(|_| provider.trouble(Trouble::Lost));
            }
            let names = |kind: &str| (0..3).map(|index| format!("{kind} {index}")).collect::<Vec<_>>();
            let (sent, told) = (names("sent"), names("told"));
            thread::scope(|scope| {
                let all: Vec<_> =
                    sent.iter()
                        .map(|text| scope.spawn(|| insist(&front, &channel, text)))
                        .chain(told.iter().map(|id| {
                            scope.spawn(|| while !Provider::try_tell(gateway.address(), &url, &event(id)) {})
                        }))
                        .collect();
                // Either it ends, or everything is acknowledged and has its effect.
                let arrived = || provider.look(|known| known.messages.len()) == sent.len();
                let done = || !is_commit && all.iter().all(|one| one.is_finished()) && arrived();
                while !gateway.with(Gateway::has_ended) && !done() {
                    thread::yield_now();
                }
                reached += u32::from(gateway.with(Gateway::has_ended));
                gateway.revive(&front);
            });
            check(&front, &provider, &gateway.last(), &sent, &told);
        }
        assert!(reached > 0, "{place} was never reached");
    }
}

#[test]
fn no_message_of_a_channel_is_lost_or_doubled_when_it_is_killed_at_random() {
    let kills: u32 = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    let (front, provider) = (Front::start(), Provider::start());
    let gateway = Mortal::new(setup(&front, &provider).start(), &front);
    let channel = front.connect(SERVER).expect("a channel");
    let url = format!("{}/provider", front.channel(&channel).webhook_url);
    let ended = AtomicBool::new(false);
    let (sent, told) = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let (mut sent, mut next) = (Vec::new(), 0..);
            while !ended.load(Ordering::SeqCst) {
                let text = format!("sent {}", next.next().unwrap_or_default());
                if next.start % 7 == 0 {
                    provider.trouble(if next.start % 2 == 0 { Trouble::Silent } else { Trouble::Lost });
                }
                insist(&front, &channel, &text);
                sent.push(text);
            }
            sent
        });
        let telling = scope.spawn(|| {
            let (mut told, mut next) = (Vec::new(), 0..);
            while !ended.load(Ordering::SeqCst) {
                let id = format!("told {}", next.next().unwrap_or_default());
                while !Provider::try_tell(gateway.address(), &url, &event(&id)) {}
                told.push(id);
            }
            told
        });
        for kill in 0..kills {
            let taken = provider.look(|known| known.attempts);
            // Each life gets somewhere, and ends anywhere.
            provider.wait_for(|known| known.attempts > taken + (kill % 3) as usize);
            gateway.revive(&front);
        }
        ended.store(true, Ordering::SeqCst);
        (sending.join().expect("no panic"), telling.join().expect("no panic"))
    });
    check(&front, &provider, &gateway.last(), &sent, &told);
    assert!(sent.len() as u32 >= kills && !told.is_empty(), "{} sent, {} told", sent.len(), told.len());
}
