//! Tests the console's pages: what they show of requests and deliveries, and what people change with them.

use std::process::Stdio;

use frontgate_tests::{Action, Call, Fault, Gateway, Person, Setup, Twilio, post};
use serde_json::Value;

use crate::delivery::{OURS, start_with_twilio, workers};

/// Starts a gateway whose deliveries may have had their effect and wait for an hour; returns the SIDs of its
/// conversations.
pub(crate) fn waiting(conversations: usize) -> (Twilio, Gateway, Vec<String>) {
    let (twilio, gateway) = start_with_twilio(|setup| {
        setup.set("delivery.retry_first_ms", "3600000").set("delivery.retry_longest_ms", "3600000")
    });
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::FailBefore(503)).on(Call::AddParticipant).times(conversations));
    let number = |index: usize| format!("+1202555{index:04}");
    let sms = |index| twilio.inbound_sms(&number(index), OURS, "planted text").expect("a conversation");
    let sids = (0..conversations).map(sms).collect();
    for id in (1..).take(conversations) {
        gateway.wait_for_delivery(id, "unknown");
    }
    (twilio, gateway, sids)
}

fn has_reason(delivery: &Value) -> bool {
    delivery["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty())
}

#[test]
fn a_request_is_shown_with_its_signature_calls_and_delivery() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    let person = gateway.sign_in("ana", "operator");
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    let rows = person.wait_for("/live.json?q=callback:routing", "a routing", |live| live["rows"][0].is_object());
    let row = &rows["rows"][0];
    assert_eq!([&row["tenant"], &row["conversation"]], ["demo", &*sid], "{row}");
    let event = person.json(&format!("/events/{}.json", row["id"].as_str().expect("an id")));
    let fact = |name: &str| event["facts"].as_array()?.iter().find(|fact| fact["name"] == name)?["value"].as_str();
    assert!(fact("Signature").is_some_and(|text| text.starts_with("matches auth_tokens[0]")), "{event}");
    assert_eq!(event["deliveries"], row["deliveries"], "{event}");
    let took: u64 =
        event["stages"].as_array().expect("stages").iter().filter_map(|stage| stage["took_us"].as_u64()).sum();
    assert_eq!(Some(took), event["took_us"].as_u64(), "{event}");
}

#[test]
fn a_wrong_signature_is_explained() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    let headers = [("x-twilio-signature", "AAAA"), ("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(post(gateway.address(), "/callbacks/crm", &headers, b"Location=GetCustomersList").status, 403);
    let live = person.wait_for("/live.json?q=status:403", "the refusal", |live| live["rows"][0].is_object());
    let event = person.json(&format!("/events/{}.json", live["rows"][0]["id"].as_str().expect("an id")));
    assert!(event["facts"].to_string().contains("does not match"), "{event}");
}

#[test]
fn a_tail_returns_each_request_once() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    let start = person.json("/live.json")["next"].as_u64().expect("a number");
    let sent = 120;
    (0..sent).for_each(|_| _ = gateway.crm(&frontgate_tests::LIST));
    let (mut after, mut ids) = (start, Vec::new());
    while ids.len() < sent {
        let rows = person.json(&format!("/live/rows.json?q=callback:crm&after={after}"));
        assert_eq!(rows["skipped"], 0, "{rows}");
        after = rows["next"].as_u64().expect("a number");
        ids.extend(rows["rows"].as_array().expect("rows").iter().map(|row| row["id"].to_string()));
    }
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len()), (sent, sent));
}

#[test]
fn an_invalid_filter_is_explained() {
    let gateway = Setup::misbehaving().start();
    let page = gateway.sign_in("ana", "viewer").json("/live.json?q=nonsense:1");
    assert!(page["problem"].as_str().is_some_and(|problem| problem.contains("nonsense")), "{page}");
}

#[test]
fn a_delivery_is_shown_with_each_attempt() {
    let (_twilio, gateway, _) = waiting(1);
    let person = gateway.sign_in("ana", "operator");
    let delivery = person.wait_for("/deliveries/1.json", "an attempt", has_reason);
    let attempt = &delivery["attempts"][0];
    assert_eq!((attempt["number"].as_u64(), attempt["state"].as_str()), (Some(1), Some("unknown")), "{delivery}");
    assert!(attempt["reason"].as_str().is_some_and(|reason| reason.contains("503")), "{delivery}");
}

