//! Tests the example plugins, the same CRM adapter in six languages. Each plugin has its own tenant, and all of them
//! must return identical answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use frontgate_tests::crm::{Action, Call, Fault};
use frontgate_tests::{Answer, Example, Gateway, Mistake, Setup, SmallCrm, list};
use serde_json::{Value, json};

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";

/// Starts a gateway with every example plugin.
pub(crate) fn gateway(crm: &SmallCrm) -> Gateway {
    let url = format!("{:?}", crm.url());
    let bound = format!(
        "[{{ to = {url}, header = \"authorization\", value = \"Bearer {{token}}\", \
         secrets = {{ token = {{ file = \"files/token\" }} }} }}]"
    );
    let none = Setup::new().file("token", SmallCrm::TOKEN).set("tenants.demo.roles.crm", "[]");
    let all = Example::ALL.into_iter().fold(none, |setup, example| {
        let (plugin, tenant) = (format!("plugins.named.{example}"), format!("tenants.{example}"));
        setup
            .plugin(&example.to_string(), &example.build())
            .set(&format!("{plugin}.config.crm"), &*url)
            .set(&format!("{plugin}.outbound"), format!("[{url}]"))
            .set(&format!("{plugin}.outbound_networks"), "[\"127.0.0.1/32\"]")
            .set(&format!("{plugin}.bound_secrets"), &*bound)
            .set(&format!("{tenant}.path"), format!("\"/{example}\""))
            .set(&format!("{tenant}.twilio.auth_tokens"), "[{ file = \"token\" }]")
            .set(&format!("{tenant}.roles.crm"), format!("[\"{example}\"]"))
    });
    all.start()
}

/// Calls `before` and sends a callback for each example, and returns the answer, which must be the same for all.
#[track_caller]
fn ask_all_after(gateway: &Gateway, before: impl Fn(), callback: &str, form: &[(&str, &str)]) -> Answer {
    let mut answers = Example::ALL.into_iter().map(|example| {
        before();
        (example, gateway.tenant_callback(&format!("/{example}"), callback, form))
    });
    let (_, first) = answers.next().expect("there are examples");
    for (example, answer) in answers {
        assert_eq!((answer.status, without_id(&answer)), (first.status, without_id(&first)), "{example}");
    }
    first
}

/// Returns the answer without the request id, which errors contain.
fn without_id(answer: &Answer) -> String {
    let id = answer.json["error"]["request_id"].as_str().unwrap_or("no id");
    answer.text.replace(id, "ID")
}

#[track_caller]
fn ask_all(gateway: &Gateway, form: &[(&str, &str)]) -> Answer {
    ask_all_after(gateway, || {}, "crm", form)
}

#[track_caller]
fn details(gateway: &Gateway, worker: &str, id: &str) -> Answer {
    ask_all(gateway, &[("Worker", worker), ("CustomerId", id), ("Location", "GetCustomerDetailsByCustomerId")])
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let customers = answer.json["objects"]["customers"].as_array().expect("customers");
    customers.iter().map(|customer| customer["customer_id"].as_str().expect("an id").to_owned()).collect()
}

/// Returns the ids of a worker's contacts in the CRM's order.
fn owned(crm: &SmallCrm, worker: &str) -> Vec<String> {
    let contacts = crm.contacts().into_iter().filter(|contact| contact.owner == worker);
    contacts.map(|contact| contact.id).collect()
}

/// Returns the ids on all pages of a worker's list.
#[track_caller]
fn pages(gateway: &Gateway, worker: &str, size: usize, by_token: bool) -> Vec<String> {
    let size_text = size.to_string();
    let (mut all, mut token): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let mut form = list(&[("PageSize", &size_text), ("Worker", worker)]);
        match (&token, all.last()) {
            (Some(token), _) if by_token => form.push(("NextPageToken", token)),
            (_, Some(last)) => form.push(("Anchor", last)),
            _ => {}
        }
        let answer = ask_all(gateway, &form);
        let page = ids(&answer);
        token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
        assert!(page.len() <= size, "{} of {size}", page.len());
        assert!(page.len() == size || token.is_none(), "a page is short though there are more");
        all.extend(page);
        if token.is_none() {
            return all;
        }
    }
}

