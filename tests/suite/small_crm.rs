//! Tests that the small CRM for the example plugins matches its OpenAPI description, and fails on request.

use std::collections::BTreeSet;
use std::time::Duration;

use frontgate_tests::crm::{Action, Call, Fault};
use frontgate_tests::{Answer, SmallCrm, get};
use jsonschema::Validator;
use serde_json::{Value, json};

const AUTHORIZED: [(&str, &str); 1] = [("authorization", "Bearer made-up")];

/// Sends a request with the token, and checks the answer against the OpenAPI description.
fn ask(crm: &SmallCrm, target: &str) -> Answer {
    let answer = get(crm.address(), target, &AUTHORIZED);
    assert_described(target, &answer);
    answer
}

fn ids(page: &Value) -> Vec<String> {
    let contacts = page["contacts"].as_array().expect("contacts");
    contacts.iter().map(|contact| contact["id"].as_str().expect("an id").to_owned()).collect()
}

/// Asserts that an answer matches the OpenAPI description.
#[track_caller]
fn assert_described(target: &str, answer: &Answer) {
    let operation = if target.starts_with("/contacts/") { "/contacts/{id}" } else { "/contacts" };
    let mut description = SmallCrm::openapi();
    let responses = &description["paths"][operation]["get"]["responses"];
    let status = [answer.status.to_string(), format!("{}XX", answer.status / 100)];
    let known = status.iter().find(|status| responses.get(status.as_str()).is_some());
    let known = known.unwrap_or_else(|| panic!("{target}: the description has no {}", answer.status));
    let mut response = &responses[known.as_str()];
    if let Some(reference) = response["$ref"].as_str() {
        response = description.pointer(&reference[1..]).expect("what is referred to");
    }
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let value: Value = answer.headers.get(&name.to_lowercase()).map_or(Value::Null, |text| json!(text));
        let value = value.as_str().and_then(|text| text.parse::<u64>().ok()).expect("the header, a number");
        assert!(validator(header["schema"].clone()).is_valid(&json!(value)), "{target}: {name}");
    }
    assert_eq!(answer.headers["content-type"], "application/json", "{target}");
    let schema = response["content"]["application/json"]["schema"].clone();
    // References in the schema refer to other parts of the description.
    description["$ref"] = schema["$ref"].clone();
    if let Err(error) = validator(description).validate(&answer.json) {
        panic!("{target}: {error} at {}", error.instance_path());
    }
}

fn validator(schema: Value) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).expect("a schema")
}

#[test]
fn every_answer_matches_the_openapi_description() {
    let crm = SmallCrm::start();
    for contact in crm.contacts() {
        assert_eq!(ask(&crm, &format!("/contacts/{}", contact.id)).json["id"], *contact.id);
    }
    let table = [
        ("/contacts", 200),
        ("/contacts?limit=1", 200),
        ("/contacts?owner=ana%40example.org&q=L%C3%B6&limit=50", 200),
        ("/contacts?q=nobody+at+all", 200),
        ("/contacts?phone=%2B12025550107", 200),
        ("/contacts?after=c-000000", 200),
        ("/contacts?after=nobody", 200),
        ("/contacts?phone=12025550107", 400),
        ("/contacts?limit=0", 400),
        ("/contacts?limit=51", 400),
        ("/contacts?limit=many", 400),
        ("/contacts?cursor=guess", 400),
        ("/contacts?cursor=Z3Vlc3M&after=c-000000", 400),
        ("/contacts?sort=name", 400),
        ("/contacts/c-999999", 404),
        ("/contacts/", 404),
    ];
    for (target, status) in table {
        assert_eq!(ask(&crm, target).status, status, "{target}");
    }
    for (target, headers) in [("/contacts", [("authorization", "Bearer guess")]), ("/contacts/c-000000", [("x", "y")])]
    {
        let answer = get(crm.address(), target, &headers);
        assert_described(target, &answer);
        assert_eq!(answer.status, 401);
    }
    for action in [Action::Status(500), Action::Status(503), Action::TooManyRequests(7), Action::ExpiredToken] {
        for target in ["/contacts", "/contacts/c-000000"] {
            crm.fault(Fault::new(action.clone()));
            assert!(ask(&crm, target).status > 400, "{action:?}");
        }
    }
    assert_eq!(get(crm.address(), "/openapi.json", &[]).json, SmallCrm::openapi());
}

