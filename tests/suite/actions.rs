//! Tests actions on conversations: of plugins, accepted with the state of their calls, and of operators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::{
    Action, Call, ConversationState, Fault, Gateway, PUBLIC_URL, SetOnDrop, Setup, State, TOKEN, Twilio, component,
};
use parking_lot::Mutex;

use crate::delivery::{OURS, workers};
use crate::state_crash::instruct;

/// Number of kills in an ordinary run. `FRONTGATE_KILLS` replaces it.
const KILLS: usize = 30;

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";

fn setup(twilio: &Twilio) -> Setup {
    twilio.filters(&[]);
    Setup::misbehaving()
        .twilio(twilio)
        .set("plugins.named.plugin.actions", "true")
        .set("plugins.named.plugin.state", "true")
        .set("delivery.request_timeout_ms", "800")
        .set("delivery.connect_timeout_ms", "200")
}

/// Starts a gateway, and a conversation of a customer.
fn start(change: impl FnOnce(Setup) -> Setup) -> (Twilio, Gateway, String) {
    let twilio = Twilio::start();
    let gateway = change(setup(&twilio)).start();
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    (twilio, gateway, sid)
}

/// Executes a script, which must be accepted.
fn act(gateway: &Gateway, script: &str) {
    assert_eq!(gateway.output_of(&format!("act {script}")), "accepted");
}

/// Returns the texts that the plugin or an operator posted.
fn posted(state: &State, sid: &str) -> Vec<String> {
    let messages = state.conversation(sid).map(|conversation| conversation.messages.clone()).unwrap_or_default();
    messages.into_iter().filter(|message| !message.author.starts_with('+')).map(|message| message.body).collect()
}

#[test]
fn messages_are_posted_in_the_order_of_their_acceptance() {
    let (twilio, gateway, sid) = start(|setup| setup);
    for turn in 0..5 {
        act(&gateway, &format!("post {sid} planted text {turn}a; post {sid} planted text {turn}b"));
    }
    twilio.wait_for(|state| posted(state, &sid).len() == 10);
    let expected: Vec<String> =
        (0..5).flat_map(|turn| ["a", "b"].map(|part| format!("planted text {turn}{part}"))).collect();
    assert_eq!(twilio.look(|state| posted(state, &sid)), expected);
    assert_eq!(twilio.conversation(&sid).messages.last().map(|message| message.author.clone()), Some("bot".to_owned()));
}

#[test]
fn a_template_is_posted_with_its_variables() {
    let (twilio, gateway, sid) = start(|setup| setup);
    let content = format!("HX{}", "0a".repeat(16));
    act(&gateway, &format!("template {sid} {content}"));
    let field = |state: &State, name: &str| {
        let request = state.requests().iter().find(|request| request.call == Call::CreateMessage);
        request.and_then(|request| request.field(name).map(str::to_owned))
    };
    twilio.wait_for(|state| field(state, "ContentSid").is_some());
    assert_eq!(twilio.look(|state| field(state, "ContentSid")), Some(content));
    assert_eq!(twilio.look(|state| field(state, "ContentVariables")), Some(r#"{"1":"Mora"}"#.to_owned()));
}

#[test]
fn a_conversation_is_renamed_and_gets_timers_and_attributes() {
    let (twilio, gateway, sid) = start(|setup| setup);
    act(&gateway, &format!("rename {sid} Mora Lind; timers {sid}"));
    twilio.wait_for(|state| {
        let conversation = state.conversation(&sid).expect("the conversation");
        conversation.friendly_name.as_deref() == Some("Mora Lind") && conversation.attributes["seen"] == true
    });
    let timers = twilio.look(|state| {
        let update = state.requests().iter().find(|request| request.field("Timers.Closed").is_some());
        update.and_then(|update| update.field("Timers.Inactive").map(str::to_owned))
    });
    assert_eq!(timers.as_deref(), Some("PT600S"));
}

#[test]
fn workers_are_added_removed_and_transferred() {
    let (twilio, gateway, sid) = start(|setup| setup);
    act(&gateway, &format!("add {sid} {ANA}; transfer {sid} {ANA} {BEN}"));
    twilio.wait_for(|state| workers(state, &sid) == [BEN]);
    // What is there already, or gone already, is no error.
    act(&gateway, &format!("add {sid} {BEN}; remove {sid} {ANA}; remove {sid} {BEN}"));
    twilio.wait_for(|state| workers(state, &sid).is_empty());
    let unsent = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(unsent.is_none(), "{unsent:?}");
}

#[test]
fn a_conversation_is_closed_and_later_actions_fail_with_the_reason() {
    let (twilio, gateway, sid) = start(|setup| setup);
    act(&gateway, &format!("close {sid}; post {sid} planted text"));
    let line = gateway.log().event("delivery.failed").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("the conversation is closed")), "{line}");
    assert_eq!(twilio.conversation(&sid).state, ConversationState::Closed);
}