#[test]
fn every_customer_is_listed_once_at_any_page_size() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let mine = owned(&crm, ANA);
    assert!(mine.len() > 100, "{}", mine.len());
    for (size, by_token) in [(7, true), (30, false), (50, true), (51, false), (100, true), (100, false)] {
        assert_eq!(pages(&gateway, ANA, size, by_token), mine, "{size} a page");
    }
    assert_eq!(pages(&gateway, BEN, 30, true), owned(&crm, BEN));
    assert_eq!(pages(&gateway, "nobody@example.org", 30, true), [""; 0]);
    assert!(crm.take_requests().iter().all(|request| request.authorized), "the gateway puts the token in");
}

#[test]
fn a_page_needs_the_minimum_number_of_crm_requests() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    for (size, limits) in [("30", vec![30]), ("50", vec![50]), ("100", vec![50, 50])] {
        for example in Example::ALL {
            crm.take_requests();
            let form = list(&[("PageSize", size)]);
            assert_eq!(ids(&gateway.tenant_callback(&format!("/{example}"), "crm", &form)).len().to_string(), size);
            let seen = crm.take_requests().into_iter().map(|request| {
                let (_, rest) = request.target.split_once("&limit=").expect("a limit");
                rest.split('&').next().and_then(|limit| limit.parse().ok()).expect("a number")
            });
            assert_eq!(seen.collect::<Vec<u32>>(), limits, "{example}");
        }
    }
}

#[test]
fn an_unknown_position_is_rejected_or_an_empty_page() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let theirs = owned(&crm, BEN);
    for anchor in ["gone", "", "../contacts", "&owner=ben@example.org", &theirs[3]] {
        if !anchor.is_empty() {
            assert_eq!(ids(&ask_all(&gateway, &list(&[("Anchor", anchor)]))), [""; 0], "{anchor}");
        }
    }
    for token in ["guess", "Z3Vlc3M", "&owner=ben@example.org", "🍵"] {
        let answer = ask_all(&gateway, &list(&[("NextPageToken", token)]));
        assert_eq!((answer.status, answer.code()), (422, "invalid"), "{token}");
    }
}

#[test]
fn a_search_finds_only_the_workers_own_customers() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let names = |worker: &str, query: &str| {
        let answer = ask_all(&gateway, &list(&[("Query", query), ("Worker", worker)]));
        ids(&answer);
        let customers = answer.json["objects"]["customers"].as_array().expect("customers").clone();
        let name = |customer: &Value| customer["display_name"].as_str().expect("a name").to_owned();
        customers.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(ANA, "lind"), ["Mora Lind"]);
    assert_eq!(names(BEN, "lind"), ["Ben's Own Lind"]);
    assert_eq!(names(ANA, "Lind & Söhne"), ["Mora Lind"]);
    assert_eq!(names(ANA, "zoë å"), ["Zoë Åström"]);
    assert_eq!(names(ANA, "李小龍"), ["李小龍"]);
    assert_eq!(names(ANA, "👩‍🚀"), ["Αθηνά Παπαδοπούλου 👩‍🚀"]);
    assert_eq!(names(ANA, "مريم"), ["مريم الزهراء"]);
    assert_eq!(names(ANA, "only a"), ["Only a Company Ltd."]);
    assert_eq!(names(ANA, "'Hara, \""), ["O'Hara, \"Tab by\" <b>&amp;</b>"]);
    for no_match in ["100% & owner=ben@example.org", "a+b", "#?/\\", "!'()*~-._"] {
        assert_eq!(names(ANA, no_match), [""; 0], "{no_match}");
    }
    let too_long = ask_all(&gateway, &list(&[("Query", &"é".repeat(201))]));
    assert_eq!((too_long.status, too_long.code()), (422, "invalid"));
}

