//! Tests the conformance checks of `plugin test`, which apply to every plugin.

use frontgate_tests::{component, sign};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Project, checks_with};

/// Returns the project of a plugin that has every role and one flaw. A high CPU limit avoids timeouts on a busy
/// machine.
fn flawed(flaw: &str) -> Project {
    let toml = format!("[plugin]\nstate = true\nconfig = {{ flaw = \"{flaw}\" }}\nlimits = {{ cpu_time_ms = 500 }}\n");
    Project::new(&component("flawed"), &toml)
}

#[test]
fn a_conforming_plugin_passes_every_check_of_every_role() {
    let report = flawed("none").test_report(&[]);
    assert!(checks_with(&report, "failed").is_empty() && checks_with(&report, "skipped").is_empty(), "{report:#}");
    for role in ["crm", "templates", "outgoing", "routing", "conversations", "channel", "calls", "crm-source"] {
        assert!(
            checks_with(&report, "passed").iter().any(|check| check.contains(&format!("\"group\":\"{role}\""))),
            "{role}"
        );
    }
}

#[test]
fn each_flaw_is_reported_with_advice() {
    for (flaw, words) in [
        ("gap", "1 customers are missing, the first is \\\"c02\\\""),
        ("repeat", "is repeated"),
        ("ends", "the list ends after 1 customers"),
        ("size", "customers, more than `page-size`"),
        ("after", "return an empty page where it is missing"),
        ("query", "returned no answer: the plugin crashed"),
        ("search", "found no customer, although one in the list has that name"),
        ("huge", "too large: keep to `page-size` or `limit`"),
        ("slow", "do less in one call"),
        ("number", "numbers are E.164"),
        ("link", "the app opens https:// and mailto: only"),
        ("other", "returned the customer \\\"c02\\\""),
        ("unknown", "returned plugin-failed: no such customer instead of `not-found`"),
        ("nobody", "found no customer, although one in the list has that address"),
        ("templates-need-a-customer", "a worker may write to an address that the CRM does not know"),
        ("empty-template", "a template needs a text"),
        ("no-prefix", "those of WhatsApp start with `whatsapp:`"),
        ("own-number", "that is the customer's own number"),
        ("dice", "Return several with `one-of`"),
        ("nameless", "return none to let the next plugin decide"),
        ("empty-customer", "returned an empty customer-id"),
        ("no-pictures", "a message without a text holds a picture or a file"),
        ("attributes", "`attributes` is not a JSON object"),
        ("speechless", "the teammate reads that text"),
        ("credulous", "Check the provider's signature first"),
        ("logs-once", "write the entry under its SID"),
        ("source-no-size", "the batch-size is 0"),
        ("source-gap", "`next` must continue right after the last customer of the batch"),
        ("source-size", "customers, more than `limit`"),
        ("source-stuck", "the gateway would read the same again"),
        ("source-long-cursor", "the limit is 4096"),
        ("source-nameless", "has a customer without an id"),
        ("source-dice", "repeated, no longer returned the customer"),
        ("source-restless", "an incremental source returns only what changed"),
        ("source-team", "which no batch reported in `teams`"),
        ("source-any-cursor", "returned 0 customers instead of `cursor-expired`"),
        ("source-cursor-error", "the gateway would repeat the call forever"),
        ("source-cursor-crash", "as the cursor returned no answer: the plugin crashed"),
        ("source-fetch-none", "did not return the customer, although `changes` did"),
        ("source-fetch-apart", "`changes` returned \\\"Ada Adler\\\""),
        ("source-fetch-strict", "leave unknown customers out of the answer"),
        ("source-fetch-few", "did not return 2 known customers, the first is \\\"c11\\\""),
        ("source-page-apart", "and crm-source.fetch differ in `channels`"),
        ("source-hidden", "shows the customer \\\"c03\\\", which `seen-by` hides"),
        ("source-credulous", "Verify the CRM's signature first"),
        ("markup", "is returned as `html`; Front would show a link or a picture"),
    ] {
        let report = flawed(flaw).test_report(&[]);
        let failed = checks_with(&report, "failed");
        assert!(failed.iter().any(|check| check.contains(words)), "{flaw}: {words}: {failed:#?}");
    }
}

/// Returns a case with a request of a provider and the expected result.
fn webhook_case(headers: &Value, body: &str, answer: &Value) -> Value {
    let url = "https://gw.example.net/front/sms/key/provider";
    json!({
        "call": "channel.receive",
        "with": {
            "connection": { "channel-id": "cha_1", "webhook-url": url },
            "request": { "method": "POST", "url": url, "headers": headers, "body": body },
        },
        "answer-includes": { "ok": answer },
    })
}

#[test]
fn customer_text_returned_as_html_fails_the_authors_case() {
    let signed = json!([{ "name": "signed", "value": "yes" }]);
    let plain = json!({ "events": [{ "inbound": { "body": { "plain": "Hello" } } }] });
    let check = |flaw: &str, outcome: &str, words: &str| {
        let report = flawed(flaw).case("hello", &webhook_case(&signed, "Hello", &plain)).test_report(&[]);
        let found = checks_with(&report, outcome);
        let found = found.iter().filter(|check| check.contains("text that a customer types stays text"));
        assert!(found.clone().any(|check| check.contains(words)), "{flaw}: {report:#}");
    };
    check("none", "passed", "");
    check("careless", "failed", "Return it as `plain`");
}

