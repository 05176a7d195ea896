//! Tests the index of customers: what it answers to which worker, and how it follows its source.

use std::collections::BTreeSet;

use frontgate_tests::{Answer, Gateway, Setup, eventually, list};
use serde_json::Value;

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";
const CSV: &str = "Id,Name,Phone,Owner,Company\n\
                   c-1,Gonçalves da Silva,+551239235555,ana@example.org,EMBRAER\n\
                   c-2,Åke Lind,+46700000002,ben@example.org,Volvo\n\
                   c-3,王伟,+8613800000003,,Acme\n";

/// Returns a setup whose plugin `directory` is the source of the index and answers the role `crm`, too.
pub(crate) fn indexed(csv: &str) -> Setup {
    Setup::directory(csv)
        .set("tenants.demo.customers.index", "true")
        .set("tenants.demo.customers.interval_ms", "1000")
        .set("tenants.demo.roles.crm-source", "[\"plugin\"]")
        .set("plugins.named.plugin.config.columns", "{ owner = \"Owner\", company = \"Company\" }")
}

/// Starts a gateway and waits until the index answers.
fn start(setup: Setup) -> Gateway {
    let gateway = setup.start();
    wait_until_ready(&gateway);
    gateway
}

pub(crate) fn wait_until_ready(gateway: &Gateway) {
    wait(gateway, "the index is ready", |gateway| status(gateway)["state"] == "ready");
}

/// Waits until a fact about the gateway is true.
fn wait(gateway: &Gateway, fact: &str, is_true: impl Fn(&Gateway) -> bool) {
    eventually(fact, || is_true(gateway), |is_true| *is_true);
}

/// The form of a customer's page.
fn details<'f>(worker: &'f str, id: &'f str) -> [(&'f str, &'f str); 3] {
    [("Location", "GetCustomerDetailsByCustomerId"), ("Worker", worker), ("CustomerId", id)]
}

pub(crate) fn status(gateway: &Gateway) -> Value {
    let (code, text) = gateway.admin_post("/customers/status", "{}");
    assert_eq!(code, 200, "{text}");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    all[0].clone()
}

/// Replaces the file of customers, as an operator does.
fn write(gateway: &Gateway, csv: &str) {
    let unfinished = gateway.path("files/unfinished.csv");
    std::fs::write(&unfinished, csv).expect("a file");
    std::fs::rename(unfinished, gateway.path("files/customers.csv")).expect("a file");
}

