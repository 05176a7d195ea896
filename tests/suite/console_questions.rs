//! Tests questions of people in the console: recorded requests that are asked again, test cases made of them, and the
//! comparison of a waiting version with the live one.

use std::fs;

use frontgate_tests::{Answer, Example, Gateway, Names, Person, Setup, SmallCrm, Web, component, eventually, list};
use serde_json::Value;
use tempfile::TempDir;

use crate::customer_index::{indexed, status};
use crate::{examples, state};

/// Returns the id of the newest recorded request that matches a filter.
#[track_caller]
fn newest(person: &Person, filter: &str) -> String {
    let path = format!("/live.json?q={filter}");
    let live = person.wait_for(&path, "a request", |live| live["rows"][0].is_object());
    live["rows"][0]["id"].as_str().expect("an id").to_owned()
}

/// Asks a request again, and returns the path of the question.
#[track_caller]
fn ask(person: &Person, request: &str, form: &[(&str, &str)]) -> String {
    let answer = person.post(&format!("/events/{request}/ask"), form);
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.headers["location"].clone()
}

/// Asks the newest callback `crm` again, and returns the question.
#[track_caller]
fn asked(person: &Person) -> Value {
    let path = ask(person, &newest(person, "callback:crm"), &[]);
    person.json(&format!("{path}.json"))
}

#[track_caller]
fn instruct(gateway: &Gateway, query: &str) -> Answer {
    let answer = gateway.crm(&list(&[("Query", query)]));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn fact<'q>(question: &'q Value, name: &str) -> Option<&'q str> {
    question["calls"][0]["facts"].as_array()?.iter().find(|fact| fact["name"] == name)?["value"].as_str()
}

#[test]
fn a_request_that_is_asked_again_has_the_same_answer() {
    let gateway = Setup::directory("Id,Name\n7,Mora Lind\n").start();
    let person = gateway.sign_in("ana", "operator");
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    let question = asked(&person);
    assert_eq!([&question["status"], &question["then_status"]], [200, 200], "{question}");
    assert_eq!(question["differences"].as_array().map(Vec::len), Some(0), "{question}");
    assert_eq!(fact(&question, "Call"), Some("plugin crm.list-customers"), "{question}");
}

#[test]
fn a_question_does_not_change_the_index_of_customers() {
    let csv = "Id,Name,Owner\n7,Mora Lind,ana@example.org\n8,Ben Hale,ana@example.org\n";
    let setup = indexed(csv)
        .set("plugins.named.plugin.config.columns", "{ owner = \"Owner\" }")
        .set("tenants.demo.roles.crm", "[]")
        .set("tenants.demo.customers.interval_ms", "3600000")
        .set("tenants.demo.customers.too_old_ms", "1500")
        .set("tenants.demo.customers.when_too_old", "\"serve\"");
    let gateway = setup.start();
    let page = |id| {
        let form = [("Location", "GetCustomerDetailsByCustomerId"), ("Worker", "ana@example.org"), ("CustomerId", id)];
        gateway.crm(&form).status
    };
    let is_stored = || gateway.command(&["customers", "show", "7"]).status.success();
    eventually("the index is too old", || status(&gateway), |status| status["state"] == "too-old");
    assert_eq!(page("8"), 200);
    // The source no longer has the customer. Only a page that is read again finds that out.
    let unfinished = gateway.path("files/unfinished.csv");
    fs::write(&unfinished, csv.replace("7,Mora Lind,ana@example.org\n", "")).expect("a file");
    fs::rename(unfinished, gateway.path("files/customers.csv")).expect("a file");
    let person = gateway.sign_in("ana", "operator");
    let form = [
        ("name0", "Location"),
        ("value0", "GetCustomerDetailsByCustomerId"),
        ("name1", "Worker"),
        ("value1", "ana@example.org"),
        ("name2", "CustomerId"),
        ("value2", "7"),
    ];
    let question = person.json(&format!("{}.json", ask(&person, &newest(&person, "callback:crm"), &form)));
    assert_eq!(question["status"], 200, "{question}");
    assert!(is_stored(), "a question removed a customer");
    eventually("a callback finds out that the customer is gone", || page("7"), |status| *status == 404);
    assert!(!is_stored());
}