#[test]
fn details_contain_everything_that_crm_and_frontline_share() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let mora = details(&gateway, ANA, "c-000000");
    let want = json!({ "objects": { "customer": {
        "customer_id": "c-000000",
        "display_name": "Mora Lind",
        "channels": [
            { "type": "sms", "value": "+12025550107" },
            { "type": "whatsapp", "value": "whatsapp:+12025550107" },
            { "type": "sms", "value": "+12025550109" },
        ],
        "links": [
            { "type": "CRM", "value": "https://crm.example.com/app/contacts/c-000000", "display_name": "Open in the CRM" },
            { "type": "Mail", "value": "mailto:mora.lind@customer.example", "display_name": "mora.lind@customer.example" },
        ],
        "details": { "title": "Notes", "content": "Prefers mornings.\nSaid: \"call me\" \\ 100 % sure" },
        "avatar": "https://crm.example.com/avatars/mora.png",
    } } });
    assert_eq!((mora.status, &mora.json), (200, &want), "{}", mora.text);
    for id in owned(&crm, ANA) {
        assert_eq!(details(&gateway, ANA, &id).json["objects"]["customer"]["customer_id"], *id);
    }
    // The plugins have logged invalid numbers themselves, so the gateway had no numbers to correct.
    for words in ["not in E.164: 1", "not in E.164: 6"] {
        gateway.log().wait_for_count(words, Example::ALL.len());
    }
}

#[test]
fn customers_of_other_workers_are_not_found() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let theirs = owned(&crm, BEN);
    let unassigned = owned(&crm, "");
    for id in [&*theirs[0], &*unassigned[0], "c-999999", "gone", "..", "../contacts", "c-000000?", "c-000000/", "李"] {
        let answer = details(&gateway, ANA, id);
        assert_eq!((answer.status, answer.code()), (404, "not-found"), "{id}: {}", answer.text);
    }
    // The CRM compares workers case-sensitively.
    assert_eq!(details(&gateway, "Ana@example.org", "c-000000").status, 404);
    assert_eq!(ids(&ask_all(&gateway, &list(&[("Worker", "Ana@example.org")]))), [""; 0]);
}

#[test]
fn a_conversation_is_named_after_its_customer() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let name = |address: &str| {
        let form = [
            ("EventType", "onConversationAdd"),
            ("MessagingBinding.Address", address),
            ("MessagingBinding.ProxyAddress", "+12025550199"),
            ("MessageBody", "Hello"),
            ("Attributes", "{}"),
        ];
        let answer = ask_all_after(&gateway, || {}, "conversations", &form);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["friendly_name"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(name("+12025550107"), "Mora Lind");
    assert_eq!(name("whatsapp:+12025550107"), "Mora Lind");
    assert_eq!(name("+12025550116"), "Ben's Own Lind");
    assert_eq!(name("+12025550111"), "李小龍");
    assert_eq!(name("+4930901820"), "+4930901820");
    // A failing CRM does not block the customer's message.
    crm.fault(Fault::new(Action::Status(500)).times(Example::ALL.len()));
    assert_eq!(name("+12025550107"), "");
}

#[test]
fn each_crm_failure_maps_to_a_transient_or_permanent_error() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let table = [
        (Action::TooManyRequests(7), 503, "unavailable", "too many requests to the CRM (retry-after: 7)"),
        (Action::Status(500), 503, "unavailable", "the CRM returned 500"),
        (Action::Status(503), 503, "unavailable", "the CRM returned 503"),
        (Action::Close, 503, "unavailable", "the CRM's response was interrupted: "),
        (Action::Half, 503, "unavailable", "the CRM's response was interrupted: "),
        (Action::ExpiredToken, 502, "plugin-failed", "the CRM rejected the token (401)"),
        (Action::Status(403), 502, "plugin-failed", "the CRM rejected the token (403)"),
        (Action::Status(302), 502, "plugin-failed", "the CRM returned 302"),
        (Action::Garbage, 502, "plugin-failed", "failed to parse the CRM's response"),
        (Action::WrongType, 502, "plugin-failed", "failed to parse the CRM's response"),
        (Action::Truncated, 502, "plugin-failed", "failed to parse the CRM's response"),
        (Action::TooLarge(2 << 20), 502, "plugin-failed", "the CRM's response is too large"),
    ];
    let whole = list(&[("PageSize", "100")]);
    let one = [("Worker", ANA), ("CustomerId", "c-000000"), ("Location", "GetCustomerDetailsByCustomerId")];
    let mut logged = BTreeMap::new();
    for (action, status, code, words) in table {
        // The request for the second page of the CRM fails.
        for (fault, form) in
            [(Fault::new(action.clone()).on(Call::List).after(1), &*whole), (Fault::new(action.clone()), &one)]
        {
            let answer = ask_all_after(&gateway, || crm.fault(fault.clone()), "crm", form);
            assert_eq!((answer.status, answer.code()), (status, code), "{action:?}: {}", answer.text);
            *logged.entry(words).or_insert(0) += Example::ALL.len();
            gateway.log().wait_for_count(words, logged[words]);
        }
    }
    crm.fault(Fault::new(Action::Status(404)).times(Example::ALL.len()));
    assert_eq!(ask_all(&gateway, &whole).status, 502);
    crm.go_down();
    let answer = ask_all(&gateway, &whole);
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    crm.come_back();
    assert_eq!(ids(&ask_all(&gateway, &whole)).len(), 100);
}

