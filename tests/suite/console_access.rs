//! Tests who may use the console, and that its pages contain no personal data unless a person asked for it.

use std::net::SocketAddr;

use frontgate_tests::{Answer, Gateway, Person, Setup, Twilio, enter, get, post};

use crate::delivery::{OURS, start_with_twilio};

/// A customer's number, name and text that must appear nowhere.
const NUMBER: &str = "12025550107";
const TEXT: &str = "planted text";

/// Pages without an id in their path.
const PAGES: [&str; 12] = [
    "/",
    "/live",
    "/conversations",
    "/deliveries",
    "/deliveries?state=sent",
    "/channels",
    "/plugins",
    "/setup",
    "/setup/demo",
    "/replicas",
    "/audit",
    "/live/rows?after=1",
];

/// Starts a gateway with one routed conversation; returns its SID.
fn routed() -> (Twilio, Gateway, String) {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("console.hold_ms", "10"));
    let sid = twilio.inbound_sms(&format!("+{NUMBER}"), OURS, TEXT).expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    (twilio, gateway, sid)
}

/// Returns the paths of all pages, and of their JSON twins.
fn all_pages(person: &Person, sid: &str) -> Vec<String> {
    let rows = person.json("/live.json")["rows"].clone();
    let ids =
        rows.as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).map(|id| format!("/events/{id}"));
    let mut paths: Vec<String> = PAGES.iter().map(|path| (*path).to_owned()).chain(ids).collect();
    paths.push(format!("/conversations/demo/{sid}"));
    paths.push("/deliveries/1".to_owned());
    paths.push("/plugins/plugin".to_owned());
    let twin = |path: &String| match path.split_once('?') {
        Some((path, query)) => format!("{path}.json?{query}"),
        None if path == "/" => "/.json".to_owned(),
        None => format!("{path}.json"),
    };
    let twins: Vec<String> = paths.iter().map(twin).collect();
    [paths, twins].concat()
}

#[test]
fn a_login_link_works_once() {
    let gateway = Setup::misbehaving().start();
    let (link, console) = (gateway.console_link(&[]), gateway.console_address());
    assert_eq!(enter(console, &link).status, 200);
    let again = enter(console, &link);
    assert_eq!(again.status, 401);
    assert!(again.json["text"].as_str().is_some_and(|text| text.contains("frontgate console")), "{again:?}");
}

#[test]
fn an_old_login_link_has_expired() {
    let gateway = Setup::misbehaving().set("console.link_ms", "1000").set("console.session_max_ms", "1000").start();
    // Sessions end at the same age, which shows that the time of the link has passed as well.
    let (link, person) = (gateway.console_link(&[]), gateway.sign_in("ana", "viewer"));
    frontgate_tests::eventually("the end of the session", || person.get("/").status, |status| *status == 401);
    let answer = enter(gateway.console_address(), &link);
    assert!(answer.status == 401 && answer.text.contains("expired"), "{answer:?}");
}

#[test]
fn no_page_is_shown_without_a_session() {
    let (_twilio, gateway, sid) = routed();
    let person = gateway.sign_in("ana", "operator");
    for path in all_pages(&person, &sid) {
        for cookie in ["a=b", "frontgate-console=AAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let answer = get(gateway.console_address(), &path, &[("cookie", cookie)]);
            assert_eq!(answer.status, 401, "{path}");
            assert!(!answer.text.contains(&sid) && !answer.text.contains("demo"), "{path}: {}", answer.text);
        }
    }
}

#[test]
fn pages_of_viewers_contain_no_personal_data() {
    let (_twilio, gateway, sid) = routed();
    let person = gateway.sign_in("vic", "viewer");
    let paths = all_pages(&person, &sid);
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        let answer = person.get(&path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        for planted in [NUMBER, TEXT, "2025550107", "Acme customer"] {
            assert!(!answer.text.contains(planted), "{path} has {planted}: {}", answer.text);
        }
    }
}