#[test]
fn another_answer_is_shown_beside_the_earlier_one_and_masked() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    instruct(&gateway, "request first planted");
    let form: Vec<(String, String)> = list(&[("Query", "request second planted")])
        .iter()
        .enumerate()
        .flat_map(|(index, (name, value))| {
            [(format!("name{index}"), (*name).to_owned()), (format!("value{index}"), (*value).to_owned())]
        })
        .collect();
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let path = ask(&person, &newest(&person, "callback:crm"), &form);
    let question = person.json(&format!("{path}.json"));
    assert_eq!(question["is_edited"], true, "{question}");
    assert!(!question["differences"].as_array().expect("differences").is_empty(), "{question}");
    assert!(!person.get(&path).text.contains("planted"), "{}", person.get(&path).text);
    let shown = person.post(&format!("{path}/show"), &[]);
    assert!(shown.text.contains("first planted") && shown.text.contains("second planted"), "{}", shown.text);
}

#[test]
fn a_question_writes_no_state() {
    let gateway = state::setup().start();
    let person = gateway.sign_in("ana", "operator");
    instruct(&gateway, "state increment n 1; get n");
    let question = asked(&person);
    assert_eq!(fact(&question, "State"), Some("1 key not written"), "{question}");
    assert_eq!(gateway.output_of("state get n"), "1");
}

#[test]
fn a_request_that_could_change_something_is_held() {
    let (names, server) = (Names::start().is("crm.test", &["127.0.0.1"]), Web::start());
    let gateway = Setup::caller(&names, server.port()).start();
    let person = gateway.sign_in("ana", "operator");
    instruct(&gateway, &format!("flat POST http://crm.test:{}/ 6869", server.port()));
    let before = server.requests().len();
    let question = asked(&person);
    let held = question["calls"][0]["held"][0].as_str().expect("a request");
    assert!(held.starts_with("POST http://crm.test:"), "{question}");
    assert_eq!(server.requests().len(), before);
    instruct(&gateway, &format!("flat GET http://crm.test:{}/", server.port()));
    let question = asked(&person);
    assert!(question["calls"][0]["sent"][0].as_str().is_some_and(|line| line.contains(": 200")), "{question}");
    assert_eq!(server.requests().len(), before + 2);
}

#[test]
fn a_question_is_counted_in_no_metric_of_the_plugin() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    instruct(&gateway, "count");
    let metric = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("frontgate_plugin_calls_total"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = metric(&gateway.admin_get("/metrics").1);
    asked(&person);
    assert_eq!(metric(&gateway.admin_get("/metrics").1), before);
}

#[test]
fn only_an_operator_of_the_tenant_asks() {
    let gateway = Setup::misbehaving().start();
    instruct(&gateway, "count");
    let operator = gateway.sign_in("ana", "operator");
    let request = newest(&operator, "callback:crm");
    let path = ask(&operator, &request, &[]);
    for role in ["viewer", "support"] {
        let person = gateway.sign_in("ben", role);
        for action in ["ask", "edit"] {
            assert_eq!(person.post(&format!("/events/{request}/{action}"), &[]).status, 403, "{role} {action}");
        }
        assert_eq!(person.get(&path).status, 403, "{role}");
    }
    let other = gateway.sign_in_with(&["--for", "cleo", "--role", "operator", "--tenant", "demo"]);
    assert_eq!(other.get(&path).status, 200);
}

