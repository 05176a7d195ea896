//! Tests the worker's app of the console's simulator, which asks the running gateway with the tenant's key.

use frontgate_tests::{Chromium, Gateway, Person, Setup, list};
use serde_json::Value;

use crate::console_browser::{assert_accessible, sign_in};

const CSV: &str =
    "Id,Name,Phone,Owner\n7,Mora Lind,+12025550107,ana@example.org\n8,Ben Hale,+12025550108,ana@example.org\n";

const TEMPLATES: &str =
    "[[category]]\nname = 'Greetings'\n[[category.template]]\ntext = { en = 'Hi {customer.first_name}!' }\n";

/// Opens the app of a worker, and returns its path.
#[track_caller]
fn open(person: &Person, worker: &str) -> String {
    let answer = person.post("/simulator/open", &[("tenant", "demo"), ("worker", worker)]);
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.headers["location"].clone()
}

fn names(app: &Value) -> Vec<&str> {
    let customers = app["screen"]["customers"]["customers"].as_array().into_iter().flatten();
    customers.filter_map(|customer| customer["name"].as_str()).collect()
}

fn setup() -> Setup {
    Setup::bundled(CSV)
        .set(
            "plugins.named.plugin.config.columns",
            "{ id = \"Id\", name = \"Name\", phone = \"Phone\", owner = \"Owner\" }",
        )
        .file("templates.toml", TEMPLATES)
        .set("plugins.named.templates.files", "\"files\"")
        .set("plugins.named.templates.config.templates", "\"templates.toml\"")
        .set("plugins.named.numbers.config.sms", "\"+12025550199\"")
}

#[test]
fn the_app_shows_what_the_gateway_answers() {
    let gateway = setup().start();
    let person = gateway.sign_in("ana", "operator");
    let path = open(&person, "ana@example.org");
    let app = person.json(&format!("{path}.json"));
    assert_eq!(names(&app), ["Ben Hale", "Mora Lind"], "{app}");
    assert_eq!([&app["exchanges"][0]["status"], &app["exchanges"][0]["twilio"]], [&Value::from(200), &Value::Null]);
    let found = person.json(&format!("{path}.json?q=Hale"));
    assert_eq!(names(&found), ["Ben Hale"], "{found}");
    let end = person.json(&format!("{path}.json?anchor=7"));
    assert!(names(&end).is_empty(), "{end}");
    let customer = person.json(&format!("{path}.json?customer=7&type=sms&value=%2B12025550107"));
    let shown = &customer["screen"]["customer"];
    assert_eq!(shown["name"], "Mora Lind", "{customer}");
    assert_eq!(shown["channels"][0][1], "+12025550107", "{customer}");
    assert_eq!(shown["templates"][0][1][0][0], "Hi Mora!", "{customer}");
    assert_eq!(shown["proxy"], "+12025550199", "{customer}");
}

#[test]
fn questions_of_the_app_are_marked_and_not_counted() {
    let gateway = setup().start();
    let person = gateway.sign_in("ana", "operator");
    let path = open(&person, "ana@example.org");
    let counted = |gateway: &Gateway| {
        let text = gateway.admin_get("/metrics").1;
        let line = text.lines().find(|line| line.starts_with("frontgate_requests_total") && line.contains("\"crm\""));
        line.map(str::to_owned)
    };
    person.json(&format!("{path}.json"));
    assert_eq!(counted(&gateway), None);
    let simulated = person.json("/live.json?q=simulated:yes");
    assert_eq!(simulated["rows"][0]["is_simulated"], true, "{simulated}");
    assert!(person.json("/live.json")["rows"].as_array().expect("rows").is_empty());
    // The mark of a request is valid once, and only the simulator knows it.
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    assert!(counted(&gateway).is_some());
    assert_eq!(person.json("/live.json")["rows"][0]["is_simulated"], false);
}

#[test]
fn the_app_names_what_twilio_would_log() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    let path = open(&person, "ana@example.org");
    let app = person.json(&format!("{path}.json?q=unavailable"));
    assert_eq!(app["screen"], "nothing", "{app}");
    let asked = &app["exchanges"][0];
    assert!(asked["twilio"].as_str().is_some_and(|text| text.starts_with("48004")), "{app}");
    assert_eq!(asked["code"], "unavailable", "{app}");
}

#[test]
fn only_an_operator_opens_an_app_and_only_that_person_sees_it() {
    let gateway = setup().start();
    let person = gateway.sign_in("ana", "operator");
    let path = open(&person, "ana@example.org");
    for role in ["viewer", "support"] {
        let other = gateway.sign_in("ben", role);
        let opened = other.post("/simulator/open", &[("tenant", "demo"), ("worker", "ana@example.org")]);
        assert_eq!(opened.status, 403, "{role}");
        assert_eq!(other.get(&path).status, 403, "{role}");
    }
    assert_eq!(gateway.sign_in("cleo", "operator").get(&path).status, 400);
    let audit = person.json("/audit.json").to_string();
    assert!(audit.contains("worker's app of"), "{audit}");
}

#[test]
fn a_simulator_that_is_off_asks_nothing() {
    let gateway = setup().set("console.simulator", "\"off\"").start();
    let person = gateway.sign_in("ana", "operator");
    let opened = person.post("/simulator/open", &[("tenant", "demo"), ("worker", "ana@example.org")]);
    assert_eq!(opened.status, 400, "{opened:?}");
    assert_eq!(person.json("/simulator.json")["is_on"], false);
}

/// Saves a picture of the open page, if a folder for pictures is named.
fn picture(browser: &Chromium, name: &str) {
    if let Some(folder) = std::env::var_os("FRONTGATE_SCREENSHOTS") {
        std::fs::write(std::path::Path::new(&folder).join(name), browser.screenshot()).expect("a file");
    }
}

#[test]
fn a_person_asks_again_and_opens_the_app_in_a_browser() {
    let gateway = setup().start();
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "operator");
    let live = gateway.sign_in("ben", "viewer").json("/live.json");
    browser.open(&format!("{origin}/events/{}", live["rows"][0]["id"].as_str().expect("an id")));
    browser.click("form[action$='/ask'] button:not([disabled])");
    browser.wait_for_text("section h2", "Answer then and now");
    assert_accessible(&browser, "a question");
    picture(&browser, "console-question.png");
    browser.click("form[action$='/case'] button:not([disabled])");
    browser.wait_for_text("a.button[download]", "Download");
    picture(&browser, "console-case.png");
    assert_accessible(&browser, "a test case");
    browser.open(&format!("{origin}/simulator"));
    assert_accessible(&browser, "the simulator");
    browser.write("input[name=worker]", "ana@example.org");
    browser.click("form[action='/simulator/open'] button:not([disabled])");
    browser.wait_for_text("section.phone h2", "My customers");
    assert_accessible(&browser, "the worker's app");
    browser.click("section.phone li a");
    browser.wait_for_text("section.phone h2", "Ben Hale");
    for is_dark in [false, true] {
        browser.set_dark(is_dark);
        assert_accessible(&browser, &format!("a customer in the worker's app, dark: {is_dark}"));
    }
    picture(&browser, "console-app.png");
}
