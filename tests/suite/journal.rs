//! Tests the journal: facts of requests in a file, which outlive the gateway and have no personal data.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use frontgate_tests::{Gateway, Person, Setup, Twilio, eventually};
use serde_json::Value;

use crate::delivery::{OURS, start_with_twilio};

const NUMBER: &str = "12025550107";
const TEXT: &str = "planted text";

/// Starts a gateway with one routed conversation whose facts are in the journal; returns its SID.
fn routed(change: impl FnOnce(Setup) -> Setup) -> (Twilio, Gateway, String) {
    let (twilio, gateway) = start_with_twilio(|setup| change(setup.set("console.listen", "\"127.0.0.1:0\"")));
    let sid = twilio.inbound_sms(&format!("+{NUMBER}"), OURS, TEXT).expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    (twilio, gateway, sid)
}

fn wait_for_rows(gateway: &Gateway) {
    eventually("rows of the journal", || gateway.metric_or_zero("frontgate_journal_rows_total"), |rows| *rows > 0.0);
}

fn found(person: &Person, address: &str) -> Vec<String> {
    let page = person.json(&format!("/conversations.json?q={address}"));
    let rows = page["recent"].as_array().expect("conversations").iter();
    rows.filter_map(|row| row[1].as_str()).map(str::to_owned).collect()
}

#[test]
fn a_number_finds_its_conversation_after_a_crash() {
    let (_twilio, mut gateway, sid) = routed(|setup| setup);
    wait_for_rows(&gateway);
    gateway.kill();
    let gateway = gateway.start_again();
    let person = gateway.sign_in("sam", "support");
    for spelling in ["%2B12025550107", "whatsapp:%2B12025550107", "%2B1%20(202)%20555-0107", "12025550107"] {
        assert_eq!(found(&person, spelling), [sid.as_str()], "{spelling}");
    }
    assert_eq!(found(&person, "%2B12025550108"), Vec::<String>::new());
    let led = person.get("/find?q=%2B12025550107");
    assert_eq!((led.status, &*led.headers["location"]), (303, "/conversations?q=%2B12025550107"));
}

#[test]
fn facts_of_requests_are_shown_after_a_crash() {
    let (_twilio, mut gateway, sid) = routed(|setup| setup);
    wait_for_rows(&gateway);
    let person = gateway.sign_in("ana", "viewer");
    let of_story = |person: &Person| {
        let story = person.json(&format!("/conversations/demo/{sid}.json"));
        let steps = story["steps"].as_array().expect("steps").clone();
        steps.into_iter().filter(|step| step["from"] == "platform").collect::<Vec<Value>>()
    };
    let before = of_story(&person);
    assert!(before.iter().any(|step| step["text"] == "routing"), "{before:?}");
    gateway.kill();
    let gateway = gateway.start_again();
    let person = person.at(gateway.console_address());
    let after = of_story(&person);
    assert!(after.iter().any(|step| step["text"] == "routing"), "{after:?}");
    let live = person.json("/live.json?q=callback:routing");
    let row = &live["rows"][0];
    assert_eq!([&row["tenant"], &row["conversation"]], ["demo", &*sid], "{live}");
    let event = person.json(&format!("/events/{}.json", row["id"].as_str().expect("an id")));
    assert_eq!(event["status"], 200, "{event}");
}

#[test]
fn no_personal_data_is_in_the_journal() {
    let (_twilio, mut gateway, sid) = routed(|setup| setup);
    wait_for_rows(&gateway);
    gateway.kill();
    let mut has_conversation = false;
    for name in ["journal.db", "journal.db-wal"] {
        let Ok(bytes) = fs::read(gateway.path(&format!("data/{name}"))) else { continue };
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for planted in [NUMBER, "2025550107", TEXT, "planted", "ana@example.org", "Acme customer"] {
            assert!(!has(planted), "{name} has {planted}");
        }
        has_conversation |= has(&sid);
    }
    assert!(has_conversation, "the id of the conversation is in the file");
}