#[test]
fn actions_of_a_failed_call_are_discarded() {
    let (twilio, gateway, sid) = start(|setup| setup);
    assert_eq!(gateway.instruct(&format!("act post {sid} planted text 1; panic")).status, 502);
    assert_eq!(gateway.instruct(&format!("act post {sid} planted text 2; not-found")).status, 404);
    act(&gateway, &format!("post {sid} planted text 3"));
    twilio.wait_for(|state| !posted(state, &sid).is_empty());
    assert_eq!(twilio.look(|state| posted(state, &sid)), ["planted text 3"]);
}

#[test]
fn a_plugin_without_the_grant_can_not_act() {
    let (twilio, gateway, sid) = start(|setup| setup.set("plugins.named.plugin.actions", "false"));
    let answer = gateway.instruct(&format!("act post {sid} planted text"));
    assert_eq!((answer.status, answer.code()), (502, "plugin-failed"), "{}", answer.text);
    assert_eq!(gateway.deliveries().len(), 0);
    drop(twilio);
}

#[test]
fn a_call_has_a_limited_number_of_actions() {
    let (twilio, gateway, sid) = start(|setup| setup.set("plugins.limits.actions_max", "2"));
    let script = |count| vec![format!("post {sid} planted text"); count].join("; ");
    assert_eq!(gateway.instruct(&format!("act {}", script(3))).status, 502);
    act(&gateway, &script(2));
    twilio.wait_for(|state| posted(state, &sid).len() == 2);
}

#[test]
fn an_action_that_twilio_would_reject_is_rejected_in_the_call() {
    let (twilio, gateway, sid) = start(|setup| setup);
    for script in [format!("post {sid} {}", "x".repeat(1_601)), "post CH1 planted text".to_owned()] {
        assert_eq!(gateway.instruct(&format!("act {script}")).status, 502, "{script:.40}");
    }
    assert_eq!(gateway.deliveries().len(), 0);
    drop(twilio);
}

#[test]
fn a_message_with_an_unknown_outcome_is_looked_for_before_it_is_posted_again() {
    for (fault, requests) in [
        (Action::CloseAfterActing, 1),
        (Action::FailAfter(500), 1),
        (Action::HalfAnAnswer, 1),
        (Action::CloseAfterReading, 2),
        (Action::FailBefore(500), 2),
    ] {
        let (twilio, gateway, sid) = start(|setup| setup);
        twilio.fault(Fault::new(fault.clone()).on(Call::CreateMessage));
        act(&gateway, &format!("post {sid} planted text"));
        gateway.log().event("delivery.outcome_unknown").wait_for(1);
        let unsent = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
        assert!(unsent.is_none(), "{fault:?}: {unsent:?}");
        assert_eq!(twilio.look(|state| posted(state, &sid)), ["planted text"], "{fault:?}");
        let sent = twilio.requests().iter().filter(|request| request.call == Call::CreateMessage).count();
        assert_eq!(sent, requests, "{fault:?}");
    }
}

#[test]
fn a_participant_with_an_unknown_outcome_is_looked_for_before_the_next_attempt() {
    let (twilio, gateway, sid) = start(|setup| setup);
    twilio.fault(Fault::new(Action::CloseAfterActing).on(Call::AddParticipant));
    act(&gateway, &format!("transfer {sid} {ANA} {BEN}"));
    twilio.wait_for(|state| workers(state, &sid) == [BEN]);
    gateway.wait_for_deliveries();
    let added = twilio.requests().iter().filter(|request| request.call == Call::AddParticipant).count();
    assert_eq!(added, 1);
}

