//! Tests Twilio signatures end to end; unit tests of the verifier cover every form of a signature.

use frontgate_tests::{LIST, PUBLIC_URL, Setup, TOKEN, post, sign, sign_sha256};
use url::form_urlencoded;

const FORM: &str = "application/x-www-form-urlencoded";

fn body() -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(LIST).finish()
}

#[test]
fn a_wrong_signature_gets_a_constant_403_and_a_hint_in_the_log() {
    let gateway = Setup::misbehaving().start();
    let (path, body) = ("/callbacks/crm", body());
    let refused = r#"{"error":{"code":"signature-mismatch","message":"invalid signature"}}"#;
    let table = [
        (sign("another token", &format!("{PUBLIC_URL}{path}"), &LIST), "tried https://gw.example.org/callbacks/crm"),
        (sign(TOKEN, &format!("http://gw.example.org{path}"), &LIST), "if public_url were http://gw.example.org"),
        (sign(TOKEN, &format!("{PUBLIC_URL}{path}/"), &LIST), "if the URL at Twilio ended with a slash"),
        (String::new(), "invalid signature"),
    ];
    for (signature, words) in table {
        let answer = post(
            gateway.address(),
            path,
            &[("content-type", FORM), ("x-twilio-signature", &signature)],
            body.as_bytes(),
        );
        assert_eq!((answer.status, answer.text.as_str()), (403, refused));
        gateway.log().wait_for(words);
    }
    let answer = post(gateway.address(), path, &[("content-type", FORM)], body.as_bytes());
    assert_eq!((answer.status, answer.text.as_str()), (403, refused));
    gateway.log().wait_for("no X-Twilio-Signature header");
}

#[test]
fn the_query_and_the_default_port_may_be_part_of_the_signed_url() {
    let gateway = Setup::misbehaving().start();
    let path = "/callbacks/crm?tenant=a%20b&x=it's";
    for url in [format!("{PUBLIC_URL}{path}"), format!("{PUBLIC_URL}:443{path}")] {
        let signature = sign(TOKEN, &url, &LIST);
        let headers = [("content-type", FORM), ("x-twilio-signature", signature.as_str())];
        assert_eq!(post(gateway.address(), path, &headers, body().as_bytes()).status, 200, "{url}");
        assert_eq!(post(gateway.address(), "/callbacks/crm", &headers, body().as_bytes()).status, 403, "{url}");
    }
}

#[test]
fn requests_that_are_no_signed_form_get_a_specific_error() {
    let gateway = Setup::misbehaving().start();
    let json = br#"{"Location":"GetCustomersList"}"#;
    let hash = "c07e95ea5d70a0b3c0f1b1ae2ffa4e0e4da1b2b7e2b7c9d1d7c1a1b4d5f2d7b1";
    let path = format!("/callbacks/crm?bodySHA256={hash}");
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &[]);
    let headers = [("content-type", "application/json"), ("x-twilio-signature", signature.as_str())];
    assert_eq!(post(gateway.address(), &path, &headers, json).status, 403, "the hash is another body's");

    let signature = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &[]);
    let headers = [("content-type", "application/json"), ("x-twilio-signature", signature.as_str())];
    let answer = post(gateway.address(), "/callbacks/crm", &headers, json);
    assert_eq!((answer.status, answer.code()), (415, "not-a-form"));

    let version1 = "/callbacks/crm?location=GetCustomersList";
    let answer = post(gateway.address(), version1, &[("content-type", FORM), ("x-twilio-token", "eyJ")], b"Token=eyJ");
    assert_eq!((answer.status, answer.code()), (400, "callback-version-1"));
    let answer = post(gateway.address(), "/callbacks/other", &[], b"");
    assert_eq!((answer.status, answer.code()), (404, "unknown-address"));
}

#[test]
fn an_old_and_a_new_token_are_accepted_together() {
    let setup =
        Setup::misbehaving().set("tenants.demo.twilio.auth_tokens", "[{ file = \"new\" }, { file = \"token\" }]");
    std::fs::write(setup.folder().join("new"), "the new token\n").expect("a file");
    let gateway = setup.start();
    for token in [TOKEN, "the new token"] {
        let signature = sign(token, &format!("{PUBLIC_URL}/callbacks/crm"), &LIST);
        let headers = [("content-type", FORM), ("x-twilio-signature", signature.as_str())];
        assert_eq!(post(gateway.address(), "/callbacks/crm", &headers, body().as_bytes()).status, 200, "{token}");
    }
}

#[test]
fn a_shared_key_is_accepted_beside_the_tokens() {
    let key = "{ id = \"webhooks_sharedkey_1\", secret = { file = \"token\" } }";
    let gateway = Setup::misbehaving().set("tenants.demo.twilio.shared_keys", format!("[{key}]")).start();
    let url = format!("{PUBLIC_URL}/callbacks/crm");
    let settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
    for (signature, status) in [(sign_sha256(TOKEN, &url, &LIST), 200), (sign(TOKEN, &url, &LIST), 403)] {
        let headers = [
            ("content-type", FORM),
            ("x-twilio-signature", signature.as_str()),
            ("x-twilio-webhooks-signature-settings", settings),
        ];
        assert_eq!(post(gateway.address(), "/callbacks/crm", &headers, body().as_bytes()).status, status);
    }
}
