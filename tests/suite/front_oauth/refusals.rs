//! Refused requests of clients: wrong addresses, replayed and stolen codes, downgrades.

use frontgate_tests::{Page, Setup, get};
use serde_json::{Value, json};

use super::{CLIENT, Fixture, RETURN, SECRET, begin, code, oauth, post_to};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const WITH_CHALLENGE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

impl Fixture {
    /// Exchanges a code with changed or additional fields. Returns the status and the error.
    fn exchange(&self, code: &str, change: &[(&str, &str)]) -> (u16, String) {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", RETURN)];
        for (name, value) in change {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        let answer = self.post("token", &form);
        (answer.status, answer.json["error"].as_str().unwrap_or_default().to_owned())
    }

    /// Returns the answer to a request that begins a sign-in.
    fn begun(&mut self, change: &[(&str, &str)]) -> Page {
        self.browser.open(&begin(change))
    }
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[test]
fn a_wrong_return_address_shows_an_error_and_leads_nowhere() {
    let mut fixture = Fixture::new();
    for wrong in [
        "https://evil.example.com/return",
        "https://front.example.com/return/",
        "https://front.example.com/return?a=1",
        "https://front.example.com.evil.example/return",
    ] {
        let page = fixture.begun(&[("redirect_uri", wrong)]);
        assert_eq!(page.answer.status, 400, "{wrong}");
        assert!(!page.answer.headers.contains_key("location") && !page.answer.text.contains("evil"), "{wrong}");
    }
    let page = fixture.begun(&[("client_id", "another")]);
    assert_eq!(page.answer.status, 400);
    let log = fixture.gateway.log().wait_for("callback front-sign-in refused");
    assert_eq!(log["code"], "sign-in-invalid");
}

#[test]
fn a_challenge_without_s256_is_refused_before_the_sign_in() {
    let mut fixture = Fixture::new();
    for change in
        [&[("code_challenge", VERIFIER), ("code_challenge_method", "plain")][..], &[("code_challenge", VERIFIER)]]
    {
        let page = fixture.begun(change);
        assert!(page.url.starts_with(RETURN), "{}", page.url);
        assert_eq!(page.parameter("error").as_deref(), Some("invalid_request"), "{}", page.url);
        assert_eq!(page.parameter("state").as_deref(), Some("state-1"));
    }
}

#[test]
fn a_code_with_a_challenge_needs_its_verifier() {
    let mut fixture = Fixture::new();
    let code = code(&fixture.allow(&begin(&WITH_CHALLENGE)));
    assert_eq!(fixture.exchange(&code, &[]), invalid_grant(), "without a verifier");
    assert_eq!(fixture.exchange(&code, &[("code_verifier", CHALLENGE)]), invalid_grant(), "with the challenge");
    assert_eq!(fixture.exchange(&code, &[("code_verifier", VERIFIER)]).0, 200);
}

#[test]
fn a_verifier_without_a_challenge_is_refused() {
    let mut fixture = Fixture::new();
    let code = code(&fixture.allow(&begin(&[])));
    assert_eq!(fixture.exchange(&code, &[("code_verifier", VERIFIER)]), invalid_grant());
}

#[test]
fn a_replayed_code_revokes_the_tokens_of_its_grant() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let returned = fixture.allow(&client.begin());
    let tokens = client.finish(&returned);
    let replayed = client.finish(&returned);
    assert_eq!(replayed["error"], "invalid_grant", "{replayed}");
    for name in ["access_token", "refresh_token"] {
        let found = client.act("introspect", &json!({ "token": tokens[name] }));
        assert_eq!(found, json!({ "active": false }), "{name}");
    }
    let refreshed = client.act("refresh", &json!({ "refresh_token": tokens["refresh_token"] }));
    assert_eq!(refreshed["error"], "invalid_grant", "{refreshed}");
    fixture.gateway.log().wait_for_event("front.grant_revoked");
}

#[test]
fn a_stolen_code_is_worthless_to_another_client() {
    let provider = frontgate_tests::Provider::start();
    let front = frontgate_tests::Front::start();
    let other = |setup: Setup| {
        oauth(setup, &front, "other")
            .file("other-secret", "another-secret-with-more-than-32-letters")
            .set("tenants.demo.front.other.app_uid", "{ file = \"files/app-uid\" }")
            .set("tenants.demo.front.other.app_secrets", "[{ file = \"files/app-secret\" }]")
            .set("tenants.demo.front.other.plugin", "\"courier\"")
            .set("tenants.demo.front.other.oauth.client_id", "\"thief\"")
            .set("tenants.demo.front.other.oauth.client_secrets", "[{ file = \"files/other-secret\" }]")
    };
    drop(provider);
    let mut fixture = Fixture::with(other);
    let code = code(&fixture.allow(&begin(&[])));
    let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", RETURN)];
    let thief = ("thief", "another-secret-with-more-than-32-letters");
    let address = fixture.gateway.address();
    let stolen = post_to(address, thief, "/front/other/oauth/token", &form);
    assert_eq!((stolen.status, &stolen.json["error"]), (400, &json!("invalid_grant")));
    let wrong = post_to(address, thief, "/front/sms/oauth/token", &form);
    assert_eq!((wrong.status, &wrong.json["error"]), (401, &json!("invalid_client")));
    assert!(wrong.headers["www-authenticate"].starts_with("Basic"), "{:?}", wrong.headers);
    // The theft failed, and the code is still its owner's.
    assert_eq!(fixture.exchange(&code, &[]).0, 200);
}

#[test]
fn a_code_is_exchanged_at_the_address_that_got_it() {
    let mut fixture = Fixture::new();
    let code = code(&fixture.allow(&begin(&[])));
    let other = fixture.front.redirect_uri();
    assert_eq!(fixture.exchange(&code, &[("redirect_uri", &other)]), invalid_grant());
    assert_eq!(fixture.exchange(&code, &[("redirect_uri", "")]), invalid_grant());
}

/// A fixture whose client has one address, which its requests need not name.
fn with_one_address() -> Fixture {
    Fixture::with(|setup| setup.set("tenants.demo.front.sms.oauth.redirect_uris", format!("[{RETURN:?}]")))
}

#[test]
fn a_code_of_a_request_without_an_address_is_exchanged_without_one() {
    let mut fixture = with_one_address();
    let code = code(&fixture.allow(&begin(&[("redirect_uri", "")])));
    assert_eq!(fixture.exchange(&code, &[("redirect_uri", "")]).0, 200);
}

#[test]
fn a_code_of_a_request_without_an_address_is_exchanged_at_no_other_one() {
    let mut fixture = with_one_address();
    let code = code(&fixture.allow(&begin(&[("redirect_uri", "")])));
    let other = fixture.front.redirect_uri();
    assert_eq!(fixture.exchange(&code, &[("redirect_uri", &other)]), invalid_grant());
    assert_eq!(fixture.exchange(&code, &[("redirect_uri", RETURN)]).0, 200);
}

#[test]
fn a_client_of_authlib_notices_a_wrong_state() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let returned = fixture.allow(&client.begin());
    let forged = returned.replace("state=", "state=x");
    let answer = client.finish(&forged);
    assert_eq!(answer["kind"], "MismatchingStateException", "{answer}");
}