#[test]
fn the_log_contains_no_secret_of_a_session() {
    let gateway = Setup::misbehaving().set("log.level", "\"trace\"").start();
    let (link, console) = (gateway.console_link(&["--for", "ana"]), gateway.console_address());
    let answer = enter(console, &link);
    let cookie = answer.headers["set-cookie"].split(['=', ';']).nth(1).expect("a secret").to_owned();
    let secrets = [link.split_once('#').expect("a code").1, &cookie, answer.json["proof"].as_str().expect("a proof")];
    gateway.log().wait_for_event("console.signed_in");
    let log = gateway.log().text();
    assert!(secrets.iter().all(|secret| !log.contains(secret)), "{secrets:?}");
}

/// Changes that need the role operator.
const CHANGES: [&str; 10] = [
    "/deliveries/1/retry",
    "/deliveries/1/cancel",
    "/deliveries/1/sent",
    "/deliveries/bulk",
    "/deliveries/bulk/1/stop",
    "/channels/1/check",
    "/channels/1/disconnect",
    "/plugins/reload",
    "/plugins/plugin/rollback",
    "/setup/demo/ask",
];

#[test]
fn only_operators_may_change_something() {
    let (_twilio, gateway, _) = routed();
    for role in ["viewer", "support"] {
        let person = gateway.sign_in("sam", role);
        for path in CHANGES {
            let answer = person.post(path, &[("change", "retry"), ("total", "1")]);
            assert!(answer.status == 403 && answer.text.contains("operator"), "{role} {path}: {answer:?}");
        }
        assert!(!person.get("/deliveries/1").text.contains("/deliveries/1/retry"), "the page offers nothing");
    }
}

#[test]
fn viewers_may_not_show_personal_data() {
    let (_twilio, gateway, _) = routed();
    let person = gateway.sign_in("vic", "viewer");
    let request = person.json("/live.json")["rows"][0]["id"].as_str().expect("an id").to_owned();
    for path in ["/deliveries/1/show".to_owned(), format!("/events/{request}/show")] {
        let answer = person.post(&path, &[]);
        assert!(answer.status == 403 && !answer.text.contains(NUMBER), "{path}: {answer:?}");
    }
}

#[test]
fn a_look_at_personal_data_is_recorded_without_the_data() {
    let (_twilio, gateway, _) = routed();
    let person = gateway.sign_in("sam", "support");
    let shown = person.post("/deliveries/1/show", &[]);
    assert!(shown.status == 200 && shown.text.contains(NUMBER), "{shown:?}");
    assert!(!person.get("/deliveries/1").text.contains(NUMBER), "the next page is masked again");
    let actions = person.json("/audit.json")["actions"].clone();
    let newest = &actions[0];
    assert_eq!([&newest["who"], &newest["action"], &newest["object"]], ["sam", "show", "delivery 1"], "{actions}");
    assert!(!actions.to_string().contains(NUMBER), "{actions}");
}

#[track_caller]
fn is_rejected(answer: &Answer, words: &str) {
    assert!(answer.status == 403 && answer.text.contains(words), "{answer:?}");
}

#[test]
fn a_change_from_another_web_page_is_rejected() {
    let (_twilio, gateway, _) = routed();
    let person = gateway.sign_in("ana", "operator");
    let (origin, proof) = (person.origin(), person.proof().to_owned());
    let change = |headers: &[(&str, &str)]| person.post_with("/deliveries/1/retry", &[], headers);
    let proof = ("x-frontgate-proof", &*proof);
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        is_rejected(&change(&[("origin", foreign), proof]), "does not come from a page of this console");
    }
    is_rejected(&change(&[proof]), "does not come from a page of this console");
    is_rejected(&change(&[("origin", &origin), ("sec-fetch-site", "cross-site"), proof]), "does not come from");
    // The cookie alone is also sent by a page of another program on this machine.
    is_rejected(&change(&[("origin", &origin)]), "has no proof");
    let other = gateway.sign_in("ben", "operator");
    is_rejected(&change(&[("origin", &origin), ("x-frontgate-proof", other.proof())]), "has no proof");
    assert_eq!(person.post("/deliveries/1/retry", &[]).status, 409, "the same change with all of them arrives");
}