#[test]
fn a_participant_who_was_added_before_and_whose_next_answer_is_damaged_counts_as_added() {
    let (twilio, gateway, sid) = start(|setup| setup);
    act(&gateway, &format!("add {sid} {ANA}"));
    gateway.wait_for_deliveries();
    // Twilio answers 409 with a code, since the participant exists; the fault damages its body.
    twilio.fault(Fault::new(Action::Garbage).on(Call::AddParticipant));
    act(&gateway, &format!("add {sid} {ANA}"));
    let unsent = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(unsent.is_none(), "{unsent:?}");
    assert_eq!(twilio.look(|state| workers(state, &sid).len()), 1);
}

#[test]
fn every_transient_failure_of_an_action_is_retried() {
    for fault in Action::passing() {
        let (twilio, gateway, sid) = start(|setup| setup);
        twilio.fault(Fault::new(fault.clone()).on(Call::UpdateConversation).times(2));
        act(&gateway, &format!("rename {sid} Mora Lind; post {sid} planted text"));
        twilio.wait_for(|state| posted(state, &sid) == ["planted text"]);
        assert_eq!(twilio.conversation(&sid).friendly_name.as_deref(), Some("Mora Lind"), "{fault:?}");
    }
}

#[test]
fn an_operator_acts_with_or_without_a_running_gateway() {
    let (twilio, mut gateway, sid) = start(|setup| setup);
    let command = |gateway: &Gateway, arguments: &[&str]| {
        let output = gateway.command(&[&["act"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    command(&gateway, &["post", &sid, "--text", "planted text 1"]);
    command(&gateway, &["update", &sid, "--friendly-name", "Mora Lind"]);
    twilio.wait_for(|state| posted(state, &sid) == ["planted text 1"]);
    gateway.kill();
    command(&gateway, &["post", &sid, "--text", "planted text 2", "--author", ANA]);
    command(&gateway, &["add", &sid, "--identity", ANA]);
    command(&gateway, &["transfer", &sid, ANA, BEN]);
    let refused = gateway.command(&["act", "update", &sid]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("nothing to change"));
    let gateway = gateway.start_again();
    twilio.wait_for(|state| posted(state, &sid).len() == 2 && workers(state, &sid) == [BEN]);
    assert_eq!(twilio.conversation(&sid).friendly_name.as_deref(), Some("Mora Lind"));
    let audited = gateway.command(&["deliveries", "show", "1"]);
    assert!(String::from_utf8_lossy(&audited.stdout).contains("post-message"), "{audited:?}");
}

#[test]
fn a_pre_event_webhook_can_reject_an_action() {
    let (twilio, gateway, sid) = start(|setup| setup.set("tenants.demo.roles.conversations", "[\"plugin\"]"));
    twilio.filters(&["onMessageAdd", "onMessageAdded"]);
    act(&gateway, &format!("post {sid} reject; post {sid} planted text"));
    let line = gateway.log().event("delivery.failed").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("webhook rejected the change")), "{line}");
    twilio.wait_for(|state| posted(state, &sid) == ["planted text"]);
    // The plugin also learns of what was posted.
    twilio.wait_for(|state| state.webhooks().iter().any(|fired| fired.event == "onMessageAdded" && fired.acknowledged));
}

#[test]
fn no_log_line_has_the_text_of_an_action() {
    let (twilio, gateway, sid) = start(|setup| setup);
    twilio.fault(Fault::new(Action::FailBefore(500)).on(Call::CreateMessage));
    act(&gateway, &format!("post {sid} planted text"));
    twilio.wait_for(|state| !posted(state, &sid).is_empty());
    gateway.wait_for_deliveries();
    assert!(!gateway.log().text().contains("planted text"));
}

#[test]
fn a_plugin_that_imports_actions_waits_for_approval_if_the_previous_version_did_not() {
    let gateway = Setup::directory("Id,Name\n7,Mora Lind\n").start();
    gateway.drop_plugin("plugin", &component("misbehaving"));
    let line = gateway.log().event("plugin.waiting").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("actions on conversations")), "{line}");
}

/// What callers know: the numbers of acknowledged calls, in order, by conversation.
type Acknowledged = Mutex<BTreeMap<String, Vec<usize>>>;

