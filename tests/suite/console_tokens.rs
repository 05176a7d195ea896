//! Tests tokens with which scripts read the console.

use frontgate_tests::{Answer, Gateway, Setup, Twilio, get, post};
use serde_json::Value;

use crate::delivery::{OURS, start_with_twilio};

const NUMBER: &str = "12025550107";
const TEXT: &str = "planted text";

fn token(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.command(&[&["console", "token", "--for", "grafana"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn read(gateway: &Gateway, token: &str, path: &str) -> Answer {
    get(gateway.console_address(), path, &[("authorization", &format!("Bearer {token}"))])
}

fn tokens(gateway: &Gateway) -> Value {
    serde_json::from_slice(&gateway.command(&["console", "tokens", "--json"]).stdout).expect("JSON")
}

fn routed() -> (Twilio, Gateway) {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("console.hold_ms", "10"));
    twilio.inbound_sms(&format!("+{NUMBER}"), OURS, TEXT).expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    (twilio, gateway)
}

#[test]
fn a_token_reads_masked_json() {
    let (_twilio, gateway) = routed();
    for role in ["viewer", "operator"] {
        let token = token(&gateway, &["--role", role]);
        for path in
            ["/.json", "/live.json", "/deliveries.json?state=sent", "/deliveries/1.json", "/live/rows.json?after=1"]
        {
            let answer = read(&gateway, &token, path);
            assert!(answer.status == 200 && answer.json.is_object(), "{path}: {answer:?}");
            for planted in [NUMBER, TEXT, "Acme customer"] {
                assert!(!answer.text.contains(planted), "{path} has {planted}: {}", answer.text);
            }
        }
    }
}

#[test]
fn a_token_reads_no_pages() {
    let gateway = Setup::misbehaving().start();
    let token = token(&gateway, &[]);
    for path in ["/", "/live", "/deliveries"] {
        let answer = read(&gateway, &token, path);
        assert!(answer.status == 403 && answer.text.contains(".json"), "{path}: {answer:?}");
    }
}

#[test]
fn a_token_changes_and_shows_nothing() {
    let (_twilio, gateway) = routed();
    let token = format!("Bearer {}", token(&gateway, &["--role", "operator"]));
    let origin = format!("http://{}", gateway.console_address());
    let headers =
        [("authorization", &*token), ("origin", &origin), ("content-type", "application/x-www-form-urlencoded")];
    for path in ["/deliveries/1/retry.json", "/deliveries/1/show.json", "/plugins/reload", "/leave"] {
        let answer = post(gateway.console_address(), path, &headers, b"");
        assert!(answer.status == 403 && !answer.text.contains(NUMBER), "{path}: {answer:?}");
    }
    assert_eq!(gateway.deliveries()[0]["attempts"], 1);
}

#[test]
fn an_ended_token_is_refused() {
    let gateway = Setup::misbehaving().start();
    let token = token(&gateway, &[]);
    assert_eq!(read(&gateway, &token, "/.json").status, 200);
    let listed = tokens(&gateway);
    assert_eq!([&listed[0]["who"], &listed[0]["role"]], ["grafana", "viewer"], "{listed}");
    assert!(!listed.to_string().contains(&token) && listed[0]["used_ms"].is_i64(), "{listed}");
    assert!(gateway.command(&["console", "end", listed[0]["id"].as_str().expect("an id")]).status.success());
    let refused = read(&gateway, &token, "/.json");
    assert!(refused.status == 401 && refused.text.contains("frontgate console token"), "{refused:?}");
    assert_eq!(tokens(&gateway), Value::Array(Vec::new()));
}

#[test]
fn an_expired_token_is_refused() {
    if frontgate_tests::on_postgres() {
        // The clock of the database decides there.
        return;
    }
    let gateway = Setup::misbehaving().start();
    let token = token(&gateway, &["--days", "1"]);
    assert_eq!(read(&gateway, &token, "/.json").status, 200);
    let gateway = gateway.start_again_later(86_400_000 + 60_000);
    assert_eq!(read(&gateway, &token, "/.json").status, 401);
}

#[test]
fn a_token_survives_a_restart() {
    let gateway = Setup::misbehaving().start();
    let token = token(&gateway, &[]);
    assert_eq!(read(&gateway.restart(), &token, "/.json").status, 200);
}

#[test]
fn a_token_sees_only_its_tenants() {
    let (_twilio, gateway) = routed();
    gateway.reconfigure(&[
        ("tenants.other.path", "\"/other\""),
        ("tenants.other.twilio.auth_tokens", "[{ env = \"PATH\" }]"),
    ]);
    let token = token(&gateway, &["--tenant", "other"]);
    assert_eq!(read(&gateway, &token, "/deliveries/1.json").status, 404);
    assert_eq!(read(&gateway, &token, "/audit.json").status, 404);
}

#[test]
fn creation_and_end_of_a_token_are_recorded() {
    let gateway = Setup::misbehaving().start();
    token(&gateway, &[]);
    let listed = tokens(&gateway);
    assert!(gateway.command(&["console", "end", listed[0]["id"].as_str().expect("an id")]).status.success());
    let actions = gateway.command(&["audit", "list", "--json"]);
    let actions: Value = serde_json::from_slice(&actions.stdout).expect("JSON");
    assert_eq!([&actions[0]["action"], &actions[0]["object"]], ["end token", "token of grafana"], "{actions}");
    assert_eq!(actions[1]["action"], "create token", "{actions}");
}

#[test]
fn tokens_of_other_programs_are_ignored() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    assert_eq!(person.get("/.json").status, 200);
    let answer = get(gateway.console_address(), "/.json", &[("authorization", "Bearer eyJhbGciOiJub25lIn0")]);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json["title"], "Sign in");
}
