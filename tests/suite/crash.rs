//! Kills the gateway at every crash point and at random times while Twilio calls and fails. Each acknowledged event has
//! its effect exactly once, or is reported as unknown with a reason.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::{architecture, channel_crash, state_crash};
use frontgate_tests::{
    Action, Call, Effect, Fault, Gateway, PUBLIC_URL, SetOnDrop, Setup, State, TOKEN, Twilio, eventually,
};

/// The company's number, to which customers write.
const OURS: &str = "+12025550199";

/// All crash points of the gateway except those specific to plugin state.
pub(crate) const CRASH_POINTS: [&str; 10] = [
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
    // Twilio retries unacknowledged webhooks until the gateway is back.
    twilio.retries(1_000, Duration::from_millis(20));
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    Setup::misbehaving()
        .twilio(twilio)
        // The commits of a rollout at the start would be counted.
        .set("plugins.source", "\"folder\"")
        .set("tenants.demo.roles.routing", "[\"plugin\"]")
        .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
        .set("plugins.named.plugin.config.route", "\"one-of ana@example.org ben@example.org\"")
}

fn point_twilio_at(twilio: &Twilio, gateway: &Gateway) {
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
}

/// Returns a customer's number. The CRM does not know numbers that end in 99.
fn customer_number(index: u32) -> String {
    format!("+1202555{index:04}")
}

/// Sends a message of a known or unknown customer, by SMS or WhatsApp.
fn customer_writes(twilio: &Twilio, index: u32) {
    let index = if index % 5 == 4 { index / 5 * 100 + 299 } else { index / 99 * 100 + index % 99 };
    let way = if index % 3 == 2 { Twilio::inbound_whatsapp } else { Twilio::inbound_sms };
    // A rejected webhook would lose the customer's message.
    way(twilio, &customer_number(index), OURS, "planted text").expect("a conversation");
}

/// Returns whether every conversation has one worker and every known customer has the CRM's customer id. This must be
/// true once all of Twilio's webhooks are acknowledged.
fn model_holds(state: &State) -> bool {
    let acknowledged = state.webhooks().iter().filter(|fired| fired.acknowledged);
    let acknowledged: HashSet<_> =
        acknowledged.map(|fired| (fired.event.as_str(), fired.field("ConversationSid"))).collect();
    let is_acknowledged = |event: &'static str, sid: &str| acknowledged.contains(&(event, Some(sid)));
    state.conversations().iter().all(|conversation| {
        let mut customers = conversation.participants.iter().filter_map(|one| Some((one.address.as_ref()?, one)));
        is_acknowledged("routing", &conversation.sid)
            && is_acknowledged("onParticipantAdded", &conversation.sid)
            && conversation.workers().len() == 1
            && customers.all(|(address, customer)| {
                let number = address.trim_start_matches("whatsapp:");
                number.ends_with("99") || customer.attributes["customer_id"] == format!("c-{number}")
            })
    })
}

/// Waits until the model holds and the queue is empty. Checks that no worker was added twice to a conversation.
fn assert_exactly_once(twilio: &Twilio, gateway: &Gateway) {
    twilio.wait_for(model_holds);
    let unsent = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(unsent.is_none(), "{unsent:?}");
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
fn effects_happen_exactly_once_after_a_crash_at_any_point() {
    let text: String = architecture::host().into_iter().map(|(_, text)| text).collect();
    for marked in text.split("crash::point(\"").skip(1).map(|rest| rest.split('"').next().expect("a name")) {
        assert!(
            [&CRASH_POINTS[..], &state_crash::CRASH_POINTS, &channel_crash::CRASH_POINTS].concat().contains(&marked),
            "crash point {marked} is not tested"
        );
    }
    for crash_point in CRASH_POINTS {
        let mut reached = 0;
        for count in [1, 2, 3, 5, 8, 13] {
            let twilio = Twilio::start();
            let mut gateway = setup(&twilio).start_crashing(&format!("{crash_point}:{count}"));
            point_twilio_at(&twilio, &gateway);
            if crash_point == "asked" {
                twilio.fault(Fault::new(Action::CloseAfterActing).on(Call::AddParticipant).times(2));
            }
            for index in 0..4 {
                customer_writes(&twilio, count * 10 + index);
            }
            // Either the gateway exits, or it has processed everything.
            let done = |gateway: &Gateway| {
                // The worker is added before the gateway asks Twilio about it, so the deliveries must be sent too.
                let sent = |delivery: &serde_json::Value| delivery["state"] == "sent";
                twilio.look(model_holds) && (crash_point != "asked" || gateway.deliveries().iter().all(sent))
            };
            let ended_or_done = || gateway.has_ended() || done(&gateway);
            eventually("the gateway ends or is done", ended_or_done, |is_so| *is_so);
            reached += u32::from(gateway.has_ended());
            gateway.kill();
            let gateway = gateway.start_again();
            point_twilio_at(&twilio, &gateway);
            assert_exactly_once(&twilio, &gateway);
        }
        assert!(reached > 0, "{crash_point} was never reached");
    }
}

#[test]
fn effects_happen_exactly_once_after_random_kills() {
    let kills = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(40);
    let twilio = Twilio::start();
    twilio.faults_at_random_of(7, 0.2, &Action::passing());
    twilio.duplicate(8, 0.2);
    let gateway = setup(&twilio).set("delivery.request_timeout_ms", "500").start();
    point_twilio_at(&twilio, &gateway);
    let (next, ended) = (AtomicU32::new(0), AtomicBool::new(false));
    let gateway = thread::scope(|scope| {
        let _end = SetOnDrop(&ended);
        let mut gateway = gateway;
        for _ in 0..3 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    customer_writes(&twilio, next.fetch_add(1, Ordering::Relaxed));
                    // Limits the backlog to what the gateway can process between two kills.
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
            point_twilio_at(&twilio, &gateway);
        }
        gateway
    });
    twilio.faults_off();
    assert_exactly_once(&twilio, &gateway);
    let conversations = twilio.conversations().len();
    assert!(conversations > kills / 2, "{conversations} conversations in {kills} kills");
}
