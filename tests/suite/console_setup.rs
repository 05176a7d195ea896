//! Tests the console's pages Setup and Replicas.

use frontgate_tests::{
    Answer, Front, Gateway, PUBLIC_URL, Person, Provider, Replicas, Setup, TOKEN, Twilio, get, list, post, sign,
};
use serde_json::{Value, json};

use crate::channels::{ChannelFixture, SERVER};
use crate::delivery::start_with_twilio;

const PATH: &str = "/callbacks/crm";

/// Sends a callback that is signed for another URL.
fn refused(gateway: &Gateway, token: &str, url: &str) -> Answer {
    let form = list(&[]);
    let signature = sign(token, url, &form);
    let host = url.split('/').nth(2).expect("a host");
    let kind = "application/x-www-form-urlencoded";
    let headers = [("content-type", kind), ("x-twilio-signature", &*signature), ("host", host)];
    let body: String = form.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    post(gateway.address(), PATH, &headers, body.trim_end_matches('&').as_bytes())
}

fn address<'v>(setup: &'v Value, name: &str) -> &'v Value {
    let found = setup["addresses"].as_array().and_then(|all| all.iter().find(|address| address["name"] == name));
    found.unwrap_or_else(|| panic!("{name}: {setup}"))
}

/// Waits until the CRM callback is as expected, and returns it.
fn wait_for_crm(person: &Person, expected: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
    let setup = person.wait_for("/setup/demo.json", expected, |setup| is_expected(address(setup, "CRM callback")));
    address(&setup, "CRM callback").clone()
}

/// A gateway with callbacks, calls, and a Front app with OAuth and a channel.
fn with_everything() -> (Front, Provider, Gateway) {
    let (front, provider) = (Front::start(), Provider::start());
    let oauth = |name: &str| format!("tenants.demo.front.login.{name}");
    let setup = Setup::courier(&front, &provider)
        .file("oauth-secret", "client-secret-of-front-with-32-letters")
        .set("tenants.demo.twilio.voice.enabled", "true");
    let setup = ["app_uid", "app_secrets", "plugin"].iter().fold(setup, |setup, name| {
        let value = match *name {
            "app_uid" => "{ file = \"files/app-uid\" }",
            "app_secrets" => "[{ file = \"files/app-secret\" }]",
            _ => "\"courier\"",
        };
        setup.set(&oauth(name), value)
    });
    let gateway = setup
        .set(&oauth("oauth.client_id"), "\"front-client\"")
        .set(&oauth("oauth.client_secrets"), "[{ file = \"files/oauth-secret\" }]")
        .set(&oauth("oauth.redirect_uris"), "[\"https://front.example.com/return\"]")
        .set("plugins.named.courier.config.sign_in_url", "\"https://provider.example.com/login\"")
        .start();
    front.point_at(gateway.address());
    front.connect(SERVER).expect("a channel");
    (front, provider, gateway)
}

#[test]
fn each_url_of_the_page_is_one_that_the_gateway_answers() {
    let (_front, _provider, gateway) = with_everything();
    let person = gateway.sign_in("sam", "support");
    let shown = person.post("/setup/demo/show.json", &[]);
    let addresses = shown.json["addresses"].as_array().expect("addresses").clone();
    assert!(addresses.len() >= 14, "{shown:?}");
    for address in addresses {
        let url = address["url"].as_str().expect("a URL");
        let path = url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{url}"));
        for answer in [post(gateway.address(), path, &[], b""), get(gateway.address(), path, &[])] {
            assert_ne!(answer.status, 404, "{address}: {answer:?}");
        }
        let answer = post(gateway.address(), &format!("{path}x"), &[], b"");
        let is_provider = path.ends_with("/provider");
        assert!(answer.status == 404 || is_provider || path.contains("/front/sms/"), "{path}x: {answer:?}");
    }
}

#[test]
fn a_callback_is_shown_as_heard_with_the_key_that_verified_it() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    assert!(address(&person.json("/setup/demo.json"), "CRM callback")["heard"].is_null());
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    let crm = wait_for_crm(&person, "a request", |crm| crm["heard"].is_object());
    assert_eq!(crm["heard"]["key"], "auth_tokens[0]", "{crm}");
    let setup = person.json("/setup/demo.json");
    assert_eq!((&setup["keys"][0]["key"], &setup["keys"][0]["uses"]), (&json!("auth_tokens[0]"), &json!(1)), "{setup}");
    assert!(person.get("/setup").text.contains("1 address has been called"));
}