#[test]
fn a_slow_crm_times_out_before_the_platform_does() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    let asked = || crm.fault(Fault::new(Action::Hang));
    let answer = ask_all_after(&gateway, asked, "crm", &list(&[]));
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    gateway.log().wait_for_count("the request to the CRM timed out", Example::ALL.len());
}

#[test]
fn requests_succeed_again_after_a_rate_limit() {
    let crm = SmallCrm::start();
    let gateway = gateway(&crm);
    crm.rate(0, Duration::from_secs(3600));
    assert_eq!(ask_all(&gateway, &list(&[])).status, 503);
    crm.rate(1_000, Duration::from_secs(3600));
    assert_eq!(ids(&ask_all(&gateway, &list(&[]))).len(), 30);
}

/// Returns the checks of `frontgate plugin test` that did not pass, as names and reasons.
fn failures(example: Example, plugin: &[u8], crm: &SmallCrm) -> Vec<(String, String)> {
    let output = example.test(plugin, crm, &["--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let checks = report["checks"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    let failed = checks.iter().filter(|check| check["outcome"] != "passed");
    let failed: Vec<_> = failed.map(|check| (check["name"].to_string(), check["why"].to_string())).collect();
    assert_eq!(output.status.success(), failed.is_empty(), "{report:#}");
    failed
}

#[test]
fn every_example_passes_its_cases_and_the_conformance_checks() {
    let crm = SmallCrm::start();
    for example in Example::ALL {
        assert_eq!(failures(example, &example.build(), &crm), [], "{example}");
    }
}

/// Asserts that every example with this mistake fails a check whose reason contains these words.
fn assert_detected(mistake: Mistake, words: &str) {
    let crm = &SmallCrm::start();
    // The examples run in parallel, since they mostly wait for a hanging CRM.
    std::thread::scope(|scope| {
        for example in Example::ALL {
            scope.spawn(move || {
                let Some(plugin) = example.build_mistaken(mistake) else { return };
                let failures = failures(example, &plugin, crm);
                assert!(failures.iter().any(|(_, why)| why.contains(words)), "{mistake:?} in {example}: {failures:#?}");
            });
        }
    });
}

#[test]
fn a_gap_between_pages_is_detected() {
    assert_detected(Mistake::Gap, "a page must start right after the last row of the previous");
}

#[test]
fn an_address_without_its_prefix_is_detected() {
    assert_detected(Mistake::WrongField, "those of WhatsApp start with `whatsapp:`");
}

#[test]
fn a_value_of_the_wrong_type_is_detected() {
    assert_detected(Mistake::WrongType, "handle the failure, and return one of the contract's errors");
}

#[test]
fn an_endless_search_is_detected() {
    // On a busy machine a call may reach the wall-clock limit before the CPU limit; only the advice differs.
    assert_detected(Mistake::Slow, "returned no answer: plugin call timed out");
}

#[test]
fn an_oversized_answer_is_detected() {
    assert_detected(
        Mistake::TooLarge,
        "too large: keep to `page-size` or `limit`, and leave out fields that are not shown",
    );
}

#[test]
fn a_failing_crm_shown_as_empty_is_detected() {
    assert_detected(Mistake::Silent, "return `unavailable` if a retry may help");
}

#[test]
fn all_examples_share_cases_contract_and_settings() {
    for example in Example::ALL {
        let of = |file: &str| std::fs::canonicalize(example.folder().join(file)).expect("it is there");
        assert_eq!(of("cases"), frontgate_tests::root().join("examples/cases"), "{example}");
        assert!(example == Example::Rust || of("wit") == frontgate_tests::root().join("wit"), "{example}");
        let text = |file: PathBuf| std::fs::read_to_string(file).expect("a text");
        assert_eq!(text(of("plugin.toml")), text(Example::Rust.folder().join("plugin.toml")), "{example}");
    }
}