#[test]
fn only_the_gateway_can_read_the_journal_and_its_key() {
    let (_twilio, gateway, _) = routed(|setup| setup);
    wait_for_rows(&gateway);
    for name in ["journal.db", "journal.key"] {
        let mode = fs::metadata(gateway.path(&format!("data/{name}"))).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_search_for_a_number_needs_the_role_support_and_is_recorded() {
    let (_twilio, gateway, _) = routed(|setup| setup);
    wait_for_rows(&gateway);
    let refused = gateway.sign_in("vic", "viewer").get("/conversations?q=%2B12025550107");
    assert!(refused.status == 403 && refused.text.contains("support"), "{refused:?}");
    let person = gateway.sign_in("sam", "support");
    let page = person.get("/conversations?q=%2B12025550107");
    assert!(page.status == 200 && !page.text.contains(NUMBER), "{page:?}");
    let actions = person.json("/audit.json")["actions"].clone();
    assert_eq!([&actions[0]["who"], &actions[0]["action"]], ["sam", "search address"], "{actions}");
    assert!(!actions.to_string().contains(NUMBER), "{actions}");
}

#[test]
fn an_unusable_folder_costs_only_the_journal() {
    let (_twilio, gateway, _) = routed(|setup| setup.set("recording.journal", "\"/proc/none/journal.db\""));
    gateway.log().wait_for_event("recording.journal_off");
    let person = gateway.sign_in("sam", "support");
    assert_eq!(person.get("/live").status, 200);
    let answer = person.get("/conversations?q=%2B12025550107");
    assert!(answer.status == 400 && answer.text.contains("recording.journal"), "{answer:?}");
}

#[test]
fn a_journal_that_cannot_be_written_costs_only_facts() {
    let gateway = Setup::misbehaving().start();
    let refused = || {
        let headers = [("x-twilio-signature", "AAAA"), ("content-type", "application/x-www-form-urlencoded")];
        frontgate_tests::post(gateway.address(), "/callbacks/crm", &headers, b"Location=GetCustomersList").status
    };
    assert_eq!(refused(), 403);
    wait_for_rows(&gateway);
    let other = rusqlite::Connection::open(gateway.path("data/journal.db")).expect("the journal");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    assert_eq!(refused(), 403);
    gateway.log().wait_for_event("recording.journal_not_written");
    assert_eq!(gateway.crm(&frontgate_tests::list(&[])).status, 200);
    assert!(gateway.metric("frontgate_journal_dropped_total") >= 1.0);
    other.execute_batch("ROLLBACK").expect("an end");
    assert_eq!(refused(), 403);
    gateway.log().wait_for_event("recording.journal_recovered");
}

#[test]
fn the_journal_can_be_off() {
    let (_twilio, gateway, _) = routed(|setup| setup.set("recording.journal", "\"off\""));
    assert!(!gateway.path("data/journal.db").exists() && !gateway.path("off").exists());
}

#[test]
fn a_journal_that_cannot_be_read_costs_only_the_journal() {
    let (_twilio, mut gateway, _) = routed(|setup| setup);
    wait_for_rows(&gateway);
    gateway.kill();
    for name in ["journal.db-wal", "journal.db-shm"] {
        let _ = fs::remove_file(gateway.path(&format!("data/{name}")));
    }
    fs::write(gateway.path("data/journal.db"), "no database".repeat(1_000)).expect("a file");
    let gateway = gateway.start_again();
    gateway.log().wait_for_event("recording.journal_off");
    assert_eq!(gateway.deliveries()[0]["state"], "sent");
}

#[test]
fn a_journal_has_at_most_its_rows() {
    let gateway = Setup::misbehaving().set("recording.journal_rows_max", "1000").start();
    let refused = [("x-twilio-signature", "AAAA"), ("content-type", "application/x-www-form-urlencoded")];
    for _ in 0..1_300 {
        frontgate_tests::post(gateway.address(), "/callbacks/crm", &refused, b"Location=GetCustomersList");
    }
    let rows = || gateway.metric_or_zero("frontgate_journal_rows_total");
    eventually("all rows", rows, |rows| *rows >= 1_300.0);
    let database = rusqlite::Connection::open(gateway.path("data/journal.db")).expect("the journal");
    let count =
        || -> i64 { database.query_row("SELECT count(*) FROM requests", [], |row| row.get(0)).expect("a count") };
    eventually("at most the limit", count, |count| *count <= 1_000);
}
