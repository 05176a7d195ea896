//! Tests several gateways on one Postgres: what one of them has acknowledged, the others deliver, once and in order.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use frontgate_tests::front::Draft;
use frontgate_tests::{
    Action, Balancer, Call, Database, Fault, Front, Gateway, PUBLIC_URL, Provider, Replicas, Setup, State, TOKEN,
    Twilio, another_build, component, eventually,
};
use rustix::process::Signal;

use crate::channels::{LEE, SERVER};
use crate::crash;
use crate::delivery::{OURS, workers, workers_added};

/// Numbers of kills and of other repeated faults in an ordinary run. `FRONTGATE_KILLS` replaces all of them.
const KILLS: usize = 60;
const REPEATED_EVENTS: usize = 200;
const MESSAGES: usize = 60;

pub(crate) fn times(usual: usize) -> usize {
    std::env::var("FRONTGATE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A gateway that routes each conversation to one of two workers.
pub(crate) fn routing(twilio: &Twilio) -> Setup {
    // Twilio retries unacknowledged webhooks until a gateway answers.
    twilio.retries(1_000, Duration::from_millis(20));
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    Setup::every_role(twilio)
        .set("plugins.named.plugin.config.route", "\"one-of ana@example.org ben@example.org\"")
        .set("delivery.request_timeout_ms", "1500")
        .set("delivery.connect_timeout_ms", "500")
}

fn start(count: usize) -> (Twilio, Replicas) {
    let twilio = Twilio::start();
    let replicas = Replicas::start(count, || routing(&twilio));
    twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
    (twilio, replicas)
}

pub(crate) fn customer_writes(twilio: &Twilio, index: usize) -> String {
    twilio.inbound_sms(&format!("+1202555{index:04}"), OURS, "planted text").expect("a conversation")
}

/// Makes a customer write, and waits until the request that adds a worker is on its way, which takes a second.
fn begin_slow_routing(twilio: &Twilio) -> String {
    twilio.fault(Fault::new(Action::Slow(1_000)).on(Call::AddParticipant));
    let sid = customer_writes(twilio, 1);
    twilio.wait_for(|state| state.requests().iter().any(|request| request.fault.is_some()));
    sid
}

/// Returns whether each of these conversations has exactly one worker.
pub(crate) fn each_has_a_worker(state: &State, sids: &[String]) -> bool {
    sids.iter().all(|sid| workers(state, sid).len() == 1)
}

/// Checks that no worker was added twice, and that every delivery was sent.
pub(crate) fn assert_once(twilio: &Twilio, replicas: &Replicas, sids: &[String]) {
    twilio.wait_for(|state| each_has_a_worker(state, sids));
    for sid in sids {
        assert_eq!(workers_added(twilio, sid), 1, "{sid}");
    }
    let ended = replicas.wait_for_deliveries();
    let unsent: Vec<_> = ended.iter().filter(|delivery| delivery["state"] != "sent").collect();
    assert!(unsent.is_empty(), "{unsent:?}");
}

#[test]
fn each_part_has_one_keeper_and_every_replica_accepts_events() {
    let (twilio, replicas) = start(3);
    let sids: Vec<String> = (0..12).map(|index| customer_writes(&twilio, index)).collect();
    assert_once(&twilio, &replicas, &sids);
    let accepted = replicas.gateways.iter().filter(|gateway| gateway.metric_sum("frontgate_requests_total") > 0.0);
    assert_eq!(accepted.count(), 3);
    let keeper = replicas.keeper("demo/twilio");
    let sent: Vec<usize> =
        replicas.gateways.iter().map(|gateway| gateway.log().event("delivery.sent").count()).collect();
    let others: usize = sent.iter().enumerate().filter(|(number, _)| *number != keeper).map(|(_, sent)| sent).sum();
    assert!(sent[keeper] > 0 && others == 0, "{sent:?}");
}

#[test]
fn killed_replicas_lose_nothing_and_double_nothing() {
    let (twilio, mut replicas) = start(3);
    let mut sids = Vec::new();
    for kill in 0..times(KILLS) {
        for _ in 0..4 {
            sids.push(customer_writes(&twilio, sids.len()));
        }
        // The keeper and the others in turn.
        let number = if kill % 2 == 0 { replicas.keeper("demo/twilio") } else { kill % 3 };
        replicas.kill_and_start_again(number);
        // Kills create deliveries faster than the rate limit lets them leave.
        if kill % 100 == 99 {
            twilio.wait_for(|state| each_has_a_worker(state, &sids));
        }
    }
    assert_once(&twilio, &replicas, &sids);
}

#[test]
fn a_replica_that_never_comes_back_is_declared_ended_and_its_deliveries_go_on() {
    let (twilio, mut replicas) = start(3);
    let keeper = replicas.keeper("demo/twilio");
    // The request takes effect although the replica that sent it is gone.
    let sid = begin_slow_routing(&twilio);
    let mut gone = replicas.gateways.remove(keeper);
    gone.kill();
    replicas.balance();
    eventually("a burial", || replicas.count("replica.buried"), |buried| *buried == 1);
    assert_once(&twilio, &replicas, &[sid]);
}

#[test]
fn a_starting_replica_takes_nothing_that_others_hold() {
    let (twilio, mut replicas) = start(2);
    let sid = begin_slow_routing(&twilio);
    let database = Arc::clone(&replicas.database);
    let third = routing(&twilio).on_postgres(&database).set("replica.name", "\"replica-2\"").start();
    replicas.gateways.push(third);
    assert_once(&twilio, &replicas, &[sid]);
    assert_eq!(replicas.count("delivery.released"), 0);
    assert_eq!(replicas.count("delivery.outcome_unknown"), 0);
}

#[test]
fn a_replica_that_was_suspended_for_longer_than_its_lease_sends_nothing_more() {
    let (twilio, replicas) = start(2);
    let first = customer_writes(&twilio, 1);
    assert_once(&twilio, &replicas, &[first]);
    let keeper = replicas.keeper("demo/twilio");
    replicas.gateways[keeper].signal(Signal::STOP);
    let other = 1 - keeper;
    replicas.balancer.set(vec![replicas.gateways[other].address()]);
    replicas.gateways[other].log().event("replica.buried").wait_for(1);
    let sids: Vec<String> = (2..6).map(|index| customer_writes(&twilio, index)).collect();
    twilio.wait_for(|state| each_has_a_worker(state, &sids));
    replicas.gateways[keeper].signal(Signal::CONT);
    replicas.gateways[keeper].log().event("replica.declared_ended").wait_for(1);
    assert_once(&twilio, &replicas, &sids);
}

#[test]
fn a_replica_that_stops_hands_over_at_once() {
    let (twilio, mut replicas) = start(2);
    let keeper = replicas.keeper("demo/twilio");
    let mut leaving = replicas.gateways.remove(keeper);
    replicas.balance();
    leaving.signal(Signal::TERM);
    leaving.log().event("replica.part_handed_over").wait_for(1);
    leaving.wait();
    let sid = customer_writes(&twilio, 1);
    assert_once(&twilio, &replicas, &[sid]);
    assert_eq!(replicas.count("replica.buried"), 0);
}

#[test]
fn one_event_that_reaches_every_replica_is_delivered_once() {
    let (twilio, replicas) = start(3);
    for index in 0..times(REPEATED_EVENTS) {
        let sid = format!("CH{index:032}");
        let form = [
            ("ConversationSid", &*sid),
            ("MessagingBinding.Address", "+12025550107"),
            ("MessagingBinding.ProxyAddress", OURS),
        ];
        let answers: Vec<(u16, String)> = thread::scope(|scope| {
            let calls: Vec<_> = replicas
                .gateways
                .iter()
                .map(|gateway| {
                    scope.spawn(|| {
                        let answer = gateway.callback_with_token("routing", &form, "one-token");
                        (answer.status, answer.text)
                    })
                })
                .collect();
            calls.into_iter().map(|call| call.join().expect("an answer")).collect()
        });
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    }
    let deliveries = replicas.gateways[0].deliveries();
    let conversations: HashSet<&str> =
        deliveries.iter().filter_map(|delivery| delivery["conversation"].as_str()).collect();
    assert_eq!((deliveries.len(), conversations.len()), (times(REPEATED_EVENTS), times(REPEATED_EVENTS)));
    drop(twilio);
}

#[test]
fn messages_of_one_conversation_keep_their_order_while_keepers_move() {
    let (front, provider) = (Front::start(), Provider::start());
    let mut replicas = Replicas::start(2, || Setup::courier(&front, &provider));
    front.point_at(replicas.balancer.address());
    let channel = front.connect(SERVER).expect("a channel");
    let first = front.send(&channel, Draft::new("planted text 0").to(LEE));
    for turn in 1..times(MESSAGES) {
        let sent = front.reply(&first.conversation, &*format!("planted text {turn}"));
        let sent = if sent.outcome.is_err() { front.resend(&sent.message) } else { sent };
        sent.ids();
        if turn % 15 == 0 {
            // The keeper hands over and comes back, under another id.
            let keeper = replicas.keeper("demo/front");
            let leaving = replicas.gateways.remove(keeper);
            replicas.balance();
            replicas.gateways.insert(keeper, leaving.restart());
            replicas.balance();
        }
    }
    provider.wait_for(|known| known.messages.len() == times(MESSAGES));
    let expected: Vec<_> = (0..times(MESSAGES)).map(|turn| format!("planted text {turn}")).collect();
    assert_eq!(provider.look(|known| known.texts().join(",")), expected.join(","));
}

#[test]
fn a_message_at_one_replica_is_answered_by_the_plugin_of_another() {
    let (front, provider) = (Front::start(), Provider::start());
    let replicas = Replicas::start(2, || Setup::courier(&front, &provider));
    let keeper = replicas.keeper("demo/front");
    front.point_at(replicas.gateways[1 - keeper].address());
    let channel = front.connect(SERVER).expect("a channel");
    let sent = front.send(&channel, Draft::new("planted text").to(LEE));
    assert_eq!(sent.ids().0, "P1", "the id is the provider's, so the answer came in time");
    assert_eq!(replicas.gateways[keeper].log().event("delivery.sent").count(), 1);
}

#[test]
fn a_pause_that_twilio_asked_for_is_kept_by_the_next_keeper() {
    let twilio = Twilio::start();
    let mut replicas = Replicas::start(2, || routing(&twilio).set("delivery.retry_longest_ms", "10000"));
    twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
    let first = customer_writes(&twilio, 1);
    assert_once(&twilio, &replicas, &[first]);
    twilio.fault(Fault::new(Action::TooManyRequestsFor(3)).on(Call::AddParticipant));
    let sid = customer_writes(&twilio, 2);
    twilio.wait_for(|state| state.requests().iter().any(|request| request.fault.is_some()));
    let keeper = replicas.keeper("demo/twilio");
    replicas.gateways[keeper].log().event("delivery.retry_scheduled").wait_for(1);
    let mut leaving = replicas.gateways.remove(keeper);
    replicas.balance();
    leaving.signal(Signal::TERM);
    leaving.wait();
    twilio.wait_for(|state| each_has_a_worker(state, std::slice::from_ref(&sid)));
    let times: Vec<_> =
        twilio.requests().iter().filter(|one| one.conversation.as_ref() == Some(&sid)).map(|one| one.at).collect();
    let pause = times[times.len() - 1] - times[0];
    assert!(pause >= Duration::from_secs(3), "{pause:?}");
}

#[test]
fn operators_see_all_replicas_and_can_retire_one() {
    let (_twilio, replicas) = start(2);
    eventually(
        "both replicas",
        || replicas.gateways[0].status()["replicas"].as_array().map_or(0, Vec::len),
        |count| *count == 2,
    );
    let list = replicas.gateways[0].command(&["replicas", "list"]);
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(text.contains("replica-0") && text.contains("replica-1") && text.contains("demo/twilio"), "{text}");
    replicas.gateways[1].drop_plugin("plugin", &another_build(&component("misbehaving"), 1));
    let list = || String::from_utf8_lossy(&replicas.gateways[0].command(&["replicas", "list"]).stdout).into_owned();
    eventually("the difference", list, |text| text.contains("1 (differ)"));
    eventually(
        "the difference",
        || replicas.gateways[0].status()["replicas"][1]["same_plugins"].clone(),
        |same| *same == false,
    );
    let status = String::from_utf8_lossy(&replicas.gateways[0].command(&["store", "status"]).stdout).into_owned();
    assert!(status.contains("Postgres") && status.contains("tables have version 8"), "{status}");
    let retired = replicas.gateways[0].command(&["replicas", "retire", "replica-1"]);
    assert!(retired.status.success(), "{}", String::from_utf8_lossy(&retired.stderr));
    // It was running, so it joins again.
    replicas.gateways[1].log().event("replica.declared_ended").wait_for(1);
}

#[test]
fn increments_of_a_plugin_are_exact_across_replicas() {
    let database = Arc::new(Database::create());
    let start = |number: usize| {
        Setup::new()
            .plugin("plugin", &component("keyvalue"))
            .set("plugins.named.plugin.state", "true")
            .on_postgres(&database)
            .set("replica.name", format!("\"replica-{number}\""))
            .start()
    };
    let gateways = [start(0), start(1), start(2)];
    let mut numbers: Vec<u32> = thread::scope(|scope| {
        let increment = |gateway: &Gateway| -> Vec<u32> {
            (0..20).map(|_| gateway.output_of("increment n 1").parse().expect("a number")).collect()
        };
        let calls: Vec<_> = gateways.iter().map(|gateway| scope.spawn(move || increment(gateway))).collect();
        calls.into_iter().flat_map(|call| call.join().expect("numbers")).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_replica_that_crashes_at_any_point_loses_nothing_and_doubles_nothing() {
    let mut reached = 0;
    for crash_point in crash::CRASH_POINTS {
        let twilio = Twilio::start();
        let mut replicas = Replicas::start(2, || routing(&twilio));
        twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
        let database = Arc::clone(&replicas.database);
        let third = routing(&twilio).on_postgres(&database).set("replica.name", "\"replica-2\"");
        replicas.gateways.push(third.start_crashing(&format!("{crash_point}:2")));
        replicas.balance();
        let sids: Vec<String> = (0..12).map(|index| customer_writes(&twilio, index)).collect();
        twilio.wait_for(|state| each_has_a_worker(state, &sids));
        if replicas.gateways[2].has_ended() {
            reached += 1;
            let crashed = replicas.gateways.remove(2);
            replicas.gateways.push(crashed.start_again());
            replicas.balance();
        }
        assert_once(&twilio, &replicas, &sids);
    }
    // The points of deliveries are reached only while the third replica is their keeper.
    assert!(reached >= 4, "{reached} points were reached");
}

#[test]
fn clocks_that_are_an_hour_apart_change_nothing() {
    const HOUR_MS: i64 = 3_600_000;
    let (twilio, database) = (Twilio::start(), Arc::new(Database::create()));
    let start = |number: usize, ahead_ms: i64| {
        let setup = routing(&twilio).on_postgres(&database).set("replica.name", format!("\"replica-{number}\""));
        setup.start_with_clock(ahead_ms)
    };
    let gateways = vec![start(0, -HOUR_MS), start(1, 0), start(2, HOUR_MS)];
    let mut replicas = Replicas { gateways, balancer: Balancer::start(), database: Arc::clone(&database) };
    replicas.balance();
    twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
    let mut sids: Vec<String> = (0..12).map(|index| customer_writes(&twilio, index)).collect();
    let keeper = replicas.keeper("demo/twilio");
    let mut gone = replicas.gateways.remove(keeper);
    gone.kill();
    replicas.balance();
    sids.extend((12..24).map(|index| customer_writes(&twilio, index)));
    assert_once(&twilio, &replicas, &sids);
}

#[test]
fn the_rate_of_a_tenant_holds_over_all_replicas_and_a_kill() {
    const RATE: usize = 10;
    let twilio = Twilio::start();
    let setup = || routing(&twilio).set("delivery.requests_per_second_max", RATE.to_string());
    let mut replicas = Replicas::start(3, setup);
    twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
    let mut sids: Vec<String> = (0..12).map(|index| customer_writes(&twilio, index)).collect();
    let keeper = replicas.keeper("demo/twilio");
    replicas.kill_and_start_again(keeper);
    sids.extend((12..24).map(|index| customer_writes(&twilio, index)));
    assert_once(&twilio, &replicas, &sids);
    let times: Vec<Duration> = twilio.requests().iter().map(|request| request.at).collect();
    // A bucket grants a burst of one second at most. A new keeper starts with an empty bucket.
    let most =
        |start: &Duration| times.iter().filter(|at| (*start..*start + Duration::from_secs(1)).contains(*at)).count();
    let most = times.iter().map(most).max().expect("requests");
    assert!(most <= 2 * RATE, "{most} requests in a second");
}