#[test]
fn an_unknown_host_is_rejected_with_the_setting_that_allows_it() {
    let gateway = Setup::misbehaving().set("console.hosts", "[\"gw.corp\"]").start();
    let console: SocketAddr = gateway.console_address();
    for path in ["/", "/enter", "/live.json"] {
        let answer = get(console, path, &[("host", "evil.example")]);
        assert!(answer.status == 421 && answer.text.contains("console.hosts"), "{path}: {answer:?}");
    }
    assert_eq!(post(console, "/enter", &[("host", "evil.example")], b"").status, 421);
    for host in ["gw.corp", "frontgate.localhost:1", "10.1.2.3"] {
        assert_eq!(get(console, "/enter", &[("host", host)]).status, 200, "{host}");
    }
}

#[test]
fn every_answer_forbids_scripts_and_frames_of_others() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    let mut paths: Vec<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
    let page = person.get("/").text;
    let assets = page.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned);
    paths.extend(assets.chain(["/none".to_owned(), "/enter".to_owned(), "/live.json".to_owned()]));
    for path in paths {
        let answer = person.get(&path);
        let policy = answer.headers.get("content-security-policy").map(String::as_str).unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {answer:?}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
    }
}

#[test]
fn a_person_sees_only_their_tenants() {
    let (_twilio, gateway, sid) = routed();
    let person = gateway.sign_in_with(&["--for", "eve", "--tenant", "demo"]);
    assert_eq!(person.get("/deliveries/1").status, 200);
    let link = gateway.command(&["console", "--tenant", "none"]);
    assert!(!link.status.success() && String::from_utf8_lossy(&link.stderr).contains("not in the configuration"));
    gateway.reconfigure(&[
        ("tenants.other.path", "\"/other\""),
        ("tenants.other.twilio.auth_tokens", "[{ env = \"PATH\" }]"),
    ]);
    let person = gateway.sign_in_with(&["--for", "eve", "--tenant", "other"]);
    let hidden = [
        "/deliveries/1",
        "/deliveries/1.json",
        &format!("/conversations/demo/{sid}"),
        "/audit",
        "/plugins",
        "/plugins/plugin",
        "/setup/demo",
    ];
    for path in hidden {
        assert_eq!(person.get(path).status, 404, "{path}");
    }
    for path in ["/deliveries/1/retry", "/plugins/reload", "/plugins/plugin/rollback", "/setup/demo/ask"] {
        assert_eq!(person.post(path, &[]).status, 404, "{path}");
    }
    assert_eq!(person.get("/deliveries/77.json").json["title"], "Not found");
    // An object of another tenant and one that does not exist have the same answer.
    assert_eq!(person.get("/deliveries/1").text, person.get("/deliveries/77").text);
    for path in ["/.json", "/live.json", "/conversations.json", "/deliveries.json?state=sent"] {
        assert!(!person.get(path).text.contains(&sid), "{path}");
    }
}

#[test]
fn a_session_ends_when_the_person_signs_out() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    assert_eq!(person.get("/").status, 200);
    assert_eq!(person.post("/leave", &[]).status, 303);
    assert_eq!(person.get("/").status, 401);
}

#[test]
fn an_operator_ends_the_session_of_another_person() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    let listed = gateway.command(&["console", "sessions", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!([&listed[0]["who"], &listed[0]["role"]], ["ana", "viewer"], "{listed}");
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    assert!(gateway.command(&["console", "end", &id]).status.success());
    assert_eq!(person.get("/").status, 401);
}

#[test]
fn a_session_survives_a_restart() {
    let gateway = Setup::misbehaving().set("console.listen", "\"127.0.0.1:0\"").start();
    let person = gateway.sign_in("ana", "viewer");
    let gateway = gateway.restart();
    let again = person.at(gateway.console_address());
    assert_eq!(again.get("/").status, 200);
}

#[test]
fn an_idle_session_ends() {
    let gateway = Setup::misbehaving().set("console.session_idle_ms", "1000").start();
    let person = gateway.sign_in("ana", "viewer");
    frontgate_tests::eventually("the end of the session", || person.get("/").status, |status| *status == 401);
}