fn command(gateway: &Gateway, name: &str, body: &str) -> Value {
    let (code, text) = gateway.admin_post(&format!("/customers/{name}"), body);
    assert_eq!(code, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let customers = answer.json["objects"]["customers"].as_array().expect("customers");
    customers.iter().map(|customer| customer["customer_id"].as_str().expect("an id").to_owned()).collect()
}

fn search(gateway: &Gateway, worker: &str, query: &str) -> Vec<String> {
    ids(&gateway.crm(&list(&[("Worker", worker), ("Query", query)])))
}

fn answers(gateway: &Gateway, question: &str, by: &str) -> f64 {
    let name = format!("frontgate_customer_answers_total{{tenant=\"demo\",question=\"{question}\",by=\"{by}\"}}");
    gateway.metric_or_zero(&name)
}

#[test]
fn a_worker_sees_own_customers_and_those_of_everyone_in_the_order_of_their_names() {
    let gateway = start(indexed(CSV));
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", ANA)]))), ["c-1", "c-3"]);
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", "BEN@example.org")]))), ["c-2", "c-3"]);
    assert_eq!(answers(&gateway, "list", "index"), 2.0);
    assert_eq!(answers(&gateway, "list", "plugin"), 0.0);
}

#[test]
fn a_search_ignores_case_and_accents_and_finds_parts_of_numbers_and_companies() {
    let gateway = start(indexed(CSV));
    for (query, found) in [
        ("goncalves", vec!["c-1"]),
        ("embraer", vec!["c-1"]),
        ("923-55", vec!["c-1"]),
        ("wang", vec!["c-3"]),
        ("王", vec!["c-3"]),
        ("volvo", vec![]),
        ("🌟", vec![]),
    ] {
        assert_eq!(search(&gateway, ANA, query), found, "{query}");
    }
}

#[test]
fn a_page_is_answered_by_the_index_and_hidden_from_others() {
    let gateway = start(indexed(CSV));
    let page = gateway.crm(&details(ANA, "c-1"));
    assert_eq!(page.json["objects"]["customer"]["display_name"], "Gonçalves da Silva", "{}", page.text);
    assert_eq!(gateway.crm(&details(BEN, "c-1")).status, 404);
    assert_eq!(gateway.crm(&details(ANA, "c-9")).status, 404);
    assert!(answers(&gateway, "page", "index") >= 2.0);
}

#[test]
fn the_log_says_that_the_index_answered() {
    let gateway = start(indexed(CSV));
    gateway.crm(&list(&[("Worker", ANA)]));
    let line = gateway.log().event("gateway.request_answered").with("callback", "crm").wait_for(1);
    assert_eq!(line["index"], "index", "{line}");
}

#[test]
fn answers_continue_while_the_source_is_down() {
    let gateway = start(indexed(CSV));
    std::fs::remove_file(gateway.path("files/customers.csv")).expect("a file");
    wait(&gateway, "the failure is stored", |gateway| status(gateway)["failure"].is_string());
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", ANA)]))), ["c-1", "c-3"]);
    let status = status(&gateway);
    assert_eq!(status["state"], "ready", "{status}");
}

#[test]
fn an_index_that_is_too_old_lets_the_plugin_answer() {
    let gateway = start(indexed(CSV).set("tenants.demo.customers.too_old_ms", "1500"));
    // The source fails, the plugin with the role `crm` does too.
    std::fs::remove_file(gateway.path("files/customers.csv")).expect("a file");
    wait(&gateway, "the index is too old", |gateway| status(gateway)["state"] == "too-old");
    assert_ne!(gateway.crm(&list(&[("Worker", ANA)])).status, 200);
    assert_eq!(answers(&gateway, "list", "plugin"), 1.0);
}

#[test]
fn without_another_plugin_an_index_that_is_too_old_answers_as_configured() {
    for (when, expected, by) in [("serve", 200, 1.0), ("refuse", 503, 0.0)] {
        let setup = indexed(CSV)
            .set("tenants.demo.roles.crm", "[]")
            .set("tenants.demo.customers.too_old_ms", "1500")
            .set("tenants.demo.customers.when_too_old", format!("{when:?}"));
        let gateway = start(setup);
        std::fs::remove_file(gateway.path("files/customers.csv")).expect("a file");
        wait(&gateway, "the index is too old", |gateway| status(gateway)["state"] == "too-old");
        assert_eq!(gateway.crm(&list(&[("Worker", ANA)])).status, expected, "{when}");
        assert_eq!(answers(&gateway, "list", "old-index"), by, "{when}");
    }
}

#[test]
fn a_changed_file_is_followed_with_names_owners_and_removals() {
    let gateway = start(indexed(CSV));
    let changed = CSV.replace("Åke Lind", "Ake Lind").replace(BEN, ANA).replace("c-3,", "c-4,");
    write(&gateway, &changed);
    wait(&gateway, "the change is followed", |gateway| {
        ids(&gateway.crm(&list(&[("Worker", ANA)]))) == ["c-2", "c-1", "c-4"]
    });
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", BEN)]))), ["c-4"]);
    assert_eq!(gateway.crm(&details(ANA, "c-3")).status, 404);
    assert_eq!(status(&gateway)["customers"], 3);
}

#[test]
fn a_customer_is_found_by_every_form_of_an_address() {
    let gateway = start(indexed(CSV));
    for address in ["+551239235555", "whatsapp:+551239235555", "+55 (12) 3923-5555"] {
        let found = command(&gateway, "find", &format!("{{\"address\":{address:?}}}"));
        assert_eq!(found["customer_id"], "c-1", "{address}");
    }
    assert_eq!(command(&gateway, "find", "{\"address\":\"+15550100001\"}"), Value::Null);
}

#[test]
fn implausible_removals_wait_for_the_operator() {
    let rows: String = (0..100).map(|n| format!("c-{n},Customer {n},+4670{n:07},,\n")).collect();
    let csv = format!("Id,Name,Phone,Owner,Company\n{rows}");
    let gateway = start(indexed(&csv));
    let half: String = csv.lines().take(51).map(|line| format!("{line}\n")).collect();
    write(&gateway, &half);
    gateway.log().wait_for_event("customers.removals_held");
    let held = status(&gateway);
    assert_eq!((&held["customers"], &held["held"]), (&100.into(), &50.into()), "{held}");
    let text = gateway.command(&["customers", "status"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("frontgate customers accept-removals demo"), "{text}");
    gateway.command(&["customers", "accept-removals"]);
    let accepted = status(&gateway);
    assert_eq!((&accepted["customers"], &accepted["held"]), (&50.into(), &0.into()), "{accepted}");
}

#[test]
fn an_erased_customer_is_in_no_byte_of_the_database_and_does_not_return() {
    let gateway = start(indexed(CSV));
    assert_eq!(command(&gateway, "forget", "{\"id\":\"c-1\"}")["was_stored"], true);
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", ANA)]))), ["c-3"]);
    // The source reports the customer again.
    write(&gateway, &format!("{CSV}c-5,Eva,+46700000005,,\n"));
    wait(&gateway, "the new customer is there", |gateway| status(gateway)["customers"] == 3);
    assert_eq!(search(&gateway, ANA, "goncalves"), Vec::<String>::new());
    for name in ["frontgate.customers.db", "frontgate.customers.db-wal"] {
        let Ok(bytes) = std::fs::read(gateway.path(&format!("data/{name}"))) else { continue };
        for text in ["Gonçalves", "goncalves", "551239235555"] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} is in {name}");
        }
    }
}

