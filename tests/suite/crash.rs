//! The gateway is ended without warning, at every marked place and at random, while Twilio calls and
//! fails: what was acknowledged has its effect, once, or stands as unknown with a reason.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::{house, state_crash};
use frontgate_tests::{Action, Call, Effect, Fault, Gateway, PUBLIC_URL, Setup, State, TOKEN, Twilio};

/// The number that customers write to.
const OURS: &str = "+12025550199";

/// Every `crash::point` of the gateway, but for those of plugins' state.
const PLACES: [&str; 10] = [
    "accept",
    "before-commit",
    "committed",
    "accepted",
    "claimed",
    "planned",
    "before-send",
    "after-send",
    "asked",
    "settled",
];

fn setup(twilio: &Twilio) -> Setup {
    // Twilio tries again what was not acknowledged, as long as it takes the gateway to come back.
    twilio.retries(1_000, Duration::from_millis(20));
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    Setup::misbehaving()
        .twilio(twilio)
        .set("tenants.demo.roles.routing", "[\"plugin\"]")
        .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
        .set("plugins.named.plugin.config.route", "\"one-of ana@example.org ben@example.org\"")
}

fn point(twilio: &Twilio, gateway: &Gateway) {
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
}

/// A customer's number. The CRM does not know those that end in 99.
fn number(index: u32) -> String {
    format!("+1202555{index:04}")
}

/// Somebody writes: by SMS or WhatsApp, known or not.
fn writes(twilio: &Twilio, index: u32) {
    let index = if index % 5 == 4 { index / 5 * 100 + 299 } else { index / 99 * 100 + index % 99 };
    let way = if index % 3 == 2 { Twilio::inbound_whatsapp } else { Twilio::inbound_sms };
    // A rejection would be a customer who is not heard.
    way(twilio, &number(index), OURS, "planted text").expect("a conversation");
}

/// The small model that the gateway is held to: every conversation has one worker, and a customer whom
/// the CRM knows is tied to it, once Twilio was told that it has been heard.
fn holds(state: &State) -> bool {
    let acknowledged = state.webhooks().iter().filter(|fired| fired.acknowledged);
    let heard: HashSet<_> = acknowledged.map(|fired| (fired.event.as_str(), fired.field("ConversationSid"))).collect();
    let heard = |event: &'static str, sid: &str| heard.contains(&(event, Some(sid)));
    state.conversations().iter().all(|conversation| {
        let mut customers = conversation.participants.iter().filter_map(|one| Some((one.address.as_ref()?, one)));
        heard("routing", &conversation.sid)
            && heard("onParticipantAdded", &conversation.sid)
            && conversation.workers().len() == 1
            && customers.all(|(address, customer)| {
                let number = address.trim_start_matches("whatsapp:");
                number.ends_with("99") || customer.attributes["customer_id"] == format!("c-{number}")
            })
    })
}

/// Waits until the model holds and the queue is empty, and looks for what was done twice.
fn check(twilio: &Twilio, gateway: &Gateway) {
    twilio.wait_for(holds);
    let stuck = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(stuck.is_none(), "{stuck:?}");
    let mut added = BTreeMap::new();
    for effect in twilio.effects() {
        if let Effect::WorkerAdded { conversation, .. } = effect {
            *added.entry(conversation).or_insert(0) += 1;
        }
    }
    assert_eq!(added.len(), twilio.conversations().len());
    assert!(added.values().all(|count| *count == 1), "{added:?}");
}

#[test]
fn nothing_is_lost_or_done_twice_wherever_the_gateway_ends() {
    let text: String = house::host().into_iter().map(|(_, text)| text).collect();
    for marked in text.split("crash::point(\"").skip(1).map(|rest| rest.split('"').next().expect("a name")) {
        assert!(PLACES.contains(&marked) || state_crash::PLACES.contains(&marked), "{marked} is not tried");
    }
    for place in PLACES {
        let mut reached = 0;
        for count in [1, 2, 3, 5, 8, 13] {
            // The first commits happen while the gateway starts.
            let count = if place.contains("commit") { count + 5 } else { count };
            let twilio = Twilio::start();
            let mut gateway = setup(&twilio).start_crashing(&format!("{place}:{count}"));
            point(&twilio, &gateway);
            if place == "asked" {
                twilio.fault(Fault::new(Action::CloseAfterActing).on(Call::AddParticipant).times(2));
            }
            for index in 0..4 {
                writes(&twilio, count * 10 + index);
            }
            // Either it ends, or it has done everything and goes on.
            let done = |gateway: &Gateway| {
                // The worker is there before anybody has asked for it.
                let sent = |delivery: &serde_json::Value| delivery["state"] == "sent";
                twilio.look(holds) && (place != "asked" || gateway.deliveries().iter().all(sent))
            };
            while !gateway.has_ended() && !done(&gateway) {
                thread::yield_now();
            }
            reached += u32::from(gateway.has_ended());
            gateway.kill();
            let gateway = gateway.start_again();
            point(&twilio, &gateway);
            check(&twilio, &gateway);
        }
        assert!(reached > 0, "{place} was never reached");
    }
}

#[test]
fn nothing_is_lost_or_done_twice_when_it_is_killed_at_random() {
    let kills = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(40);
    let twilio = Twilio::start();
    twilio.faults_at_random_of(7, 0.2, &Action::passing());
    twilio.duplicate(8, 0.2);
    let gateway = setup(&twilio).set("delivery.request_timeout_ms", "500").start();
    point(&twilio, &gateway);
    let (next, ended) = (AtomicU32::new(0), AtomicBool::new(false));
    let gateway = thread::scope(|scope| {
        let mut gateway = gateway;
        for _ in 0..3 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    writes(&twilio, next.fetch_add(1, Ordering::Relaxed));
                    // Not more conversations than the gateway gets time for.
                    twilio.wait_for(|state| {
                        let waiting =
                            state.conversations().iter().filter(|conversation| conversation.workers().is_empty());
                        waiting.count() < 30
                    });
                }
            });
        }
        let mut chance = 1_u64;
        for _ in 0..kills {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let more = usize::try_from(chance >> 59).expect("five bits");
            let now = twilio.requests().len() + twilio.webhooks().len();
            twilio.wait_for(|state| state.requests().len() + state.webhooks().len() > now + more);
            gateway.kill();
            gateway = gateway.start_again();
            point(&twilio, &gateway);
        }
        ended.store(true, Ordering::Relaxed);
        gateway
    });
    twilio.faults_off();
    check(&twilio, &gateway);
    let conversations = twilio.conversations().len();
    assert!(conversations > kills / 2, "{conversations} conversations in {kills} kills");
}