#[test]
fn a_request_without_state_and_challenge_is_refused() {
    let mut fixture = Fixture::new();
    let page = fixture.begun(&[("state", "")]);
    assert_eq!(page.parameter("error").as_deref(), Some("invalid_request"), "{}", page.url);
}

#[test]
fn an_expired_code_is_refused() {
    let mut fixture = Fixture::with(|setup| setup.set("tenants.demo.front.sms.oauth.code_lifetime_ms", "1000"));
    let code = code(&fixture.allow(&begin(&[])));
    let wrong = [("code_verifier", VERIFIER)];
    // A wrong exchange does not spend the code, and says when it has expired.
    let reason = || {
        let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", RETURN), wrong[0]];
        fixture.post("token", &form).json["error_description"].clone()
    };
    frontgate_tests::eventually("the code expires", reason, |reason: &Value| reason == "code is invalid or expired");
    assert_eq!(fixture.exchange(&code, &[]), invalid_grant());
}

#[test]
fn a_client_has_to_authenticate_at_every_endpoint() {
    let fixture = Fixture::new();
    for endpoint in ["token", "introspect", "revoke"] {
        for client in [(CLIENT, "wrong"), ("wrong", SECRET), (CLIENT, "")] {
            let answer = fixture.post_as(client, endpoint, &[("token", "x"), ("grant_type", "refresh_token")]);
            assert_eq!((answer.status, &answer.json["error"]), (401, &json!("invalid_client")), "{endpoint}");
        }
        let answer = get(fixture.gateway.address(), &format!("/front/sms/oauth/{endpoint}"), &[]);
        assert_eq!(answer.status, 405, "{endpoint}");
    }
}

#[test]
fn an_app_without_oauth_has_no_authorization_server() {
    let fixture = crate::channels::ChannelFixture::new();
    for path in ["authorize", "sign-in", "token", "introspect", "revoke", "return"] {
        let answer = get(fixture.gateway.address(), &format!("/front/sms/oauth/{path}"), &[]);
        assert_eq!((answer.status, answer.code()), (404, "unknown-address"), "{path}");
    }
}