#[test]
fn customers_of_an_index_that_was_switched_off_are_deleted() {
    let gateway = start(indexed(CSV));
    gateway.reconfigure(&[("tenants.demo.customers.index", "false"), ("tenants.demo.roles.crm-source", "[]")]);
    gateway.crm(&list(&[("Worker", ANA)]));
    assert_eq!(answers(&gateway, "list", "plugin"), 1.0);
    gateway.reconfigure(&[("tenants.demo.customers.index", "true"), ("tenants.demo.roles.crm-source", "[\"plugin\"]")]);
    wait_until_ready(&gateway);
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", ANA)]))), ["c-1", "c-3"]);
}

#[test]
fn the_index_is_there_again_after_a_restart() {
    let gateway = start(indexed(CSV));
    std::fs::rename(gateway.path("files/customers.csv"), gateway.path("files/away.csv")).expect("a file");
    let gateway = gateway.restart();
    wait(&gateway, "the index is loaded", |gateway| status(gateway)["state"] == "ready");
    assert_eq!(ids(&gateway.crm(&list(&[("Worker", ANA)]))), ["c-1", "c-3"]);
}

#[test]
fn unusable_numbers_are_reported() {
    let gateway = start(indexed(&format!("{CSV}c-9,Nix,0815,,\n")));
    let status = status(&gateway);
    assert_eq!((&status["unknown_numbers"], &status["unknown_number_ids"][0]), (&1.into(), &"c-9".into()), "{status}");
    let checked = gateway.command(&["check"]);
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(text.contains("1 of 4 customers have numbers that cannot be understood (c-9)"), "{text}");
}

#[test]
fn every_customer_is_on_one_page_by_anchor_and_by_token() {
    let rows: String = (0..50).map(|n| format!("c-{n},Customer {},+4670{n:07},,\n", n * 7 % 50)).collect();
    let gateway = start(indexed(&format!("Id,Name,Phone,Owner,Company\n{rows}")));
    for by_token in [true, false] {
        let (mut all, mut token) = (Vec::<String>::new(), None::<String>);
        loop {
            let mut form = list(&[("PageSize", "7"), ("Worker", ANA)]);
            match (&token, all.last()) {
                (Some(token), _) if by_token => form.push(("NextPageToken", token)),
                (_, Some(last)) => form.push(("Anchor", last)),
                _ => {}
            }
            let answer = gateway.crm(&form);
            token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
            let page = ids(&answer);
            let is_last = page.is_empty() || by_token && token.is_none();
            all.extend(page);
            if is_last {
                break;
            }
        }
        assert_eq!(all.len(), 50, "{all:?}");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 50);
    }
}
