//! Tests `plugin test` with cases written by the author.

use frontgate_tests::component;
use serde_json::json;

use super::{Project, checks_with};

/// Returns a case that lists customers. The plugin first calls `https://crm.test/`.
fn page(http: serde_json::Value, answer: serde_json::Value) -> serde_json::Value {
    json!({
        "call": "crm.list-customers",
        "with": { "worker": "ana@example.org", "page-size": 1, "position": "first" },
        "http": http,
        "answer": answer,
    })
}

fn ada() -> serde_json::Value {
    json!({ "ok": { "customers": [{ "customer-id": "c01", "display-name": "Ada Adler" }], "next-page-token": "c01" } })
}

const ASKING: &str =
    "[plugin]\noutbound = [\"https://crm.test\"]\n[plugin.config]\nurl = \"https://crm.test/people?all=1\"\n";

fn request() -> serde_json::Value {
    json!({ "method": "GET", "url": "https://crm.test/people?all=1" })
}

#[test]
fn a_case_compares_the_plugins_answer_with_the_expected_one() {
    let project = Project::new(&component("flawed"), "")
        .case("first-page", &page(json!([]), ada()))
        .case("wrong", &page(json!([]), json!({ "ok": { "customers": [], "next-page-token": "c02" } })))
        .case("part", &json!({
            "name": "one customer has a number",
            "call": "crm.get-customer",
            "with": { "worker": "ana", "customer-id": "c07" },
            "answer-includes": { "ok": { "channels": [{ "value": "+12025550107" }] } },
        }))
        .case("unknown", &json!({
            "call": "crm.get-customer", "with": { "worker": "ana", "customer-id": "c99" }, "answer": { "error": "not-found" },
        }));
    let (passed, output) = project.plugin(&["test", "plugin.wasm", "--no-conformance"]);
    assert!(!passed, "{output}");
    for words in [
        "✓ first-page",
        "✓ part: one customer has a number",
        "✓ unknown",
        "✗ wrong",
        "answer.ok.customers: expected 0 items, found 1",
        "answer.ok.next-page-token: expected \"c02\", found \"c01\"",
        "plugin: 3 passed, 1 failed",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let (passed, output) = project.plugin(&["test", "plugin.wasm", "--case", "unknown"]);
    assert!(passed && output.contains("1 passed, 0 failed"), "{output}");
}

#[test]
fn a_case_fails_unless_every_scripted_request_is_used() {
    let empty = json!({ "status": 204 });
    let project = Project::new(&component("flawed"), ASKING)
        .case("asked", &page(json!([{ "request": request(), "response": empty }]), ada()))
        .case("down", &page(json!([{ "request": request(), "response": { "status": 503 } }]), json!({ "error": "unavailable" })))
        .case("away", &page(json!([{ "request": request(), "fault": "not-connected" }]), json!({ "error": "unavailable" })))
        .case("cut", &page(json!([{ "request": request(), "fault": "interrupted" }]), json!({ "error": "unavailable" })))
        .case("not-scripted", &page(json!([]), json!({ "error": "unavailable" })))
        .case(
            "not-asked",
            &page(
                json!([
                    { "request": request(), "response": empty },
                    { "request": { "method": "GET", "url": "https://crm.test/more" }, "response": empty },
                ]),
                ada(),
            ),
        )
        .case(
            "header",
            &page(
                json!([{ "request": { "method": "GET", "url": "https://crm.test/people?all=1", "headers": { "accept": "x" } }, "response": empty }]),
                ada(),
            ),
        );
    let report = project.test_report(&["--no-conformance"]);
    let (passed, failed) = (checks_with(&report, "passed"), checks_with(&report, "failed"));
    assert_eq!(passed.len(), 4, "{report:#}");
    for (name, words) in [
        ("not-scripted", "unexpected request GET https://crm.test/people?all=1"),
        ("not-asked", "expected request not sent: GET https://crm.test/more"),
        ("header", "header accept: expected \\\"x\\\", found null"),
    ] {
        assert!(failed.iter().any(|check| check.contains(name) && check.contains(words)), "{words}: {failed:#?}");
    }
}

#[test]
fn grants_and_bound_secrets_apply_in_cases() {
    let toml = "[plugin]\noutbound = [\"https://crm.test\"]\nconfig = { url = \"https://crm.test/\" }\n\
                bound_secrets = [{ to = \"https://crm.test\", header = \"authorization\", value = \"Bearer {token}\", secrets = { token = { env = \"NOT_SET_HERE\" } } }]\n\
                [test]\nsecrets = { token = \"made-up\" }\n";
    let asked = json!([{
        "request": { "method": "GET", "url": "https://crm.test/", "headers": { "authorization": "Bearer made-up" } },
        "response": { "status": 204 },
    }]);
    let project = Project::new(&component("flawed"), toml).case("signed-in", &page(asked, ada()));
    assert_eq!(checks_with(&project.test_report(&["--no-conformance"]), "passed").len(), 1);
    let elsewhere = toml
        .replace("outbound = [\"https://crm.test\"]", "outbound = [\"https://other.test\"]")
        .replace("to = \"https://crm.test\"", "to = \"https://other.test\"");
    let project =
        Project::new(&component("flawed"), &elsewhere).case("refused", &page(json!([]), json!({ "error": "failed" })));
    let report = project.test_report(&["--no-conformance"]);
    assert!(report["checks"][0]["log"].to_string().contains("not granted"), "{report:#}");
    let (usable, output) = Project::new(&component("flawed"), &toml.replace("[test]\nsecrets", "[test]\n# secrets"))
        .plugin(&["test", "."]);
    assert!(
        !usable
            && output.contains("plugin.toml: plugin.bound_secrets[0].secrets.token")
            && output.contains("NOT_SET_HERE"),
        "{output}"
    );
}

#[test]
fn the_access_token_of_a_case_is_the_test_value() {
    let toml = "[plugin]\noutbound = [\"https://crm.test\"]\nconfig = { url = \"https://crm.test/\" }\n\
                [[plugin.bound_secrets]]\nto = \"https://crm.test\"\nheader = \"authorization\"\nvalue = \"Bearer {token}\"\n\
                [plugin.bound_secrets.oauth]\ngrant = \"jwt-bearer\"\ntoken_url = \"https://login.test/token\"\n\
                issuer = \"a\"\nprivate_key = { env = \"NOT_SET_HERE\" }\n\
                [test]\nsecrets = { token = \"made-up\" }\n";
    let asked = json!([{
        "request": { "method": "GET", "url": "https://crm.test/", "headers": { "authorization": "Bearer made-up" } },
        "response": { "status": 204 },
    }]);
    let project = Project::new(&component("flawed"), toml).case("signed-in", &page(asked, ada()));
    assert_eq!(checks_with(&project.test_report(&["--no-conformance"]), "passed").len(), 1);
}

#[test]
fn customers_of_a_case_are_hidden_from_other_workers() {
    let numbers = "[plugin.config]\nown_customers_only = true\nsms = \"+12025550199\"\n";
    let case = |worker: &str, answer: serde_json::Value| {
        json!({
            "call": "outgoing.proxy-address",
            "with": {
                "worker": worker,
                "customer-id": "7",
                "channel": { "kind": "sms", "value": "+12025550107" },
            },
            "customers": [{
                "customer-id": "7",
                "display-name": "Mora Lind",
                "channels": [{ "kind": "sms", "value": "+12025550107" }],
                "worker": "ben@example.org",
            }],
            "answer": answer,
        })
    };
    let project = Project::new(&component("numbers"), numbers)
        .case("owner", &case("ben@example.org", json!({ "ok": "+12025550199" })))
        .case("other", &case("ana@example.org", json!({ "error": "not-found" })));
    let report = project.test_report(&["--no-conformance"]);
    assert_eq!(checks_with(&report, "passed").len(), 2, "{report:#}");
}

#[test]
fn an_invalid_case_fails_with_the_position_of_the_error() {
    let project = Project::new(&component("flawed"), "")
        .case("typo", &json!({ "call": "crm.get-customer", "wiht": {}, "answer": {} }))
        .case("no-answer", &json!({ "call": "crm.get-customer", "with": {} }))
        .case("no-function", &json!({ "call": "crm.nothing", "answer": { "error": "not-found" } }))
        .case("no-result", &page(json!([]), json!({ "customers": [] })));
    let failed = checks_with(&project.test_report(&["--no-conformance"]), "failed");
    for (name, words) in [
        ("typo", "unknown field `wiht`"),
        ("no-answer", "set either `answer` or `answer-includes`"),
        ("no-function", "unknown function `crm.nothing`"),
        ("no-result", "expected {\\\"ok\\\": ...} or {\\\"error\\\": ...}"),
    ] {
        assert!(failed.iter().any(|check| check.contains(name) && check.contains(words)), "{words}: {failed:#?}");
    }
}

#[test]
fn the_report_is_available_as_text_junit_and_json() {
    let project = Project::new(&component("flawed"), "")
        .case("good", &page(json!([]), ada()))
        .case("bad", &page(json!([]), json!({ "error": { "failed": "<&\"" } })));
    let (passed, xml) = project.plugin(&["test", ".", "--format", "junit"]);
    assert!(!passed && xml.starts_with("<?xml"), "{xml}");
    for words in
        ["failures=\"1\"", "classname=\"cases\" name=\"good\"", "classname=\"crm\"", "&lt;&amp;", "</testsuites>"]
    {
        assert!(xml.contains(words), "{words}: {xml}");
    }
    let json = project.test_report(&[]);
    assert_eq!((json["plugin"].as_str(), json["failed"].as_u64()), (Some("plugin"), Some(1)));
    assert!(json["checks"][0]["receipts"][0]["cpu_us"].is_u64(), "{json:#}");
}