#[test]
fn a_retry_from_the_page_is_executed_at_once_and_recorded() {
    let (twilio, gateway, sids) = waiting(1);
    let person = gateway.sign_in("ana", "operator");
    person.wait_for("/deliveries/1.json", "an attempt", has_reason);
    let answer = person.post("/deliveries/1/retry", &[]);
    assert!(answer.status == 200 && answer.text.contains("the delivery is unknown now"), "{answer:?}");
    twilio.wait_for(|state| workers(state, &sids[0]) == ["ana@example.org"]);
    let delivery = person.wait_for("/deliveries/1.json", "its end", |delivery| delivery["state"] == "sent");
    assert_eq!(delivery["actions"][0]["who"], "ana", "{delivery}");
    assert!(delivery["attempts"].as_array().is_some_and(|attempts| attempts.len() >= 2), "{delivery}");
    let again = person.post("/deliveries/1/retry", &[]);
    assert!(again.status == 409 && again.text.contains("already sent"), "{again:?}");
}

#[test]
fn deliveries_that_fail_for_one_reason_are_one_group() {
    let (_twilio, gateway, _) = waiting(12);
    let person = gateway.sign_in("ana", "viewer");
    let page = person.wait_for("/deliveries.json", "a group of 12", |page| page["groups"][0]["count"] == 12);
    assert_eq!(page["groups"].as_array().map(Vec::len), Some(1), "{page}");
    let output = gateway.command(&["deliveries", "groups"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("12"), "{output:?}");
}

fn preview(person: &Person) -> (String, Value) {
    let page = person.wait_for("/deliveries.json", "a group", |page| page["groups"][0]["count"] == 12);
    let query = page["groups"][0]["query"].as_str().expect("a query").to_owned();
    let preview = person.json(&format!("/deliveries/bulk.json?change=retry&{query}"));
    (query, preview)
}

#[test]
fn a_change_of_many_deliveries_does_what_its_preview_said() {
    let (twilio, gateway, sids) = waiting(12);
    let person = gateway.sign_in("ana", "operator");
    let (query, shown) = preview(&person);
    assert_eq!((shown["total"].as_u64(), shown["after"]["unknown"].as_u64()), (Some(12), Some(12)), "{shown}");
    let started = person.post(&format!("/deliveries/bulk?{query}"), &[("change", "retry"), ("total", "12")]);
    assert_eq!(started.status, 303, "{started:?}");
    let path = format!("{}.json", started.headers["location"]);
    let ended = person.wait_for(&path, "the end", |bulk| bulk["is_finished"] == true);
    assert_eq!((ended["changed"].as_u64(), ended["rejected"].as_u64()), (Some(12), Some(0)), "{ended}");
    twilio.wait_for(|state| sids.iter().all(|sid| workers(state, sid) == ["ana@example.org"]));
    let actions = person.json("/audit.json")["actions"].clone();
    let of = |name: &str| {
        actions
            .as_array()
            .expect("actions")
            .iter()
            .filter(|action| action["action"].as_str().is_some_and(|text| text.starts_with(name)))
            .count()
    };
    assert_eq!((of("retry many"), of("retry: ")), (1, 12), "{actions}");
}

#[test]
fn a_change_of_many_asks_again_if_the_number_has_changed() {
    let (_twilio, gateway, _) = waiting(12);
    let person = gateway.sign_in("ana", "operator");
    let (query, _) = preview(&person);
    assert_eq!(person.post("/deliveries/1/cancel", &[]).status, 200);
    let answer = person.post(&format!("/deliveries/bulk?{query}"), &[("change", "retry"), ("total", "12")]);
    assert!(answer.status == 200 && answer.text.contains("changed from 12 to 11"), "{answer:?}");
    assert_eq!(person.json("/deliveries.json?state=unknown")["rows"].as_array().map(Vec::len), Some(11));
}

#[test]
fn the_story_of_a_conversation_has_requests_calls_and_attempts() {
    let (_twilio, gateway, sids) = waiting(1);
    let person = gateway.sign_in("ana", "viewer");
    person.wait_for("/deliveries/1.json", "an attempt", has_reason);
    let story = person.json(&format!("/conversations/demo/{}.json", sids[0]));
    let texts: Vec<&str> =
        story["steps"].as_array().expect("steps").iter().filter_map(|step| step["text"].as_str()).collect();
    assert!(texts.contains(&"routing"), "{texts:?}");
    assert!(texts.iter().any(|text| text.ends_with("attempt 1")), "{texts:?}");
    let times: Vec<i64> =
        story["steps"].as_array().expect("steps").iter().filter_map(|step| step["time_ms"].as_i64()).collect();
    assert!(times.is_sorted(), "{story}");
}

#[test]
fn an_id_leads_to_its_page() {
    let (_twilio, gateway, sids) = waiting(1);
    let person = gateway.sign_in("ana", "viewer");
    let request = person.json("/live.json")["rows"][0]["id"].as_str().expect("an id").to_owned();
    let leads = |wanted: &str| person.get(&format!("/find?q={wanted}")).headers.get("location").cloned();
    assert_eq!(leads("1").as_deref(), Some("/deliveries/1"));
    assert_eq!(leads(&request), Some(format!("/events/{request}")));
    assert_eq!(leads(&sids[0]), Some(format!("/conversations/demo/{}", sids[0])));
    assert_eq!(leads("plugin").as_deref(), Some("/plugins/plugin"));
    assert_eq!(person.get("/find?q=none").status, 400);
}

#[test]
fn a_reload_by_command_and_by_page_is_recorded() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    assert_eq!(person.post("/plugins/reload", &[]).status, 200);
    assert!(gateway.command(&["reload"]).status.success());
    let actions = person.json("/audit.json")["actions"].clone();
    let roles: Vec<&str> = actions
        .as_array()
        .expect("actions")
        .iter()
        .filter(|action| action["action"] == "reload")
        .filter_map(|action| action["role"].as_str())
        .collect();
    assert_eq!(roles, ["command", "operator"], "{actions}");
}

