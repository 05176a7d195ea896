//! Requests of clients that no library sends.

use frontgate_tests::post;
use serde_json::json;

use super::{CLIENT, Fixture, SECRET};

#[test]
fn malformed_requests_get_the_errors_of_the_standard() {
    let fixture = Fixture::new();
    for (form, error) in [
        (&[][..], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("grant_type", "authorization_code")], "invalid_request"),
        (&[("grant_type", "authorization_code"), ("code", "invented")], "invalid_grant"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "invented")], "invalid_grant"),
        (&[("grant_type", "refresh_token"), ("grant_type", "refresh_token")], "invalid_request"),
        (&[("grant_type", "refresh_token"), ("client_secret", SECRET)], "invalid_request"),
    ] {
        let answer = fixture.post("token", form);
        assert_eq!((answer.status, &answer.json["error"]), (400, &json!(error)), "{form:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[test]
fn a_body_that_is_no_form_is_refused() {
    let fixture = Fixture::new();
    let body = json!({ "client_id": CLIENT, "client_secret": SECRET, "grant_type": "refresh_token" }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = post(fixture.gateway.address(), "/front/sms/oauth/token", &headers, body.as_bytes());
    assert_eq!((answer.status, &answer.json["error"]), (415, &json!("invalid_request")));
}

#[test]
fn each_refusal_is_counted_under_its_code() {
    let fixture = Fixture::new();
    fixture.post_as((CLIENT, "wrong"), "token", &[]);
    let line = fixture.gateway.log().wait_for("callback front-oauth refused");
    assert_eq!((&line["code"], &line["tenant"]), (&json!("oauth-invalid-client"), &json!("demo")));
    let counted = fixture
        .gateway
        .metric("frontgate_requests_total{tenant=\"demo\",callback=\"front-oauth\",code=\"oauth-invalid-client\"}");
    assert!((counted - 1.0).abs() < f64::EPSILON, "{counted}");
}