#[test]
fn a_key_that_verified_nothing_is_shown_as_unused() {
    let gateway = Setup::misbehaving()
        .set("tenants.demo.twilio.auth_tokens", "[{ file = \"token\" }, { env = \"PATH\" }]")
        .start();
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    let page = gateway.sign_in("ana", "viewer").get("/setup/demo").text;
    assert!(page.contains("auth_tokens[1]") && page.contains("Unused since the start"), "{page}");
}

#[test]
fn a_refused_callback_is_shown_with_the_line_that_corrects_it() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    let other = "https://other.example.org";
    assert_eq!(refused(&gateway, TOKEN, &format!("{other}{PATH}")).status, 403);
    let crm = wait_for_crm(&person, "a refusal", |crm| crm["refused"].is_object());
    assert_eq!(crm["refused"]["fix"]["line"], format!("[server]\npublic_url = {other:?}"), "{crm}");
    let reason = crm["refused"]["reason"].as_str().expect("a reason");
    assert!(reason.contains(&format!("it would match if public_url were {other}")), "{reason}");
    let page = person.get("/setup/demo").text;
    assert!(page.contains("public_url = &quot;https://other.example.org&quot;"), "{page}");
}

#[test]
fn a_refusal_is_not_shown_after_an_accepted_request() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    assert_eq!(refused(&gateway, TOKEN, &format!("https://other.example.org{PATH}")).status, 403);
    wait_for_crm(&person, "a refusal", |crm| crm["refused"]["count"] == 1);
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    wait_for_crm(&person, "a request", |crm| crm["heard"].is_object() && crm["refused"].is_null());
}

#[test]
fn a_request_of_another_account_is_corrected_in_the_table_of_its_tenant() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    assert_eq!(refused(&gateway, "another token", &format!("{PUBLIC_URL}{PATH}")).status, 403);
    let crm = wait_for_crm(&person, "a refusal", |crm| crm["refused"].is_object());
    let text = crm["refused"]["fix"]["text"].as_str().expect("a correction");
    assert!(text.ends_with("auth_tokens in [tenants.demo.twilio]:"), "{crm}");
}

#[test]
fn a_request_that_a_plugin_refuses_is_shown_at_its_channel() {
    let fixture = ChannelFixture::new();
    let person = fixture.gateway.sign_in("ana", "viewer");
    let name = format!("Channel {}, from the provider", fixture.channel);
    let webhook = fixture.webhook();
    let path = webhook.strip_prefix(PUBLIC_URL).expect("a URL of the gateway");
    let answer = post(fixture.gateway.address(), path, &[], b"no events");
    assert!(answer.status >= 400, "{answer:?}");
    person.wait_for("/setup/demo.json", "a refusal", |setup| address(setup, &name)["refused"]["count"] == 1);
    fixture.report_events(&json!([]));
    person.wait_for("/setup/demo.json", "a request", |setup| address(setup, &name)["heard"].is_object());
}

fn asked(person: &Person) -> Vec<Value> {
    let answer = person.post("/setup/demo/ask.json", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["asked"].as_array().expect("answers").clone()
}

#[test]
fn twilio_is_asked_for_the_url_that_it_calls() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    let person = gateway.sign_in("ana", "operator");
    let is_problem = |one: &&Value| one["verdict"] == "problem";
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    assert_eq!(asked(&person).iter().find(is_problem), None);
    twilio.point_at(gateway.address(), "https://old.example.org", "", TOKEN);
    let answers = asked(&person);
    let wrong = answers.iter().find(is_problem).unwrap_or_else(|| panic!("{answers:?}"));
    assert!(wrong["text"].as_str().is_some_and(|text| text.contains("https://old.example.org")), "{wrong}");
    let fix = format!("set it to {PUBLIC_URL}/callbacks/conversations");
    assert!(wrong["fix"].as_str().is_some_and(|text| text.starts_with(&fix)), "{wrong}");
    let actions = person.json("/audit.json")["actions"].clone();
    assert_eq!((&actions[0]["action"], &actions[0]["object"]), (&json!("ask Twilio"), &json!("tenant demo")));
}

#[test]
fn the_clock_is_compared_with_twilios() {
    let twilio = Twilio::start();
    let (right, wrong) = (Setup::every_role(&twilio).start(), Setup::every_role(&twilio).start_with_clock(120_000));
    for (gateway, verdict) in [(right, "good"), (wrong, "problem")] {
        let answers = asked(&gateway.sign_in("ana", "operator"));
        let clock = answers.iter().find(|one| one["subject"] == "clock");
        assert_eq!(clock.map(|clock| &clock["verdict"]), Some(&json!(verdict)), "{answers:?}");
    }
}