#[test]
fn plugins_are_shown_with_their_versions() {
    let gateway = Setup::misbehaving().start();
    let page = gateway.sign_in("ana", "viewer").json("/plugins.json");
    assert_eq!(page["plugins"][0]["state"], "live", "{page}");
    let digest = gateway.status()["plugins"]["plugin"]["live"]["digest"].as_str().expect("a digest").to_owned();
    assert!(digest.starts_with(page["plugins"][0]["digest"].as_str().expect("a digest")), "{page}");
}

#[test]
fn the_record_of_actions_is_verified() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    let audit = person.wait_for("/audit.json", "the record is verified", |audit| audit["is_verified"] == true);
    assert_eq!(audit["broken"], Value::Null, "{audit}");
    let verified = gateway.command(&["audit", "verify"]);
    assert!(
        verified.status.success() && String::from_utf8_lossy(&verified.stdout).contains("2 actions verified"),
        "{verified:?}"
    );
    let listed = gateway.command(&["audit", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("sign in"), "{listed:?}");
}

#[test]
fn requests_are_followed_in_a_terminal() {
    let gateway = Setup::misbehaving().start();
    let mut tail = std::process::Command::new(frontgate_tests::program())
        .args(["events", "tail", "callback:crm", "--most", "1", "--config"])
        .arg(gateway.client_config())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The command sees requests after its start, so they are sent until it ends.
    frontgate_tests::eventually(
        "a line",
        || {
            gateway.crm(&frontgate_tests::LIST);
            tail.try_wait().expect("a child")
        },
        Option::is_some,
    );
    let output = tail.wait_with_output().expect("its output");
    let line = String::from_utf8_lossy(&output.stdout);
    assert!(line.contains("demo") && line.contains("crm") && line.contains("200"), "{line}");
}

#[test]
fn a_gateway_without_an_address_for_its_console_runs() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let gateway = Setup::misbehaving().set("console.listen", format!("{:?}", address.to_string())).start();
    gateway.log().wait_for_event("console.not_bound");
    assert_eq!(gateway.crm(&frontgate_tests::LIST).status, 200);
    let refused = gateway.command(&["console"]);
    assert!(
        !refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("console.listen"),
        "{refused:?}"
    );
}

#[test]
fn the_status_command_says_what_needs_attention() {
    let gateway = Setup::misbehaving().start();
    gateway.drop_plugin("loyalty", b"no component");
    gateway.log().event("plugin.refused").wait_for(1);
    let output = gateway.command(&["status"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("1 item needs attention") && text.contains("Plugin loyalty"), "{output:?}");
}