#[test]
fn signed_webhooks_need_a_case_that_contains_markup() {
    let toml = "[plugin]\nwebhook_keys = { twilio = { env = \"NOT_SET\" } }\n\
                config = { service_sid = \"IS1\", numbers = \"+12025550190\" }\n[test]\nsecrets = { twilio = \"12345\" }\n";
    let url = "https://gw.example.net/front/sms/key/provider/8ZT6dkShyWHO";
    let case = |body: &str| {
        let form = [
            ("Author", "+12025550107"),
            ("Body", body),
            ("ConversationSid", "CH1"),
            ("EventType", "onMessageAdded"),
            ("MessageSid", "IM1"),
            ("Source", "SMS"),
        ];
        let signature = sign("12345", url, &form);
        let mut case = webhook_case(
            &json!([{ "name": "x-twilio-signature", "value": signature }]),
            &form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish(),
            &json!({ "events": [{ "inbound": { "body": { "plain": body } } }] }),
        );
        case["with"]["request"]["url"] = url.into();
        case
    };
    let own = Project::new(&component("twilio-channel"), toml).case("hello", &case("Hello"));
    let report = own.test_report(&[]);
    assert!(
        checks_with(&report, "skipped").iter().any(|check| check.contains("add a case of channel.receive")),
        "{report:#}"
    );
    let report = own.case("markup", &case("<b>Hello</b>")).test_report(&[]);
    let passed = checks_with(&report, "passed");
    assert!(passed.iter().any(|check| check.contains("text that a customer types stays text")), "{report:#}");
}

#[test]
fn bundled_channels_treat_hostile_text_as_plain_text() {
    for name in ["echo-channel", "twilio-channel", "whatsapp-cloud"] {
        let report = Project::bundled(name).test_report(&[]);
        assert!(checks_with(&report, "failed").is_empty(), "{name}: {report:#}");
        let passed = checks_with(&report, "passed");
        for check in ["What a customer types is text", "text that a customer types stays text"] {
            assert!(passed.iter().any(|passed| passed.contains(check)), "{name}: {check}: {report:#}");
        }
    }
}

#[test]
fn bundled_routing_plugins_pass_their_cases() {
    for name in ["owner-routing", "reception"] {
        let report = Project::bundled(name).test_report(&[]);
        assert!(checks_with(&report, "failed").is_empty(), "{name}: {report:#}");
        assert!(checks_with(&report, "passed").len() > 6, "{name}: {report:#}");
    }
}

#[test]
fn a_proxy_address_for_known_customers_is_checked_if_one_is_configured() {
    let toml = |more: &str| format!("[plugin.config]\nflaw = \"known-only\"\n{more}");
    let check = |outcome, more: &str| {
        let report = Project::new(&component("flawed"), &toml(more)).test_report(&[]);
        let checks = checks_with(&report, outcome);
        assert!(checks.iter().any(|check| check.contains("Frontline accepts the number")), "{report:#}");
    };
    check("skipped", "");
    check("passed", "[conformance]\ncustomer = \"c01\"\n");
}

#[test]
fn a_failing_upstream_must_be_an_error_not_an_empty_list() {
    let report = with_upstream("none").test_report(&[]);
    assert!(checks_with(&report, "failed").is_empty(), "{report:#}");
    assert_eq!(
        checks_with(&report, "passed").iter().filter(|check| check.contains("upstream")).count(),
        16,
        "{report:#}"
    );
    let report = with_upstream("calm").test_report(&[]);
    let failed = checks_with(&report, "failed");
    assert_eq!(failed.iter().filter(|check| check.contains("although the upstream failed")).count(), 16, "{failed:#?}");
}

#[test]
fn a_batch_of_a_source_has_a_maximum_size_whatever_the_operator_allows() {
    let limits = "limits = { cpu_time_ms = 500, answer_bytes_max = 16777216 }";
    let toml = format!("[plugin]\nconfig = {{ flaw = \"source-heavy\" }}\n{limits}\n");
    let report = Project::new(&component("flawed"), &toml).test_report(&[]);
    let failed = checks_with(&report, "failed");
    assert!(failed.iter().any(|check| check.contains("Return fewer customers, and `has-more`")), "{failed:#?}");
}

#[test]
fn a_source_must_name_the_requests_of_its_longest_call() {
    let report = with_upstream("source-busy").test_report(&[]);
    let failed = checks_with(&report, "failed");
    assert!(
        failed.iter().any(|check| check.contains("made 2 requests, more than requests-per-call (1)")),
        "{report:#}"
    );
}

#[test]
fn without_a_test_upstream_the_report_explains_how_to_configure_one() {
    let toml = |flaw: &str| {
        let config = format!("config = {{ url = \"https://crm.test/\", flaw = {flaw:?} }}");
        format!("[plugin]\noutbound = [\"https://crm.test\"]\n{config}\n")
    };
    let report = Project::new(&component("flawed"), &toml("none")).test_report(&[]);
    let skipped = checks_with(&report, "skipped");
    let advised = skipped.iter().filter(|check| check.contains("[test] upstreams"));
    // One of each role that sends requests.
    assert_eq!(advised.count(), 2, "{report:#}");
    // An empty list after a failed request does not show that the list can be read to its end.
    let report = Project::new(&component("flawed"), &toml("calm")).test_report(&[]);
    let read = |check: &String| check.contains("the list of customers can be read to its end");
    assert!(checks_with(&report, "skipped").iter().any(read), "{report:#}");
}

/// Returns the project of a plugin with one flaw, whose upstream answers every request.
fn with_upstream(flaw: &str) -> Project {
    let toml = format!(
        "[plugin]\noutbound = [\"https://crm.test\"]\n[plugin.config]\nflaw = \"{flaw}\"\nurl = \"https://crm.test/\"\n\
         [test]\nupstreams = {{ \"https://crm.test\" = \"http://{}\" }}\n",
        upstream()
    );
    Project::new(&component("flawed"), &toml)
}

/// Starts a server that answers every request with 204.
fn upstream() -> std::net::SocketAddr {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    address
}