#[test]
fn an_api_that_does_not_answer_is_no_problem_of_the_setup() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.connect_timeout_ms", "500"));
    twilio.go_down();
    let answers = asked(&gateway.sign_in("ana", "operator"));
    assert_eq!((answers.len(), &answers[0]["verdict"]), (1, &json!("unanswered")), "{answers:?}");
}

#[test]
fn a_viewer_may_not_ask_twilio() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    let before = twilio.look(|state| state.requests().len());
    for role in ["viewer", "support"] {
        let person = gateway.sign_in("vic", role);
        let answer = person.post("/setup/demo/ask", &[]);
        assert!(answer.status == 403 && answer.text.contains("operator"), "{role}: {answer:?}");
        assert!(!person.get("/setup/demo").text.contains("/setup/demo/ask"), "the page offers nothing");
    }
    assert_eq!(twilio.look(|state| state.requests().len()), before);
}

#[test]
fn the_page_has_no_secret_until_a_person_with_the_right_asks_for_it() {
    let fixture = ChannelFixture::new();
    let url = fixture.front.channel(&fixture.channel).webhook_url;
    let key = url.rsplit_once('/').expect("a key").1;
    let viewer = fixture.gateway.sign_in("vic", "viewer");
    for path in ["/setup", "/setup.json", "/setup/demo", "/setup/demo.json"] {
        let text = viewer.get(path).text;
        for secret in [key, TOKEN, Front::SECRET] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }
    assert!(viewer.get("/setup/demo").text.contains("/front/sms/•••/provider"));
    assert_eq!(viewer.post("/setup/demo/show", &[]).status, 403);
    let person = fixture.gateway.sign_in("sam", "support");
    let shown = person.post("/setup/demo/show", &[]);
    assert!(shown.text.contains(&format!("{url}/provider")), "{shown:?}");
    assert!(!shown.text.contains(TOKEN) && !shown.text.contains(Front::SECRET));
    let actions = person.json("/audit.json")["actions"].clone();
    assert_eq!((&actions[0]["action"], &actions[0]["object"]), (&json!("show"), &json!("addresses of tenant demo")));
    assert!(!actions.to_string().contains(key), "{actions}");
}

#[test]
fn a_person_sees_the_setup_of_their_tenants_only() {
    let gateway = Setup::misbehaving().start();
    gateway.reconfigure(&[
        ("tenants.other.path", "\"/other\""),
        ("tenants.other.twilio.auth_tokens", "[{ env = \"PATH\" }]"),
    ]);
    let person = gateway.sign_in_with(&["--for", "eve", "--tenant", "other"]);
    assert_eq!(person.json("/setup.json")["tenants"].as_array().map(Vec::len), Some(1));
    assert_eq!(person.get("/setup/other").status, 200);
    for path in ["/setup/demo", "/setup/demo.json", "/setup/none", "/replicas"] {
        assert_eq!(person.get(path).status, 404, "{path}");
    }
}

#[test]
fn the_first_page_leads_to_the_setup_before_the_first_callback() {
    let gateway = Setup::misbehaving().start();
    let page = gateway.sign_in("ana", "viewer").get("/").text;
    assert!(page.contains("No callback has arrived yet") && page.contains("<a href=\"/setup\">Setup</a>"), "{page}");
}

#[test]
fn a_gateway_on_sqlite_says_that_it_runs_alone() {
    if frontgate_tests::on_postgres() {
        return;
    }
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    let page = person.get("/replicas");
    assert!(page.status == 200 && page.text.contains("This gateway runs alone"), "{page:?}");
    assert!(!page.text.contains("href=\"/replicas\""), "the navigation has no entry");
}

#[test]
fn gateways_that_share_a_database_are_listed() {
    let replicas = Replicas::start(2, Setup::misbehaving);
    let person = replicas.gateways[0].sign_in("ana", "viewer");
    let page = person.wait_for("/replicas.json", "two replicas", |page| {
        let all = page["replicas"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.len() == 2 && all.iter().any(|replica| replica["keeps"].as_array().is_some_and(|keeps| !keeps.is_empty()))
    });
    let names: Vec<_> = page["replicas"].as_array().expect("a list").iter().map(|replica| &replica["name"]).collect();
    assert!(names.contains(&&json!("replica-0")) && names.contains(&&json!("replica-1")), "{page}");
    let this = page["replicas"].as_array().expect("a list").iter().filter(|replica| replica["is_this"] == true);
    assert_eq!(this.count(), 1, "{page}");
    assert!(person.get("/replicas").text.contains("2 gateways share the database"));
    let has_entry = |text: &String| text.contains("href=\"/replicas\"");
    frontgate_tests::eventually("its entry in the navigation", || person.get("/").text, has_entry);
}