#[test]
fn pages_contain_every_contact_once_sorted_by_name() {
    let crm = SmallCrm::builder().contacts(137).start();
    let all: Vec<String> = crm.contacts().into_iter().map(|contact| contact.id).collect();
    for limit in [1, 7, 20, 50] {
        let (mut seen, mut more) = (Vec::new(), String::new());
        loop {
            let page = ask(&crm, &format!("/contacts?limit={limit}{more}")).json;
            seen.extend(ids(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            more = format!("&cursor={cursor}");
        }
        assert_eq!(seen, all, "{limit}");
    }
    let behind = ask(&crm, &format!("/contacts?limit=5&after={}", all[9])).json;
    assert_eq!(ids(&behind), all[10..15]);
    assert_eq!(ids(&ask(&crm, "/contacts?after=nobody").json), [""; 0]);
}

#[test]
fn owner_query_and_phone_filter_contacts() {
    let crm = SmallCrm::start();
    let owners: BTreeSet<_> = ["ana", "ben", "chloe"]
        .iter()
        .flat_map(|name| ids(&ask(&crm, &format!("/contacts?limit=50&owner={name}%40example.org")).json))
        .collect();
    assert_eq!(owners.len(), 50 + 50 + 30, "each contact has one owner");
    let names = |target: &str| {
        let page = ask(&crm, target).json;
        let contacts = page["contacts"].as_array().expect("contacts").clone();
        contacts.iter().map(|contact| contact["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/contacts?q=LIND"), ["Ben's Own Lind", "Mora Lind", "Nobody's Lind"]);
    assert_eq!(names("/contacts?q=%C3%85str%C3%B6m"), ["Zoë Åström"]);
    assert_eq!(names("/contacts?phone=%2B12025550108"), ["Mora Lind"]);
    assert_eq!(names("/contacts?phone=%2B12025550199"), [""; 0]);
}

#[test]
fn requests_over_the_rate_limit_are_rejected() {
    let crm = SmallCrm::start();
    crm.rate(2, Duration::from_secs(3600));
    let statuses = [(); 4].map(|()| ask(&crm, "/contacts").status);
    assert_eq!(statuses, [200, 200, 429, 429]);
}

#[test]
fn faults_apply_to_the_selected_requests() {
    let crm = SmallCrm::start();
    crm.fault(Fault::new(Action::Status(500)).on(Call::Contact).after(1).times(2));
    let statuses = [(); 4].map(|()| ask(&crm, "/contacts/c-000000").status);
    assert_eq!(statuses, [200, 500, 500, 200]);
    crm.fault(Fault::new(Action::WrongType).times(2));
    for target in ["/contacts?limit=1", "/contacts/c-000000"] {
        assert!(get(crm.address(), target, &AUTHORIZED).text.contains("\"name\":42"), "{target}");
    }
    for action in [Action::Garbage, Action::Truncated] {
        crm.fault(Fault::new(action));
        assert_eq!(get(crm.address(), "/contacts", &AUTHORIZED).json, Value::Null);
    }
    crm.fault(Fault::new(Action::TooLarge(3_000_000)));
    assert!(get(crm.address(), "/contacts", &AUTHORIZED).text.len() > 3_000_000);
    let seen = crm.take_requests();
    assert_eq!((seen.len(), seen[1].status, seen[1].authorized), (9, Some(500), true));
    assert_eq!(crm.take_requests(), []);
}

#[test]
fn faults_can_be_set_over_http() {
    let crm = SmallCrm::builder().control().start();
    let post = |path: &str, form: &str| frontgate_tests::post(crm.address(), path, &[], form.as_bytes()).status;
    assert_eq!(post("/_control/fault", "action=429&number=9&call=list"), 200);
    let refused = ask(&crm, "/contacts");
    assert_eq!((refused.status, &*refused.headers["retry-after"]), (429, "9"));
    assert_eq!(post("/_control/fault", "action=fire"), 409);
    assert_eq!(post("/_control/rate", "requests=0&seconds=60"), 200);
    assert_eq!(ask(&crm, "/contacts").status, 429);
    let log = get(crm.address(), "/_control/log", &[]).text;
    assert_eq!(log, "GET /contacts -> 429\nGET /contacts -> 429\n");
    assert_eq!(post("/_control/elsewhere", ""), 404);
}