#[test]
fn actions_and_state_of_acknowledged_calls_survive_kills_together() {
    let kills = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (twilio, gateway, first) = start(|setup| setup);
    let second = twilio.inbound_sms("+12025550108", OURS, "planted text").expect("a conversation");
    twilio.faults_at_random_of(5, 0.2, &Action::passing());
    let (acknowledged, ended) = (Acknowledged::default(), AtomicBool::new(false));
    let address = Mutex::new(gateway.address());
    let gateway = thread::scope(|scope| {
        let _end = SetOnDrop(&ended);
        let mut gateway = gateway;
        for (caller, sid) in [&first, &second].into_iter().enumerate() {
            let (acknowledged, ended, address, twilio) = (&acknowledged, &ended, &address, &twilio);
            scope.spawn(move || {
                for number in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    let worker = worker_action(sid, number);
                    let script = format!(
                        "act post {sid} {number}; rename {sid} {number}; {worker}; set done/{caller}/{number} 1"
                    );
                    let to = *address.lock();
                    if instruct(to, &script) {
                        acknowledged.lock().entry(sid.clone()).or_default().push(number);
                    }
                    // Limits the backlog.
                    let sent = acknowledged.lock().get(sid).map_or(0, Vec::len);
                    twilio.wait_for(|state| posted(state, sid).len() + 10 >= sent);
                }
            });
        }
        let mut chance = 1_u64;
        for _ in 0..kills {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let more = usize::try_from(chance >> 60).expect("four bits");
            let now = twilio.requests().len();
            twilio.wait_for(|state| state.requests().len() > now + more);
            gateway.kill();
            gateway = gateway.start_again();
            *address.lock() = gateway.address();
        }
        gateway
    });
    twilio.faults_off();
    let unsent = gateway.wait_for_deliveries().into_iter().find(|delivery| delivery["state"] != "sent");
    assert!(unsent.is_none(), "{unsent:?}");
    for (caller, sid) in [first, second].iter().enumerate() {
        let posted: Vec<usize> = twilio.look(|state| posted(state, sid)).iter().map(|text| number(text)).collect();
        assert!(posted.is_sorted_by(|one, next| one < next), "doubled or out of order: {posted:?}");
        for number in &acknowledged.lock()[sid] {
            assert!(posted.contains(number), "acknowledged {number} of {sid} was not posted");
        }
        for number in 0..posted.last().copied().unwrap_or_default() {
            let is_stored = gateway.output_of(&format!("state get done/{caller}/{number}")) == "1";
            assert_eq!(is_stored, posted.contains(&number), "state and action of call {number}");
        }
        let conversation = twilio.conversation(sid);
        assert_eq!(conversation.friendly_name, posted.last().map(ToString::to_string));
        let workers: BTreeSet<&str> = conversation.workers().into_iter().collect();
        assert_eq!(workers, workers_after(&posted), "{posted:?}");
    }
}

/// Returns a different change of the workers for each of four calls.
fn worker_action(sid: &str, number: usize) -> String {
    match number % 4 {
        0 => format!("add {sid} {ANA}"),
        1 => format!("transfer {sid} {ANA} {BEN}"),
        2 => format!("add {sid} {ANA}"),
        _ => format!("remove {sid} {BEN}"),
    }
}

/// Returns the workers after the calls with these numbers.
fn workers_after(numbers: &[usize]) -> BTreeSet<&'static str> {
    let mut workers = BTreeSet::new();
    for number in numbers {
        match number % 4 {
            0 | 2 => drop(workers.insert(ANA)),
            1 => drop((workers.insert(BEN), workers.remove(ANA))),
            _ => drop(workers.remove(BEN)),
        }
    }
    workers
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

#[test]
fn requests_about_one_conversation_keep_below_twilios_limit() {
    let (twilio, gateway, sid) =
        start(|setup| setup.set("delivery.requests_per_second_max", "1000").set("plugins.limits.actions_max", "100"));
    act(&gateway, &vec![format!("rename {sid} Mora Lind"); 90].join("; "));
    gateway.wait_for_deliveries();
    let times: Vec<Duration> = twilio.look(|state| {
        let updates = state.requests().iter().filter(|request| request.call == Call::UpdateConversation);
        updates.map(|request| request.at).collect()
    });
    let busiest = times
        .iter()
        .map(|from| times.iter().filter(|at| **at >= *from && **at < *from + Duration::from_secs(1)).count());
    assert!(busiest.max() <= Some(30), "{times:?}");
}
