//! Tests the CRM callback: accepted requests, answers and errors.

use frontgate_tests::{PLUGIN_ERRORS, Setup, list};
use serde_json::json;

type Form<'f> = &'f [(&'f str, &'f str)];

#[test]
fn a_page_is_exactly_the_json_that_frontline_expects() {
    let gateway = Setup::misbehaving().start();
    let answer = gateway.crm(&list(&[]));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let customers = json!([{ "customer_id": "0", "display_name": "version 1" }]);
    assert_eq!(answer.json, json!({ "objects": { "customers": customers, "searchable": true } }));
}

#[test]
fn a_request_reaches_the_plugin_unchanged() {
    let gateway = Setup::misbehaving().set("tenants.demo.twilio.page_size_max", "50").start();
    let table: [(Form<'_>, &str); 5] = [
        (&[("PageSize", "7")], "page-size: 7, position: Position::First, query: Some(\"request\")"),
        (&[("PageSize", "5000")], "page-size: 50,"),
        (&[("Anchor", "c-7")], "position: Position::After(\"c-7\")"),
        (&[("Anchor", "c-7"), ("NextPageToken", "t")], "position: Position::Token(\"t\")"),
        (&[("Worker", "zoë+1@example.org")], "worker: \"zoë+1@example.org\""),
    ];
    for (fields, expected) in table {
        let answer = gateway.crm(&list(&[fields, &[("Query", " request ")]].concat()));
        assert!(answer.text.replace("\\\"", "\"").contains(expected), "{expected}: {}", answer.text);
    }
}

#[test]
fn an_invalid_callback_gets_a_status_and_a_stable_code() {
    let gateway = Setup::misbehaving().start();
    let worker = ("Worker", "ana@example.org");
    let details = ("Location", "GetCustomerDetailsByCustomerId");
    let table: [(Form<'_>, u16, &str); 9] = [
        (&[worker, ("Location", "GetCustomerDetailsByChannelValue")], 400, "unknown-location"),
        (&[worker, ("PageSize", "30")], 400, "missing-parameter"),
        (&[worker, details], 400, "missing-parameter"),
        (&[worker, details, ("CustomerId", "")], 400, "missing-parameter"),
        (&list(&[("PageSize", "many")]), 400, "invalid-parameter"),
        (&list(&[("PageSize", "0")]), 400, "invalid-parameter"),
        (&list(&[("PageSize", "-1")]), 400, "invalid-parameter"),
        (&[("Token", "eyJhbGciOi"), worker], 400, "callback-version-1"),
        (&[], 400, "missing-parameter"),
    ];
    for (form, status, code) in table {
        let answer = gateway.crm(form);
        assert_eq!((answer.status, answer.code()), (status, code), "{form:?}");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
}

#[test]
fn each_plugin_error_has_its_own_status_and_hides_its_text() {
    let gateway = Setup::misbehaving().start();
    for (instruction, status, code) in PLUGIN_ERRORS {
        let answer = gateway.instruct(instruction);
        assert_eq!((answer.status, answer.code()), (status, code), "{instruction}");
        assert!(!answer.text.contains("text for the log"), "{}", answer.text);
    }
    gateway.log().wait_for_count("the text for the log", 4);
    gateway.log().wait_for("instructed panic");
}

#[test]
fn a_page_over_64_kib_is_cut_and_continued_by_token() {
    let gateway = Setup::misbehaving().start();
    let mut seen = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut form = list(&[("Query", "long-ids 2000"), ("PageSize", "1000")]);
        if let Some(token) = &token {
            form.push(("NextPageToken", token));
        }
        let answer = gateway.crm(&form);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.text.len() <= 65_536, "{} bytes", answer.text.len());
        let customers = answer.json["objects"]["customers"].as_array().expect("customers");
        seen.extend(customers.iter().map(|customer| customer["customer_id"].as_str().expect("an id").to_owned()));
        match answer.json["objects"]["next_page_token"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
    }
    let expected: Vec<_> = (0..100).map(|id| format!("{id}-{}", "x".repeat(2000))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn an_oversized_display_name_is_truncated() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(gateway.output_of("huge-answer 70000").len(), 256);
}

#[test]
fn surplus_customers_are_left_for_the_next_page() {
    let gateway = Setup::misbehaving().start();
    let answer = gateway.crm(&list(&[("Query", "too-many 100"), ("PageSize", "7")]));
    assert_eq!(answer.json["objects"]["customers"].as_array().expect("customers").len(), 7);
    assert_eq!(answer.json["objects"]["next_page_token"], "frontgate-after:6");
}

#[test]
fn details_text_that_exceeds_the_limit_is_truncated() {
    let gateway = Setup::misbehaving().start();
    for length in [10, 9_000, 10_900, 10_920, 40_000] {
        let id = length.to_string();
        let answer = gateway.crm(&[
            ("Worker", "ana@example.org"),
            ("CustomerId", &id),
            ("Location", "GetCustomerDetailsByCustomerId"),
        ]);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.text.len() <= 65_536, "{} bytes", answer.text.len());
        let content = answer.json["objects"]["customer"]["details"]["content"].as_str().expect("text");
        assert_eq!(content.len() == 4 * length, length < 10_000, "{length}: {}", content.len());
    }
}

#[test]
fn values_that_frontline_would_reject_are_omitted() {
    let gateway = Setup::misbehaving().start();
    let customers = json!([
        { "customer_id": "1", "display_name": "two lines and a tab", "avatar": "https://img.example.org/1.png" },
        { "customer_id": "3", "display_name": "3" },
    ]);
    assert_eq!(gateway.instruct("bad-values").json["objects"]["customers"], customers);
    let details =
        [("Worker", "ana@example.org"), ("CustomerId", "c-7"), ("Location", "GetCustomerDetailsByCustomerId")];
    let customer = json!({
        "customer_id": "c-7",
        "display_name": "Mora Lind",
        "channels": [
            { "type": "sms", "value": "+12025550107" },
            { "type": "whatsapp", "value": "whatsapp:+12025550107" },
        ],
        "links": [{ "type": "CRM", "value": "https://crm.example.com/7", "display_name": "Open" }],
    });
    assert_eq!(gateway.crm(&details).json["objects"]["customer"], customer);
}

#[test]
fn a_role_without_a_live_plugin_answers_503() {
    let gateway = Setup::new().start();
    let answer = gateway.crm(&list(&[]));
    assert_eq!((answer.status, answer.code()), (503, "no-plugin"));
    let (status, reasons) = gateway.admin_get("/readyz");
    assert_eq!(status, 503);
    assert!(reasons.contains("tenant demo: no live plugin has the role crm (configured: plugin)"), "{reasons}");
}

#[test]
fn the_next_plugin_answers_if_the_first_is_not_live() {
    let gateway = Setup::misbehaving().set("tenants.demo.roles.crm", "[\"absent\", \"plugin\"]").start();
    assert_eq!(gateway.output_of("anything"), "version 1");
    assert_eq!(gateway.admin_get("/readyz").0, 200);
}

#[test]
fn no_customer_data_or_token_reaches_the_log() {
    let gateway =
        Setup::directory("id,name,phone,email\nsecret-id,Planted Name,+12025550107,planted@example.org\n").start();
    gateway.crm(&list(&[("Query", "planted"), ("Worker", "planted-worker@example.org")]));
    gateway.crm(&[
        ("Worker", "planted-worker@example.org"),
        ("CustomerId", "secret-id"),
        ("Location", "GetCustomerDetailsByCustomerId"),
    ]);
    gateway.crm(&[("Worker", "planted-worker@example.org"), ("Location", "planted")]);
    gateway.log().wait_for_count("callback crm", 3);
    let log = gateway.log().text().to_lowercase();
    for mark in ["planted", "12025550107", "secret-id", frontgate_tests::TOKEN] {
        assert!(!log.contains(mark), "{mark} in {log}");
    }
}