#[test]
fn a_look_and_a_question_are_recorded() {
    let gateway = Setup::misbehaving().start();
    instruct(&gateway, "count");
    let person = gateway.sign_in("ana", "operator");
    let request = newest(&person, "callback:crm");
    assert_eq!(person.post(&format!("/events/{request}/edit"), &[]).status, 200);
    ask(&person, &request, &[]);
    let audit = person.json("/audit.json");
    let actions: Vec<_> = audit["actions"].as_array().expect("actions").iter().map(|one| &one["action"]).collect();
    assert!(actions.iter().any(|action| *action == "ask again"), "{audit}");
    assert!(actions.iter().any(|action| *action == "show"), "{audit}");
}

#[test]
fn a_request_without_its_bytes_cannot_be_asked_again() {
    let gateway = Setup::misbehaving().set("recording.record", "\"facts\"").start();
    instruct(&gateway, "count");
    let person = gateway.sign_in("ana", "operator");
    let request = newest(&person, "callback:crm");
    let event = person.json(&format!("/events/{request}.json"));
    assert_eq!(event["no_question"], "its bytes were not recorded", "{event}");
    assert_eq!(person.post(&format!("/events/{request}/ask"), &[]).status, 400);
}

/// Saves the first call of a question as a case, and returns the page and the file.
#[track_caller]
fn save(person: &Person, question: &str) -> (String, String) {
    let answer = person.post(&format!("{question}/case"), &[("call", "0")]);
    assert_eq!(answer.status, 303, "{answer:?}");
    let page = person.get(&answer.headers["location"]);
    assert_eq!(page.status, 200, "{page:?}");
    let file = person.get(&answer.headers["location"].replace("/case?", "/case.json?"));
    (page.text, file.text)
}

#[test]
fn a_saved_case_passes_in_six_languages_and_has_no_personal_data() {
    let crm = SmallCrm::start();
    let gateway = examples::gateway(&crm);
    let person = gateway.sign_in("ana", "operator");
    let contact = crm.contacts().into_iter().find(|contact| contact.owner == "ana@example.org").expect("a contact");
    for example in Example::ALL {
        let form = [
            ("Worker", "ana@example.org"),
            ("CustomerId", &*contact.id),
            ("Location", "GetCustomerDetailsByCustomerId"),
        ];
        let answer = gateway.tenant_callback(&format!("/{example}"), "crm", &form);
        assert_eq!(answer.status, 200, "{answer:?}");
        let question = ask(&person, &newest(&person, &format!("tenant:{example}")), &[]);
        let (page, case) = save(&person, &question);
        assert!(page.contains("which passes"), "{example}: {page}\n{case}");
        let name = answer.json["objects"]["customer"]["display_name"].as_str().expect("a name");
        for planted in name.split(' ').chain(["ana@example.org"]) {
            assert!(!case.contains(planted), "{example}: {planted} in {case}");
        }
        let folder = TempDir::new().expect("a folder");
        // The author's project names the CRM by its public host.
        let case = case.replace(&crm.url(), "https://crm.example.com");
        fs::write(folder.path().join("saved.json"), &case).expect("a file");
        let tested = example.test_cases(&example.build(), folder.path(), &crm, &["--no-conformance"]);
        assert!(tested.status.success(), "{example}: {tested:?}");
    }
}

#[test]
fn a_waiting_version_is_compared_with_the_live_one() {
    let gateway = Setup::directory("Id,Name\n7,Mora Lind\n").start();
    let person = gateway.sign_in("ana", "operator");
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    newest(&person, "callback:crm");
    gateway.drop_plugin("plugin", &component("misbehaving"));
    gateway.log().event("plugin.waiting").wait_for(1);
    let compared = person.post("/plugins/plugin/compare.json", &[]);
    assert_eq!(compared.status, 200, "{compared:?}");
    assert_eq!(compared.json["same"], 0, "{compared:?}");
    let differing = &compared.json["different"][0];
    assert!(!differing["differences"].as_array().expect("differences").is_empty(), "{compared:?}");
    // The live version still answers.
    assert!(gateway.crm(&list(&[])).text.contains("Mora Lind"));
    assert!(!compared.text.contains("Mora Lind"), "{compared:?}");
}
